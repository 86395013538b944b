package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestBackup_pause measures how long messages wait for their 250 while a store is
// copied, beside how long they do otherwise. Without a limit it judges nothing but what is
// copied, since disks and loads differ: TestBackup_killed proves that mail goes on while a
// copy stands still. For figures that can be compared:
//
//	go test ./cli/e2e -run TestBackup_pause -v -store 1200 -pause 50ms -idle 6s
func TestBackup_pause(t *testing.T) {
	down := newSink(t, behaviour{})
	hop := down.addr()
	down.close() // nobody listens there
	r := newRelay(t, setup{smarthost: hop, retry: "1h", limits: "messages_per_connection = 1000000"})
	r.local("steady")
	r.start()
	fillStore(t, r, *storeFlag)
	r.idle(t, "before") // what a drained backlog leaves is in there too
	before := storeSize(t, r)
	file := filepath.Join(shortDir(t), "relay.copy")
	r.measure(t, "while it is copied", *pauseFlag, func() { r.cli("backup", file) })
	grown := storeSize(t, r) - before
	r.measure(t, "while it is copied, read again and proved", *pauseFlag, func() { r.cli("backup") })
	r.idle(t, "after")
	t.Logf("the store's file had %d MB, and grew by %d MB while it was copied", before/1e6, grown/1e6)
	r.cli("restore", "--dry-run", file)
	r.stop()
}

// fillStore sends messages of 100 KB until the queue holds so many megabytes.
func fillStore(t *testing.T, r *relay, megabytes int) {
	t.Helper()
	const clients = 4
	var done sync.WaitGroup
	for k := range clients {
		done.Go(func() {
			c, err := known(r.addr("none"))
			if err != nil {
				t.Error(err)
				return
			}
			defer c.quit()
			for i := k; i < megabytes*10; i += clients {
				m := compose(fmt.Sprintf("f%d", i), "a@steady.test", []string{fmt.Sprintf("to@d%d.test", i%97)}, 100_000)
				if _, err := c.send(m, true); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done.Wait()
}

func storeSize(t *testing.T, r *relay) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(r.data, "relay.db"))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func (r *relay) idle(t *testing.T, what string) {
	t.Helper()
	r.measure(t, what, patience, func() { time.Sleep(*idleFlag) })
}

// measure sends a message of 10 KB every few milliseconds, from four connections,
// for as long as fn takes, and wants none to wait longer than limit.
func (r *relay) measure(t *testing.T, what string, limit time.Duration, fn func()) {
	t.Helper()
	const clients = 4
	waits := make([][]time.Duration, clients)
	stop := make(chan struct{})
	var done sync.WaitGroup
	for k := range clients {
		done.Go(func() { waits[k] = steady(t, r, fmt.Sprintf("%s-%d", what[len(what)-5:], k), stop) })
	}
	began := time.Now()
	fn()
	took := time.Since(began)
	close(stop)
	done.Wait()
	all := slices.Concat(waits...)
	if slices.Sort(all); len(all) == 0 {
		t.Logf("%s: %s, no messages", what, took)
		return
	}
	at := func(share float64) time.Duration {
		return all[int(float64(len(all)-1)*share)].Round(10 * time.Microsecond)
	}
	t.Logf("%s: %s, %d messages: half within %s, 99 %% within %s, 99.9 %% within %s, all within %s",
		what, took.Round(10*time.Millisecond), len(all), at(0.5), at(0.99), at(0.999), at(1))
	if at(1) > limit {
		t.Errorf("%s: a message waited %s, want at most %s", what, at(1), limit)
	}
}

// steady sends messages, one every 10 ms where the relay keeps up, and returns how
// long each waited.
func steady(t *testing.T, r *relay, id string, stop <-chan struct{}) (waits []time.Duration) {
	c, err := known(r.addr("none"))
	if err != nil {
		t.Error(err)
		return nil
	}
	defer c.quit()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return waits
		case <-tick.C:
		}
		m := compose(fmt.Sprintf("%s-%d-%d", id, n, time.Now().UnixNano()), "a@steady.test", []string{"to@d1.test"}, 10_000)
		began := time.Now()
		if _, err := c.send(m, true); err != nil {
			t.Error(err)
			return waits
		}
		waits = append(waits, time.Since(began))
	}
}
