package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// process is one run of a program.
type process struct {
	cmd  *exec.Cmd
	log  *logBook
	done chan struct{}
}

// command is a program with nothing in its environment that could change what
// it does.
func command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "RELAY_") && !strings.HasPrefix(v, "GOCOVERDIR=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.WaitDelay = patience
	return cmd
}

// execute starts cmd and keeps what it says on standard error.
func execute(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, log: newLogBook(), done: make(chan struct{})}
	cmd.Stderr = p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // the exit code says it
	}()
	return p
}

// finish runs cmd to its end.
func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	if !stop() {
		t.Fatalf("%s did not end within %s\n%s", cmd, patience, errs.String())
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", cmd, err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// ready waits until the relay says that it is.
func (p *process) ready(t *testing.T) {
	t.Helper()
	if _, ok := p.says("relay ready"); !ok {
		t.Fatalf("the relay is not ready:\n%s", p.log)
	}
}

// says waits for a line with text.
func (p *process) says(text string) (string, bool) { return p.log.find(text, p.done) }

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("signal %v: %v\n%s", s, err, p.log)
	}
}

// ended reports whether it has.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// wait for the end, and return the exit code; -1: by a signal.
func (p *process) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("process %d has not ended after %s\n%s", p.cmd.Process.Pid, patience, p.log)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) addr(mode string) string {
	if mode == "back" { // where mail comes back
		lines := p.log.kept("listening for what comes back")
		if len(lines) == 0 {
			return ""
		}
		return field(lines[0], "addr")
	}
	for _, line := range p.log.kept("msg=listening") {
		if field(line, "tls") == mode {
			return field(line, "addr")
		}
	}
	return ""
}

// field of a log line.
func field(line, key string) string {
	_, rest, _ := strings.Cut(line, " "+key+"=")
	if strings.HasPrefix(rest, `"`) {
		value, _, _ := strings.Cut(rest[1:], `"`)
		return value
	}
	value, _, _ := strings.Cut(rest, " ")
	return value
}

// logBook keeps the first and the last lines that were written to it.
type logBook struct {
	mu   sync.Mutex
	rest []byte // an unfinished line
	head []string
	tail []string
	more chan struct{} // closed when there is another line
}

const bookHead, bookTail = 50, 200

func newLogBook() *logBook { return &logBook{more: make(chan struct{})} }

// Write implements io.Writer.
func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rest = append(b.rest, p...)
	for {
		line, rest, ok := bytes.Cut(b.rest, []byte("\n"))
		if !ok {
			break
		}
		b.add(string(line))
		b.rest = rest
	}
	close(b.more)
	b.more = make(chan struct{})
	return len(p), nil
}

func (b *logBook) add(line string) {
	if len(b.head) < bookHead {
		b.head = append(b.head, line)
		return
	}
	if len(b.tail) >= 2*bookTail {
		b.tail = append(b.tail[:0], b.tail[bookTail:]...)
	}
	b.tail = append(b.tail, line)
}

// kept are the lines with text.
func (b *logBook) kept(text string) (lines []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, part := range [][]string{b.head, b.tail} {
		for _, line := range part {
			if strings.Contains(line, text) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// find waits for a line with text, or the writer's end.
func (b *logBook) find(text string, end <-chan struct{}) (string, bool) {
	limit := time.After(patience)
	for {
		b.mu.Lock()
		more := b.more
		b.mu.Unlock()
		if lines := b.kept(text); lines != nil {
			return lines[0], true
		}
		select {
		case <-more:
		case <-limit:
			return "", false
		case <-end:
			lines := b.kept(text)
			return strings.Join(lines, "\n"), lines != nil
		}
	}
}

// String is what is left of the log.
func (b *logBook) String() string { return strings.Join(b.kept(""), "\n") }
