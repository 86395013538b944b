package attempt

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"relay/mailer/client"
	"relay/mailer/link"
	"relay/mailer/signature"
	"relay/mailer/verdict"
	"relay/store/signing"
	"relay/store/sites"
	"relay/store/spooled"
)

// attempt is a message on its way to a site. It goes from host to host, and makes
// one transaction at each, or several where a host takes fewer recipients at once
// than there are.
type attempt struct {
	m          *Sender
	job        *Job
	began      time.Time
	connecting time.Duration // how much of the time since then it took to connect
	targets    []target
	left       []int // indices of targets that the host at hand was not asked about
	later      []int // those that it did not take for now: they go on to the next one
	tour       tour
	signing    *signature.Making // what it will be signed with; nil: nothing
	signature  signing.Signature // with which it goes out, when its content was needed
	heard      int               // outcomes that hosts gave so far
	said       []Said
	again      time.Time        // earliest next try that it stored; zero: it left those of its claims
	counted    bool             // by the warm-up of its source, in the store
	words      Dialogue         // what was said to hosts, where it did not reach all
	sent       *client.Envelope // that went ahead; nil: none

	tls []sites.TLSCount // connections that the store is to count

	reached  bool // a host has come as far as a recipient
	answered bool // a host has decided about a recipient, or may have
}

// target is a recipient in an attempt, and what became of it.
type target struct {
	claim, rcpt int // indices into job.claims and message.Recipients
	out         client.Outcome
	verdict     verdict.Verdict // what out means
	hop, tls    string          // host[address]:port that said so
	heard       int             // its place among all outcomes that hosts gave
	host        string          // name of the host that decided; "": we did
	relayed     bool            // taken by a host that sends no DSNs
	broke       bool            // the connection broke off, and it was about this one
	maybe       bool            // it may have been taken although the reply was lost
	settled     bool            // the store has it
}

// maxRcpts is what every host must take in one transaction (RFC 5321 §4.5.3.1.8).
const maxRcpts = 100

func newAttempt(m *Sender, j *Job) *attempt {
	n := 0
	for i := range j.Claims {
		n += len(j.Claims[i].Rcpts)
	}
	a := &attempt{m: m, job: j, began: time.Now(), targets: make([]target, 0, n), left: make([]int, 0, n)}
	a.tour = tour{path: j.Path, from: j.From, began: a.began, doubted: m.doubts.About(j.Message.ID), stops: j.Stops}
	for i := range j.Claims {
		for _, r := range j.Claims[i].Rcpts {
			a.left = append(a.left, len(a.targets))
			a.targets = append(a.targets, target{claim: i, rcpt: r})
		}
	}
	return a
}

// begin begins the time of an attempt that was prepared ahead.
func (a *attempt) begin() {
	a.began = time.Now()
	a.tour.began = a.began
}

// open reports whether recipients are left for another transaction.
func (a *attempt) open() bool { return len(a.left)+len(a.later) > 0 }

func (a *attempt) recipient(i int) *spooled.Recipient {
	return &a.job.Message.Recipients[a.targets[i].rcpt]
}

// domain is the one that target i was claimed for.
func (a *attempt) domain(i int) string { return a.job.Claims[a.targets[i].claim].Domain }

// next is who goes into the next transaction.
func (a *attempt) next(c *link.Connection) []int {
	n := min(len(a.left), cmp.Or(a.job.Limits.Recipients, maxRcpts))
	if a.m.Returns(a.job.Message) != "" {
		n = min(n, 1) // each recipient has a reverse-path of its own
	}
	if limit := c.Client.Extensions().RcptMax; limit > 0 {
		n = min(n, limit)
	}
	return a.left[:n]
}

// prepare is the envelope for a part: the one that went ahead, or a new one.
func (a *attempt) prepare(part []int) *client.Envelope {
	if e := a.sent; e != nil {
		a.sent = nil
		return e
	}
	return a.envelope(part)
}

