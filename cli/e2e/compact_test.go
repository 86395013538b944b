package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCompact drains a backlog and wants its space back, and each message that is
// still there to arrive as it was sent.
func TestCompact(t *testing.T) {
	t.Parallel()
	s := newSink(t, later)
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1s"})
	password := r.local("steady")
	r.start()
	c := r.open("steady", password)
	kept := map[string]bool{}
	for i := range 30 {
		if i%3 == 0 {
			fillStore(t, r, 2) // between what stays
		}
		m := compose(fmt.Sprintf("kept-%d", i), "a@steady.test", []string{"one@kept.test"}, 1000<<(i%12))
		c.must(t, m)
		kept[m.id] = true
	}
	for _, m := range r.queue() {
		if strings.HasPrefix(m.MessageID, "<kept-") {
			r.cli("queue", "hold", m.ID)
		}
	}
	s.behave(behaviour{})
	r.cli("queue", "retry", "--all")
	until(t, time.Minute, "the backlog is drained", func() bool { return len(r.queue()) == len(kept) })
	if res := r.run("", "compact"); res.code != 75 || !strings.Contains(res.err, "hint: stop the relay first") {
		t.Errorf("compact while the relay runs: exit code %d\n%s", res.code, res.err)
	}
	r.stop()

	before := r.queue()
	was := r.storeBytes()
	out := r.cli("compact")
	now := r.storeBytes()
	t.Logf("%s", strings.TrimSpace(out))
	if now > was/3 {
		t.Errorf("the store has %d octets, before %d", now, was)
	}
	r.proven()
	if after := r.queue(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the queue is another:\n%v\nbefore:\n%v", after, before)
	}
	r.start()
	r.cli("queue", "release", "--account", "steady")
	r.drained(time.Minute)
	for id := range kept {
		if n := s.came(id, "one@kept.test"); n != 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
	s.whole(t)
	r.stop()
	r.proven()
}

// storeBytes is what the store takes on the disk: the end of the file may be a hole.
func (r *relay) storeBytes() int64 {
	r.t.Helper()
	var got struct{ Before int64 }
	r.json(&got, "compact", "--dry-run")
	return got.Before
}

// TestKilledCommands kills compactions and restores at any time: the store is
// whole, and the one or the other.
func TestKilledCommands(t *testing.T) {
	t.Parallel()
	rng := random(t)
	s := newSink(t, later)
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1h"})
	r.local("steady")
	r.start()
	fillStore(t, r, 10)
	file := filepath.Join(shortDir(t), "relay.copy")
	r.cli("backup", file)
	fillStore(t, r, 10)
	r.stop()
	const older, newer = 100, 200
	ids := func() int { return len(r.queue()) }
	for _, args := range [][]string{{"compact"}, {"restore", file}} {
		cut, within := 0, 200 // milliseconds; about as long as the command takes
		for range *killsFlag {
			p := execute(t, command(binary, r.args(args...)...))
			time.Sleep(time.Duration(10+rng.IntN(within)) * time.Millisecond)
			_ = p.cmd.Process.Kill() // it may be done
			if p.wait(t, 10*time.Second) < 0 {
				cut++
				within += within / 2
			} else {
				within = max(within/2, 20)
			}
			if n := ids(); n != newer && (n != older || args[0] == "compact") {
				t.Fatalf("%s: %d messages are there", args[0], n)
			}
		}
		t.Logf("%s was killed %d times before its end", args[0], cut)
		if cut == 0 {
			t.Errorf("%s was never killed in the middle", args[0])
		}
		r.proven()
	}
	r.cli("restore", file)
	r.cli("compact")
	r.start()
	r.proven()
	r.stop()
	list, err := os.ReadDir(r.data)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if n := e.Name(); strings.Contains(n, ".compact.") || strings.Contains(n, "restore.") {
			t.Errorf("left over: %s", n)
		}
	}
}
