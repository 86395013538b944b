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
	until(t, "the backlog is drained", func() bool { return len(r.queue()) == len(kept) })
	if res := r.run("", "compact"); res.code != 75 || !strings.Contains(res.err, "hint: stop the relay first") {
		t.Errorf("compact while the relay runs: exit code %d\n%s", res.code, res.err)
	}
	r.stop()

	before := r.queue()
	was := r.storeBytes()
	out := r.cli("compact")
	now := r.storeBytes()
	t.Logf("%s", strings.TrimSpace(out))
	if now > was/2 {
		t.Errorf("the store has %d octets, before %d", now, was)
	}
	r.proven()
	if after := r.queue(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the queue is another:\n%v\nbefore:\n%v", after, before)
	}
	r.start()
	r.cli("queue", "release", "--account", "steady")
	r.drained()
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

// TestKilledCommands kills compactions and restores while they write the new file, and
// some time later: the store is whole, and the one or the other.
func TestKilledCommands(t *testing.T) {
	t.Parallel()
	rng := random(t)
	s := newSink(t, later)
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1h"})
	r.local("steady")
	r.start()
	fillStore(t, r, 10)
	file := filepath.Join(shortDir(t), "relay.copy")
	size := backedUp(t, r, file)
	fillStore(t, r, 10)
	r.stop()
	const older, newer = 100, 200
	for _, args := range [][]string{{"compact"}, {"restore", file}} {
		cut := 0
		for i := range *killsFlag {
			at := rng.Int64N(size * 9 / 10)
			late := time.Duration(i%2) * time.Duration(rng.Int64N(int64(200*time.Millisecond)))
			for early := false; !early; at = 0 { // again if it was faster, unless it is to be late
				if early = r.killedAt(at, late, args...); early {
					cut++
				}
				if n := len(r.queue()); n != newer && (n != older || args[0] == "compact") {
					t.Fatalf("%s: %d messages are there", args[0], n)
				}
				early = early || late > 0
			}
		}
		t.Logf("%s was killed %d times before its end", args[0], cut)
		r.proven()
	}
	r.cli("restore", file)
	r.cli("compact")
	r.start()
	r.proven()
	r.stop()
	if got := r.unfinished(); len(got) > 0 {
		t.Errorf("left over: %v", got)
	}
}

// killedAt runs a command that writes a new store, and kills it when the file has so many
// octets, or a time later. It reports whether the command had not ended.
func (r *relay) killedAt(octets int64, late time.Duration, args ...string) bool {
	r.t.Helper()
	old := r.unfinished()
	p := execute(r.t, command(binary, r.args(args...)...))
	until(r.t, "the new file is written", func() bool {
		for name, size := range r.unfinished() {
			if _, is := old[name]; !is && size >= octets {
				return true
			}
		}
		return p.ended()
	})
	rest(r.t.Context(), late)
	_ = p.cmd.Process.Kill() // it may be done
	return p.wait(r.t) < 0
}

// unfinished are the sizes of new stores that have not taken the place of the old one.
func (r *relay) unfinished() map[string]int64 {
	r.t.Helper()
	list, err := os.ReadDir(r.data)
	if err != nil {
		r.t.Fatal(err)
	}
	sizes := map[string]int64{}
	for _, e := range list {
		if info, err := e.Info(); err == nil && (strings.Contains(e.Name(), ".compact.") || strings.Contains(e.Name(), "restore.")) {
			sizes[e.Name()] = info.Size()
		}
	}
	return sizes
}
