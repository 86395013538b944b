package store

import (
	"relay/store/spooled"
	"relay/store/trace"
)

// enqueue stores a message whose body is stored, every recipient due at once.
func (t *SpoolTx) enqueue(m *spooled.Message) ([]spooled.Lane, error) {
	for i := range m.Recipients {
		r := &m.Recipients[i]
		r.State = spooled.Queued
		if !r.Waits() {
			r.Next = t.Wall
		}
	}
	if err := t.s.envelopes.Write(&t.Tx, m); err != nil {
		return nil, err
	}
	sum := t.totals()
	sum.Messages++
	t.ages().Add(m.ID.Timestamp(), t.Wall, 1)
	sum.Recipients += int64(len(m.Recipients))
	sum.Bytes += m.Stored
	t.s.Outcomes.Enter(&t.Tx, counted(m), m.Stored)
	domains := m.Domains()
	lanes := make([]spooled.Lane, 0, len(domains))
	for _, d := range domains {
		if at, _ := m.Due(d); !at.After(t.Wall) {
			lanes = append(lanes, spooled.Lane{Domain: d, Account: m.Account})
		}
		if err := t.addKey(m, d); err != nil {
			return nil, err
		}
	}
	if t.s.Trace.Watched() {
		t.s.Trace.Tell(&t.Tx, trace.Accepted(m), m)
	}
	return lanes, nil
}
