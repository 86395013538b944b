package store

import (
	"fmt"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/mailreply"
	"relay/store/orders"
	"relay/store/refusals"
	"relay/store/returns"
	"relay/store/signs"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/strangers"
	"relay/store/trace"
)

// back is a world of mail that went out.
type back struct {
	*Store
	t    testing.TB
	time *clock
}

func newBack(t testing.TB) *back {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	addAccount(t, s, "blue", quota.Plan{})
	return &back{s, t, c}
}

// send has an account's mail with a Message-ID delivered to recipients at x.test.
func (b *back) send(account, messageID string, to ...string) *spooled.Message {
	b.t.Helper()
	in := intake(b.Store, account, 100, to...)
	in.Message.MessageID = messageID
	if r, err := b.Accept(in); err != nil || r != nil {
		b.t.Fatalf("Accept = %+v, %v", r, err)
	}
	b.deliver(in.Message, spooled.Delivered)
	return in.Message
}

func (b *back) deliver(m *spooled.Message, state spooled.State) {
	b.t.Helper()
	res := spool.Result{ID: m.ID, Domain: m.Recipients[0].Domain, Provider: "bigmail", Source: "192.0.2.7", Event: trace.Event{Kind: trace.EventAttempt}}
	for i := range m.Recipients {
		res.Outcomes = append(res.Outcomes, spool.Outcome{Rcpt: i, State: state, Mark: strangers.MarkDelivered})
	}
	if err := b.Store.Spool.Settle(res); err != nil {
		b.t.Fatal(err)
	}
}

// returned brings in one report.
func (b *back) returned(r returns.Return) returns.Effect {
	b.t.Helper()
	list, err := b.Store.Returns.Record([]returns.Return{r})
	if err != nil || len(list) != 1 {
		b.t.Fatalf("Returned = %+v, %v", list, err)
	}
	return list[0]
}

// counts are the bounces and complaints of an account.
func (b *back) counts(account string) string {
	b.t.Helper()
	u, err := b.Store.Standings.Usage(account, "2026-11")
	if err != nil {
		b.t.Fatal(err)
	}
	return fmt.Sprintf("%d %d", u.Bounced, u.Complained)
}

var (
	noSuchUser = mailreply.Verdict{Category: "InvalidRecipient", Blame: "recipient"}
	atOnce     = &refusals.Rule{Reason: "InvalidRecipient", Status: "5.1.1", Messages: 1, Keep: 180 * 24 * time.Hour}
)

func bounceOf(messageID, recipient string) returns.Return {
	return returns.Return{Kind: returns.Bounce, MessageID: messageID, Recipient: recipient, Verdict: noSuchUser,
		Reply: "550 5.1.1 no such user", Hard: true, Suppress: atOnce, Reporter: "mx.x.test"}
}

func complaintOf(messageID, recipient string) returns.Return {
	return returns.Return{Kind: returns.Complaint, MessageID: messageID, Recipient: recipient, Reporter: "bigmail.test",
		Suppress: &refusals.Rule{Reason: spool.Complained, Status: "5.7.1", Messages: 1}}
}

