package spool

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"relay/store/delivered"
	"relay/store/mailreply"
	"relay/store/refusals"
	"relay/store/signing"
	"relay/store/signs"
	"relay/store/sites"
	"relay/store/spooled"
	"relay/store/strangers"
	"relay/store/trace"
)

// Outcome is what an attempt meant for one recipient.
type Outcome struct {
	Rcpt    int               // index into Message.Recipients
	State   spooled.State     // Queued leaves the recipient as it is
	Reply   string            // what the next hop said, or why none was reached
	Next    time.Time         // of a deferred one; zero: what Claim stored
	Verdict mailreply.Verdict // what the reply means; zero: nothing is known
	Sample  mailreply.Sample  // the reply as it is kept for new rules; zero: it is not
	Delayed bool              // a delay DSN was sent, or none is wanted
	DSN     *spooled.DSN      // what the sender is to be told of it; nil: nothing
	Mark    strangers.Mark    // for the account's record; "": nothing
	Sign    signs.Sign        // that speaks against the account; "": none

	Suppress *refusals.Rule // what the reply means for further mail to the recipient; nil: nothing
}

// Result is one attempt at a message's recipients at a domain.
type Result struct {
	ID        spooled.ID
	Domain    string
	Event     trace.Event // Kind, NextHop, TLS, Millis, Text are the caller's, the rest is filled in
	Outcomes  []Outcome
	Signature signing.Signature // with which it was sent; zero: none
	Provider  string            // whose hosts were tried, as tallies name it; "": not known
	Source    string            // name of the source that it left from; "": there is only one
	Open      bool              // the attempt goes on with others at the domain: the claim stays open
	Dialogue  trace.Dialogue    // of an attempt that did not reach all recipients
	Expires   time.Time         // a later end of the message's life; zero: as it is
	TLS       []sites.TLSCount  // connections to count for reports
	Pace      []sites.PaceEntry // that a crash must not lose: a site that stopped

	Done bool        // set by Settle: the message has left the spool with its last recipient
	DSNs []DSNResult // set by Settle: what became of the DSN that went with it, for LogDSNs
}

// Settle stores what came of attempts, in one transaction: the recipients' states and tries, the
// statistics, the trace, what senders are to be told, and the removal of messages with their last
// recipient. Of a message that is gone only the trace is kept. A recipient that is final already stays
// as it is.
func (s *Spool) Settle(results ...Result) error {
	weight := 0
	for i := range results {
		weight += 2048
		if slices.ContainsFunc(results[i].Outcomes, func(o Outcome) bool { return o.DSN != nil }) {
			weight += dsnWeight
		}
	}
	err := s.UpdateThen(weight, func(t *Tx) error {
		for i := range results {
			if err := t.settle(&results[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	return nil
}

// settle stores what came of one attempt.
func (t *Tx) settle(r *Result) error {
	m, err := t.Message(r.ID)
	if err != nil {
		return err
	}
	r.Event.ID, r.Event.Time, r.Done, r.DSNs = r.ID, t.Wall, false, nil
	r.Event.Recipients = r.Event.Recipients[:0]
	if err := errors.Join(t.s.Sites.PutPace(&t.Tx, r.Pace), t.s.Sites.CountTLS(&t.Tx, r.TLS)); err != nil {
		return err
	}
	if err := trace.KeepDialogue(&t.Tx, r.ID, &r.Dialogue); err != nil {
		return err
	}
	if m == nil {
		return t.s.Trace.Happened(&t.Tx, &r.Event, nil)
	}
	if err := trace.WriteAccepted(&t.Tx, m); err != nil {
		return err
	}
	r.Event.Account = m.Whose()
	if r.Expires.After(m.Expires) {
		m.Expires = r.Expires
	}
	if err := errors.Join(t.dropKey(m, r.Domain), t.apply(m, r), t.settleClaim(m, r)); err != nil {
		return err
	}
	r.Done = m.Done()
	if err := t.s.Trace.Happened(&t.Tx, &r.Event, m); err != nil {
		return err
	}
	before := len(t.then.sent)
	if err := t.store(m, r.Domain); err != nil {
		return err
	}
	r.DSNs = t.then.sent[before:]
	return nil
}

// settleClaim ends the claim. While the attempt goes on with other recipients, it notes instead that they
// are dialled for, so that a crash counts the attempt for them too.
func (t *Tx) settleClaim(m *spooled.Message, r *Result) error {
	if _, left := m.Due(r.Domain); left && r.Open {
		return t.dialled(m.ID, r.Domain)
	}
	return t.closeClaim(m.ID, r.Domain)
}

// apply enters the outcomes in the message.
func (t *Tx) apply(m *spooled.Message, r *Result) error {
	if r.Signature.Made.After(m.Signature.Made) {
		m.Signature = r.Signature
	}
	var tried []*spooled.Recipient
	for _, o := range r.Outcomes {
		if o.Rcpt < 0 || o.Rcpt >= len(m.Recipients) {
			return fmt.Errorf("message %s has no recipient %d", m.ID, o.Rcpt)
		}
		rcpt := &m.Recipients[o.Rcpt]
		if rcpt.State.Final() || rcpt.Domain != r.Domain {
			continue
		}
		if r.Event.Kind == trace.EventAttempt {
			rcpt.Tries++
		}
		rcpt.Delayed = rcpt.Delayed || o.Delayed
		if o.DSN != nil || o.State.Final() { // it is no longer delayed
			rcpt.DSN = o.DSN
		}
		e, err := t.become(m, r, rcpt, &o)
		if err != nil {
			return err
		}
		if !rcpt.State.Final() {
			tried = append(tried, rcpt)
		}
		r.Event.Recipients = append(r.Event.Recipients, e)
	}
	alignNext(tried)
	return nil
}

// become enters one outcome in its recipient, and wherever else it counts.
func (t *Tx) become(m *spooled.Message, r *Result, rcpt *spooled.Recipient, o *Outcome) (trace.EventOutcome, error) {
	is, was := fateOf(r, rcpt, o), rcpt.Verdict
	e := trace.EventOutcome{Address: rcpt.Address, State: o.State, Reply: o.Reply, Verdict: o.Verdict}
	if o.State != spooled.Queued {
		t.count(m, is)
		rcpt.State, rcpt.Reply, rcpt.Verdict = o.State, o.Reply, o.Verdict
	}
	switch o.State {
	case spooled.Delivered:
		if err := t.s.Delivered.Enter(&t.Tx, m, rcpt, delivered.Way{Source: r.Source, Provider: r.Provider}); err != nil {
			return e, err
		}
	case spooled.Deferred:
		if !o.Next.IsZero() {
			rcpt.Next = o.Next
		}
		e.Next = rcpt.Next
	}
	return e, errors.Join(
		t.s.Sites.Hear(&t.Tx, &o.Sample, &o.Verdict),
		t.s.Strangers.Note(&t.Tx, m, rcpt, o.Mark),
		t.follow(m, rcpt, o),
		t.tally(m, r, is.From, o),
		t.listed(m, rcpt, is, o.Reply),
		t.s.o.Speaks(t, m, r, o, was))
}

// alignNext gives the recipients that are left of an attempt the earliest next try among them, so that
// they go in one transaction again.
func alignNext(left []*spooled.Recipient) {
	if len(left) == 0 {
		return
	}
	first := left[0]
	for _, r := range left[1:] {
		if r.Next.Before(first.Next) {
			first.Next = r.Next
		}
		first.Tries = max(first.Tries, r.Tries)
	}
	for _, r := range left[1:] {
		r.Next, r.Tries = first.Next, first.Tries
	}
}
