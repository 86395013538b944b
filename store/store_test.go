package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/people"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/standing"
	"relay/store/trace"
)

var epoch = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// clock is a wall clock that a test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// newStore opens a store in a temporary folder; at the end of the test it is
// proved and closed.
func newStore(t testing.TB) (*Store, *clock) {
	t.Helper()
	c := &clock{t: epoch}
	s := reopen(t, filepath.Join(t.TempDir(), "relay.db"), c)
	t.Cleanup(func() {
		verify(t, s)
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s, c
}

func reopen(t testing.TB, path string, c *clock) *Store {
	t.Helper()
	s, err := openTest(path, Options{Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func verify(t testing.TB, s *Store) VerifyStats {
	t.Helper()
	s.Bodies.Wait()
	st, err := s.Verify(context.Background(), func(p string) { t.Errorf("Verify: %s", p) })
	if err != nil {
		t.Errorf("Verify: %v", err)
	}
	return st
}

func addAccount(t testing.TB, s *Store, name string, plan quota.Plan) {
	t.Helper()
	plan.Name = "p"
	if plan.Term == "" {
		plan.Term = quota.Year
	}
	_, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: name}, Plan: plan,
		Credential: &people.Credential{Login: name, Account: name, Kind: people.Token, Hash: "x"}})
	if err != nil {
		t.Fatal(err)
	}
}

// intake makes a message of size octets to the addresses.
func intake(s *Store, account string, size int, to ...string) Intake {
	b := s.Bodies.New()
	if _, err := b.Write(bytes.Repeat([]byte("0123456789abcde\n"), size/16+1)[:size]); err != nil {
		panic(err)
	}
	m := &spooled.Message{Account: account, Sender: "a@src.test", Size: int64(size), Expires: s.Now().AddDate(0, 0, 4)}
	for _, a := range to {
		m.Recipients = append(m.Recipients, spooled.Recipient{Address: a, Domain: a[strings.LastIndexByte(a, '@')+1:]})
	}
	return Intake{Message: m, Body: b, Login: account, Client: "192.0.2.1"}
}

func accept(t testing.TB, s *Store, account string, size int, to ...string) *spooled.Message {
	t.Helper()
	in := intake(s, account, size, to...)
	if r, err := s.Accept(in); err != nil || r != nil {
		t.Fatalf("Accept = %+v, %v", r, err)
	}
	return in.Message
}

func claim(t testing.TB, s *Store, domain, account string, n int) []spool.Claimed {
	t.Helper()
	list, err := s.Spool.Claim([]spool.Want{{Lane: spooled.Lane{Domain: domain, Account: account}, Max: n}}, func(_ *spooled.Message, tries int) time.Time {
		return s.Now().Add(time.Duration(tries) * 5 * time.Minute)
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func settle(t testing.TB, s *Store, c spool.Claimed, state spooled.State) {
	t.Helper()
	r := spool.Result{ID: c.Message.ID, Domain: c.Domain, Event: trace.Event{Kind: trace.EventAttempt}}
	for _, i := range c.Rcpts {
		r.Outcomes = append(r.Outcomes, spool.Outcome{Rcpt: i, State: state, Reply: "250 ok"})
	}
	if err := s.Spool.Settle(r); err != nil {
		t.Fatal(err)
	}
}

func TestStore_LifeOfAMessage(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	m := accept(t, s, "acme", 40_000, "x@a.test", "y@b.test", "z@a.test")

	<-s.Spool.Ready()
	first := s.Spool.TakeReady(1)
	<-s.Spool.Ready() // there is more
	if got := append(first, s.Spool.TakeReady(1000)...); len(first) != 1 || len(got) != 2 || got[0] == got[1] {
		t.Errorf("TakeReady = %v, then %v, want the lanes of a.test and b.test", first, got)
	}
	body, err := io.ReadAll(s.Bodies.Open(m.ID))
	if err != nil || len(body) != 40_000 {
		t.Errorf("body has %d octets, %v", len(body), err)
	}
	got := claim(t, s, "a.test", "acme", 10)
	if len(got) != 1 || len(got[0].Rcpts) != 2 {
		t.Fatalf("Claim = %+v, want one message with two recipients", got)
	}
	if again := claim(t, s, "a.test", "acme", 10); len(again) != 0 {
		t.Errorf("claimed twice: %+v", again)
	}
	settle(t, s, got[0], spooled.Deferred)
	u, _ := s.Standings.Usage("acme", "2026-11")
	want := standing.Usage{Account: "acme", Period: "2026-11", Charged: quota.Charge{Messages: 3, Bytes: 120_000}, Queued: 3, Deferred: 2, Stored: 40_000, Waiting: 1,
		Today: quota.Charge{Messages: 3, Bytes: 120_000}, Day: "2026-11-23"}
	if u != want {
		t.Errorf("Usage = %+v, want %+v", u, want)
	}
	c.add(5 * time.Minute)
	settle(t, s, claim(t, s, "a.test", "acme", 1)[0], spooled.Failed)
	settle(t, s, claim(t, s, "b.test", "acme", 1)[0], spooled.Delivered)
	u, _ = s.Standings.Usage("acme", "2026-11")
	want = standing.Usage{Account: "acme", Period: "2026-11", Charged: want.Charged, Delivered: 1, Failed: 2, Today: want.Today, Day: want.Day}
	if u != want {
		t.Errorf("Usage = %+v, want %+v", u, want)
	}
	if _, err := s.Spool.QueueMessage(m.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("QueueMessage after the end: %v", err)
	}
	if _, err := io.ReadAll(s.Bodies.Open(m.ID)); !errors.Is(err, ErrNotFound) {
		t.Errorf("body after the end: %v", err)
	}
	events, _ := s.Trace.Of(m.ID)
	if len(events) != 4 || events[0].Kind != trace.EventAccepted {
		t.Errorf("Trace = %+v, want accepted and three attempts", events)
	}
	if sum, _ := s.Spool.Totals(); sum != (spool.Totals{}) {
		t.Errorf("Totals = %+v, want none", sum)
	}
}

func TestStore_RefusalChangesNothing(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{Emails: 3, Bandwidth: 1000})
	accept(t, s, "acme", 200, "x@a.test", "y@a.test")
	before, _ := s.Standings.Usage("acme", "2026-11")
	for _, tc := range []struct {
		name string
		in   Intake
		want func(*standing.Refusal) bool
	}{
		{"too many e-mails, none of the recipients", intake(s, "acme", 10, "x@a.test", "y@a.test"), func(r *standing.Refusal) bool { return r.Exceeded.OverMessages() }},
		{"too many bytes", intake(s, "acme", 601, "x@a.test"), func(r *standing.Refusal) bool { return !r.Exceeded.OverMessages() }},
		{"too many bytes, staged", intake(s, "acme", 3<<20, "x@a.test"), func(r *standing.Refusal) bool { return r.Exceeded != nil }},
		{"no such account", intake(s, "other", 10, "x@a.test"), func(r *standing.Refusal) bool { return r.State == ledger.Closed }},
	} {
		r, err := s.Accept(tc.in)
		if err != nil || r == nil || !tc.want(r) {
			t.Errorf("%s: Accept = %+v, %v", tc.name, r, err)
		}
	}
	if r, err := s.Accept(intake(s, "acme", 600, "x@a.test")); r != nil || err != nil {
		t.Errorf("what just fits: Accept = %+v, %v", r, err)
	}
	after, _ := s.Standings.Usage("acme", "2026-11")
	if before.Charged.Messages != 2 || after.Charged != (quota.Charge{Messages: 3, Bytes: 1000}) {
		t.Errorf("charged %+v, then %+v", before.Charged, after.Charged)
	}
	if _, reruns := s.Commits(); reruns != 0 {
		t.Errorf("%d batches were rolled back for a refusal", reruns)
	}
}

func TestStore_RaceForTheLastEmails(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{Emails: 250})
	var wg sync.WaitGroup
	var mu sync.Mutex
	accepted := 0
	for range 100 {
		wg.Go(func() {
			for range 10 {
				r, err := s.Accept(intake(s, "acme", 100, "x@a.test"))
				if err != nil {
					t.Error(err)
				}
				if r == nil {
					mu.Lock()
					accepted++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	u, _ := s.Standings.Usage("acme", "2026-11")
	if accepted != 250 || u.Charged.Messages != 250 {
		t.Errorf("accepted %d, charged %d, want 250", accepted, u.Charged.Messages)
	}
	if _, reruns := s.Commits(); reruns != 0 {
		t.Errorf("%d batches were rolled back for a refusal", reruns)
	}
}

func TestStore_States(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{Term: quota.Month})
	permit := func() *standing.Refusal {
		t.Helper()
		r, err := s.Standings.Permit("acme", "acme", quota.Charge{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := permit(); r != nil {
		t.Errorf("active: %+v", r)
	}
	set := func(st ledger.AccountState) {
		if _, err := s.Orders.ChangeAccount(behalf.Order{}, "acme", func(a *books.Account) (orders.Change, error) {
			a.State, a.Reason = st, "why"
			return orders.Change{}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	set(ledger.Suspended)
	if r := permit(); r == nil || r.State != ledger.Suspended || r.Reason != "why" {
		t.Errorf("suspended: %+v", r)
	}
	set(ledger.Active)
	st, err := s.Standings.Standing("acme")
	if err != nil {
		t.Fatal(err)
	}
	c.add(st.TermEnd.Sub(c.now()) - time.Second)
	if r := permit(); r != nil {
		t.Errorf("last second of the term: %+v", r)
	}
	c.add(time.Second)
	if r := permit(); r == nil || !r.Expired {
		t.Errorf("after the term: %+v", r)
	}
	c.add(-time.Hour)
	if err := s.People.RemoveCredential(behalf.Order{}, "acme", "acme"); err != nil {
		t.Fatal(err)
	}
	if r := permit(); r == nil || !r.Revoked {
		t.Errorf("revoked: %+v", r)
	}
	if err := s.RemoveAccount(behalf.Order{}, "acme"); err != nil {
		t.Fatal(err)
	}
	if r := permit(); r == nil || r.State != ledger.Closed {
		t.Errorf("removed: %+v", r)
	}
}

func TestStore_ReopenAfterKillRemovesStagedBodies(t *testing.T) {
	c := &clock{t: epoch}
	path := filepath.Join(t.TempDir(), "relay.db")
	s := reopen(t, path, c)
	addAccount(t, s, "acme", quota.Plan{})
	kept := accept(t, s, "acme", 5<<20, "x@a.test")
	lost := intake(s, "acme", 5<<20, "y@a.test") // staged, never accepted
	if lost.Body.Staged() == 0 {
		t.Fatal("a body of 5 MiB was not staged")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, path, c)
	defer s.Close()
	if st := verify(t, s); st.Staged != 0 || st.Messages != 1 || st.Bodies != 5<<20 {
		t.Errorf("after reopening: %+v", st)
	}
	n, err := io.Copy(io.Discard, s.Bodies.Open(kept.ID))
	if n != 5<<20 || err != nil {
		t.Errorf("kept body: %d octets, %v", n, err)
	}
	settle(t, s, claim(t, s, "a.test", "acme", 1)[0], spooled.Delivered)
	if st := verify(t, s); st.Bodies != 0 || st.Staged != 0 {
		t.Errorf("after delivery: %+v", st)
	}
}

func TestStore_NoticeIsFreeAndStoredWithTheOutcome(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	m := accept(t, s, "acme", 100, "x@a.test")
	claim(t, s, "a.test", "acme", 1)
	s.Spool.TakeReady(1000)
	s.Spool.SetDSNs(plainDSNs(s, 0, strings.Repeat("x", 40_000)))
	err := s.Spool.Settle(spool.Result{ID: m.ID, Domain: "a.test", Event: trace.Event{Kind: trace.EventAttempt},
		Outcomes: []spool.Outcome{{Rcpt: 0, State: spooled.Failed, Reply: "550 no", DSN: &spooled.DSN{Action: "failed"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Spool.TakeReady(1000); len(got) != 1 || got[0] != (spooled.Lane{Domain: "src.test", Account: "acme"}) {
		t.Errorf("TakeReady = %v", got)
	}
	dsn := claim(t, s, "src.test", "acme", 1)[0]
	if n, err := io.Copy(io.Discard, s.Bodies.Open(dsn.Message.ID)); n != 40_000 || err != nil {
		t.Errorf("DSN body: %d, %v", n, err)
	}
	if u, _ := s.Standings.Usage("acme", "2026-11"); u.Charged.Messages != 1 || u.Failed != 1 || u.Queued != 0 {
		t.Errorf("usage: %+v", u)
	}
	if err := s.RemoveAccount(behalf.Order{}, "acme"); err != nil {
		t.Errorf("RemoveAccount with only a DSN queued: %v", err)
	}
}

func TestStore_Trace(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	var ids []spooled.ID
	for range 600 {
		ids = append(ids, accept(t, s, "acme", 10, "x@a.test").ID)
		c.add(time.Second)
	}
	for _, cl := range claim(t, s, "a.test", "acme", 600) {
		settle(t, s, cl, spooled.Delivered)
	}
	var got []trace.Event
	if err := s.Trace.Scan(spooled.ID{}, epoch.Add(100*time.Second), func(e *trace.Event) error { got = append(got, *e); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1000 {
		t.Fatalf("TraceScan gave %d events, want 1000", len(got))
	}
	for i, e := range got {
		want := ids[599-i/2]
		if e.ID != want || (e.Kind == trace.EventAccepted) != (i%2 == 0) {
			t.Fatalf("event %d = %v %v, want of %v", i, e.ID, e.Kind, want)
		}
	}
	page := got[:0:0]
	if err := s.Trace.Scan(ids[300], epoch.Add(100*time.Second), func(e *trace.Event) error { page = append(page, *e); return nil }); err != nil || len(page) != 400 || page[0].ID != ids[299] {
		t.Errorf("TraceScan before a message gave %d events, %v", len(page), err)
	}
	if n, err := s.Trace.Prune(epoch.Add(300*time.Second), ""); n != 600 || err != nil {
		t.Errorf("PruneTrace = %d, %v", n, err)
	}
	if left, _ := s.Trace.Of(ids[299]); len(left) != 0 {
		t.Errorf("pruned too little: %v", left)
	}
	if left, _ := s.Trace.Of(ids[300]); len(left) != 2 {
		t.Errorf("pruned too much: %v", left)
	}
}

func TestStore_Networks(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "one", quota.Plan{})
	addAccount(t, s, "two", quota.Plan{})
	for p, a := range map[string]string{"192.0.2.0/24": "one", "192.0.2.128/25": "two", "2001:db8::/32": "one"} {
		if err := s.People.AddNetwork(people.Network{Prefix: netip.MustParsePrefix(p), Account: a}); err != nil {
			t.Fatal(err)
		}
	}
	for addr, want := range map[string]string{"192.0.2.5": "one", "192.0.2.200": "two", "::ffff:192.0.2.5": "one", "2001:db8::1": "one", "198.51.100.1": ""} {
		if got, _ := s.People.NetworkAccount(netip.MustParseAddr(addr)); got != want {
			t.Errorf("NetworkAccount(%s) = %q, want %q", addr, got, want)
		}
	}
	if err := s.People.AddNetwork(people.Network{Prefix: netip.MustParsePrefix("192.0.2.1/24"), Account: "one"}); err == nil {
		t.Error("a network that is not masked was taken")
	}
	if err := s.People.RemoveNetwork("one", netip.MustParsePrefix("192.0.2.128/25")); !errors.Is(err, ErrNotFound) {
		t.Errorf("another account's network: %v", err)
	}
	if err := s.RemoveAccount(behalf.Order{}, "two"); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.People.NetworkAccount(netip.MustParseAddr("192.0.2.200")); got != "one" {
		t.Errorf("after removal of two: %q", got)
	}
}

func TestOpen_Errors(t *testing.T) {
	c := &clock{t: epoch}
	path := filepath.Join(t.TempDir(), "relay.db")
	s := reopen(t, path, c)
	if _, err := openTest(path, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("second Open: %v", err)
	}
	if err := s.update(0, func(t *tx) error { return t.Write(bucket.Meta, keySchema, len(migrations)+1) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := openTest(path, Options{}); !errors.Is(err, ErrNewer) {
		t.Errorf("Open of a newer file: %v", err)
	}
}

// A first message and the account's removal in one transaction.
func TestStore_RemoveAccountSeesTheBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newStore(t)
		addAccount(t, s, "acme", quota.Plan{})
		enter, leave := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := s.update(0, func(*tx) error { close(enter); <-leave; return nil }); err != nil {
				t.Error(err)
			}
		})
		<-enter
		wg.Go(func() { accept(t, s, "acme", 10, "x@a.test") })
		synctest.Wait() // it is handed to the writer, before the next one
		var err error
		wg.Go(func() { err = s.RemoveAccount(behalf.Order{}, "acme") })
		synctest.Wait()
		close(leave)
		wg.Wait()
		if !errors.Is(err, ErrBusy) {
			t.Errorf("RemoveAccount = %v, want ErrBusy", err)
		}
	})
}
