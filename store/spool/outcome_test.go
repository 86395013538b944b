package spool

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/store/bucket"
	"relay/store/egress"
	"relay/store/engine"
	"relay/store/mailreply"
	"relay/store/room"
	"relay/store/room/roomtest"
	"relay/store/signing"
	"relay/store/signs"
	"relay/store/sites"
	"relay/store/spooled"
	"relay/store/trace"
)

// Each outcome counts under a category, and enters the account's list of errors unless the operator made
// it: what the reply means, or else what is known from before.
func TestSpool_Settle_categories(t *testing.T) {
	verdict := mailreply.Verdict{Category: "SpamBlock", Blame: "sender"}
	for name, c := range map[string]struct {
		before mailreply.Verdict // of an attempt before, which deferred it
		kind   trace.EventKind
		is     Outcome
		want   string // category; "": it has none
		listed bool
	}{
		"delivered":                  {mailreply.Verdict{}, trace.EventAttempt, Outcome{State: spooled.Delivered, Verdict: verdict}, "", false},
		"failed, known":              {mailreply.Verdict{}, trace.EventAttempt, Outcome{State: spooled.Failed, Verdict: verdict}, "SpamBlock", true},
		"failed, not known":          {verdict, trace.EventAttempt, Outcome{State: spooled.Failed}, Uncategorized, true},
		"expired after a reply":      {verdict, trace.EventExpired, Outcome{State: spooled.Expired}, "SpamBlock", true},
		"expired, nothing is known":  {mailreply.Verdict{}, trace.EventExpired, Outcome{State: spooled.Expired}, MessageExpired, true},
		"failed by the operator":     {verdict, trace.EventChanged, Outcome{State: spooled.Failed, Verdict: verdict}, ByOperator, false},
		"deferred, which is not all": {mailreply.Verdict{}, trace.EventAttempt, Outcome{State: spooled.Deferred, Verdict: verdict}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t)
			f.queue("acme", "x@a.test")
			if c.before.Category != "" {
				f.check(f.Settle(result(f.claimOne("acme", "a.test"), Outcome{State: spooled.Deferred, Verdict: c.before})))
				f.db.Pass(time.Hour)
			}
			r := result(f.claimOne("acme", "a.test"), c.is)
			r.Event.Kind = c.kind
			f.check(f.Settle(r))
			sum, err := f.Outcomes.InPeriod("acme", period)
			f.check(err)
			if c.want == "" && len(sum.Failed) > 0 || c.want != "" && sum.Failed[c.want] != 1 {
				t.Errorf("counted %+v, want %q", sum, c.want)
			}
			e, listed, err := f.Refusals.RefusedAs("acme", "x@a.test")
			if err != nil || listed != c.listed || listed && e.Category != c.want {
				t.Errorf("listed %t, %+v, %v", listed, e, err)
			}
		})
	}
}

// Whoever counts what speaks against an account hears of each outcome, and what the recipient's last reply
// meant. If that fails, nothing is stored.
func TestSpool_Settle_speaks(t *testing.T) {
	f := open(t)
	m := f.queue("acme", "x@a.test", "y@a.test")
	c := f.claimOne("acme", "a.test")
	f.check(f.Settle(result(c, Outcome{State: spooled.Deferred, Verdict: mailreply.Verdict{Category: "Greylisted"}})))
	r := result(c, Outcome{State: spooled.Failed, Sign: signs.Sign("spam")})
	f.refuses = errors.New("it cannot be counted")
	if err := f.Settle(r); !errors.Is(err, f.refuses) {
		t.Errorf("Settle = %v", err)
	}
	if is := f.is(m.ID).Recipients[0]; is.State != spooled.Deferred || is.Tries != 1 {
		t.Errorf("%+v", is)
	}
	f.refuses, f.spoke = nil, nil
	f.check(f.Settle(r))
	f.check(f.Settle(r)) // of a message that is gone
	if want := []string{"x@a.test failed spam Greylisted", "y@a.test failed spam Greylisted"}; !slices.Equal(f.spoke, want) {
		t.Errorf("heard %q, want %q", f.spoke, want)
	}
}

