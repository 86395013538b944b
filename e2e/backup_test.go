package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBackup copies the store of a relay under load and brings the copy back
// elsewhere: it must be whole, and hold each message that was acknowledged
// before the copy began, with its content.
func TestBackup(t *testing.T) {
	rng := random(t)
	s := newSink(t, later)
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1h", delivery: "site_connections = 5"})
	password := r.account("load")
	r.start()
	l := &load{r: r, user: "load", password: password, clients: 6, domain: "sender.test", large: 0.03}
	l.start(t, rng)
	until(t, 30*time.Second, "300 messages are acknowledged", func() bool { return l.count() >= 300 })

	before := l.fates()
	file := filepath.Join(shortDir(t), "relay.backup")
	r.cli("backup", file)
	during := l.count() - tally(before)[acked]
	until(t, 10*time.Second, "the relay goes on", func() bool { return l.count() >= tally(before)[acked]+during+50 })
	l.finish()
	if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the backup: %v, %v; want a file that others cannot read", info, err)
	}
	if res := r.run("", "backup", file); res.code == 0 {
		t.Error("a backup was overwritten without --force")
	}
	if res := r.run("", "restore", file); res.code == 0 {
		t.Error("restore did not refuse while a relay runs")
	}
	r.proven()
	r.stop()

	good := newSink(t, behaviour{})
	second := newRelay(t, setup{smarthost: good.addr(), retry: "1s"})
	second.cli("restore", file)
	second.proven()
	taken := second.accepted(l.domain)
	for id, m := range before {
		if m.fate == acked && taken[id].ID == "" {
			t.Errorf("%s was acknowledged before the backup and is not in it", id)
		}
	}
	all := l.fates()
	charged(t, taken, all, second.usage("load"))
	n := tally(before)[acked]
	t.Logf("%d messages acknowledged before the backup, %d during it, %d in all; %d in the backup", n, during, l.count(), len(taken))
	if len(taken) > n+during+l.clients {
		t.Errorf("%d messages in the backup", len(taken))
	}

	second.cli("queue", "retry", "--all")
	second.start()
	second.drained(time.Minute)
	for id := range taken {
		m := all[id]
		for _, to := range m.to {
			if at := good.came(m.id, to); at != 1 {
				t.Errorf("%s to %s came %d times from the restored store", id, to, at)
			}
		}
	}
	good.whole(t)
	second.proven()
	second.stop()
}

// TestBackup_damaged wants a damaged copy to be refused, and the store that is
// there to stay.
func TestBackup_damaged(t *testing.T) {
	s := newSink(t, later)
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1h"})
	password := r.account("acme")
	r.start()
	c := r.open("acme", password)
	for i := range 50 {
		c.must(t, compose("m"+itoa(i), "a@acme.test", []string{"one@there.test"}, 20_000))
	}
	file := filepath.Join(shortDir(t), "relay.backup")
	r.cli("backup", file)
	r.stop()
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	half := whole[:len(whole)/2]
	bad := append([]byte(nil), whole...)
	for i := len(bad) / 4; i < len(bad)*3/4; i++ {
		bad[i] ^= 0x5a
	}
	for name, content := range map[string][]byte{"cut in half": half, "octets changed": bad, "empty": {}, "something else": []byte("no store\n")} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
			before := names(t, r.data)
			if res := r.run("", "restore", file); res.code <= 0 || !strings.Contains(res.err, "relay: error: ") {
				t.Errorf("restore: exit code %d, want a refusal in clear words\n%.300s", res.code, res.err)
			}
			if after := names(t, r.data); after != before {
				t.Errorf("the data directory holds %s, before it held %s", after, before)
			}
			if got := len(r.queue()); got != 50 {
				t.Errorf("%d messages in the queue afterwards, want 50", got)
			}
		})
	}
	r.proven()
}

// names of the files in a folder.
func names(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range list {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}
