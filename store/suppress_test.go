package store

import (
	"slices"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/refusals"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

var (
	unknownUser = &refusals.Rule{Reason: "InvalidRecipient", Status: "5.1.1", Messages: 1, Keep: 180 * 24 * time.Hour}
	fullMailbox = &refusals.Rule{Reason: "QuotaIssues", Status: "5.2.2", Messages: 3, Over: 7 * 24 * time.Hour, Keep: 30 * 24 * time.Hour}
)

// meet settles all recipients of a claim with one outcome.
func meet(t *testing.T, s *Store, c spool.Claimed, state spooled.State, reply string, by *refusals.Rule) {
	t.Helper()
	r := spool.Result{ID: c.Message.ID, Domain: c.Domain, Event: trace.Event{Kind: trace.EventAttempt}}
	for _, i := range c.Rcpts {
		r.Outcomes = append(r.Outcomes, spool.Outcome{Rcpt: i, State: state, Reply: reply, Suppress: by})
	}
	if err := s.Spool.Settle(r); err != nil {
		t.Fatal(err)
	}
}

// claimOne claims what is due of acme at a.test, which is one message.
func claimOne(t *testing.T, s *Store) spool.Claimed {
	t.Helper()
	list := claim(t, s, "a.test", "acme", 10)
	if len(list) != 1 {
		t.Fatalf("claimed %+v, want one message", list)
	}
	return list[0]
}

// A recipient that is suppressed is accepted and charged, not tried, counted as failed, and
// told by a DSN; the others of the message are tried.
func TestStore_Suppress(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	addAccount(t, s, "other", quota.Plan{})
	accept(t, s, "acme", 100, "Gone@a.test")
	meet(t, s, claimOne(t, s), spooled.Failed, "550 5.1.1 unknown", unknownUser)
	is, ok, err := s.Refusals.Suppressed("acme", "GONE@A.test")
	want := refusals.Suppression{Recipient: "Gone@a.test", Reason: "InvalidRecipient", Reply: "550 5.1.1 unknown", Status: "5.1.1", Since: s.Now(), Expires: s.Now().Add(unknownUser.Keep)}
	if err != nil || !ok || is != want {
		t.Fatalf("Suppressed = %+v, %t, %v, want %+v", is, ok, err, want)
	}
	m := accept(t, s, "acme", 100, "gone@a.test", "here@a.test")
	got := claimOne(t, s)
	if !slices.Equal(got.Rcpts, []int{1}) || !slices.Equal(got.Suppressed, []int{0}) {
		t.Fatalf("claimed %v, suppressed %v", got.Rcpts, got.Suppressed)
	}
	if r := got.Message.Recipients[0]; r.State != spooled.Suppressed || r.Reply != want.Reply || r.Verdict.Category != "InvalidRecipient" || r.DSN == nil || !r.DSN.Suppressed.Equal(want.Since) || r.Tries != 0 {
		t.Errorf("%+v", r)
	}
	meet(t, s, got, spooled.Delivered, "250 ok", nil)
	if u, _ := s.Usage("acme", "2026-11"); u.Charged.Messages != 3 || u.Failed != 2 || u.Delivered != 1 || u.Queued != 0 {
		t.Errorf("%+v", u)
	}
	events, _ := s.Trace.Of(m.ID)
	if e := events[1]; len(events) != 3 || e.Kind != trace.EventSuppressed || e.Recipients[0].State != spooled.Suppressed || !e.Recipients[0].Since.Equal(want.Since) {
		t.Errorf("%+v", events)
	}

	// it is the account's alone, and ends
	accept(t, s, "other", 100, "gone@a.test")
	if list := claim(t, s, "a.test", "other", 1); len(list) != 1 || len(list[0].Suppressed) != 0 {
		t.Errorf("of another account: %+v", list)
	}
	c.add(unknownUser.Keep)
	accept(t, s, "acme", 100, "gone@a.test")
	if got := claimOne(t, s); len(got.Suppressed) != 0 {
		t.Errorf("after its end: %+v", got)
	}
	verify(t, s)
}

// With its last recipient suppressed a message leaves at the claim, and others are claimed in
// its place. One transaction gives some up, and announces the lane for the rest.
func TestStore_Suppress_all(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	if n, err := s.Refusals.AddSuppressions(behalf.Order{}, "acme", []refusals.Suppression{{Recipient: "x@a.test", Reason: refusals.ByHand}, {Recipient: "X@a.test"}}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	for range aStep + 5 {
		accept(t, s, "acme", 100, "x@a.test")
	}
	accept(t, s, "acme", 100, "y@a.test")
	s.Spool.TakeReady(1000)
	list := claim(t, s, "a.test", "acme", 100)
	if len(list) != aStep || !slices.Contains(s.Spool.TakeReady(1000), spooled.Lane{Domain: "a.test", Account: "acme"}) {
		t.Fatalf("%d claimed", len(list))
	}
	if list = claim(t, s, "a.test", "acme", 1); len(list) != 6 || len(list[5].Rcpts) != 1 {
		t.Fatalf("%d claimed: %+v", len(list), list)
	}
	if sum, _ := s.Spool.Totals(); sum.Messages != 1 {
		t.Errorf("%+v are left", sum)
	}
	verify(t, s)
}

// Mail that is being delivered is not given up because its claim is renewed.
func TestStore_Suppress_inFlight(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	accept(t, s, "acme", 100, "x@a.test")
	claimOne(t, s)
	if _, err := s.Refusals.AddSuppressions(behalf.Order{}, "acme", []refusals.Suppression{{Recipient: "x@a.test"}}); err != nil {
		t.Fatal(err)
	}
	c.add(time.Hour)
	got := claimOne(t, s)
	if len(got.Suppressed) != 0 {
		t.Fatalf("%+v", got)
	}
	meet(t, s, got, spooled.Delivered, "250 ok", nil)
}

// A mailbox that is full suppresses after three messages in a week or more. A message
// counts once; a delivery, and a long time without mail, wipe the count out.
func TestStore_Suppress_strikes(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	full := func(after time.Duration) bool {
		t.Helper()
		c.add(after)
		accept(t, s, "acme", 100, "x@a.test")
		for range 3 {
			got := claimOne(t, s)
			if len(got.Rcpts) == 0 {
				return true
			}
			meet(t, s, got, spooled.Deferred, "452 4.2.2 full", fullMailbox)
			c.add(time.Hour)
		}
		meet(t, s, claimOne(t, s), spooled.Expired, "452 4.2.2 full", fullMailbox)
		return false
	}
	const day = 24 * time.Hour
	for i, after := range []time.Duration{0, day, day, day} { // many in half a week
		if full(after) {
			t.Fatalf("suppressed by message %d", i+1)
		}
	}
	accept(t, s, "acme", 100, "X@a.test")
	meet(t, s, claimOne(t, s), spooled.Delivered, "250 ok", nil)
	for i, after := range []time.Duration{day, 8 * day, 61 * day, 3 * day} {
		if full(after) {
			t.Fatalf("suppressed by message %d after a delivery", i+1)
		}
	}
	if !full(4 * day) {
		t.Error("three messages in a week do not suppress")
	}
	if !full(29 * day) {
		t.Error("it has ended after 29 days")
	}
	if full(day) {
		t.Error("it lasts longer than 30 days")
	}
	verify(t, s)
}

// Relay's own mail is not suppressed, and suppresses nobody.
func TestStore_Suppress_own(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	for range 2 {
		m := &spooled.Message{ID: s.ids.Next(s.Now()), Account: "acme", Own: spooled.NoteEnding, Expires: s.Now().AddDate(0, 0, 1), Recipients: []spooled.Recipient{{Address: "x@a.test", Domain: "a.test", State: spooled.Queued}}}
		if err := s.updateThen(0, func(t *tx) error { return t.QueueOwn(&spool.Notice{Message: *m, Body: []byte("x\r\n")}, m.ID, m.Own) }); err != nil {
			t.Fatal(err)
		}
		meet(t, s, claimOne(t, s), spooled.Failed, "550 5.1.1 unknown", unknownUser)
	}
	if _, ok, _ := s.Refusals.Suppressed("acme", "x@a.test"); ok {
		t.Error("it is suppressed")
	}
	if _, err := s.Refusals.AddSuppressions(behalf.Order{}, "acme", []refusals.Suppression{{Recipient: "x@a.test"}}); err != nil {
		t.Fatal(err)
	}
	m := &spooled.Message{ID: s.ids.Next(s.Now()), Account: "acme", Own: spooled.NoteEnding, Expires: s.Now().AddDate(0, 0, 1), Recipients: []spooled.Recipient{{Address: "x@a.test", Domain: "a.test", State: spooled.Queued}}}
	if err := s.updateThen(0, func(t *tx) error { return t.QueueOwn(&spool.Notice{Message: *m, Body: []byte("x\r\n")}, m.ID, m.Own) }); err != nil {
		t.Fatal(err)
	}
	if got := claimOne(t, s); len(got.Suppressed) != 0 {
		t.Errorf("%+v", got)
	}
}

// The prune records its job; with the account its suppressions go.
func TestStore_Suppress_removed(t *testing.T) {
	s, c := newStore(t)
	for _, account := range []string{"acme", "acme2"} {
		addAccount(t, s, account, quota.Plan{})
		list := []refusals.Suppression{{Recipient: "a@a.test", Expires: s.Now().Add(time.Hour)}, {Recipient: "b@a.test"}}
		if _, err := s.Refusals.AddSuppressions(behalf.Order{}, account, list); err != nil {
			t.Fatal(err)
		}
	}
	c.add(2 * time.Hour)
	if n, err := s.Refusals.PruneSuppressions(s.Now(), "lapse"); n != 2 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
	if is, err := s.Jobs.State("lapse"); err != nil || !is.Done.Equal(s.Now()) {
		t.Errorf("recorded %+v, %v", is, err)
	}
	if err := s.RemoveAccount(behalf.Order{}, "acme"); err != nil {
		t.Fatal(err)
	}
	for account, want := range map[string]bool{"acme": false, "acme2": true} {
		if _, ok, err := s.Refusals.Suppressed(account, "b@a.test"); ok != want || err != nil {
			t.Errorf("of %s: %t, %v", account, ok, err)
		}
	}
	verify(t, s)
}
