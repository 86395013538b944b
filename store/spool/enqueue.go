package spool

import (
	"relay/store/spooled"
	"relay/store/trace"
)

// Enqueue stores a message whose body is stored. Recipients that do not wait for the cap of first
// sendings are due at once. The transaction must be one of UpdateThen or GrowThen.
func (t *Tx) Enqueue(m *spooled.Message) error {
	for i := range m.Recipients {
		r := &m.Recipients[i]
		r.State = spooled.Queued
		if !r.Waits() {
			r.Next = t.Wall
		}
	}
	if err := t.s.Envelopes.Write(&t.Tx, m); err != nil {
		return err
	}
	sum := t.totals()
	sum.Messages++
	sum.Recipients += int64(len(m.Recipients))
	sum.Bytes += m.Stored
	t.ages().Add(m.ID.Timestamp(), t.Wall, 1)
	t.s.Outcomes.Enter(&t.Tx, counted(m), m.Stored)
	for _, d := range m.Domains() {
		if at, _ := m.Due(d); !at.After(t.Wall) {
			t.then.lanes = append(t.then.lanes, spooled.Lane{Domain: d, Account: m.Account})
		}
		if err := t.addKey(m, d); err != nil {
			return err
		}
	}
	if t.s.Trace.Watched() {
		t.s.Trace.Tell(&t.Tx, trace.Accepted(m), m)
	}
	return nil
}
