package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// small mounts a file system of that many MiB, or skips.
func small(t *testing.T, mib int) string {
	t.Helper()
	dir := shortDir(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_NODEV|syscall.MS_NOSUID, fmt.Sprintf("size=%dm,mode=0700", mib)); err != nil {
		t.Skipf("a small file system cannot be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// free is the space left on the file system of dir.
func free(t *testing.T, dir string) int64 {
	t.Helper()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	return int64(fs.Bavail) * fs.Bsize
}

// fill writes a file until no more than left octets are free.
func fill(t *testing.T, file string, left int64) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for free(t, filepath.Dir(file)) > left {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestDiskFull fills the disk of a running relay in two steps: little space left,
// then none.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	disk := small(t, 160)
	s := newSink(t, later)
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1s", data: filepath.Join(disk, "data")})
	password := r.account("acme")
	r.start()
	c := r.open("acme", password)
	filler := filepath.Join(disk, "filler")
	sizes := []int{500, 100_000, 3_000_000}
	want := usage{}
	next := 0
	send := func() { // one message of each size
		for _, size := range sizes {
			m := compose(fmt.Sprintf("full-%d", next), "a@acme.test", []string{"one@there.test", "two@there.test"}, size)
			next++
			c.must(t, m)
			want.Messages += 2
			want.Bytes += 2 * int64(len(m.content))
		}
	}
	unchanged := func() {
		t.Helper()
		if u := r.usage("acme"); u.Messages != want.Messages || u.Bytes != want.Bytes {
			t.Errorf("charged %d e-mails and %d octets, want %d and %d", u.Messages, u.Bytes, want.Messages, want.Bytes)
		}
	}
	well := func(want int) {
		t.Helper()
		res := r.run("", "health")
		if res.code != want || want != 0 && !strings.HasPrefix(res.out, "not OK: the disk is full: mail is refused with 452") {
			t.Errorf("health: exit code %d, want %d: %s%s", res.code, want, res.out, res.err)
		}
	}
	refused := func() {
		t.Helper()
		well(1)
		for _, size := range sizes {
			wantFull(t, c, compose("refused", "a@acme.test", []string{"one@there.test"}, size))
		}
		unchanged()
	}

	send()
	well(0)
	fill(t, filler, 4<<20)
	refused()

	t.Log("little space is left: what is queued goes out")
	s.behave(behaviour{})
	r.drained()
	if got := s.total(); got != next {
		t.Errorf("%d messages arrived, want %d", got, next)
	}
	refused()

	t.Log("space is made: all goes on")
	remove(t, filler)
	well(0)
	s.behave(later)
	send()

	t.Log("no space is left at all")
	fill(t, filler, 0)
	refused()
	s.behave(behaviour{})
	refused()

	t.Log("space is made: all goes on")
	remove(t, filler)
	r.drained()
	send()
	r.drained()
	unchanged()
	if p := r.running(); len(p.log.kept("store can no longer be trusted")) > 0 {
		t.Error("a full disk was taken for a broken one")
	}
	for i := range next {
		if got := len(s.find(fmt.Sprintf("full-%d", i))); got < 1 {
			t.Errorf("message %d did not arrive", i)
		}
	}
	if got := s.find("refused"); got != nil {
		t.Errorf("a message that was refused arrived: %+v", got)
	}
	s.whole(t)
	r.stop()
	r.proven()
}

// wantFull wants a message to be refused with 452 4.3.1, wherever in the
// transaction, and the connection to be good for another try.
func wantFull(t *testing.T, c *submitter, m *mail) {
	t.Helper()
	_, err := c.send(m, false)
	bad, ok := errors.AsType[*unexpected](err)
	if !ok || bad.reply.code != 452 || !strings.HasPrefix(bad.reply.text, "4.3.1 ") {
		t.Fatalf("%d octets on a full disk: %v, want 452 4.3.1", len(m.content), err)
	}
	if err := c.expect(250, "RSET"); err != nil {
		t.Fatalf("RSET after 452: %v", err)
	}
}

// failSyncs lets every fdatasync and fsync of a process fail from now on.
func failSyncs(t *testing.T, p *process) {
	t.Helper()
	tracer := execute(t, command("strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync,fsync",
		"-e", "inject=fdatasync,fsync:error=EIO:when=1+", "-p", itoa(p.cmd.Process.Pid)))
	t.Cleanup(func() {
		_ = tracer.cmd.Process.Signal(syscall.SIGTERM) // it ends with what it traces
		tracer.wait(t)
	})
	if _, ok := tracer.says("attached"); !ok {
		t.Skipf("strace cannot attach: %s", tracer.log)
	}
}

// ended wants the relay to have given up by itself.
func (r *relay) ended(p *process) {
	r.t.Helper()
	if code := p.wait(r.t); code <= 0 {
		r.t.Errorf("exit code %d after the disk failed, want one that tells of a failure\n%s", code, p.log)
	}
	if p.log.kept("level=ERROR") == nil {
		r.t.Errorf("the relay did not tell of the failure:\n%s", p.log)
	}
	r.gone()
}

// TestSyncFails lets the disk refuse to make things durable: the message at hand
// must not be acknowledged, and the relay must end.
func TestSyncFails(t *testing.T) {
	t.Parallel()
	need(t, "strace")
	s := newSink(t, later)
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1h"})
	password := r.account("acme")
	p := r.start()
	c, second := r.open("acme", password), r.open("acme", password)
	for i := range 5 {
		c.must(t, compose(fmt.Sprintf("before-%d", i), "a@acme.test", []string{"one@there.test"}, 5000))
	}
	until(t, "everything was tried", func() bool {
		tried := 0
		for _, m := range r.queue() {
			if m.Recipients[0].State == "deferred" {
				tried++
			}
		}
		return tried == 5
	})
	failSyncs(t, p)
	if f, err := c.send(compose("at-0", "a@acme.test", []string{"one@there.test"}, 5000), false); f == acked {
		t.Error("a message was acknowledged although the sync failed")
	} else {
		t.Logf("the message at hand: %v", err)
	}
	// A further one is refused, if the process is still there to do so.
	if f, err := second.send(compose("at-1", "a@acme.test", []string{"one@there.test"}, 5000), false); f == acked {
		t.Error("a message was acknowledged after the sync had failed")
	} else {
		t.Logf("the next message: %v", err)
	}
	r.ended(p)

	taken := r.accepted("acme.test")
	for i := range 5 {
		if id := fmt.Sprintf("<before-%d@e2e.test>", i); taken[id].ID == "" {
			t.Errorf("%s was acknowledged and is lost", id)
		}
	}
	if u := r.usage("acme"); u.Messages != int64(len(taken)) || u.Queued != u.Messages {
		t.Errorf("usage %+v for %d messages taken", u, len(taken))
	}
	s.behave(behaviour{})
	r.cli("queue", "retry", "--all")
	r.start()
	r.drained()
	if got := s.total(); got != len(taken) {
		t.Errorf("%d messages arrived of %d taken", got, len(taken))
	}
	r.proven()
	r.stop()
	r.proven()
}

// TestSyncFails_load lets the disk fail under load. Nobody knows then whether what
// was at hand is stored: its clients must get no reply rather than a refusal.
func TestSyncFails_load(t *testing.T) {
	t.Parallel()
	need(t, "strace")
	rng := random(t)
	s := newSink(t, moody(rng.Uint64()))
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1s", delivery: "site_connections = " + itoa(siteConnections)})
	password := r.account("load")
	p := r.start()
	l := &load{r: r, user: "load", password: password, clients: 8, domain: "sender.test", large: 0.03, refused: 0.05}
	l.start(t, rng)
	until(t, "200 messages are acknowledged", func() bool { return l.count() >= 200 })
	failSyncs(t, p)
	r.ended(p)
	before := l.count()

	r.start()
	until(t, "the relay takes mail again", func() bool { return l.count() >= before+50 })
	l.finish()
	r.drained()
	settled(t, r, s, l)
	r.proven()
	r.stop()
	r.proven()
}
