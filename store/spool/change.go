package spool

import (
	"errors"

	"relay/store/bucket"
	"relay/store/spooled"
	"relay/store/strangers"
)

// Message reads an envelope; nil when there is none.
func (t *Tx) Message(id spooled.ID) (*spooled.Message, error) {
	return t.s.Envelopes.Read(&t.Tx, id)
}

// change applies fn to the listed recipients of a domain that are not final, and moves the message in
// its lane. It stores the message, or removes it with its last recipient.
func (t *Tx) change(m *spooled.Message, domain string, list []int, fn func(*spooled.Recipient)) error {
	if err := t.dropKey(m, domain); err != nil {
		return err
	}
	for _, i := range list {
		if r := &m.Recipients[i]; !r.State.Final() {
			fn(r)
		}
	}
	if _, left := m.Due(domain); !left {
		if err := t.closeClaim(m.ID, domain); err != nil {
			return err
		}
	}
	return t.store(m, domain)
}

// changeOf is change for a message's recipients at a domain, as package strangers calls it.
func (t *Tx) changeOf(m *spooled.Message, domain string) strangers.Change {
	return func(list []int, fn func(*spooled.Recipient)) error { return t.change(m, domain, list, fn) }
}

// store writes a message back after a change of the domain's recipients. The caller dropped its key for
// that domain before (dropKey). What its sender is to be told is sent or put on the list.
func (t *Tx) store(m *spooled.Message, domain string) error {
	if err := t.tellSender(m); err != nil {
		return err
	}
	if m.Done() {
		return t.remove(m)
	}
	if err := t.s.Envelopes.Write(&t.Tx, m); err != nil {
		return err
	}
	return t.addKey(m, domain)
}

// addKey lists a message in its lane to the domain, if any recipient there is left.
func (t *Tx) addKey(m *spooled.Message, domain string) error {
	at, ok := m.Due(domain)
	if !ok {
		return nil
	}
	lane := spooled.Lane{Domain: domain, Account: m.Account}
	t.touch(lane.Key())
	return errors.Join(t.s.Strangers.List(&t.Tx, m, domain, 1), t.Put(bucket.Queue, spooled.QueueKey(lane, at, m.ID), spooled.CountAt(m, domain)))
}

// dropKey takes it off, before its recipients at the domain change.
func (t *Tx) dropKey(m *spooled.Message, domain string) error {
	at, ok := m.Due(domain)
	if !ok {
		return nil
	}
	lane := spooled.Lane{Domain: domain, Account: m.Account}
	t.touch(lane.Key())
	return errors.Join(t.s.Strangers.List(&t.Tx, m, domain, -1), t.Delete(bucket.Queue, spooled.QueueKey(lane, at, m.ID)))
}

// remove takes a message whose recipients are all final out of the spool.
func (t *Tx) remove(m *spooled.Message) error {
	if err := t.s.Envelopes.Remove(&t.Tx, m.ID); err != nil {
		return err
	}
	t.s.Trace.TellGone(&t.Tx, m.ID)
	sum := t.totals()
	sum.Messages--
	sum.Bytes -= m.Stored
	t.ages().Drop(m.ID.Timestamp())
	t.s.Outcomes.Leave(&t.Tx, counted(m), m.Stored)
	later, err := t.s.Bodies.Delete(&t.Tx, m.ID, m.Stored)
	if later && t.then != nil {
		t.then.gone = append(t.then.gone, m.ID)
	}
	return err
}
