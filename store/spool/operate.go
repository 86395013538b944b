package spool

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"relay/store/outcomes"
	"relay/store/room"
	"relay/store/spooled"
	"relay/store/trace"
)

// Op is what an operator does to mail in the queue.
type Op string

const (
	OpRetry   Op = "retry"   // due at once; what is held, or waits for the cap of first sendings, stays so
	OpHold    Op = "hold"    // not tried and not expired until released
	OpRelease Op = "release" // no longer held
	OpDrop    Op = "drop"    // removed; counted as failed
)

var ops = []Op{OpRetry, OpHold, OpRelease, OpDrop}

// Operation is an Op and the recipients that it is for.
type Operation struct {
	Op   Op
	Of   *spooled.Filter // which chooses the recipients; nil: all that are not final
	Tell bool            // of OpDrop: the sender gets a DSN if it is certainly the customer's own, see Customer.Owns
}

// Affects are the indices of the recipients of m that the operation would change.
func (o *Operation) Affects(m *spooled.Message) (list []int) {
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if r.State.Final() || o.Of != nil && !o.Of.MatchRecipient(r) {
			continue
		}
		switch {
		case o.Op == OpDrop, o.Op == OpRelease && r.Held, o.Op == OpHold && !r.Held, o.Op == OpRetry && !r.Held && !r.Waits():
			list = append(list, i)
		}
	}
	return list
}

// Effect is what an operation has changed.
type Effect struct {
	Done       []spooled.ID // messages that it changed
	Recipients int64        // that it changed, of all messages
	Same       []spooled.ID // messages in the queue of which it had nothing to change
	Missing    []spooled.ID // messages that are not in the queue

	Domains map[string]bool // of the recipients that it changed
}

// add adds the effect on other messages.
func (o *Effect) add(p *Effect) {
	o.Done, o.Same, o.Missing = append(o.Done, p.Done...), append(o.Same, p.Same...), append(o.Missing, p.Missing...)
	o.Recipients += p.Recipients
	maps.Copy(o.Domains, p.Domains)
}

// operateStep is how many messages one transaction changes.
const operateStep = 128

// Change applies op to all recipients of the messages.
func (s *Spool) Change(op Op, ids []spooled.ID) (done, missing []spooled.ID, err error) {
	is, err := s.Operate(Operation{Op: op}, ids)
	return is.Done, is.Missing, err
}

// Operate applies o to messages. The transaction that changes a message decides which of its recipients
// are affected. With an error Operate returns what was done before.
func (s *Spool) Operate(o Operation, ids []spooled.ID) (all Effect, err error) {
	if !slices.Contains(ops, o.Op) {
		return all, fmt.Errorf("no operation %q", o.Op)
	}
	all.Domains = map[string]bool{}
	for part := range slices.Chunk(ids, operateStep) {
		var done Effect
		var sent []DSNResult
		var partly []spooled.ID
		err := s.UpdateThen(len(part)*1024, func(t *Tx) error {
			done, partly = Effect{Domains: map[string]bool{}}, partly[:0]
			for _, id := range part {
				if err := t.operate(&o, id, &done, &partly); err != nil {
					return err
				}
			}
			sent = t.then.sent
			return nil
		})
		if err != nil {
			return all, fmt.Errorf("%s: %w", o.Op, err)
		}
		all.add(&done)
		if o.Op == OpDrop {
			s.logDropped(done.Done, partly)
		}
		s.LogDSNs(sent...)
	}
	return all, nil
}

// operate applies o to one message. After OpDrop partly gets it if other recipients are left.
func (t *Tx) operate(o *Operation, id spooled.ID, done *Effect, partly *[]spooled.ID) error {
	m, err := t.Message(id)
	if err != nil {
		return err
	}
	if m == nil {
		done.Missing = append(done.Missing, id)
		return nil
	}
	list := o.Affects(m)
	if len(list) == 0 {
		done.Same = append(done.Same, id)
		return nil
	}
	tell, err := t.tells(o, m)
	if err = errors.Join(err, trace.WriteAccepted(&t.Tx, m)); err != nil {
		return err
	}
	if err := t.s.Trace.Happened(&t.Tx, o.event(t, m, list), m); err != nil { // before the DSN that follows from it
		return err
	}
	for _, domain := range m.Domains() {
		at := slices.DeleteFunc(slices.Clone(list), func(i int) bool { return m.Recipients[i].Domain != domain })
		if len(at) == 0 {
			continue
		}
		done.Domains[domain] = true
		if o.Op == OpRetry || o.Op == OpRelease {
			t.then.lanes = append(t.then.lanes, spooled.Lane{Domain: domain, Account: m.Account})
		}
		if err := t.change(m, domain, at, func(r *spooled.Recipient) { t.operateOn(o.Op, m, r, tell) }); err != nil {
			return err
		}
	}
	done.Done = append(done.Done, id)
	done.Recipients += int64(len(list))
	if o.Op == OpDrop && !m.Done() {
		*partly = append(*partly, id)
	}
	return nil
}

// event is what the trace says of it.
func (o *Operation) event(t *Tx, m *spooled.Message, list []int) *trace.Event {
	e := &trace.Event{ID: m.ID, Time: t.Wall, Kind: trace.EventChanged, Account: m.Whose(), Note: spooled.EventNote(o.Op)}
	for _, i := range list {
		out := trace.EventOutcome{Address: m.Recipients[i].Address, State: m.Recipients[i].State}
		if o.Op == OpDrop {
			out.State = spooled.Dropped
		}
		e.Recipients = append(e.Recipients, out)
	}
	return e
}

// operateOn applies op to one recipient. tell: the sender is to hear of what is dropped.
func (t *Tx) operateOn(op Op, m *spooled.Message, r *spooled.Recipient, tell bool) {
	switch op {
	case OpRetry:
		r.Next = t.Wall
	case OpHold:
		r.Held = true
	case OpRelease:
		r.Held = false
	case OpDrop:
		t.count(m, outcomes.Fate{From: r.State, To: spooled.Dropped, Category: ByOperator})
		r.State, r.DSN = spooled.Dropped, nil
		if tell && r.WantsFailure() {
			r.DSN = &spooled.DSN{Action: "failed", Dropped: true}
		}
	}
}

// tells reports whether the sender is to hear of what is dropped.
func (t *Tx) tells(o *Operation, m *spooled.Message) (bool, error) {
	if o.Op != OpDrop || !o.Tell {
		return false, nil
	}
	a, err := t.customer(m.Account)
	if errors.Is(err, room.ErrNotFound) {
		return false, nil
	}
	return err == nil && a.Owns(m.Sender), err
}
