package serve

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"relay/cli/backup"
	"relay/cli/config"
	"relay/cli/place"
	"relay/report/jobs"
	"relay/store"
)

// The job puts copies on the shelf of the configuration.
func TestRelay_backupJob(t *testing.T) {
	s := backup.Shelf{Dir: filepath.Join(t.TempDir(), "copies"), Keep: 2, Owner: t.TempDir()}
	log := &logText{}
	at := time.Date(2026, 11, 23, 2, 30, 0, 0, time.UTC)
	r := backupRelay(t, s, log, &at)
	if err := os.WriteFile(s.Dir, []byte("a file in its place"), 0o600); err != nil {
		t.Fatal(err)
	}
	runJob(t, r, jobs.Backup)
	mustMatch(t, "log", log.String(), `level=ERROR msg="backup failed; it is tried again at the next time" dir=\S+ err=.*not a directory.* advice="`)
	if err := os.Remove(s.Dir); err != nil {
		t.Fatal(err)
	}
	for _, at = range []time.Time{at, at, at.AddDate(0, 0, 1), at.AddDate(0, 0, 2)} {
		runJob(t, r, jobs.Backup)
	}
	wantCopies(t, s, "relay-20261124T023000Z.db", "relay-20261125T023000Z.db")
	mustMatch(t, "log", log.String(), `msg="backup made" file=\S+relay-20261125T023000Z.db size=\d+ sha256=\S+ removed=1 `)
}

// runJob as the calendar does.
func runJob(t *testing.T, r *Relay, name string) {
	t.Helper()
	for _, j := range r.jobs().Jobs() {
		if j.Name == name {
			j.Run(t.Context())
			return
		}
	}
	t.Fatalf("no job %q", name)
}

// backupRelay is a relay whose business's clock shows at.
func backupRelay(t *testing.T, s backup.Shelf, log io.Writer, at *time.Time) *Relay {
	t.Helper()
	st, err := store.Open(place.Dir(s.Owner).Store(), store.Options{Now: func() time.Time { return *at }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	cfg := config.Default()
	cfg.Backup = config.Backup{Schedule: "0 3 * * *", Dir: s.Dir, Keep: s.Keep}
	return &Relay{cfg: cfg, dir: place.Dir(s.Owner), store: st, Log: newLog(log, &cfg), hostname: "relay.test"}
}

func wantCopies(t *testing.T, s backup.Shelf, want ...string) {
	t.Helper()
	got, err := filepath.Glob(filepath.Join(s.Dir, "*.db"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i] = filepath.Base(got[i])
	}
	if !slices.Equal(got, want) {
		t.Errorf("copies %v, want %v", got, want)
	}
}

// The job proves a copy of the store in a process of its own, and leaves nothing behind.
func TestRelay_storeCheckJob(t *testing.T) {
	s := backup.Shelf{Dir: filepath.Join(t.TempDir(), "copies"), Keep: 2, Owner: t.TempDir()}
	log := &logText{}
	at := time.Date(2026, 11, 23, 2, 30, 0, 0, time.UTC)
	r := backupRelay(t, s, log, &at)
	r.cfg.Backup.Check = "20 4 * * 0"
	before, err := filepath.Glob(filepath.Join(s.Owner, "*"))
	if err != nil {
		t.Fatal(err)
	}
	runJob(t, r, jobs.StoreCheck)
	at = at.AddDate(0, 0, 7)
	runJob(t, r, jobs.StoreCheck)
	mustMatch(t, "log", log.String(), `level=INFO msg="store proved" accounts=0 messages=0 `)
	if after, err := filepath.Glob(filepath.Join(s.Owner, "*")); err != nil || !slices.Equal(after, before) {
		t.Errorf("left are %v, %v, before %v", after, err, before)
	}
}
