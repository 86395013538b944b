package check

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"relay/cli/config"
	"relay/report/api/act"
	"relay/store/bolt"
)

func TestHome_backup(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name, schedule string
		last           time.Time
		want           string
	}{
		{"never, nothing scheduled", "", time.Time{}, "ok backup: none is scheduled → "},
		{"by hand", "", now, "ok backup: none is scheduled; the last was"},
		{"none yet", "@daily", time.Time{}, "warning backup: none was made yet; the next is due"},
		{"as it should be", "@daily", now, "ok backup: the last was"},
		{"a moment late", "@daily", now.Truncate(24 * time.Hour).Add(-time.Hour), ""},
		{"overdue", "@daily", now.Add(-72 * time.Hour), "warning backup: overdue since"},
		{"of a clock that was wrong", "@daily", now.Add(72 * time.Hour), "warning backup: the last was "},
		{"the same by hand", "", now.Add(72 * time.Hour), "warning backup: the last was "},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := home{look: newLook(t, func(cfg *config.Config) { cfg.Backup.Schedule = c.schedule })}
			h.backup(c.last)
			if got := h.text(); !strings.HasPrefix(got, c.want) || len(h.results) != 1 {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestHome_size(t *testing.T) {
	for _, c := range []struct {
		file, free int64
		want       string
	}{
		{1_000_000_000, 100_000_000, "ok store file: 1.0 GB, 100 MB (10%) of it free; 3 messages (5.0 KB) queued → \n"},
		{1_000_000_000, 700_000_000, "warning store file: 1.0 GB, 700 MB (70%) of it free; 3 messages (5.0 KB) queued → relay compact gives about 700 MB"},
		{200_000_000, 190_000_000, "ok store file: 200 MB"}, // too small to be worth it
		{300_000_000, 200_000_000, "ok store file: 300 MB"}, // as relay compact --dry-run says
	} {
		h := home{look: newLook(t, nil)}
		h.size(&act.Health{File: c.file, Free: c.free, Messages: 3, Octets: 5000})
		if got := h.text(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%d of %d free: %s, want %s", c.free, c.file, got, c.want)
		}
	}
}

// A look at the store of an older relay does not bring it up to date. It says that it does not
// prove it.
func TestHome_storeFile_older(t *testing.T) {
	h := home{newLook(t, nil), &process{}}
	db, err := bolt.Open(h.dir.Store(), bolt.Options{Buckets: []string{"accounts"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(true); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(h.dir.Store())
	if err != nil {
		t.Fatal(err)
	}
	if h.storeFile(false) {
		t.Error("the store can be proved, want an upgrade first")
	}
	h.match(t, `^ok store file: is of an older relay → relay serve, or any command on it, brings it up to date\n$`)
	again := home{newLook(t, nil), &process{}}
	again.dir = h.dir
	if again.storeFile(true) {
		t.Error("the store is to be proved before its upgrade")
	}
	again.match(t, `^warning store file: is of an older relay, so it is not proved → relay serve, or any command on it, brings it up to date\n$`)
	if after, err := os.ReadFile(h.dir.Store()); !bytes.Equal(after, before) || err != nil {
		t.Errorf("the store was changed, %v", err)
	}
}