// With an attempt is stored what sites, signatures and the trace are to know of it. Of a message that is
// gone that is all.
func TestSpool_Settle_rooms(t *testing.T) {
	f := open(t)
	m := f.queue("acme", "x@a.test", "y@a.test")
	c := f.claimOne("acme", "a.test")
	r := result(c, Outcome{State: spooled.Deferred, Reply: "450 4.2.0 later", Verdict: mailreply.Verdict{Category: "Greylisted"},
		Sample: mailreply.Sample{MX: "mx.a.test", Reply: "450 4.2.0 later", Kind: "450 4.2.0 later"}})
	r.Provider, r.Source = "bigmail", "192.0.2.7"
	r.Signature = signing.Signature{Fields: "b=1", Made: f.Now(), Domain: "acme.test"}
	r.Expires = m.Expires.Add(day)
	r.Pace = []sites.PaceEntry{{Key: "site", Value: []byte("slow")}}
	r.Dialogue = trace.Dialogue{Time: f.Now(), Domain: "a.test", Lines: []byte("450 later\n")}
	f.check(f.Settle(r))
	is := f.is(m.ID)
	if is.Signature != r.Signature || !is.Expires.Equal(r.Expires) {
		t.Errorf("%+v", is)
	}
	f.db.Pass(time.Hour)
	late := result(f.claimOne("acme", "a.test"), Outcome{State: spooled.Delivered, Reply: "250 ok"})
	late.Provider, late.Expires = "bigmail", m.Expires // not signed anew, and not sooner
	late.Outcomes = late.Outcomes[:1]
	f.check(f.Settle(late))
	if is := f.is(m.ID); is.Signature != r.Signature || !is.Expires.Equal(r.Expires) {
		t.Errorf("%+v", is)
	}
	f.check(f.Settle(result(c, Outcome{State: spooled.Failed})))
	late.Pace = []sites.PaceEntry{{Key: "site"}}
	f.check(f.Settle(late)) // gone
	list, err := f.Signing.Tallies("acme", "acme.test")
	if err != nil || len(list) != 1 || list[0].Delivered != 1 || list[0].Deferred != 2 || list[0].Failed != 0 || len(list[0].Refusals) != 1 {
		t.Errorf("tallies %+v, %v", list, err)
	}
	kinds, err := f.Sites.ReplyKinds()
	if err != nil || len(kinds) != 1 {
		t.Errorf("replies %+v, %v", kinds, err)
	}
	if paces, err := f.Sites.PaceEntries(); err != nil || len(paces) > 0 {
		t.Errorf("paces %+v, %v", paces, err)
	}
	if list, err := f.Trace.Dialogues(m.ID); err != nil || len(list) != 1 {
		t.Errorf("dialogues %+v, %v", list, err)
	}
	if got := f.events(m.ID); !slices.Equal(got, []string{"accepted", "attempt", "attempt", "attempt", "attempt"}) {
		t.Errorf("trace %q", got)
	}
}

// Who follows the trace sees mail come in and go.
func TestSpool_watched(t *testing.T) {
	f := open(t)
	w := f.Trace.Watch(nil)
	defer w.Close()
	f.queue("acme", "x@a.test")
	f.settle(spooled.Delivered, f.claimOne("acme", "a.test"))
	list, missed, err := w.Take(t.Context())
	var got []string
	for _, l := range list {
		got = append(got, fmt.Sprint(l.Kind, " ", l.Done))
	}
	if want := []string{"accepted false", "attempt true"}; err != nil || missed > 0 || !slices.Equal(got, want) {
		t.Errorf("seen %q, %d missed, %v; want %q", got, missed, err, want)
	}
}

// A long body goes in the background, and a kill before that leaves nothing.
func TestSpool_longBody(t *testing.T) {
	f := open(t)
	for i := range 2 {
		m := f.message("acme", "x@a.test")
		m.Size = 5 << 20
		f.check(f.accept(m))
		_, _, err := f.Change(OpDrop, []spooled.ID{m.ID})
		f.check(err)
		if i == 0 {
			f.kill()
		}
		f.Bodies.Wait()
		if keys := f.db.Keys(t, bucket.Bodies); len(keys) > 0 {
			t.Errorf("%d chunks are left", len(keys))
		}
	}
}

// On a full disk no mail comes in. What is there goes, with the DSNs about it.
func TestSpool_GrowThen_full(t *testing.T) {
	for name, on := range map[string]func(testing.TB, ...func(*engine.Tx) error) *roomtest.Store{"in memory": roomtest.Open, "on a file": roomtest.OpenFile} {
		t.Run(name, func(t *testing.T) {
			f := begin(t, on)
			m := f.queue("acme", "x@a.test")
			f.db.Fill(true)
			if err := f.accept(f.message("acme", "x@a.test")); !errors.Is(err, engine.ErrFull) {
				t.Errorf("accepted: %v", err)
			}
			f.check(f.Settle(result(f.claimOne("acme", "a.test"), failed())))
			if got := f.dsns(); len(got) != 1 || len(f.all()) != 1 {
				t.Errorf("DSNs about %s: %q", m.ID, got)
			}
			f.db.Fill(false)
			f.queue("acme", "x@a.test")
			f.audit()
		})
	}
}

