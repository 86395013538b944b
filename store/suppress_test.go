package store

import (
	"slices"
	"testing"
	"time"

	"relay/quota"
)

var (
	unknownUser = &Suppressing{Reason: "InvalidRecipient", Status: "5.1.1", Messages: 1, Keep: 180 * 24 * time.Hour}
	fullMailbox = &Suppressing{Reason: "QuotaIssues", Status: "5.2.2", Messages: 3, Over: 7 * 24 * time.Hour, Keep: 30 * 24 * time.Hour}
)

// meet settles all recipients of a claim with one outcome.
func meet(t *testing.T, s *Store, c Claimed, state RecipientState, reply string, by *Suppressing) {
	t.Helper()
	r := Result{ID: c.Message.ID, Domain: c.Domain, Event: Event{Kind: EventAttempt}}
	for _, i := range c.Rcpts {
		r.Outcomes = append(r.Outcomes, Outcome{Rcpt: i, State: state, Reply: reply, Suppress: by})
	}
	if err := s.Settle(r); err != nil {
		t.Fatal(err)
	}
}

// claimOne claims what is due of acme at a.test, which is one message.
func claimOne(t *testing.T, s *Store) Claimed {
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
	meet(t, s, claimOne(t, s), Failed, "550 5.1.1 unknown", unknownUser)
	is, ok, err := s.Suppressed("acme", "GONE@A.test")
	want := Suppression{"Gone@a.test", "InvalidRecipient", "550 5.1.1 unknown", "5.1.1", s.Now(), s.Now().Add(unknownUser.Keep)}
	if err != nil || !ok || is != want {
		t.Fatalf("Suppressed = %+v, %t, %v, want %+v", is, ok, err, want)
	}
	m := accept(t, s, "acme", 100, "gone@a.test", "here@a.test")
	got := claimOne(t, s)
	if !slices.Equal(got.Rcpts, []int{1}) || !slices.Equal(got.Suppressed, []int{0}) {
		t.Fatalf("claimed %v, suppressed %v", got.Rcpts, got.Suppressed)
	}
	if r := got.Message.Recipients[0]; r.State != Suppressed || r.Reply != want.Reply || r.Verdict.Category != "InvalidRecipient" || r.DSN == nil || !r.DSN.Suppressed.Equal(want.Since) || r.Tries != 0 {
		t.Errorf("%+v", r)
	}
	meet(t, s, got, Delivered, "250 ok", nil)
	if u, _ := s.Usage("acme", "2026-11"); u.Charged.Messages != 3 || u.Failed != 2 || u.Delivered != 1 || u.Queued != 0 {
		t.Errorf("%+v", u)
	}
	events, _ := s.Trace(m.ID)
	if e := events[1]; len(events) != 3 || e.Kind != EventSuppressed || e.Recipients[0].State != Suppressed || !e.Recipients[0].Since.Equal(want.Since) {
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
	if n, err := s.AddSuppressions(Order{}, "acme", []Suppression{{Recipient: "x@a.test", Reason: ByHand}, {Recipient: "X@a.test"}}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	for range mostPutOff + 5 {
		accept(t, s, "acme", 100, "x@a.test")
	}
	accept(t, s, "acme", 100, "y@a.test")
	s.TakeReady(1000)
	list := claim(t, s, "a.test", "acme", 100)
	if len(list) != mostPutOff || !slices.Contains(s.TakeReady(1000), Lane{"a.test", "acme"}) {
		t.Fatalf("%d claimed", len(list))
	}
	if list = claim(t, s, "a.test", "acme", 1); len(list) != 6 || len(list[5].Rcpts) != 1 {
		t.Fatalf("%d claimed: %+v", len(list), list)
	}
	if sum, _ := s.Totals(); sum.Messages != 1 {
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
	if _, err := s.AddSuppressions(Order{}, "acme", []Suppression{{Recipient: "x@a.test"}}); err != nil {
		t.Fatal(err)
	}
	c.add(time.Hour)
	got := claimOne(t, s)
	if len(got.Suppressed) != 0 {
		t.Fatalf("%+v", got)
	}
	meet(t, s, got, Delivered, "250 ok", nil)
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
			meet(t, s, got, Deferred, "452 4.2.2 full", fullMailbox)
			c.add(time.Hour)
		}
		meet(t, s, claimOne(t, s), Expired, "452 4.2.2 full", fullMailbox)
		return false
	}
	const day = 24 * time.Hour
	for i, after := range []time.Duration{0, day, day, day} { // many in half a week
		if full(after) {
			t.Fatalf("suppressed by message %d", i+1)
		}
	}
	accept(t, s, "acme", 100, "X@a.test")
	meet(t, s, claimOne(t, s), Delivered, "250 ok", nil)
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
		m := &Message{ID: s.ids.next(s.Now()), Account: "acme", Own: NoteEnding, Expires: s.Now().AddDate(0, 0, 1), Recipients: []Recipient{{Address: "x@a.test", Domain: "a.test", State: Queued}}}
		if err := s.update(0, func(t *tx) error { _, err := t.enqueueOwn(m, []byte("x\r\n")); return err }); err != nil {
			t.Fatal(err)
		}
		meet(t, s, claimOne(t, s), Failed, "550 5.1.1 unknown", unknownUser)
	}
	if _, ok, _ := s.Suppressed("acme", "x@a.test"); ok {
		t.Error("it is suppressed")
	}
	if _, err := s.AddSuppressions(Order{}, "acme", []Suppression{{Recipient: "x@a.test"}}); err != nil {
		t.Fatal(err)
	}
	m := &Message{ID: s.ids.next(s.Now()), Account: "acme", Own: NoteEnding, Expires: s.Now().AddDate(0, 0, 1), Recipients: []Recipient{{Address: "x@a.test", Domain: "a.test", State: Queued}}}
	if err := s.update(0, func(t *tx) error { _, err := t.enqueueOwn(m, []byte("x\r\n")); return err }); err != nil {
		t.Fatal(err)
	}
	if got := claimOne(t, s); len(got.Suppressed) != 0 {
		t.Errorf("%+v", got)
	}
}

// A list is walked in order and pruned; with the account it goes.
func TestStore_Suppress_list(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	addAccount(t, s, "acme2", quota.Plan{})
	add := func(account string, keep time.Duration, to ...string) {
		t.Helper()
		for _, a := range to {
			if _, err := s.AddSuppressions(Order{}, account, []Suppression{{Recipient: a, Reason: ByHand, Expires: s.Now().Add(keep)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	add("acme", time.Hour, "b@a.test", "d@a.test")
	add("acme", 3*time.Hour, "C@bücher.test", "a@a.test")
	add("acme2", time.Hour, "x@a.test")
	list := func(after string) (all []string) {
		if err := s.EachSuppression("acme", after, func(key string, is *Suppression) error { all = append(all, key); return nil }); err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got, want := list(""), []string{"a@a.test", "b@a.test", "c@xn--bcher-kva.test", "d@a.test"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := list("b@a.test"); len(got) != 2 {
		t.Errorf("%v behind b", got)
	}
	c.add(2 * time.Hour)
	if got := list(""); len(got) != 2 {
		t.Errorf("%v after two hours", got)
	}
	if n, err := s.PruneSuppressions(s.Now()); n != 3 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
	if n, err := s.LiftSuppressions(Order{}, "acme", []string{"a@a.test", "none@a.test"}); n != 1 || err != nil {
		t.Errorf("lifted %d, %v", n, err)
	}
	if err := s.RemoveAccount(Order{}, "acme"); err != nil {
		t.Fatal(err)
	}
	verify(t, s)
}
