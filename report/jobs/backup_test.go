package jobs

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"relay/store"
)

// rack is a Shelf in memory that keeps two copies.
type rack struct {
	copies   []string
	full     error // of Put
	removing error // of Prune
	proof    Proof
}

func (s *rack) Put(ctx context.Context, st *store.Store) (Copy, error) {
	if err := errors.Join(s.full, ctx.Err()); err != nil {
		return Copy{}, err
	}
	at := st.Now()
	s.copies = append(s.copies, at.Format("01-02 15:04:05"))
	return Copy{Path: "/rack/" + at.Format("0102"), Size: 3, SHA256: "abc", Created: at}, nil
}

func (s *rack) Prune(string) (gone []string, err error) {
	for len(s.copies) > 2 {
		gone, s.copies = append(gone, s.copies[0]), s.copies[1:]
	}
	return gone, s.removing
}

func (s *rack) Prove(context.Context, *store.Store) (Proof, error) { return s.proof, s.full }

func (s *rack) Hint(err error) string { return "about: " + err.Error() }

// backups is a runner of a store whose clock shows *at.
func backups(t *testing.T, s *rack, at *time.Time) (*Runner, *logText) {
	t.Helper()
	return runner(openAt(t, func() time.Time { return *at }), Config{Copies: Copies{Schedule: "0 3 * * *", Dir: "/rack", Shelf: s}})
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateTime, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestRunner_runBackup(t *testing.T) {
	var at time.Time
	s := &rack{}
	r, log := backups(t, s, &at)
	if at, ever, err := LastBackup(r.store); ever || err != nil {
		t.Fatalf("LastBackup = %v, %v, %v before the first", at, ever, err)
	}
	for _, step := range []struct {
		at   string
		want []string
	}{
		{"2026-11-23 02:30:00", []string{"11-23 02:30:00"}}, // the first at once
		{"2026-11-23 02:59:59", []string{"11-23 02:30:00"}},
		{"2026-11-23 03:00:00", []string{"11-23 02:30:00", "11-23 03:00:00"}},
		{"2026-11-30 12:00:00", []string{"11-23 03:00:00", "11-30 12:00:00"}}, // it was down: late, once
		{"2026-12-01 02:00:00", []string{"11-23 03:00:00", "11-30 12:00:00"}},
		{"2026-12-01 03:00:01", []string{"11-30 12:00:00", "12-01 03:00:01"}},
	} {
		at = moment(t, step.at)
		r.runBackup(t.Context())
		if !slices.Equal(s.copies, step.want) {
			t.Errorf("at %s: copies %q, want %q", step.at, s.copies, step.want)
		}
	}
	if last, ever, err := LastBackup(r.store); !ever || err != nil || !last.Equal(at) {
		t.Errorf("LastBackup = %v, %v, %v, want %v", last, ever, err, at)
	}
	log.mustMatch(t, `msg="backup made" file=/rack/1201 size=3 sha256=abc removed=1 `)
}

// A copy that fails is logged each time, does not count, and is due again.
func TestRunner_runBackup_fails(t *testing.T) {
	at := moment(t, "2026-11-23 03:00:00")
	s := &rack{full: errors.New("no room")}
	r, log := backups(t, s, &at)
	r.runBackup(t.Context())
	log.mustMatch(t, `level=ERROR msg="backup failed; it is tried again at the next time" dir=/rack err="no room" advice="about: no room"`)
	if _, ever, err := LastBackup(r.store); ever || err != nil {
		t.Errorf("a backup that failed counts: %v", err)
	}
	s.full, s.removing = nil, errors.New("read-only")
	r.runBackup(t.Context())
	log.mustMatch(t, `level=WARN msg="older backups are not removed" dir=/rack err=read-only advice="about: read-only"`)
	log.mustMatch(t, `msg="backup made" file=/rack/1123 `)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	at = at.AddDate(0, 0, 1)
	r.runBackup(ctx)
	log.mustMatch(t, `level=INFO msg="backup interrupted`)
	if want := []string{"11-23 03:00:00"}; !slices.Equal(s.copies, want) {
		t.Errorf("copies %q, want %q", s.copies, want)
	}
}

// A clock that was wrong once must not end all backups until then.
func TestRunner_runBackup_afterAClockThatWasWrong(t *testing.T) {
	var at time.Time
	s := &rack{}
	r, _ := backups(t, s, &at)
	for _, step := range []struct {
		at   string
		want []string
	}{
		{"2036-01-01 00:00:00", []string{"01-01 00:00:00"}},
		{"2026-11-23 12:00:00", []string{"01-01 00:00:00", "11-23 12:00:00"}}, // it is right again
		{"2026-11-23 13:00:00", []string{"01-01 00:00:00", "11-23 12:00:00"}}, // not due
		{"2026-11-24 03:00:00", []string{"11-23 12:00:00", "11-24 03:00:00"}},
	} {
		at = moment(t, step.at)
		r.runBackup(t.Context())
		if !slices.Equal(s.copies, step.want) {
			t.Errorf("at %s: copies %q, want %q", step.at, s.copies, step.want)
		}
	}
}

func TestRecordBackup_neverGoesBack(t *testing.T) {
	at := moment(t, "2026-11-23 03:00:00")
	st := openAt(t, func() time.Time { return at })
	for _, give := range []time.Time{at, at.Add(-time.Hour)} {
		if err := RecordBackup(st, give); err != nil {
			t.Fatal(err)
		}
	}
	if last, ever, err := LastBackup(st); !ever || err != nil || !last.Equal(at) {
		t.Errorf("LastBackup = %v, %v, %v, want %v", last, ever, err, at)
	}
}