// What a report is about, by what it says.
func TestStore_Returned(t *testing.T) {
	b := newBack(t)
	one := b.send("acme", "<1@acme>", "Ann@x.test")
	two := b.send("acme", "<2@acme>", "ann@x.test", "bob@x.test")
	b.send("acme", "<same@x>", "ann@x.test")
	b.send("blue", "<same@x>", "cid@x.test")
	waits := accept(t, b.Store, "acme", 10, "dan@y.test")
	for _, c := range []struct {
		name             string
		r                returns.Return
		account, to, why string
		counts           string // of acme
		suppressed       bool
	}{
		{"nobody's", bounceOf("<0@acme>", "ann@x.test"), "", "", "unknown", "0 0", false},
		{"neither Message-ID nor token", bounceOf("", "ann@x.test"), "", "", "unknown", "0 0", false},
		{"a bounce", bounceOf("<1@acme>", "ann@X.test"), "acme", "Ann@x.test", "", "1 0", true},
		{"it again", bounceOf("<1@acme>", "ann@x.test"), "acme", "Ann@x.test", "again", "1 0", false},
		{"it again, for another address", bounceOf("<1@acme>", "forwarded@z.test"), "acme", "Ann@x.test", "again", "1 0", false},
		{"a complaint after it", complaintOf("<1@acme>", "ann@x.test"), "acme", "Ann@x.test", "", "1 1", true},
		{"a token", returns.Return{Kind: returns.Bounce, Token: b.Delivered.Token(two, 1), Recipient: "who@z.test"}, "acme", "bob@x.test", "", "2 1", false},
		{"a made-up token", returns.Return{Kind: returns.Bounce, Token: b.Delivered.Token(two, 0)[1:] + "a"}, "", "", "unknown", "2 1", false},
		{"one of several, forwarded", bounceOf("<2@acme>", "forwarded@z.test"), "acme", "", "", "3 1", false},
		{"more than there were", bounceOf("<2@acme>", "other@z.test"), "acme", "", "again", "3 1", false},
		{"a masked complaint", complaintOf("2@acme", ""), "acme", "", "", "3 2", false},
		{"a masked complaint again", complaintOf("<2@acme>", ""), "acme", "", "again", "3 2", false},
		{"a Message-ID that two accounts used", bounceOf("<same@x>", ""), "", "", "ambiguous", "3 2", false},
		{"it with a stranger", bounceOf("<same@x>", "who@z.test"), "", "", "ambiguous", "3 2", false},
		{"it with the recipient", bounceOf("<same@x>", "cid@x.test"), "blue", "cid@x.test", "", "3 2", true},
		{"a token of what waits", returns.Return{Kind: returns.Bounce, Token: b.Delivered.Token(waits, 0)}, "acme", "dan@y.test", "undelivered", "3 2", false},
	} {
		e := b.returned(c.r)
		if e.Account != c.account || e.Recipient != c.to || string(e.Why) != c.why || e.Counted != (c.why == "") || e.Suppressed != c.suppressed || e.Found != (c.account != "") {
			t.Errorf("%s: %+v", c.name, e)
		}
		if got := b.counts("acme"); got != c.counts {
			t.Errorf("%s: counts %s, want %s", c.name, got, c.counts)
		}
	}
	e := b.returned(bounceOf("<1@acme>", "ann@x.test"))
	if e.ID != one.ID || e.MessageID != "<1@acme>" || e.Sender != one.Sender || e.Source != "192.0.2.7" {
		t.Errorf("effect %+v", e)
	}
}

