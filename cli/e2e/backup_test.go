package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestBackup copies the store of a relay under load and brings the copy back
// elsewhere: it must be whole, and hold each message that was acknowledged
// before the copy began, with its content.
func TestBackup(t *testing.T) {
	t.Parallel()
	rng := random(t)
	s := newSink(t, later)
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1h", delivery: "site_connections = 5"})
	password := r.account("load")
	r.start()
	l := &load{r: r, user: "load", password: password, clients: 6, domain: "sender.test", large: 0.03}
	l.start(t, rng)
	until(t, "300 messages are acknowledged", func() bool { return l.count() >= 300 })

	before := l.fates()
	file := filepath.Join(shortDir(t), "relay.backup")
	r.cli("backup", file)
	during := l.count() - tally(before)[acked]
	until(t, "the relay goes on", func() bool { return l.count() >= tally(before)[acked]+during+50 })
	l.finish()
	if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the backup: %v, %v; want a file that others cannot read", info, err)
	}
	if res := r.run("", "backup", file); res.code == 0 {
		t.Error("a backup was overwritten without --force")
	}
	if res := r.run("", "restore", "--dry-run", file); res.code != 0 {
		t.Errorf("the backup cannot be proved while the relay runs: %s", res.err)
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
	second.drained()
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
	t.Parallel()
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

// TestBackup_killed kills the command in the middle of its work, and then the relay:
// there is no copy, and all goes on. So does mail while a copy stands still.
func TestBackup_killed(t *testing.T) {
	t.Parallel()
	rng := random(t)
	s := newSink(t, later)
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1h"})
	password := r.local("steady")
	r.start()
	fillStore(t, r, *storeFlag)
	dir := shortDir(t)
	file := filepath.Join(dir, "relay.copy")
	c := r.open("steady", password)
	r.backUpTo(file, backedUp(t, r, file)/2, func(p *process) {
		c.must(t, compose("meanwhile", "a@steady.test", []string{"one@there.test"}, 200_000))
		killed(t, p)
	})
	size := backedUp(t, r, file)
	for i := range *killsFlag {
		remove(t, file, file+".manifest")
		part := 1 + rng.Int64N(size*9/10)
		if i%4 == 3 {
			part = size // it is about to give the copy its name
		}
		r.backUpTo(file, part, func(p *process) { killed(t, p) })
		if _, err := os.Stat(file); err == nil && part == size {
			r.cli("restore", "--dry-run", file)
		} else if got := names(t, dir); part < size && !strings.HasPrefix(got, ".relay.copy.") {
			t.Errorf("after a kill when %d of %d octets had come the directory holds %q", part, size, got)
		}
	}
	backedUp(t, r, file)
	if got, want := names(t, dir), "relay.copy relay.copy.manifest"; got != want {
		t.Errorf("the directory holds %s, want %s", got, want)
	}

	p := r.backUpTo(filepath.Join(dir, "second"), size/2, func(*process) { r.kill() })
	if code := p.wait(t); code != 69 {
		t.Errorf("exit code %d when the relay dies, want 69\n%s", code, p.log)
	}
	if got, want := names(t, dir), "relay.copy relay.copy.manifest"; got != want {
		t.Errorf("the directory holds %s, want %s", got, want)
	}
	r.start()
	r.proven()
	r.stop()
}

// backedUp makes a copy and returns its size.
func backedUp(t *testing.T, r *relay, file string) int64 {
	t.Helper()
	r.cli("backup", "--force", file)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// backUpTo makes a copy, and calls meanwhile when so many octets of it have come, before
// more do.
func (r *relay) backUpTo(file string, octets int64, meanwhile func(*process)) *process {
	r.t.Helper()
	g := r.gate(octets)
	defer g.close()
	p := execute(r.t, command(binary, r.args("backup", "--force", file)...))
	next(r.t, "a part of the copy comes", g.held)
	meanwhile(p)
	return p
}

// killed ends a process the hard way; it may have ended.
func killed(t *testing.T, p *process) {
	t.Helper()
	_ = p.cmd.Process.Kill()
	p.wait(t)
}

// remove files that may be there.
func remove(t *testing.T, files ...string) {
	t.Helper()
	for _, file := range files {
		if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

// TestBackup_scheduled has the relay make copies as the calendar does, and keep two.
func TestBackup_scheduled(t *testing.T) {
	t.Parallel()
	s := newSink(t, later)
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1h", limits: "[backup]\nschedule = \"0 3 * * *\"\nkeep = 2"})
	r.local("steady")
	dir := filepath.Join(r.data, "backup")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	leftover := filepath.Join(dir, ".relay-copy.123456")
	if err := os.WriteFile(leftover, []byte("of a killed one"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := r.start()
	fillStore(t, r, 5)
	for range 4 {
		r.cli("job", "run", "backup")
	}
	until(t, "the copy that was due while it was down is made", func() bool { return len(p.log.kept(`msg="backup made"`)) > 0 })
	p.signal(t, syscall.SIGTERM)
	if code := p.wait(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.log)
	}
	r.gone()
	if _, err := os.Stat(leftover); !os.IsNotExist(err) {
		t.Errorf("what a killed one left is there: %v", err)
	}
	copies := strings.Fields(names(t, dir))
	if len(copies) != 4 || copies[1] != copies[0]+".manifest" || copies[3] != copies[2]+".manifest" {
		t.Fatalf("the directory holds %v, want two copies with manifests", copies)
	}
	second := newRelay(t, setup{smarthost: s.addr(), retry: "1h"})
	second.cli("restore", filepath.Join(dir, copies[2]))
	second.proven()
	if got := second.usage("steady").Queued; got != 50 {
		t.Errorf("%d e-mails in the last copy, want 50", got)
	}
}

// TestBackup_noRoom wants a target that has no room, or may not be written, to be
// told of, and nothing to be left there.
func TestBackup_noRoom(t *testing.T) {
	t.Parallel()
	disk := small(t, 40)
	s := newSink(t, later)
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1h"})
	r.account("acme")
	r.start()
	file := filepath.Join(disk, "relay.copy")
	res := r.run("", "backup", file)
	if res.code != 75 || !strings.Contains(res.err, "error: backup: no room in "+disk) || !strings.Contains(res.err, "hint: make space there") {
		t.Errorf("no room: exit code %d\n%s", res.code, res.err)
	}
	if got := names(t, disk); got != "" {
		t.Errorf("left over: %s", got)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	cmd := command(binary, r.args("backup", "-")...)
	cmd.Stdout = full
	p := execute(t, cmd)
	if code := p.wait(t); code != 75 || !strings.Contains(p.log.String(), "hint: make space on the disk") {
		t.Errorf("a full disk: exit code %d\n%s", code, p.log)
	}
	r.stop()
}

// TestBackup_noPermission has another user try.
func TestBackup_noPermission(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	s := newSink(t, later)
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1h"})
	r.account("acme")
	copied := filepath.Join(shortDir(t), "relay.copy")
	r.cli("backup", copied)
	if err := os.Chmod(r.file, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(r.file), filepath.Dir(copied)} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	own := shortDir(t)
	const nobody = 65534
	if err := os.Chown(own, nobody, nobody); err != nil {
		t.Skipf("there is no other user here: %v", err)
	}
	as := func(args ...string) result {
		cmd := command(binary, r.args(args...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		return finish(t, cmd)
	}
	denied := func(when string, code int, args ...string) {
		t.Helper()
		res := as(args...)
		if res.code != code || !strings.Contains(res.err, "permission") || !strings.Contains(res.err, "hint: run the command as the user that runs the relay, or as root") {
			t.Errorf("%s: relay %s: exit code %d, want %d\n%s", when, strings.Join(args, " "), res.code, code, res.err)
		}
	}
	all := func(when string) {
		t.Helper()
		denied(when, 69, "backup", filepath.Join(own, "mine.copy"))
		denied(when, 1, "backup", filepath.Join(filepath.Dir(copied), "mine.copy"))
		denied(when, 1, "restore", copied)
		denied(when, 1, "restore", "--dry-run", copied)
		denied(when, 69, "compact", "--dry-run")
		denied(when, 1, "compact")
	}
	all("no relay runs")
	r.start()
	all("a relay runs")
	if got := names(t, own) + names(t, filepath.Dir(copied)); got != "relay.copy relay.copy.manifest" {
		t.Errorf("left over: %s", got)
	}
	r.proven()
	r.stop()
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