func (a *attempt) envelope(part []int) *client.Envelope {
	m := a.job.Message
	e := &client.Envelope{
		Sender:     m.Sender,
		Size:       m.Stored + a.signing.Size(),
		EightBit:   m.EightBit,
		SMTPUTF8:   m.SMTPUTF8,
		RequireTLS: m.RequireTLS,
		Ret:        m.Ret,
		EnvID:      m.EnvID,
		Rcpts:      make([]client.Rcpt, len(part)),
	}
	if domain := a.m.Returns(m); domain != "" && len(part) == 1 {
		e.Sender = a.m.spool.Delivered.ReturnPath(m, a.targets[part[0]].rcpt, domain)
	}
	for k, i := range part {
		r := a.recipient(i)
		e.Rcpts[k] = client.Rcpt{Address: r.Address, Domain: r.Domain, Notify: client.Notify(r.Notify), ORCPT: r.ORCPT}
	}
	return e
}

// Returns is the domain at which relay takes what comes back of a message; "": it comes back
// to its sender.
func (m *Sender) Returns(msg *spooled.Message) string {
	if !msg.VERP {
		return ""
	}
	return m.config().Returns
}

// take notes the outcomes of a transaction that the host has answered to its end.
// Recipients that were too many in it stay for the next transaction, as long as each
// takes some (RFC 5321 §4.5.3.1.10); those that it did not take for now are for the
// next host.
func (a *attempt) take(part []int, res *client.Result, c *link.Connection) {
	a.reached, a.answered = true, true
	again := 0
	for k := range part {
		if tooMany(&res.Rcpts[k]) {
			again++
		}
	}
	if again == len(part) {
		again = 0
	}
	rest := make([]int, 0, again+len(a.left)-len(part))
	for k, i := range part {
		out := &res.Rcpts[k]
		if again > 0 && tooMany(out) {
			rest = append(rest, i)
			continue
		}
		a.note(i, out, c)
	}
	a.left = append(rest, a.left[len(part):]...)
}

// lose notes the outcomes of a transaction whose connection broke off. If it did at
// one recipient, those of other domains stay for another connection to the same
// host. Recipients that the host may have taken go to no other in this attempt: it
// would be sent to them twice (RFC 1047).
func (a *attempt) lose(part []int, res *client.Result, c *link.Connection) {
	a.reached = true
	a.answered = a.answered || res.Uncertain
	told := ""
	if res.Told >= 0 {
		told = a.domain(part[res.Told])
	}
	about := func(i int) bool { return told == "" || a.domain(i) == told }
	stays := slices.ContainsFunc(part, func(i int) bool { return !about(i) }) && a.tour.back()
	var rest []int
	for k, i := range part {
		out := &res.Rcpts[k]
		open := a.undecided(out, res.Err, c.Host)
		if open && stays && !about(i) {
			rest = append(rest, i)
			continue
		}
		a.note(i, out, c)
		a.targets[i].broke = open && about(i)
		if open && res.Uncertain {
			a.later = a.later[:len(a.later)-1] // no other host
			a.targets[i].maybe = true
		}
	}
	a.left = append(rest, a.left[len(part):]...)
	if !stays {
		a.later = append(a.later, a.left...)
		a.left = nil
	}
}

// keep notes what was decided before a connection broke off; a new one is made to
// the same host for the others.
func (a *attempt) keep(part []int, res *client.Result, c *link.Connection) {
	var rest []int
	for k, i := range part {
		if out := &res.Rcpts[k]; a.undecided(out, res.Err, c.Host) {
			rest = append(rest, i)
		} else {
			a.note(i, out, c)
		}
	}
	a.left = append(rest, a.left[len(part):]...)
	a.reached = a.reached || res.Err.Stage > client.StageMail
}

// undecided reports whether an outcome is only that the connection broke off.
func (a *attempt) undecided(o *client.Outcome, err *client.ConnError, host string) bool {
	return o.Stage == err.Stage && o.Reply == err.Status() && a.m.Judge(o, host).Class == verdict.Deferred
}