// Complaints are told when they are on disk. Those that nobody takes are as many as fit.
func TestTx_Complain(t *testing.T) {
	f := open(t)
	complain := func(c Complaint, err error) error {
		return f.update(0, func(t *Tx) error { t.Touch(); t.Complain(c); return err })
	}
	undone := errors.New("undone")
	if err := complain(Complaint{Account: "other"}, undone); !errors.Is(err, undone) {
		t.Error(err)
	}
	want := Complaint{Account: "acme", Provider: "bigmail", Domain: "a.test"}
	f.check(complain(want, nil))
	if got := <-f.Complaints(); got != want {
		t.Errorf("told %+v", got)
	}
	for range complaintsKept + 5 {
		f.check(complain(want, nil))
	}
	if n := len(f.Complaints()); n != complaintsKept {
		t.Errorf("%d wait", n)
	}
}

// A mail to the operator is queued with the change that it tells of, or neither is stored.
func TestSpool_ChangeSource(t *testing.T) {
	f := open(t)
	n := &Notice{Message: *f.message("", "op@src.test"), Body: []byte("a letter")}
	n.Message.Period, n.Message.Sender = "", ""
	change := func(n *Notice, fails error) (egress.SourceState, error) {
		return f.ChangeSource("192.0.2.7", func(v *egress.SourceState, now time.Time, _ spooled.ID) (*Notice, error) {
			v.Asked = now
			return n, fails
		})
	}
	no := errors.New("no")
	if _, err := change(n, no); !errors.Is(err, no) || len(f.all()) > 0 || len(f.db.Keys(t, bucket.Sources)) > 0 {
		t.Errorf("%v, %d mails", err, len(f.all()))
	}
	if v, err := change(nil, nil); err != nil || v.Name != "192.0.2.7" || len(f.all()) > 0 {
		t.Errorf("nothing to tell: %+v, %v", v, err)
	}
	if _, err := change(n, nil); err != nil || len(f.all()) != 1 || f.all()[0].Own != spooled.NoteOperator || f.body(f.all()[0].ID) != "a letter" {
		t.Errorf("%v, %+v", err, f.all())
	}
	if n.Message.ID != (spooled.ID{}) || n.Message.Recipients[0].State != "" {
		t.Error("the caller's copy has changed")
	}
}

// The report of a day is queued once, and the day is gone with it.
func TestSpool_ReportTLSDay(t *testing.T) {
	f := open(t)
	f.check(f.Settle(Result{TLS: []sites.TLSCount{{Domain: "a.test", Type: "sts"}}}))
	f.db.Pass(day)
	days, err := f.Sites.TLSDays(f.Now(), nil, 10)
	if err != nil || len(days) != 1 {
		t.Fatalf("%+v, %v", days, err)
	}
	no := errors.New("no")
	report := func(fails error) (spooled.ID, bool, error) {
		return f.ReportTLSDay(&days[0], func(*sites.TLSDay, spooled.ID) (Notice, error) {
			m := f.message("", "tls@a.test")
			m.Period, m.Sender = "", ""
			return Notice{Message: *m, Body: []byte("a report")}, fails
		})
	}
	if _, ok, err := report(no); ok || !errors.Is(err, no) || len(f.all()) > 0 {
		t.Errorf("%t, %v", ok, err)
	}
	if id, ok, err := report(nil); !ok || err != nil || f.is(id).Own != spooled.NoteTLSReport {
		t.Errorf("%s, %t, %v", id, ok, err)
	}
	if _, ok, err := report(nil); ok || err != nil || len(f.all()) != 1 {
		t.Errorf("again: %t, %v", ok, err)
	}
}

// What must not be is refused: nothing is stored of it, and nothing counts from zero again.
func TestSpool_refuses(t *testing.T) {
	f := begin(t, roomtest.Open)
	m := f.queue("acme", "x@a.test")
	c := f.claimOne("acme", "a.test")
	for _, i := range []int{-1, 1} {
		r := result(c, Outcome{State: spooled.Delivered})
		r.Outcomes = append(r.Outcomes, Outcome{Rcpt: i})
		if err := f.Settle(r); err == nil {
			t.Errorf("an outcome of recipient %d is stored", i)
		}
	}
	other := result(c, Outcome{State: spooled.Delivered})
	other.Domain = "b.test" // an outcome there says nothing of a recipient elsewhere
	f.check(f.Settle(other))
	if is := f.is(m.ID).Recipients[0]; is.State != spooled.Queued {
		t.Errorf("%+v", is)
	}
	if _, err := f.QueueMessage(f.ids.Next(f.Now())); !errors.Is(err, room.ErrNotFound) {
		t.Errorf("QueueMessage of one that is not there: %v", err)
	}
	if _, err := f.Spool.Customer("gone"); !errors.Is(err, room.ErrNotFound) {
		t.Errorf("Customer of one that is not there: %v", err)
	}
	if a, err := f.Spool.Customer("acme"); err != nil || !a.Owns("boss@src.test") {
		t.Errorf("Customer = %v, %v", a, err)
	}
	if f.Zone() != time.UTC || !f.Past().Equal(f.Now()) || f.Err() != nil {
		t.Error("zone, clock or state of the disk is not the store's")
	}
	select {
	case <-f.Spool.Failed():
		t.Error("the disk has failed")
	default:
	}
}

