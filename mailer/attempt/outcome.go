package attempt

import (
	"slices"
	"strconv"
	"time"

	"relay/mailer/client"
	"relay/mailer/link"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/mailer/verdict"
	"relay/store/mailreply"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// Judge says what an outcome means for a recipient, by the rules in force. A recipient
// that came too late in a transaction is tried again, whatever a rule says of the text.
func (m *Sender) Judge(o *client.Outcome, host string) verdict.Verdict {
	v := m.config().Rules.Judge(verdict.Of(host, o))
	if tooMany(o) {
		v.Class = verdict.Deferred
	}
	return v
}

// verdictOf is what is stored of a verdict; nothing of what was delivered.
func verdictOf(t *target) mailreply.Verdict {
	v := &t.verdict
	if v.Class == verdict.Delivered {
		return mailreply.Verdict{}
	}
	return mailreply.Verdict{Category: string(v.Category), Blame: string(v.Blame), Rule: v.Rule, Stage: t.out.Stage.String()}
}

// sampleOf is what is kept of a refusal of a host, so that new rules can be tried on it.
func sampleOf(t *target) (s mailreply.Sample) {
	if t.out.Local || t.verdict.Class == verdict.Delivered || t.out.Reply.Code < 400 {
		return s
	}
	r := verdict.Of(t.host, &t.out)
	s.MX, s.Class = verdict.Normalise(t.host), string(t.verdict.Class)
	s.Reply, s.Kind = r.Masked()
	return s
}

// tooMany reports that a recipient was refused only because others came before
// it in the transaction: 452, and 552 as older hosts say it (RFC 5321
// §4.5.3.1.10).
func tooMany(o *client.Outcome) bool {
	e := o.Reply.Enhanced
	said := e[1] == 5 && e[2] == 3
	switch {
	case o.Local || o.Reply.Code != 452 && o.Reply.Code != 552:
		return false
	case o.Stage == client.StageRcpt:
		return said || o.Reply.Code == 552 && e[0] == 0
	}
	return said && o.Stage == client.StageData
}

// outcome is what is stored about a target, with its state as it is now. A recipient
// that is deferred when the message's time is over has expired (RFC 5321 §4.5.4.1).
func (m *Sender) outcome(a *attempt, t *target, now time.Time) spool.Outcome {
	msg := a.job.Message
	o := spool.Outcome{Rcpt: t.rcpt, State: spooled.State(t.verdict.Class), Reply: t.out.Reply.String(), Verdict: verdictOf(t), Sample: sampleOf(t), Mark: markOf(a, t)}
	switch {
	case o.State != spooled.Deferred:
	case !m.spool.Past().Before(msg.Expires) && !a.young(t):
		o.State = spooled.Expired
	case m.config().Shown(time.Since(a.job.Claimed)) > longAttempt:
		o.Next = m.config().RetryAt(now, msg.Recipients[t.rcpt].Tries+1) // the wait begins at the end
	case t.verdict.Wait > m.config().Wait(msg.Recipients[t.rcpt].Tries+1):
		o.Next = now.Add(settings.Jittered(t.verdict.Wait) + t.verdict.Wait/10) // the host named it
	}
	o.DSN, o.Sign = dsnOf(msg, t, o.State, now), signOf(t, o.State)
	o.Suppress = m.Suppresses(t.verdict.Category)
	return o
}

// longAttempt is how long an attempt may take, by the store's clock, before its
// end, not its begin, counts for the next one.
const longAttempt = time.Minute

// young reports whether a target is tried for the first time although its message is old,
// because it waited for a ceiling of ours: its time begins now.
func (a *attempt) young(t *target) bool {
	r := &a.job.Message.Recipients[t.rcpt]
	return r.Tries == 0 && (a.job.Waited || r.First == spooled.FirstGranted)
}

// life is when a message expires whose time begins now; zero: it began before.
func (a *attempt) life(claim int, now time.Time) time.Time {
	m := a.job.Message
	for _, i := range a.job.Claims[claim].Rcpts {
		if r := &m.Recipients[i]; r.Tries > 0 || !a.job.Waited && r.First != spooled.FirstGranted {
			return time.Time{}
		}
	}
	return now.Add(min(m.Expires.Sub(m.Accepted), a.m.config().Expire)) // it may have been made later already
}

// settle stores what became of an attempt.
func (m *Sender) settle(a *attempt) {
	m.settleThose(a, func(*target) bool { return true })
}

// settleDecided stores what is decided before another host is asked about the
// others: that may take long, and after a crash meanwhile it would be sent again.
func (m *Sender) settleDecided(a *attempt) {
	m.settleThose(a, func(t *target) bool {
		return t.out.Reply.Code != 0 && t.verdict.Class != verdict.Deferred
	})
}

// settleThose stores what became of the targets that which picks, unless they are
// settled already. The claims of others stay open.
func (m *Sender) settleThose(a *attempt, which func(*target) bool) {
	now := m.spool.Now()
	results, mine, states := m.results(a, which, now)
	if len(results) == 0 {
		return
	}
	results[0].Pace, results[0].TLS = a.hear(mine, now), a.takeTLS()
	if slices.ContainsFunc(states, func(s spooled.State) bool { return s != spooled.Delivered }) {
		results[0].Dialogue = a.words.Stored(a.job.Claims[0].Domain)
	}
	if !m.Commit(results) {
		return
	}
	a.takeNext(results)
	for k, i := range mine {
		a.targets[i].settled = true
		m.Meters.attempted(a.job.Provider, states[k], now.Sub(a.job.Message.Accepted))
		m.logOutcome(a, i, states[k], now)
	}
	m.LogSettled(results)
	for i := range results {
		if results[i].Done {
			m.Forget(results[i].ID)
		}
	}
}

// takeNext notes the earliest next try of what is stored now.
func (a *attempt) takeNext(stored []spool.Result) {
	for i := range stored {
		for k := range stored[i].Outcomes {
			if at := stored[i].Outcomes[k].Next; !at.IsZero() && (a.again.IsZero() || at.Before(a.again)) {
				a.again = at
			}
		}
	}
}

// results are the outcomes of the targets that which chooses, by claim, with the indexes of
// these targets and their states.
func (m *Sender) results(a *attempt, which func(*target) bool, now time.Time) (results []spool.Result, mine []int, states []spooled.State) {
	results = make([]spool.Result, len(a.job.Claims))
	mine = make([]int, 0, len(a.targets))
	states = make([]spooled.State, 0, len(a.targets))
	for i := range a.targets {
		t := &a.targets[i]
		r := &results[t.claim]
		switch {
		case t.settled:
		case !which(t):
			r.Open = true
		default:
			if r.Outcomes == nil {
				a.report(t.claim, r)
				r.Expires = a.life(t.claim, now)
			}
			o := m.outcome(a, t, now)
			r.Outcomes = append(r.Outcomes, o)
			if t.maybe {
				r.Event.Note = spooled.NoteLost
			}
			mine, states = append(mine, i), append(states, o.State)
		}
	}
	return slices.DeleteFunc(results, func(r spool.Result) bool { return r.Outcomes == nil }), mine, states
}

// report fills in what is stored of an attempt about a claim, without the outcomes.
func (a *attempt) report(claim int, r *spool.Result) {
	c := &a.job.Claims[claim]
	hop, tls := a.last(claim)
	r.ID, r.Domain, r.Signature = c.Message.ID, c.Domain, a.signature
	r.Provider, r.Source = a.job.Provider, a.job.Source
	r.Event = trace.Event{
		Kind:    trace.EventAttempt,
		NextHop: hop,
		TLS:     tls,
		Millis:  time.Since(a.began).Milliseconds(),
		Text:    a.tour.before(hop),
	}
	r.Outcomes = make([]spool.Outcome, 0, len(c.Rcpts))
}

// SettleUnreached stores that no next hop was reached. It returns what was said, and the
// earliest next try that it stored; zero: it left those of the claims.
func (m *Sender) SettleUnreached(j *Job, f *link.Failure) ([]Said, time.Time) {
	a := newAttempt(m, j)
	a.holdFailure(f)
	a.stop(f)
	m.settle(a)
	return a.said, a.again
}

// Commit stores results, however long it takes: what was delivered must not go
// out again because the disk was full for a while. It gives up when the store
// has failed for good.
func (m *Sender) Commit(results []spool.Result) bool {
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		err := m.spool.Settle(results...)
		if err == nil {
			m.StoreWorks("settle")
			return true
		}
		m.StoreFails("settle", err)
		select {
		case <-m.spool.Failed():
			return false
		case <-m.Stopped:
			return false
		case <-time.After(wait):
		}
	}
}

// faultReply is the reply that we give ourselves for a domain without next hops.
func faultReply(f *route.Error) client.Reply {
	r := client.Reply{Code: 450, Enhanced: parseStatus(f.Status), Text: f.Text}
	if f.Permanent {
		r.Code = 550
	}
	return r
}

// parseStatus reads an enhanced code; zeros where it is none.
func parseStatus(s string) (e [3]int) {
	for i := range e {
		n := 0
		for n < len(s) && s[n] != '.' {
			n++
		}
		v, err := strconv.Atoi(s[:n])
		if err != nil || v < 0 {
			return [3]int{}
		}
		e[i] = v
		s = s[min(n+1, len(s)):]
	}
	return e
}