// All that follows from a bounce and a complaint.
func TestStore_Returned_effects(t *testing.T) {
	b := newBack(t)
	m := b.send("acme", "<1@acme>", "ann@x.test")
	b.send("acme", "<2@acme>", "bob@x.test")
	b.time.set(epoch.Add(26 * time.Hour))
	b.returned(bounceOf("<1@acme>", "ann@x.test"))
	b.returned(complaintOf("<2@acme>", "bob@x.test"))

	is, ok, err := b.Refusals.RefusedAs("acme", "ann@x.test")
	if want := (refusals.Entry{Recipient: "ann@x.test", Category: "InvalidRecipient", Class: "bounced", Code: "550", Enhanced: "5.1.1", Reply: "550 5.1.1 no such user",
		Source: refusals.SourceBounce, First: b.Now(), Last: b.Now(), Count: 1, MessageID: "<1@acme>", Advice: refusals.AdviceRemove}); !ok || err != nil || is != want {
		t.Errorf("list of errors %+v, want %+v, %v", is, want, err)
	}
	is, ok, _ = b.Refusals.RefusedAs("acme", "bob@x.test")
	if !ok || is.Category != spool.Complained || is.Source != refusals.SourceComplaint || is.Advice != refusals.AdviceRemove {
		t.Errorf("list of errors %+v", is)
	}
	for to, reason := range map[string]string{"ann@x.test": "InvalidRecipient", "bob@x.test": spool.Complained} {
		if s, ok, _ := b.Refusals.Suppressed("acme", to); !ok || s.Reason != reason {
			t.Errorf("suppression of %s: %v %+v", to, ok, s)
		}
	}
	day, err := b.Outcomes.InPeriod("acme", "2026-11")
	if err != nil || day.Bounced != 1 || day.Complained != 1 || day.Delivered != 2 {
		t.Errorf("days %+v, %v", day, err)
	}
	rec, _, err := b.Strangers.Record("acme")
	if err != nil || rec.Today.Unknown != 1 || rec.Today.Complaint != 1 {
		t.Errorf("record %+v, %v", rec, err)
	}
	against, _, err := b.Store.Abuse.Signs("acme")
	if err != nil || against.Total(signs.Bounce) != 1 || against.Total(signs.Complaint) != 1 || against.List[0].Late != 1 {
		t.Errorf("signs %+v, %v", against, err)
	}
	events, err := b.Trace.Of(m.ID)
	if n := len(events); err != nil || n != 3 || events[2].Kind != trace.EventBounced || events[2].Reporter != "mx.x.test" || events[2].Recipients[0].Address != "ann@x.test" {
		t.Errorf("trace %+v, %v", events, err)
	}
	select {
	case c := <-b.Spool.Complaints():
		if c != (spool.Complaint{Account: "acme", Provider: "bigmail", Domain: "x.test"}) {
			t.Errorf("complaint %+v", c)
		}
	default:
		t.Error("nobody is told of the complaint")
	}
}

// A delivery says nothing against what came back a day ago: the next hop takes it each time.
func TestStore_Returned_takenEachTime(t *testing.T) {
	b := newBack(t)
	full := func(id string) returns.Return {
		r := bounceOf(id, "ann@x.test")
		r.Verdict, r.Hard = mailreply.Verdict{Category: "QuotaIssues", Blame: "recipient"}, false
		r.Suppress = &refusals.Rule{Reason: "QuotaIssues", Messages: 3, Over: 7 * 24 * time.Hour, Keep: time.Hour}
		return r
	}
	for i := range 3 {
		id := fmt.Sprintf("<%d@acme>", i)
		b.send("acme", id, "ann@x.test")
		if is, _, _ := b.Refusals.RefusedAs("acme", "ann@x.test"); !is.Cleared.IsZero() {
			t.Errorf("after %d it is cleared", i)
		}
		if e := b.returned(full(id)); e.Suppressed != (i == 2) {
			t.Errorf("%d: %+v", i, e)
		}
		b.time.set(b.Now().Add(4 * 24 * time.Hour))
	}
	b.time.set(b.Now().Add(4 * 24 * time.Hour))
	b.send("acme", "<9@acme>", "ann@x.test")
	if is, _, _ := b.Refusals.RefusedAs("acme", "ann@x.test"); is.Cleared.IsZero() {
		t.Error("mail is taken for a week, and nothing came back: it is not cleared")
	}
}

// What an account sent that is gone changes nothing, also when another one gets its name.
func TestStore_Returned_gone(t *testing.T) {
	b := newBack(t)
	b.send("acme", "<1@acme>", "ann@x.test")
	err := b.update(0, func(t *tx) error { return t.s.Delivered.Forget(&t.Tx, "acme") })
	if err != nil {
		t.Fatal(err)
	}
	b.send("blue", "<2@blue>", "ann@x.test")
	if e := b.returned(bounceOf("<1@acme>", "ann@x.test")); e.Found || e.Why != returns.WhyUnknown {
		t.Errorf("%+v", e)
	}
	if e := b.returned(bounceOf("<2@blue>", "ann@x.test")); e.Account != "blue" || !e.Counted {
		t.Errorf("%+v", e)
	}
}

