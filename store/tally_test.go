package store

import (
	"fmt"
	"testing"
	"time"

	"relay/quota"
)

// The outcomes of a domain's mail are counted by provider and day, for 30 days, with the most
// common refusals.
func TestStore_Tallies(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	send := func(domain, provider string, state RecipientState, reply string) {
		t.Helper()
		accept(t, s, "acme", 100, "x@a.test")
		got := claimOne(t, s)
		r := Result{ID: got.Message.ID, Domain: "a.test", Provider: provider, Event: Event{Kind: EventAttempt}, Signature: Signature{Fields: "x", Made: s.Now(), Domain: domain},
			Outcomes: []Outcome{{Rcpt: 0, State: state, Reply: reply, Verdict: Verdict{Category: "SpamContent"}}}}
		if state != Delivered {
			r.Outcomes[0].Sample = ReplySample{MX: "mx", Reply: reply, Kind: reply}
		}
		if err := s.Settle(r); err != nil {
			t.Fatal(err)
		}
		if state == Deferred {
			if _, _, err := s.Change(OpDrop, []ID{got.Message.ID}); err != nil {
				t.Fatal(err)
			}
		}
	}
	send("acme.test", "Google", Delivered, "250 ok")
	send("acme.test", "Google", Deferred, "421 slow")
	send("acme.test", "Yahoo", Failed, "554 no")
	send("", "Google", Delivered, "250 ok") // unsigned
	send("other.test", "Google", Delivered, "250 ok")
	for i := range 10 {
		send("acme.test", "Google", Failed, fmt.Sprintf("550 number %d", i))
		send("acme.test", "Google", Failed, "550 5.7.1 spam")
	}
	c.add(24 * time.Hour)
	send("acme.test", "Google", Delivered, "250 ok")
	list, err := s.Tallies("acme", "acme.test")
	if err != nil || len(list) != 2 || list[0].Provider != "Google" || list[1].Provider != "Yahoo" {
		t.Fatalf("%+v, %v", list, err)
	}
	g := list[0]
	if g.Delivered != 2 || g.Deferred != 1 || g.Failed != 20 || len(g.Refusals) != mostRefusals || g.Refusals[0].Reply != "550 5.7.1 spam" || g.Refusals[0].Category != "SpamContent" {
		t.Errorf("%+v", g)
	}
	if y := list[1]; y.Failed != 1 || y.Refusals[0] != (TalliedReply{"554 no", "SpamContent", 1}) {
		t.Errorf("%+v", y)
	}
	c.add(29 * 24 * time.Hour)
	send("acme.test", "Google", Delivered, "250 ok")
	if list, _ := s.Tallies("acme", "acme.test"); len(list) != 1 || list[0].Delivered != 2 || list[0].Failed != 0 {
		t.Errorf("after 30 days: %+v", list)
	}
	verify(t, s)
	if err := s.RemoveAccount(Order{}, "acme"); err != nil {
		t.Fatal(err)
	}
	if list, _ := s.Tallies("acme", "acme.test"); list != nil {
		t.Errorf("of an account that is gone: %+v", list)
	}
}
