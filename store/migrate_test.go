package store

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"relay/quota"
	"relay/store/books"
	"relay/store/ledger"
)

// schema1 is a file that the release before contracts wrote: accounts of a year
// and of a month, used, suspended, pending and removed.
func schema1(t *testing.T) string { return unpacked(t, "testdata/schema1.db.gz") }

// unpacked is a copy of a file that an earlier release wrote.
func unpacked(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "relay.db")
	w, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, z); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// checkRecords wants every account of an older file to begin with what it delivered.
func checkRecords(t *testing.T, s *Store) {
	t.Helper()
	setStrangers(t, s, byMX)
	err := s.Books.EachAccount(books.Wanted{Match: func(*books.Account) bool { return true }}, func(a *books.Account) error {
		best := int64(0)
		periods, err := s.Standings.Usages(a.Name)
		for _, u := range periods {
			best = max(best, u.Delivered)
		}
		if r, _, e := s.Strangers.Record(a.Name); e != nil || int64(r.First.Cap) < max(best, int64(byMX.Cap)) {
			t.Errorf("account %s delivered %d in its best period: %+v, %v", a.Name, best, r, e)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestOpen_takesSchema1Over(t *testing.T) {
	needsFile(t, "the test opens that of an older relay")
	path := schema1(t)
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{t: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	for range 2 { // the second Open finds schema 2
		s, err := openTest(path, Options{Now: c.now, Zone: rome})
		if err != nil {
			t.Fatal(err)
		}
		verify(t, s)
		checkTakenOver(t, s)
		checkRecords(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := openTest(path, Options{Now: c.now, Zone: rome})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	accept(t, s, "year", 1000, "x@d.test")
	c.add(8 * 24 * time.Hour) // into December
	accept(t, s, "year", 1000, "x@d.test")
	if n, err := closeNow(t.Context(), s); err != nil || n != 0 {
		t.Errorf("CloseBy = %d, %v; the message has closed November, all others run on", n, err)
	}
	u, _ := s.Standings.Usage("year", "2026-11")
	if want := (quota.Charge{Messages: 3, Bytes: 5000}); u.Charged != want || u.Today != (quota.Charge{}) {
		t.Errorf("November = %+v, want %v and no open day", u, want)
	}
	verify(t, s)
}

func checkTakenOver(t *testing.T, s *Store) {
	t.Helper()
	start := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	a, err := s.Books.Account("year")
	if err != nil {
		t.Fatal(err)
	}
	c := a.Contract(s.Now())
	if c == nil || c.Plan.Name != "standard" || !c.Start.Equal(start) || !c.End.Equal(time.Date(2027, 9, 30, 22, 0, 0, 0, time.UTC)) {
		t.Errorf("contract of year = %+v", c)
	}
	if a.Open != "2026-11" || a.AtLimit != quota.Continue || a.OverMax != quota.Uncapped || a.Contact != "year@example.com" || a.State != ledger.Active {
		t.Errorf("year = %+v", a)
	}
	st, err := s.Standings.Standing("year")
	if err != nil || st.Used.Charged != (quota.Charge{Messages: 2, Bytes: 4000}) || !st.InTerm {
		t.Errorf("Standing(year) = %+v, %v", st, err)
	}
	for name, state := range map[string]ledger.AccountState{"month": ledger.Suspended, "new": ledger.Pending, "short": ledger.Active} {
		if a, err := s.Books.Account(name); err != nil || a.State != state {
			t.Errorf("%s = %+v, %v, want it %s", name, a, err, state)
		}
	}
	if a, _ := s.Books.Account("month"); a.Open != "" || a.Reason != "spam" { // its 30 days are over
		t.Errorf("month = %+v", a)
	}
	if a, _ := s.Books.Account("new"); a.Ordered == nil || a.Ordered.Name != "mega" {
		t.Errorf("new = %+v", a)
	}
	if a, _ := s.Books.Account("short"); a.Open != "2026-11-20" || a.Contract(s.Now()).Plan.Term != quota.Month {
		t.Errorf("short = %+v", a)
	}
	if _, err := s.Books.Account("gone"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Account(gone) = %v", err)
	}
	if list, err := s.People.Credentials("year"); err != nil || len(list) != 2 {
		t.Errorf("Credentials = %v, %v, want printer and year", list, err)
	}
	if list, err := s.People.Networks("year"); err != nil || len(list) != 1 {
		t.Errorf("Networks = %v, %v", list, err)
	}
	st2, err := s.Overview.Statement("gone", s.Now())
	if err != nil || len(st2.Entries) != 1 || st2.Entries[0].Messages != 1 {
		t.Errorf("Statement(gone) = %+v, %v, want its one charge", st2, err)
	}
}
