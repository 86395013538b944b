package spool

import (
	"slices"
	"testing"
	"time"

	"relay/store/behalf"
	"relay/store/refusals"
	"relay/store/spooled"
	"relay/store/trace"
)

var (
	unknownUser = &refusals.Rule{Reason: "InvalidRecipient", Status: "5.1.1", Messages: 1, Keep: 180 * day}
	fullMailbox = &refusals.Rule{Reason: "QuotaIssues", Status: "5.2.2", Messages: 3, Over: 7 * day, Keep: 30 * day}
)

// suppress keeps an account's mail to an address back.
func (f *fixture) suppress(account, address string) {
	f.Helper()
	_, err := f.Refusals.AddSuppressions(behalf.Order{}, account, []refusals.Suppression{{Recipient: address, Reason: refusals.ByHand}})
	f.check(err)
}

// meet has all recipients of a claim meet a reply.
func (f *fixture) meet(c Claimed, state spooled.State, reply string, by *refusals.Rule) {
	f.Helper()
	f.check(f.Settle(result(c, Outcome{State: state, Reply: reply, Suppress: by})))
}

// A recipient that is suppressed is not tried. It fails when it comes up, its sender is told, and the
// others are tried. It is the account's alone, and ends.
func TestSpool_Claim_suppressed(t *testing.T) {
	f := open(t)
	f.queue("acme", "Gone@a.test")
	f.meet(f.claimOne("acme", "a.test"), spooled.Failed, "550 5.1.1 unknown", unknownUser)
	since := f.Now()
	is, ok, err := f.Refusals.Suppressed("acme", "GONE@A.test")
	if want := (refusals.Suppression{Recipient: "Gone@a.test", Reason: "InvalidRecipient", Reply: "550 5.1.1 unknown", Status: "5.1.1", Since: since, Expires: since.Add(unknownUser.Keep)}); err != nil || !ok || is != want {
		t.Fatalf("Suppressed = %+v, %t, %v, want %+v", is, ok, err, want)
	}
	f.db.Pass(time.Minute)
	m := f.queue("acme", "gone@a.test", "here@a.test")
	c := f.claimOne("acme", "a.test")
	if !slices.Equal(c.Rcpts, []int{1}) || !slices.Equal(c.Suppressed, []int{0}) {
		t.Fatalf("claimed %v, suppressed %v", c.Rcpts, c.Suppressed)
	}
	if r := c.Message.Recipients[0]; r.State != spooled.Suppressed || r.Reply != "550 5.1.1 unknown" || r.Verdict.Category != "InvalidRecipient" || r.Tries != 0 || r.DSN == nil ||
		*r.DSN != (spooled.DSN{Action: "failed", Status: "5.1.1", Reply: "550 5.1.1 unknown", Suppressed: since}) {
		t.Errorf("%+v, DSN %+v", r, r.DSN)
	}
	f.settle(spooled.Delivered, c)
	if p := f.progress("acme"); p.Failed != 2 || p.Delivered != 1 || p.DSNs != 1 {
		t.Errorf("%+v", p)
	}
	events, err := f.Trace.Of(m.ID)
	if err != nil || len(events) != 4 || events[1].Kind != trace.EventSuppressed || events[1].Recipients[0].State != spooled.Suppressed || !events[1].Recipients[0].Since.Equal(since) {
		t.Errorf("%+v, %v", events, err)
	}
	f.queue("other", "gone@a.test")
	if c := f.claimOne("other", "a.test"); len(c.Suppressed) > 0 {
		t.Errorf("of another account: %+v", c)
	}
	f.db.Pass(unknownUser.Keep)
	f.queue("acme", "gone@a.test")
	if c := f.claimOne("acme", "a.test"); len(c.Suppressed) > 0 {
		t.Errorf("after its end: %+v", c)
	}
}

// With its last recipient suppressed a message leaves at the claim, and others are claimed in its place.
// One transaction gives some up, and announces the lane for the rest.
func TestSpool_Claim_suppressedAll(t *testing.T) {
	f := open(t)
	f.suppress("acme", "x@a.test")
	for range mostPutOff + 5 {
		m := f.message("acme", "x@a.test")
		m.Sender = ""
		f.check(f.accept(m))
	}
	f.queue("acme", "y@a.test")
	f.TakeReady(1000)
	if list := f.claim("acme", "a.test", 100); len(list) != mostPutOff || !slices.Equal(f.TakeReady(1000), []spooled.Lane{{Domain: "a.test", Account: "acme"}}) {
		t.Fatalf("%d are given up", len(list))
	}
	if list := f.claim("acme", "a.test", 1); len(list) != 6 || len(list[5].Rcpts) != 1 {
		t.Fatalf("%d are claimed: %+v", len(list), list)
	}
	if sum, err := f.Totals(); err != nil || sum.Messages != 1 {
		t.Errorf("left are %+v, %v", sum, err)
	}
}

// The DSN about a recipient that is given up may be due in the same lane: it is claimed at once.
func TestSpool_Claim_suppressedSameLane(t *testing.T) {
	f := open(t)
	f.suppress("acme", "x@src.test")
	m := f.queue("acme", "x@src.test")
	list := f.claim("acme", "src.test", 1)
	if len(list) != 2 || list[0].Message.ID != m.ID || len(list[0].DSNs) != 1 || list[1].Message.About != m.ID {
		t.Errorf("claimed %+v", list)
	}
}