// Records that are damaged fail what needs them, and nothing else. Nothing is stored then.
func TestSpool_damaged(t *testing.T) {
	const bad = "{"
	for name, c := range map[string]struct {
		b     engine.Bucket
		key   func(m *spooled.Message) []byte
		fails func(f *fixture, m *spooled.Message) error
	}{
		"totals": {bucket.Meta, func(*spooled.Message) []byte { return keyTotals }, func(f *fixture, _ *spooled.Message) error { return f.accept(f.message("acme", "x@a.test")) }},
		"ages":   {bucket.Meta, func(*spooled.Message) []byte { return keyAges }, func(f *fixture, _ *spooled.Message) error { return f.accept(f.message("acme", "x@a.test")) }},
		"a message, claimed": {bucket.Messages, func(m *spooled.Message) []byte { return m.ID[:] }, func(f *fixture, _ *spooled.Message) error {
			_, err := f.Claim([]Want{{spooled.Lane{Domain: "a.test", Account: "acme"}, 1}}, f.later)
			return err
		}},
		"a message, settled": {bucket.Messages, func(m *spooled.Message) []byte { return m.ID[:] }, func(f *fixture, m *spooled.Message) error { return f.Settle(Result{ID: m.ID, Domain: "a.test"}) }},
		"a message, changed": {bucket.Messages, func(m *spooled.Message) []byte { return m.ID[:] }, func(f *fixture, m *spooled.Message) error {
			_, _, err := f.Change(OpDrop, []spooled.ID{m.ID})
			return err
		}},
		"a message, swept": {bucket.Messages, func(m *spooled.Message) []byte { return m.ID[:] }, func(f *fixture, m *spooled.Message) error {
			_, err := f.Sweep(spooled.ID{}, f.Now().Add(day), 9)
			return err
		}},
		"a stop": {bucket.StopsOf, func(*spooled.Message) []byte { return []byte("acme") }, func(f *fixture, _ *spooled.Message) error {
			_, err := f.Claim([]Want{{spooled.Lane{Domain: "a.test", Account: "acme"}, 1}}, f.later)
			return err
		}},
		"a stop, at a start": {bucket.StopsOf, func(*spooled.Message) []byte { return []byte("acme") }, func(f *fixture, _ *spooled.Message) error { return f.Load(false) }},
		"a window":           {bucket.MailHolds, func(*spooled.Message) []byte { return room.Pair("acme", "phone") }, func(f *fixture, _ *spooled.Message) error { return f.Load(false) }},
		"an hour of DSNs": {bucket.DsnHours, func(*spooled.Message) []byte { return []byte("acme") }, func(f *fixture, m *spooled.Message) error {
			o := failed()
			return f.Settle(Result{ID: m.ID, Domain: "a.test", Outcomes: []Outcome{o}})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := begin(t, roomtest.Open)
			m := f.queue("acme", "x@a.test")
			f.do(func(t *Tx) error { return t.Put(c.b, c.key(m), []byte(bad)) })
			was := f.dump()
			if err := c.fails(f, m); err == nil {
				t.Error("nothing fails")
			}
			if is := f.dump(); fmt.Sprint(is) != fmt.Sprint(was) {
				t.Errorf("the store has changed from\n%q\nto\n%q", was, is)
			}
		})
	}
}

// A list that names a message that is not there stops what goes by it, and says how to find out more.
func TestSpool_missing(t *testing.T) {
	f := begin(t, roomtest.Open)
	m := f.queue("acme", "x@a.test", "y@b.test")
	f.bounce(m, 0)
	f.do(func(t *Tx) error { return t.s.Envelopes.Remove(&t.Tx, m.ID) })
	f.db.Pass(time.Hour)
	_, claim := f.Claim([]Want{{spooled.Lane{Domain: "b.test", Account: "acme"}, 1}}, f.later)
	_, _, send := f.SendDSNs()
	for what, err := range map[string]error{"claim": claim, "send DSNs": send} {
		if err == nil || !strings.HasPrefix(err.Error(), what+": ") || !strings.Contains(err.Error(), "see relay check --store") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
