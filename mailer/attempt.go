package mailer

import (
	"errors"
	"time"

	"relay/mailer/client"
	"relay/store"
)

// attempt is a message on its way to a site: one transaction, or several where
// the next hop takes fewer recipients at once than there are.
type attempt struct {
	job        *job
	began      time.Time
	connecting time.Duration // how much of the time since then it took to connect
	targets    []target
	left       []int // indices of targets that have no outcome yet

	begun    bool // a transaction came as far as a recipient
	answered bool // the next hop has decided about a recipient, or may have
	maybe    bool // the message may have been taken although its reply was lost

	hop string // host[address]:port of the last connection
	tls string
}

// target is a recipient in an attempt, and what became of it.
type target struct {
	claim, rcpt int // indices into job.claims and message.Recipients
	out         client.Outcome
	host        string // name of the host that decided; "": we did
	relayed     bool   // taken by a host that sends no DSNs
}

// maxRcpts is what every host must take in one transaction (RFC 5321 §4.5.3.1.8).
const maxRcpts = 100

func newAttempt(m *Mailer, j *job) *attempt {
	n := 0
	for i := range j.claims {
		n += len(j.claims[i].Rcpts)
	}
	a := &attempt{job: j, began: time.Now(), targets: make([]target, 0, n), left: make([]int, 0, n)}
	for i := range j.claims {
		for _, r := range j.claims[i].Rcpts {
			a.left = append(a.left, len(a.targets))
			a.targets = append(a.targets, target{claim: i, rcpt: r})
		}
	}
	return a
}

func (a *attempt) recipient(i int) *store.Recipient {
	return &a.job.message.Recipients[a.targets[i].rcpt]
}

// next is who goes into the next transaction.
func (a *attempt) next(c *connection) []int {
	n := min(len(a.left), maxRcpts)
	if limit := c.client.Extensions().RcptMax; limit > 0 {
		n = min(n, limit)
	}
	return a.left[:n]
}

func (a *attempt) envelope(part []int) *client.Envelope {
	m := a.job.message
	e := &client.Envelope{
		Sender:     m.Sender,
		Size:       m.Stored,
		EightBit:   m.EightBit,
		SMTPUTF8:   m.SMTPUTF8,
		RequireTLS: m.RequireTLS,
		Ret:        m.Ret,
		EnvID:      m.EnvID,
		Rcpts:      make([]client.Rcpt, len(part)),
	}
	for k, i := range part {
		r := a.recipient(i)
		e.Rcpts[k] = client.Rcpt{Address: r.Address, Domain: r.Domain, Notify: client.Notify(r.Notify), ORCPT: r.ORCPT}
	}
	return e
}

// take notes the outcomes of a transaction. Recipients that were too many in it
// stay for the next one, as long as each takes some (RFC 5321 §4.5.3.1.10).
func (a *attempt) take(part []int, res *client.Result, c *connection) {
	a.hop, a.tls = c.name(), c.client.TLSName()
	a.begun = true
	a.maybe = a.maybe || res.Uncertain
	a.answered = a.answered || res.Uncertain || res.Err == nil
	again := 0
	for k := range part {
		if tooMany(&res.Rcpts[k]) {
			again++
		}
	}
	if again == len(part) || res.Err != nil {
		again = 0
	}
	dsn := c.client.Extensions().DSN
	rest := make([]int, 0, again+len(a.left)-len(part))
	for k, i := range part {
		out := &res.Rcpts[k]
		if again > 0 && tooMany(out) {
			rest = append(rest, i)
			continue
		}
		t := &a.targets[i]
		t.out = *out
		t.relayed = !dsn
		if !out.Local {
			t.host = c.host
		}
		a.answered = a.answered || !out.Reply.Temporary()
	}
	a.left = append(rest, a.left[len(part):]...)
}

// stop gives those that are left the failure as their outcome.
func (a *attempt) stop(f *failure) {
	out := client.Outcome{Reply: f.err.Status(), Stage: f.err.Stage, Local: f.err.Reply.Code == 0 || f.local}
	if f.unsafe && f.noTLS() {
		out.Reply = client.Reply{Code: 550, Enhanced: [3]int{5, 7, 30}, Text: "REQUIRETLS was asked for: " + f.err.Error()}
		a.answered = true
	}
	if errors.Is(f.err.Err, client.ErrBareCR) {
		a.answered = true
	}
	for _, i := range a.left {
		a.targets[i].out = out
		if !out.Local {
			a.targets[i].host = f.host
		}
	}
	a.left = nil
	if a.hop == "" {
		a.hop = hopName(f.host, f.addr)
	}
}
