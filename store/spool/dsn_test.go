package spool

import (
	"slices"
	"strings"
	"testing"
	"time"

	"relay/store/bucket"
	"relay/store/room/roomtest"
	"relay/store/spooled"
	"relay/store/trace"
)

// bounce has a message fail for one recipient.
func (f *fixture) bounce(m *spooled.Message, rcpt int) Result {
	f.Helper()
	o := failed()
	o.Rcpt = rcpt
	list := []Result{{ID: m.ID, Domain: m.Recipients[rcpt].Domain, Event: trace.Event{Kind: trace.EventAttempt}, Outcomes: []Outcome{o}}}
	f.check(f.Settle(list...))
	return list[0]
}

// sendDSNs sends what is due, and returns about how many messages.
func (f *fixture) sendDSNs() int {
	f.Helper()
	sent, _, err := f.SendDSNs()
	f.check(err)
	f.audit()
	return len(sent)
}

// What happens within a minute is one DSN, sent when it is over, also after a kill, and once. What comes
// after that begins another minute.
func TestSpool_SendDSNs(t *testing.T) {
	f := open(t)
	m := f.queue("acme", "a@a.test", "b@b.test", "c@c.test", "d@d.test")
	f.bounce(m, 0)
	f.db.Pass(30 * time.Second)
	f.bounce(m, 1)
	if n := f.sendDSNs(); n != 0 {
		t.Errorf("%d are sent within the minute", n)
	}
	f.kill()
	f.db.Pass(30 * time.Second)
	if n := f.sendDSNs(); n != 1 {
		t.Errorf("%d are sent when it is over", n)
	}
	f.kill()
	if n := f.sendDSNs(); n != 0 {
		t.Errorf("%d are sent again", n)
	}
	f.bounce(m, 2)
	f.db.Pass(59 * time.Second)
	if n := f.sendDSNs(); n != 0 {
		t.Errorf("%d do not wait their minute", n)
	}
	f.db.Pass(time.Second)
	f.sendDSNs()
	want := []string{"about 100 octets, own true: a@a.test failed b@b.test failed", "about 100 octets, own true: c@c.test failed"}
	if got := f.dsns(); !slices.Equal(got, want) {
		t.Errorf("DSNs %q, want %q", got, want)
	}
	if p := f.progress("acme"); p.DSNs != 2 || p.Withheld != 0 {
		t.Errorf("%+v", p)
	}
	if got := f.events(m.ID); !slices.Equal(got, []string{"accepted", "attempt", "attempt", "notice dsn", "attempt", "notice dsn"}) {
		t.Errorf("trace %q", got)
	}
}

// More than one transaction tells of are told in the next ones.
func TestSpool_SendDSNs_many(t *testing.T) {
	f := open(t)
	for range dsnBatch + 3 {
		f.bounce(f.queue("acme", "a@a.test", "b@b.test"), 0)
	}
	f.db.Pass(time.Minute)
	for _, want := range []struct {
		n    int
		more bool
	}{{dsnBatch, true}, {3, false}, {0, false}} {
		if sent, more, err := f.SendDSNs(); err != nil || len(sent) != want.n || more != want.more {
			t.Errorf("%d are sent, %t, %v; want %+v", len(sent), more, err, want)
		}
	}
}

// With the last recipient the DSN goes in the transaction of its outcome, while the message can be read.
// It waits in the queue like other mail, and is free.
func TestSpool_Settle_dsn(t *testing.T) {
	f := open(t)
	m := f.message("acme", "a@a.test", "b@b.test")
	m.Size = 40_000
	f.check(f.accept(m))
	f.bounce(m, 0)
	f.db.Pass(time.Second)
	f.TakeReady(9)
	r := result(f.claimOne("acme", "b.test"), Outcome{State: spooled.Delivered})
	list := []Result{r}
	f.check(f.Settle(list...))
	if d := list[0].DSNs; !list[0].Done || len(d) != 1 || d[0].Notice == nil || d[0].About != m.ID || d[0].Unread != nil {
		t.Errorf("done %t, DSNs %+v", list[0].Done, d)
	}
	if got := f.TakeReady(9); !slices.Equal(got, []spooled.Lane{{Domain: "src.test", Account: "acme"}}) {
		t.Errorf("announced are %v", got)
	}
	if got := f.dsns(); !slices.Equal(got, []string{"about 40000 octets, own true: a@a.test failed"}) {
		t.Errorf("DSNs %q", got)
	}
	c := f.claimOne("acme", "src.test")
	if c.Message.Sender != "" || c.Message.About != m.ID || c.Message.Period != "" || len(c.Message.BodyHash) == 0 {
		t.Errorf("%+v", c.Message)
	}
	f.settle(spooled.Failed, c)
	if p := f.progress("acme"); p.Delivered != 1 || p.Failed != 1 || p.DSNs != 1 {
		t.Errorf("%+v", p)
	}
	f.db.Pass(time.Hour)
	if n := f.sendDSNs(); n != 0 {
		t.Errorf("%d are sent again", n)
	}
}

