package store

import (
	"fmt"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/mailreply"
	"relay/store/signing"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// The outcomes of a domain's mail are counted by provider and day, for 30 days, with the most
// common refusals.
func TestStore_Tallies(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	send := func(domain, provider string, state spooled.State, reply string) {
		t.Helper()
		accept(t, s, "acme", 100, "x@a.test")
		got := claimOne(t, s)
		r := spool.Result{ID: got.Message.ID, Domain: "a.test", Provider: provider, Event: trace.Event{Kind: trace.EventAttempt}, Signature: signing.Signature{Fields: "x", Made: s.Now(), Domain: domain},
			Outcomes: []spool.Outcome{{Rcpt: 0, State: state, Reply: reply, Verdict: mailreply.Verdict{Category: "SpamContent"}}}}
		if state != spooled.Delivered {
			r.Outcomes[0].Sample = mailreply.Sample{MX: "mx", Reply: reply, Kind: reply}
		}
		if err := s.Spool.Settle(r); err != nil {
			t.Fatal(err)
		}
		if state == spooled.Deferred {
			if _, _, err := s.Spool.Change(spool.OpDrop, []spooled.ID{got.Message.ID}); err != nil {
				t.Fatal(err)
			}
		}
	}
	send("acme.test", "Google", spooled.Delivered, "250 ok")
	send("acme.test", "Google", spooled.Deferred, "421 slow")
	send("acme.test", "Yahoo", spooled.Failed, "554 no")
	send("", "Google", spooled.Delivered, "250 ok") // unsigned
	send("other.test", "Google", spooled.Delivered, "250 ok")
	for i := range 10 {
		send("acme.test", "Google", spooled.Failed, fmt.Sprintf("550 number %d", i))
		send("acme.test", "Google", spooled.Failed, "550 5.7.1 spam")
	}
	c.add(24 * time.Hour)
	send("acme.test", "Google", spooled.Delivered, "250 ok")
	list, err := s.Signing.Tallies("acme", "acme.test")
	if err != nil || len(list) != 2 || list[0].Provider != "Google" || list[1].Provider != "Yahoo" {
		t.Fatalf("%+v, %v", list, err)
	}
	g := list[0]
	if g.Delivered != 2 || g.Deferred != 1 || g.Failed != 20 || len(g.Refusals) != 4 || g.Refusals[0].Reply != "550 5.7.1 spam" || g.Refusals[0].Category != "SpamContent" {
		t.Errorf("%+v", g)
	}
	if y := list[1]; y.Failed != 1 || y.Refusals[0] != (signing.TalliedReply{Reply: "554 no", Category: "SpamContent", Count: 1}) {
		t.Errorf("%+v", y)
	}
	c.add(29 * 24 * time.Hour)
	send("acme.test", "Google", spooled.Delivered, "250 ok")
	if list, _ := s.Signing.Tallies("acme", "acme.test"); len(list) != 1 || list[0].Delivered != 2 || list[0].Failed != 0 {
		t.Errorf("after 30 days: %+v", list)
	}
	verify(t, s)
	if err := s.RemoveAccount(behalf.Order{}, "acme"); err != nil {
		t.Fatal(err)
	}
	if list, _ := s.Signing.Tallies("acme", "acme.test"); list != nil {
		t.Errorf("of an account that is gone: %+v", list)
	}
}