// Reports after years: what was sent is found for 90 days, and counts once in that time.
func TestStore_Returned_ages(t *testing.T) {
	b := newBack(t)
	b.send("acme", "<1@acme>", "ann@x.test")
	b.returned(bounceOf("<1@acme>", "ann@x.test"))
	for day := 1; day <= 92; day++ {
		b.time.set(epoch.Add(time.Duration(day) * 24 * time.Hour))
		if day%10 == 0 || day > 88 {
			if _, err := b.Store.Returns.Prune(b.Now()); err != nil {
				t.Fatal(err)
			}
		}
		want := returns.WhyAgain
		if day > 90 {
			want = returns.WhyUnknown
		}
		if e := b.returned(bounceOf("<1@acme>", "ann@x.test")); e.Why != want {
			t.Fatalf("day %d: %+v", day, e)
		}
	}
	left := 0
	_ = b.view(func(t *tx) error {
		for k, _ := t.Cursor(bucket.ReturnsOf).First(); k != nil; k = nil {
			left++
		}
		return nil
	})
	if left > 0 {
		t.Error("the mark is still there")
	}
}

// Who got one copy of a message to many can forge reports about all the others. They warn the
// account, and suspend it neither by complaints nor by bounces; reports with the tokens of the
// recipients do.
func TestStore_Returned_forged(t *testing.T) {
	for _, kind := range []returns.Kind{returns.Bounce, returns.Complaint} {
		b := newBack(t)
		b.Store.Abuse.SetRules(signs.Default)
		var to []string
		for i := range 1000 {
			to = append(to, fmt.Sprintf("u%d@x.test", i))
		}
		m := b.send("acme", "<1@acme>", to...)
		b.send("acme", "<2@acme>", to[:5]...)
		for i := range 50 { // a list that has each recipient's name in its copy
			b.send("acme", "<3@acme>", to[i])
		}
		for i := range 300 {
			r := bounceOf("<1@acme>", to[i])
			switch {
			case kind == returns.Complaint && i%2 == 0:
				r = complaintOf("<1@acme>", "")
				r.Reporter = fmt.Sprintf("d%d.test", i)
			case kind == returns.Complaint:
				r = complaintOf("<1@acme>", to[i])
			case i%2 == 0:
				r.Recipient = fmt.Sprintf("nobody%d@z.test", i)
			}
			b.returned(r)
			r.MessageID = "<2@acme>"
			b.returned(r)
			if r.MessageID = "<3@acme>"; i < 50 {
				r.Recipient = to[i]
			}
			b.returned(r)
		}
		what, most := signs.Bounce, int64(50+1+2)
		if kind == returns.Complaint {
			what, most = signs.Complaint, 3
		}
		r, _, err := b.Store.Abuse.Signs("acme")
		if a := accountOf(t, b.Store, "acme"); err != nil || a.Status() != ledger.Active || r.Total(what) != most {
			t.Errorf("%s: the account is %s, %d signs, %v", kind, a.Status(), r.Total(what), err)
		}
		for i := range 200 {
			b.returned(returns.Return{Kind: kind, Token: b.Delivered.Token(m, 999-i), Verdict: noSuchUser, Hard: true})
		}
		if a := accountOf(t, b.Store, "acme"); a.Status() != ledger.Suspended {
			t.Errorf("%s: with tokens the account is %s", kind, a.Status())
		}
	}
}

// A token is about its own recipient's e-mail, also while only that of another one is delivered.
func TestStore_Returned_otherDelivered(t *testing.T) {
	b := newBack(t)
	m := accept(t, b.Store, "acme", 10, "ann@x.test", "dan@y.test")
	if err := b.Store.Spool.Settle(spool.Result{ID: m.ID, Domain: "x.test", Event: trace.Event{Kind: trace.EventAttempt}, Outcomes: []spool.Outcome{{Rcpt: 0, State: spooled.Delivered}}}); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{b.Delivered.Token(m, 1), oldToken(b.Store, m.ID, 1)} {
		if e := b.returned(returns.Return{Kind: returns.Bounce, Token: token}); e.Why != returns.WhyUndelivered || e.Recipient != "dan@y.test" {
			t.Errorf("%+v", e)
		}
	}
	if e := b.returned(returns.Return{Kind: returns.Bounce, Token: b.Delivered.Token(m, 0)}); !e.Counted || e.Recipient != "ann@x.test" {
		t.Errorf("%+v", e)
	}
}