// A delay that is over is not told any more.
func TestSpool_Settle_delayIsOver(t *testing.T) {
	f := open(t)
	m := f.queue("acme", "a@a.test", "b@b.test")
	f.check(f.Settle(Result{ID: m.ID, Domain: "a.test", Outcomes: []Outcome{{Rcpt: 0, State: spooled.Queued, Delayed: true, DSN: &spooled.DSN{Action: "delayed"}}}}))
	if r := f.is(m.ID).Recipients[0]; !r.Delayed || r.Tries != 0 || r.State != spooled.Queued {
		t.Errorf("%+v", r)
	}
	f.settle(spooled.Delivered, f.claimOne("acme", "a.test"))
	f.db.Pass(time.Hour)
	if n := f.sendDSNs(); n != 0 {
		t.Errorf("%d are sent of mail that was delivered", n)
	}
}

// After the clock was set back nobody waits for the time that was.
func TestSpool_SendDSNs_clockSetBack(t *testing.T) {
	f := open(t)
	f.bounce(f.queue("acme", "a@a.test", "b@b.test"), 0)
	f.db.Pass(-day)
	if n := f.sendDSNs(); n != 1 {
		t.Errorf("%d are sent", n)
	}
}

// What is over an account's number in an hour is withheld and counted, in the trace and in the log. The
// next hour has its own, and so have others. Other mail to the account counts as well.
func TestDSNs_perHour(t *testing.T) {
	f := open(t)
	f.SetDSNs(DSNs{Build: buildDSN, PerHour: 2})
	var last *spooled.Message
	bounce := func(account string, n int) (r Result) {
		for range n {
			last = f.queue(account, "a@a.test")
			r = f.bounce(last, 0)
		}
		return r
	}
	r := bounce("acme", 5)
	if len(r.DSNs) != 1 || !r.DSNs[0].Withheld || r.DSNs[0].Notice != nil {
		t.Errorf("the fifth: %+v", r.DSNs)
	}
	if events, err := f.Trace.Of(last.ID); err != nil || len(events) != 3 || events[2].Note != spooled.NoteNoDSN || events[2].Sent != 2 {
		t.Errorf("trace %+v, %v", events, err)
	}
	f.LogDSNs(r.DSNs...)
	f.LogDSNs(bounce("other", 1).DSNs...)
	take := func(account string, want bool) {
		t.Helper()
		f.do(func(tx *Tx) error {
			if ok, err := tx.TakeDSN(account); ok != want || err != nil {
				t.Errorf("another mail to %s: %t, %v", account, ok, err)
			}
			return nil
		})
	}
	take("acme", false)
	take("other", true)
	take("other", false)
	f.db.Pass(time.Hour)
	take("acme", true)
	bounce("acme", 2)
	if p := f.progress("acme"); p.DSNs != 3 || p.Withheld != 4 || p.Failed != 7 {
		t.Errorf("%+v", p)
	}
	for _, want := range []string{"no DSN: the account has had as many as it may in this hour", "DSN queued"} {
		if !strings.Contains(f.lines.String(), want) {
			t.Errorf("the log lacks %q: %s", want, f.lines.String())
		}
	}
}

// Of an account that is gone no sender is certainly the customer's. A sender without a domain is not told,
// and does not count. A message that cannot be read is told about without it.
func TestDSNs_Build(t *testing.T) {
	f := begin(t, roomtest.Open)
	gone, nobody, unread := f.queue("acme", "a@a.test"), f.message("acme", "b@a.test"), f.queue("acme", "c@a.test")
	nobody.Sender = "nobody"
	f.check(f.accept(nobody))
	f.do(func(t *Tx) error { return t.Delete(bucket.Bodies, spooled.ChunkKey(unread.ID, 0)) })
	f.accounts["acme"], f.accounts["other"] = nil, f.accounts["acme"]
	var list []DSNResult
	for _, m := range []*spooled.Message{gone, nobody, unread} {
		list = append(list, f.bounce(m, 0).DSNs...)
	}
	if len(list) != 3 || list[0].Unread != nil || list[1].Notice != nil || list[1].Withheld || list[2].Unread == nil {
		t.Fatalf("%+v", list)
	}
	if got := f.dsns(); !slices.Equal(got, []string{"about 100 octets, own false: a@a.test failed", "about 0 octets, own false: c@a.test failed"}) {
		t.Errorf("DSNs %q", got)
	}
	f.LogDSNs(list...)
	for _, want := range []string{"no DSN: the sender's address has no domain", "a DSN goes without the message it is about"} {
		if !strings.Contains(f.lines.String(), want) {
			t.Errorf("the log lacks %q: %s", want, f.lines.String())
		}
	}
}