// note gives a target what the host said of it.
func (a *attempt) note(i int, out *client.Outcome, c *link.Connection) {
	t := &a.targets[i]
	t.broke = false
	v := a.m.Judge(out, c.Host)
	if t.decide(*out, c.Host, v) {
		a.heard++
		t.heard = a.heard
		t.hop, t.tls = c.Name, c.TLS
		t.relayed = !c.Client.Extensions().DSN
	}
	if v.Class == verdict.Deferred {
		a.later = append(a.later, i)
	} else {
		a.answered = true
	}
}

// decide takes an outcome, unless there is one already that says more: a reply about
// the recipient says more than one about a connection, and that more than an outcome
// of our own. It reports whether it took it.
func (t *target) decide(out client.Outcome, host string, v verdict.Verdict) bool {
	if t.out.Reply.Code != 0 && weight(&out) < weight(&t.out) {
		return false
	}
	t.out, t.host, t.verdict = out, host, v
	if out.Local {
		t.host = ""
	}
	return true
}

func weight(o *client.Outcome) int {
	switch {
	case !o.Local && o.Stage >= client.StageMail:
		return 3
	case !o.Local:
		return 2
	case o.Stage >= client.StageMail:
		return 1
	}
	return 0
}

// more reports whether recipients are left. When the host at hand has said what it
// had to say, those that it did not take are for the next one.
func (a *attempt) more() bool {
	if len(a.left) == 0 && len(a.later) > 0 {
		a.left, a.later = a.later, nil
		if t := &a.targets[a.left[0]]; !t.broke {
			a.tour.meet(t.hop, t.out.Reply.String())
		}
		a.tour.leave()
	}
	return len(a.left) > 0
}

// stop gives those that are left the failure as their outcome, where they have no
// better one.
func (a *attempt) stop(f *link.Failure) {
	out := client.Outcome{Reply: f.Err.Status(), Stage: f.Err.Stage, Local: f.Err.Reply.Code == 0 || f.Local}
	why, wanted := f.Err.Error(), f.Wanted()
	if wanted != nil {
		why, out.Stage = wanted.Text, client.StageStartTLS
		out.Reply, out.Local = client.Reply{Code: 451, Enhanced: wanted.Status, Text: wanted.Text}, true
	}
	if a.job.Message.RequireTLS && f.Unsafe && f.NoTLS() {
		out.Reply, out.Stage = client.Reply{Code: 550, Enhanced: [3]int{5, 7, 30}, Text: "REQUIRETLS was asked for: " + why}, client.StageStartTLS
	}
	v := a.m.Judge(&out, f.Host)
	for _, i := range append(a.left, a.later...) {
		t := &a.targets[i]
		if t.out.Reply.Code != 0 && out.Reply.Permanent() {
			continue // a host that we could speak to has put it off: there will be another attempt
		}
		t.decide(out, f.Host, v)
		t.broke = t.broke || wanted != nil && !a.job.Message.RequireTLS
		a.answered = a.answered || out.Reply.Permanent() && out.Local
		if t.hop == "" {
			t.hop = link.HopName(f.Host, f.Addr)
		}
	}
	a.left, a.later = nil, nil
}

// atAnyHost reports whether a transaction broke off for a reason that would be the
// same at any other host.
func atAnyHost(err *client.ConnError) bool {
	return errors.Is(err.Err, client.ErrBareCR) || errors.Is(err.Err, client.ErrContent)
}

// last is the host that was the last to speak about recipients of a claim.
func (a *attempt) last(claim int) (hop, tls string) {
	latest := -1
	for k := range a.targets {
		if t := &a.targets[k]; t.claim == claim && t.heard > latest {
			hop, tls, latest = t.hop, t.tls, t.heard
		}
	}
	return hop, tls
}

// broke are the claims for all of whose recipients the last outcome is that the
// connection broke off.
func (a *attempt) broke() []int {
	var list []int
	for i := range a.job.Claims {
		broke, other := false, false
		for k := range a.targets {
			if t := &a.targets[k]; t.claim == i {
				broke, other = broke || t.broke, other || !t.broke
			}
		}
		if broke && !other {
			list = append(list, i)
		}
	}
	return list
}