// Mail that is being delivered is not given up because its claim is renewed. After a kill it is.
func TestSpool_Claim_suppressedInFlight(t *testing.T) {
	f := open(t)
	f.queue("acme", "x@a.test")
	f.claimOne("acme", "a.test")
	f.suppress("acme", "x@a.test")
	f.db.Pass(time.Hour)
	if c := f.claimOne("acme", "a.test"); len(c.Suppressed) > 0 {
		t.Fatalf("%+v", c)
	}
	f.kill()
	if c := f.claimOne("acme", "a.test"); !slices.Equal(c.Suppressed, []int{0}) || len(c.Rcpts) > 0 {
		t.Errorf("after a kill %+v", c)
	}
}

// While some recipients at a domain are in hand nobody there is given up, since a retry by the operator may
// have had the others come up too. When that claim has ended they are.
func TestSpool_Claim_suppressedBeside(t *testing.T) {
	f := open(t)
	m := f.queue("acme", "x@a.test", "y@a.test")
	f.settle(spooled.Deferred, f.claimOne("acme", "a.test"))
	f.operate(Operation{Op: OpRetry, Of: &spooled.Filter{Recipient: "x@a.test"}}, m.ID)
	first := f.claimOne("acme", "a.test")
	f.suppress("acme", "x@a.test")
	f.suppress("acme", "y@a.test")
	f.db.Pass(5 * time.Minute)
	if c := f.claimOne("acme", "a.test"); !slices.Equal(first.Rcpts, []int{0}) || !slices.Equal(c.Rcpts, []int{1}) || len(c.Suppressed) > 0 {
		t.Errorf("beside %v are claimed %v, suppressed %v", first.Rcpts, c.Rcpts, c.Suppressed)
	}
	f.settle(spooled.Delivered, first)
	f.db.Pass(time.Hour)
	if c := f.claimOne("acme", "a.test"); !slices.Equal(c.Suppressed, []int{1}) {
		t.Errorf("then are claimed %v, suppressed %v", c.Rcpts, c.Suppressed)
	}
}

// A mailbox that is full suppresses after three messages in a week or more. A message counts once, however
// often it is tried. A delivery, and a long time without mail, wipe the count out.
func TestSpool_Settle_strikes(t *testing.T) {
	f := open(t)
	full := func(after time.Duration) bool {
		t.Helper()
		f.db.Pass(after)
		f.queue("acme", "x@a.test")
		for range 3 {
			c := f.claimOne("acme", "a.test")
			if len(c.Rcpts) == 0 {
				return true
			}
			f.meet(c, spooled.Deferred, "452 4.2.2 full", fullMailbox)
			f.db.Pass(time.Hour)
		}
		f.meet(f.claimOne("acme", "a.test"), spooled.Expired, "452 4.2.2 full", fullMailbox)
		return false
	}
	for i, after := range []time.Duration{0, day, day, day} { // many in half a week
		if full(after) {
			t.Fatalf("suppressed by message %d", i+1)
		}
	}
	f.queue("acme", "X@a.test")
	f.meet(f.claimOne("acme", "a.test"), spooled.Delivered, "250 ok", nil)
	for i, after := range []time.Duration{day, 8 * day, 61 * day, 3 * day} {
		if full(after) {
			t.Fatalf("suppressed by message %d after a delivery", i+1)
		}
	}
	if !full(4*day) || !full(29*day) || full(day) {
		t.Error("three messages in a week suppress for thirty days")
	}
}

// A refusal that a rule takes for good at once counts only where the recipient is given up.
func TestSpool_Settle_strikeWhenGivenUp(t *testing.T) {
	f := open(t)
	f.queue("acme", "x@a.test")
	f.meet(f.claimOne("acme", "a.test"), spooled.Deferred, "450 4.1.1 unknown", unknownUser)
	if _, ok, err := f.Refusals.Suppressed("acme", "x@a.test"); ok || err != nil {
		t.Errorf("suppressed while it is tried again: %v", err)
	}
}

// Relay's own mail is not suppressed, and suppresses nobody.
func TestSpool_Claim_own(t *testing.T) {
	f := open(t)
	own := func() {
		m := f.message("acme", "x@a.test")
		m.Period, m.Sender = "", ""
		f.do(func(t *Tx) error {
			return t.QueueOwn(&Notice{Message: *m, Body: []byte("a letter")}, f.ids.Next(t.Wall), spooled.NoteEnding)
		})
	}
	own()
	f.meet(f.claimOne("acme", "a.test"), spooled.Failed, "550 5.1.1 unknown", unknownUser)
	if _, ok, err := f.Refusals.Suppressed("acme", "x@a.test"); ok || err != nil {
		t.Errorf("suppressed: %v", err)
	}
	f.suppress("acme", "x@a.test")
	own()
	if c := f.claimOne("acme", "a.test"); len(c.Suppressed) > 0 || c.Message.Own != spooled.NoteEnding {
		t.Errorf("%+v", c)
	}
}
