package e2e

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestBacklog starts a relay with a long queue, after a kill and after a clean
// stop.
func TestBacklog(t *testing.T) {
	down := newSink(t, behaviour{})
	hop := down.addr()
	down.close() // nobody listens there
	r := newRelay(t, setup{smarthost: hop, retry: "1h", limits: "messages_per_connection = 1000000"})
	r.local("bulk")
	r.start()
	idle := follow(t, r)
	began := time.Now()
	n := fillQueue(t, r, *backlogFlag)
	t.Logf("%d messages accepted, %.0f a second", n, float64(n)/time.Since(began).Seconds())
	wantMissed(t, r, idle, n)
	wantListed(t, r, n)
	wantTop(t, r, n)

	r.kill()
	wantListed(t, r, n)
	wantTop(t, r, n)
	t.Logf("from start to banner after a kill: %v", banner(t, r))
	wantBacklog(t, r, n)
	follow(t, r)
	r.cli("queue", "hold", "--all", "--limit", "10000") // more than the one that does not read can be sent
	r.stop()                                            // with somebody who follows and does not read
	t.Logf("from start to banner after a clean stop: %v", banner(t, r))
	wantBacklog(t, r, n)
	r.proven()
}

// fillQueue sends n messages of 2 KB to many domains.
func fillQueue(t *testing.T, r *relay, n int) int {
	t.Helper()
	const clients = 10
	var done sync.WaitGroup
	errs := make(chan error, clients)
	for k := range clients {
		done.Go(func() {
			c, err := known(r.addr("none"))
			if err != nil {
				errs <- err
				return
			}
			defer c.quit()
			for i := k; i < n; i += clients {
				m := compose(fmt.Sprintf("b%d", i), "a@bulk.test", []string{fmt.Sprintf("to@d%d.test", i%997)}, 1500)
				if _, err := c.send(m, true); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	done.Wait()
	close(errs)
	for err := range errs {
		t.Fatal(err)
	}
	return n
}

// banner starts the relay and measures the time until it greets a client.
func banner(t *testing.T, r *relay) time.Duration {
	t.Helper()
	began := time.Now()
	p := r.launch()
	if _, ok := p.says("tls=none"); !ok {
		t.Fatalf("the relay does not listen:\n%s", p.log)
	}
	c, err := known(r.addr("none"))
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	c.quit()
	p.ready(t)
	return took.Round(time.Millisecond)
}

// wantBacklog wants all n messages to be there, and the relay to take more.
func wantBacklog(t *testing.T, r *relay, n int) {
	t.Helper()
	if u := r.usage("bulk"); u.Messages != int64(n) || u.Queued != int64(n) {
		t.Errorf("usage %+v, want %d queued", u, n)
	}
	if got := len(r.queue()); got != n {
		t.Errorf("%d messages in the queue, want %d", got, n)
	}
}

// pipeOf starts a command line and hands over what it writes, which nobody reads
// meanwhile.
func pipeOf(t *testing.T, r *relay, args ...string) (*process, *os.File) {
	t.Helper()
	out, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	cmd := command(binary, r.args(args...)...)
	cmd.Stdout = stdout
	p := execute(t, cmd)
	stdout.Close()
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it may have ended already
	return p, out
}

// idler follows all that happens, and does not read what it is told.
type idler struct {
	*process
	out *os.File
}

func follow(t *testing.T, r *relay) *idler {
	t.Helper()
	p, out := pipeOf(t, r, "trace", "--follow", "--json")
	if _, ok := p.says("following"); !ok {
		t.Fatalf("trace --follow:\n%s", p.log)
	}
	return &idler{p, out}
}

// wantMissed wants the one that did not read to be told of what is gone, Ctrl-C to
// end it, and the relay to have done with it then.
func wantMissed(t *testing.T, r *relay, f *idler, n int) {
	t.Helper()
	timer := time.AfterFunc(patience, func() { f.out.Close() })
	defer timer.Stop()
	events := 0
	lines := bufio.NewScanner(f.out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), `{"missed":`) {
		events++
	}
	if events == 0 || events >= n || !strings.HasPrefix(lines.Text(), `{"missed":`) {
		t.Errorf("%d events of %d or more, then %q, %v", events, n, lines.Text(), lines.Err())
	}
	t.Logf("followed without reading: %d events, then %s", events, lines.Text())
	f.signal(t, os.Interrupt)
	if code := f.wait(t); code != -1 {
		t.Errorf("trace --follow ended with exit code %d after Ctrl-C, want the signal's", code)
	}
	if _, ok := r.running().says("trace/follow"); !ok {
		t.Error("the relay still follows for the one that has gone")
	}
}

// wantListed wants the first row of the whole list early and each message in it,
// and neither the command nor the relay to grow with its length. It also ends at
// once when nobody reads on.
func wantListed(t *testing.T, r *relay, n int) {
	t.Helper()
	began := time.Now()
	p, out := pipeOf(t, r, "queue", "list")
	rows := bufio.NewReader(out)
	if _, err := rows.ReadString('\n'); err != nil {
		t.Fatalf("%v\n%s", err, p.log)
	}
	first, early := time.Since(began), octetsRead(p.cmd.Process.Pid)
	messages, most, all := 0, peak(p.cmd.Process.Pid), early
	for {
		line, err := rows.ReadString('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if line[0] >= '0' && line[0] <= '9' {
			if messages++; messages%1000 == 0 {
				most, all = max(most, peak(p.cmd.Process.Pid)), max(all, octetsRead(p.cmd.Process.Pid))
			}
		}
	}
	if code := p.wait(t); code != 0 || messages != n {
		t.Errorf("queue list: exit code %d, %d messages, want %d\n%s", code, messages, n, p.log)
	}
	t.Logf("queue list: first row after %v and %d KB, all %d after %v and %d KB, %d MB at most; the relay has %d MB",
		first.Round(time.Millisecond), early>>10, messages, time.Since(began).Round(time.Millisecond), all>>10, most>>20, r.memory()>>20)
	if r.running() != nil && early > all/2 { // the pipe holds up who writes more than a few rows
		t.Errorf("the first row came after %d of %d octets", early, all)
	}
	if most > listMemory {
		t.Errorf("queue list took %d MB", most>>20)
	}

	p, out = pipeOf(t, r, "queue", "list")
	if _, err := bufio.NewReaderSize(out, 16).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if code := p.wait(t); code != -1 || p.log.String() != "" {
		t.Errorf("queue list | head: exit code %d, want the signal's, and nothing said\n%s", code, p.log)
	}
}

// listMemory is the most that queue list may take, whatever the queue holds: pages
// of the store that are mapped count, when no relay runs.
const listMemory = 200 << 20

// peak is the most memory that a process had resident so far; 0 where nobody knows.
// (What the kernel counts for wait4 includes what the parent had at the fork.)
func peak(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	line, _, _ := strings.Cut(after, " kB")
	kb, _ := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	return kb << 10
}

// octetsRead are those that a process has read so far, from its sockets too; 0 where
// nobody knows.
func octetsRead(pid int) (octets int64) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	_, _ = fmt.Sscanf(string(text), "rchar: %d", &octets)
	return octets
}

// memory that the relay has resident; 0 where it does not run or nobody knows.
func (r *relay) memory() (octets int64) {
	p := r.running()
	if p == nil {
		return 0
	}
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			_, _ = fmt.Sscan(rest, &octets)
		}
	}
	return octets << 10
}

// wantTop wants the sums of the whole queue to be right.
func wantTop(t *testing.T, r *relay, n int) {
	t.Helper()
	began := time.Now()
	var rows []struct {
		Domain, Account string
		Messages        int
		Recipients      int
	}
	r.json(&rows, "queue", "top", "--limit", "unlimited", "--by", "domain")
	took := time.Since(began)
	messages, recipients := 0, 0
	for _, row := range rows {
		messages += row.Messages
		recipients += row.Recipients
	}
	t.Logf("queue top: %d domains after %v", len(rows), took.Round(time.Millisecond))
	if messages != n || recipients != n || len(rows) != min(n, 997) {
		t.Errorf("queue top: %d domains with %d messages and %d recipients, want %d", len(rows), messages, recipients, n)
	}
}