// A stranger who guesses the Message-IDs of mails to one recipient each has them counted, each
// once. Against an account with VERP bounces say nothing without their tokens.
func TestStore_Returned_guessed(t *testing.T) {
	for _, verp := range []bool{false, true} {
		b := newBack(t)
		b.Store.Abuse.SetRules(signs.Default)
		if _, err := b.Store.Orders.ChangeAccount(behalf.Order{}, "acme", func(a *books.Account) (orders.Change, error) { a.VERP = verp; return orders.Change{}, nil }); err != nil {
			t.Fatal(err)
		}
		for i := range 60 {
			b.send("acme", fmt.Sprintf("<%d@acme>", i), fmt.Sprintf("u%d@x.test", i))
		}
		guess := func(n int) {
			for i := range n {
				b.returned(bounceOf(fmt.Sprintf("<%d@acme>", i), ""))
			}
		}
		guess(40)
		guess(40)
		r, _, err := b.Store.Abuse.Signs("acme")
		want := int64(40)
		if verp {
			want = 0
		}
		if err != nil || r.Total(signs.Bounce) != want || b.counts("acme") != "40 0" {
			t.Errorf("VERP %v: %d signs, counts %s, %v", verp, r.Total(signs.Bounce), b.counts("acme"), err)
		}
		guess(60)
		if a := accountOf(t, b.Store, "acme"); (a.Status() == ledger.Active) != verp {
			t.Errorf("VERP %v: the account is %s", verp, a.Status())
		}
		if !verp {
			continue
		}
		m := b.send("acme", "<60@acme>", "ann@x.test")
		if e := b.returned(returns.Return{Kind: returns.Bounce, Token: b.Delivered.Token(m, 0), Verdict: noSuchUser, Hard: true}); !e.Counted {
			t.Errorf("by token: %+v", e)
		}
		if r, _, _ := b.Store.Abuse.Signs("acme"); r.Total(signs.Bounce) != 1 {
			t.Errorf("%d signs by token", r.Total(signs.Bounce))
		}
	}
}

// Several complaints of one recipient, about several mails, count each.
func TestStore_Returned_onePerson(t *testing.T) {
	b := newBack(t)
	b.Store.Abuse.SetRules(signs.Default)
	for i := range 3 {
		b.send("acme", fmt.Sprintf("<%d@acme>", i), "ann@x.test")
	}
	for i := range 6 {
		if e := b.returned(complaintOf(fmt.Sprintf("<%d@acme>", i%3), "ann@x.test")); e.Counted != (i < 3) {
			t.Errorf("%d: %+v", i, e)
		}
	}
	if r, _, err := b.Store.Abuse.Signs("acme"); err != nil || r.Total(signs.Complaint) != 3 || b.counts("acme") != "0 3" {
		t.Errorf("%d signs, counts %s, %v", r.Total(signs.Complaint), b.counts("acme"), err)
	}
}

// Reports that change nothing write nothing, also where they have a token whose mail waits,
// which its next hop knows.
func TestStore_Returned_writesNothing(t *testing.T) {
	b := newBack(t)
	b.send("acme", "<1@acme>", "ann@x.test")
	b.returned(bounceOf("<1@acme>", "ann@x.test"))
	waits := accept(t, b.Store, "acme", 10, "dan@y.test")
	token := returns.Return{Kind: returns.Bounce, Token: b.Delivered.Token(waits, 0)}
	before, _ := b.Commits()
	for range 50 {
		b.returned(token)
		b.returned(bounceOf("<1@acme>", "ann@x.test"))
		b.returned(complaintOf("<forged@acme>", "ann@x.test"))
	}
	if after, _ := b.Commits(); after != before {
		t.Errorf("%d commits", after-before)
	}
}
