package jobs

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"relay/quota"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/joblog"
	"relay/store/orders"
	"relay/store/spool"
	"relay/store/spooled"
)

// logText is what was logged.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) mustMatch(t *testing.T, pattern string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	mustMatch(t, "log", l.text.String(), pattern)
}

func mustMatch(t *testing.T, what, text, pattern string) {
	t.Helper()
	if !regexp.MustCompile(pattern).MatchString(text) {
		t.Errorf("%s does not match %q:\n%s", what, pattern, text)
	}
}

// openAt opens a store whose clock is now.
func openAt(t *testing.T, now func() time.Time) *store.Store {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// runner of a store, and what it logs.
func runner(st *store.Store, c Config) (*Runner, *logText) {
	log := &logText{}
	return New(st, slog.New(slog.NewTextHandler(log, nil)), func() Config { return c }), log
}

// send has one message of so many octets accepted, or refused.
func send(t *testing.T, st *store.Store, name string, octets int64) spooled.ID {
	t.Helper()
	b := st.Bodies.New()
	if _, err := b.Write([]byte(strings.Repeat("x", int(octets)-2) + "\r\n")); err != nil {
		t.Error(err)
	}
	m := &spooled.Message{Account: name, Size: octets, Expires: st.Now().AddDate(0, 0, 4),
		Recipients: []spooled.Recipient{{Address: "x@one.example", Domain: "one.example"}}}
	if no, err := st.Accept(store.Intake{Message: m, Body: b}); no != nil || err != nil {
		t.Errorf("Accept = %+v, %v", no, err)
	}
	return b.ID()
}

func verify(t *testing.T, st *store.Store) {
	t.Helper()
	if _, err := st.Verify(t.Context(), func(p string) { t.Error("verify:", p) }); err != nil {
		t.Error(err)
	}
}

func TestRunner_Prune(t *testing.T) {
	now := time.Now()
	clock := now
	st := openAt(t, func() time.Time { return clock })
	if _, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: quota.Builtin()[0]}); err != nil {
		t.Fatal(err)
	}
	traces := map[spooled.ID]int{}
	for _, c := range []struct{ days, left int }{{40, 0}, {31, 0}, {29, 2}} {
		clock = now.AddDate(0, 0, -c.days)
		id := send(t, st, "acme", 100)
		if _, _, err := st.Spool.Change(spool.OpHold, []spooled.ID{id}); err != nil {
			t.Fatal(err)
		}
		traces[id] = c.left
	}
	clock = now
	if err := st.Jobs.Set(Prune, joblog.State{Last: now.AddDate(0, 0, -45).Format(time.RFC3339)}); err != nil {
		t.Fatal(err)
	}
	r, _ := runner(st, Config{TraceKeep: 30 * 24 * time.Hour})
	for _, want := range []int{4, 0} { // again is nothing
		if got, err := r.Prune(t.Context()); err != nil || got.Events != want {
			t.Errorf("Prune = %+v, %v, want %d events", got, err, want)
		}
	}
	if is, err := st.Jobs.State(Prune); err != nil || is.Last != now.AddDate(0, 0, -30).UTC().Format(time.RFC3339Nano) {
		t.Errorf("recorded %+v, %v", is, err)
	}
	for id, want := range traces {
		if got, err := st.Trace.Of(id); len(got) != want || err != nil {
			t.Errorf("Trace(%s) = %d events, %v, want %d", id, len(got), err, want)
		}
		if _, err := st.Spool.QueueMessage(id); err != nil {
			t.Errorf("the message itself: %v", err)
		}
	}
}

// The names are what the store and scripts know the jobs by.
func TestRunner_Jobs(t *testing.T) {
	st := openAt(t, time.Now)
	for schedule, want := range map[string]string{
		"":          "close+ dun+ warn prune-trace domains suppressions blocklists tls-reports",
		"0 3 * * *": "close+ dun+ warn prune-trace domains suppressions usage blocklists tls-reports backup store-check digest",
	} {
		r, _ := runner(st, Config{Copies: Copies{Schedule: schedule, Check: schedule}, Looks: Looks{Schedule: schedule, Digest: schedule}})
		var got []string
		for _, j := range r.Jobs() {
			word := j.Word()
			if j.Dated {
				word += "+"
			}
			if j.Books != (j.Name == Close || j.Name == Dun || j.Name == Warn) || (j.Try != nil) != (j.Name == Warn) {
				t.Errorf("%+v", j)
			}
			got = append(got, word)
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("jobs %q, want %q", text, want)
		}
	}
}

// A later run for an earlier instant does not go back, unless the clock was wrong.
func TestRunner_did(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	st := openAt(t, func() time.Time { return now })
	r, _ := runner(st, Config{})
	for _, c := range []struct{ last, at, want time.Time }{
		{time.Time{}, now, now},
		{now.Add(-time.Hour), now, now},
		{now, now.Add(-time.Hour), now},
		{now.AddDate(1, 0, 0), now, now},
	} {
		state := joblog.State{}
		if !c.last.IsZero() {
			state.Last = c.last.Format(time.RFC3339Nano)
		}
		if err := st.Jobs.Set(Dun, state); err != nil {
			t.Fatal(err)
		}
		if err := r.did(Dun, c.at); err != nil {
			t.Fatal(err)
		}
		if got, err := st.Jobs.State(Dun); err != nil || got.Last != c.want.Format(time.RFC3339Nano) || !got.Done.Equal(now) {
			t.Errorf("after %v, %v: %+v, %v, want %v", c.last, c.at, got, err, c.want)
		}
	}
}

func TestRunner_States(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	st := openAt(t, func() time.Time { return now })
	r, _ := runner(st, Config{Copies: Copies{Schedule: "@every 90m"}})
	if _, err := r.Dun(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	list, err := r.States()
	if err != nil {
		t.Fatal(err)
	}
	next := map[string]string{"close": "09:01", "dun": "03:35", "warn": "08:30", "prune-trace": "09:17", "domains": "09:03", "suppressions": "04:47", "blocklists": "09:41", "tls-reports": "02:43", "backup": "10:30"}
	for _, s := range list {
		if got := s.Next.Format("15:04"); got != next[s.Job] {
			t.Errorf("%s: next at %s, want %s", s.Job, got, next[s.Job])
		}
		if (s.Done != nil) != (s.Job == Dun) || s.Stands != nil {
			t.Errorf("%+v", s)
		}
		delete(next, s.Job)
	}
	if len(next) > 0 {
		t.Errorf("missing: %v", next)
	}
	r, _ = runner(st, Config{Copies: Copies{Schedule: "at five"}})
	if _, err := r.States(); err == nil || !strings.HasPrefix(err.Error(), "backup: ") {
		t.Errorf("%v: it does not name the job", err)
	}
}

func TestRunner_Find(t *testing.T) {
	r, _ := runner(openAt(t, time.Now), Config{})
	for name, want := range map[string]string{"close": Close, "prune-trace": Prune, "prune trace": Prune, "backup": "", "": "", "tea": ""} {
		if j, ok := r.Find(name); j.Name != want || ok != (want != "") {
			t.Errorf("Find(%q) = %q, %v, want %q", name, j.Name, ok, want)
		}
	}
}
