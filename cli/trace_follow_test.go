package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"relay/cli/exit"
)

// following is a relay trace --follow that runs.
type following struct {
	t      *testing.T
	out    *bufio.Scanner
	errs   chan string // lines; room for all that there will be
	cancel context.CancelFunc
	code   chan int
	read   []string
}

func (e env) follow(t *testing.T, args ...string) *following {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	errs, stderr := io.Pipe()
	f := &following{t: t, out: bufio.NewScanner(out), errs: make(chan string, 100), cancel: cancel, code: make(chan int, 1)}
	go func() {
		for s := bufio.NewScanner(errs); s.Scan(); {
			f.errs <- s.Text()
		}
	}()
	app := &App{Stdin: strings.NewReader(""), Stdout: stdout, Stderr: stderr, Getenv: e.get, Listen: net.Listen}
	go func() {
		f.code <- app.Run(ctx, append([]string{"trace", "--follow"}, args...))
		stdout.Close()
		stderr.Close()
	}()
	t.Cleanup(cancel)
	time.AfterFunc(soon, cancel)
	return f
}

// until reads lines up to one that has the text.
func (f *following) until(text string) {
	f.t.Helper()
	for f.out.Scan() {
		if f.read = append(f.read, f.out.Text()); strings.Contains(f.out.Text(), text) {
			return
		}
	}
	f.t.Fatalf("no %q in\n%s", text, strings.Join(f.read, "\n"))
}

// rest is all that was read, to the end.
func (f *following) rest() string {
	for f.out.Scan() {
		f.read = append(f.read, f.out.Text())
	}
	return strings.Join(f.read, "\n") + "\n"
}

// begun waits until the relay watches.
func (f *following) begun() {
	f.t.Helper()
	select {
	case line := <-f.errs:
		if !strings.Contains(line, "following") {
			f.t.Fatalf("stderr %q", line)
		}
	case <-time.After(soon):
		f.t.Fatal("it does not begin")
	}
}

// firstID of the queue.
func (e env) firstID(t *testing.T) string {
	t.Helper()
	var list []struct{ ID string }
	if err := json.Unmarshal([]byte(e.must(t, "queue", "list", "--json")), &list); err != nil || len(list) == 0 {
		t.Fatalf("%d messages in the queue, %v", len(list), err)
	}
	return list[0].ID
}

func TestTrace_followsAMessageToItsEnd(t *testing.T) {
	e, s, _ := serveAcme(t)
	if err := submit(s.dir, "a@acme.example", "x@one.example"); err != nil {
		t.Fatal(err)
	}
	id := e.firstID(t)
	e.must(t, "queue", "hold", id)
	plain, objects := e.follow(t, id), e.follow(t, id, "--json")
	plain.until("held")
	objects.until(`"event":"changed"`)
	e.must(t, "queue", "release", id)
	plain.until("released")
	e.must(t, "queue", "drop", id)
	for _, f := range []*following{plain, objects} {
		if f.rest(); <-f.code != exit.Done {
			t.Errorf("it did not end with the message:\n%s", f.rest())
		}
	}
	text := plain.rest()
	one := `..:..:..  ` + id + `  `
	tried := `(?:` + one + `deferred [^\n]*\n)?` // an attempt may end at any time, also after the drop
	mustMatch(t, "stdout", text, `^`+one+`accepted  [^\n]*\n`+tried+one+`held [^\n]*\n`+tried+one+`released [^\n]*\n`+tried+one+`dropped [^\n]*\n(?:`+one+`attempt[^\n]*\n)?$`)
	lines := strings.Split(strings.TrimSpace(objects.rest()), "\n")
	for i, l := range lines {
		var v struct {
			Event string
			Done  bool
		}
		if err := json.Unmarshal([]byte(l), &v); err != nil || v.Event == "" || v.Done != (i == len(lines)-1) {
			t.Errorf("line %d of %d: %s, %v", i+1, len(lines), l, err)
		}
	}
	if code := s.stop(); code != exit.Done {
		t.Errorf("exit code %d\n%s", code, s.log)
	}
}

func TestTrace_followsWhatIsAskedFor(t *testing.T) {
	e, s, _ := serveAcme(t)
	e.must(t, "account", "add", "beta", "--plan", "standard")
	all, acme, beta, two := e.follow(t), e.follow(t, "--account", "acme"), e.follow(t, "--account", "beta"), e.follow(t, "@two.example")
	for _, f := range []*following{all, acme, beta, two} {
		f.begun()
	}
	for i := range 3 {
		if err := submit(s.dir, "a@acme.example", fmt.Sprintf("x%d@one.example", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := submit(s.dir, "a@acme.example", "last@two.example"); err != nil {
		t.Fatal(err)
	}
	id := e.firstID(t)
	e.must(t, "queue", "drop", id)
	all.until("dropped")
	acme.until("dropped")
	two.until("last@two.example")
	mustMatch(t, "stdout", all.read[0], `^..:..:..  `+id+`  accepted   a@acme.example → x0@one.*$`)
	if n := strings.Count(strings.Join(all.read, "\n"), " accepted "); n != 4 {
		t.Errorf("%d acceptances:\n%s", n, strings.Join(all.read, "\n"))
	}
	acme.cancel() // Ctrl-C
	acme.rest()
	<-acme.code

	if code := s.stop(); code != exit.Done { // it does not wait for those who follow
		t.Errorf("exit code %d\n%s", code, s.log)
	}
	for _, f := range []*following{all, beta, two} {
		if text := f.rest(); <-f.code != exit.Unreachable {
			t.Errorf("it did not end with the relay:\n%s", text)
		}
	}
	if text := beta.rest(); strings.TrimSpace(text) != "" {
		t.Errorf("of beta there is\n%s", text)
	}
	if text := two.rest(); strings.Contains(text, "one.example") {
		t.Errorf("of two.example there is\n%s", text)
	}
}
