package store

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/news"
	"relay/store/outcomes"
	"relay/store/signs"
	"relay/store/sites"
	"relay/store/spool"
	"relay/store/spooled"
)

// dueLanes are those that a walk finds.
func dueLanes(t testing.TB, s *Store) (list []spooled.Lane) {
	t.Helper()
	if _, _, err := s.Spool.VisitDue(nil, s.Now().Add(1000*time.Hour), func(l spooled.Lane) bool { list = append(list, l); return true }); err != nil {
		t.Fatal(err)
	}
	return list
}

func suspendHand(t testing.TB, s *Store, account string) {
	t.Helper()
	if _, err := s.Orders.Suspend(behalf.Order{By: "op"}, account, "abuse"); err != nil {
		t.Fatal(err)
	}
}

func resumeHand(t testing.TB, s *Store, account string) {
	t.Helper()
	if _, err := s.Orders.Resume(behalf.Order{By: "op"}, account); err != nil {
		t.Fatal(err)
	}
}

func doChores(t testing.TB, s *Store) (steps int) {
	t.Helper()
	for more := true; more; steps++ {
		var err error
		if more, err = s.Chores.Do(); err != nil {
			t.Fatal(err)
		}
	}
	return steps
}

// A kill between the steps leaves each of them done or not.
func TestStop_reopened(t *testing.T) {
	path, c := filepath.Join(t.TempDir(), "relay.db"), &clock{t: epoch}
	s := reopen(t, path, c)
	again := func() {
		t.Helper()
		verify(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = reopen(t, path, c)
	}
	addAccount(t, s, "acme", quota.Plan{})
	handIn(t, s, "acme", 0, 60)
	s.Abuse.SetRules(signs.Default)
	bounceAll(t, s, claim(t, s, "dst.test", "acme", 50))
	again()
	if !s.Spool.Stopped("acme") || len(claim(t, s, "dst.test", "acme", 50)) > 0 {
		t.Fatal("the queue of a suspended account goes on after a start")
	}
	c.add(time.Hour)
	again()
	if list := dueLanes(t, s); len(list) > 0 {
		t.Fatalf("due: %v", list)
	}
	resumeHand(t, s, "acme")
	again()
	doChores(t, s)
	again()
	if n := len(claim(t, s, "dst.test", "acme", 50)); n != 10 {
		t.Errorf("%d are claimed after it was resumed, want 10", n)
	}
	if r, _, err := s.Abuse.Signs("acme"); err != nil || r.Total(signs.Bounce) != 0 || (&signs.Mail{Delivered: r.Before}).Total() != 0 || r.Resumed.IsZero() {
		t.Errorf("signs: %+v, %v", r, err)
	}
	verify(t, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// One that is closed while it is suspended sends nothing more; what waits can be dropped, and
// then the account can be removed.
func TestStop_closed(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	m := accept(t, s, "acme", 100, "r@dst.test")
	suspendHand(t, s, "acme")
	claim(t, s, "dst.test", "acme", 5)
	if _, err := s.Orders.CloseAccount(behalf.Order{}, "acme", "gone"); err != nil {
		t.Fatal(err)
	}
	if !s.Spool.Stopped("acme") || len(claim(t, s, "dst.test", "acme", 5)) > 0 {
		t.Error("mail of a suspended account goes out when it is closed")
	}
	if _, _, err := s.Spool.Change(spool.OpDrop, []spooled.ID{m.ID}); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveAccount(behalf.Order{}, "acme"); err != nil {
		t.Fatal(err)
	}
	if s.Spool.AnyStopped() {
		t.Error("a stop stays behind")
	}
}

// A suspended account is told that it is, and nothing of what slowed or held its mail before,
// unless it was told that first. When it sends again, it is told of what comes then.
func TestStop_saysWhatMatters(t *testing.T) {
	s, c := newStore(t)
	s.Abuse.SetRules(signs.Default)
	addAccount(t, s, "acme", quota.Plan{})
	hold := func(provider string) {
		t.Helper()
		h := spool.Hold{Account: "acme", Provider: provider, Reason: "unknown", Until: c.now().Add(24 * time.Hour), State: sites.PaceEntry{Key: provider, Value: []byte("v")}}
		if err := errors.Join(s.Spool.HoldAccount(h), s.Spool.SlowAccount("acme", provider, "blame", "421 slow down")); err != nil {
			t.Fatal(err)
		}
	}
	hold("Google")
	wantDue(t, s, "held acme Google", "slowed acme Google")
	tellAll(t, s)
	hold("Yahoo")
	addNews(t, s, news.Item{Kind: news.Waits, Account: "acme"}, news.Item{Kind: news.Warned, Account: "acme", About: "bounce"})
	suspendHand(t, s, "acme")
	wantDue(t, s, "suspended acme 3")
	hold("GMX")
	wantDue(t, s, "suspended acme 3")
	tellAll(t, s)
	resumeHand(t, s, "acme")
	tellAll(t, s)
	hold("Yahoo")
	wantDue(t, s, "held acme Yahoo", "slowed acme Yahoo")
	verify(t, s)
}

// What a suspended account has in the queue is known without a look at it: in messages, e-mails
// and octets, also in a store of before there were such counts.
func TestKept(t *testing.T) {
	c := &clock{t: epoch}
	path := filepath.Join(t.TempDir(), "relay.db")
	s := reopen(t, path, c)
	for _, name := range []string{"acme", "other"} {
		addAccount(t, s, name, quota.Plan{})
	}
	accept(t, s, "acme", 2000, "x@a.test", "y@b.test", "z@b.test")
	accept(t, s, "other", 500, "x@a.test")
	c.add(9 * 24 * time.Hour) // another period
	last := accept(t, s, "acme", 3000, "x@a.test")
	want := func(k Kept) {
		t.Helper()
		if got, err := s.Kept("acme"); err != nil || got != k {
			t.Errorf("kept %+v, %v; want %+v", got, err, k)
		}
		verify(t, s)
	}
	want(Kept{})
	suspendHand(t, s, "acme")
	since := s.Spool.StoppedSince("acme")
	want(Kept{Messages: 2, Emails: 4, Octets: 5000, Since: since})
	err := s.update(0, func(t *tx) error { // as it was
		none := func(p *outcomes.Progress) { p.Waiting = 0 }
		return errors.Join(changeProgress(t, "acme", "2026-11", none), changeProgress(t, "acme", "2026-12", none),
			changeProgress(t, "other", "2026-11", none), t.Delete(bucket.Meta, keyWaiting))
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, path, c)
	defer s.Close()
	want(Kept{Messages: 2, Emails: 4, Octets: 5000, Since: since})
	if _, _, err := s.Spool.Change(spool.OpDrop, []spooled.ID{last.ID}); err != nil {
		t.Fatal(err)
	}
	want(Kept{Messages: 1, Emails: 3, Octets: 2000, Since: since})
	resumeHand(t, s, "acme")
	want(Kept{})
}
