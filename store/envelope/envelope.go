// Package envelope reads and writes the envelopes of messages in the spool, bucket "messages", and
// remembers the last ones that were written.
//
// A message is written when it comes in and when it is claimed, and read again soon after each: its
// record would be decoded twice on its way through. So what was written is remembered:
//
//  1. Write stores a message, and keeps a copy with the octets of its record;
//  2. Read gives out a copy of that, as long as the record in its transaction has these very octets;
//     else it decodes the record;
//  3. Remove forgets the message with its record.
//
// The octets are all that decides. What a transaction wrote that was undone, ran again or came to
// nothing, and what somebody else has changed since, is not what the record says, and is not used.
// A crash leaves nothing: what is remembered is in memory only, and bounded.
package envelope

import (
	"bytes"
	"sync"
	"time"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

// mostOctets bounds the records that are remembered: the younger half and the older one.
const mostOctets = 2 << 20

// Envelopes are those of a store. Its methods may be called from any goroutine.
type Envelopes struct {
	mu     sync.Mutex
	young  map[spooled.ID]*written
	old    map[spooled.ID]*written
	octets int // of the records of young
}

// written is a message as its record says. It does not change any more.
type written struct {
	raw []byte
	m   spooled.Message
}

// New remembers none yet.
func New() *Envelopes { return &Envelopes{young: map[spooled.ID]*written{}} }

// Read reads an envelope; nil when there is none. It is the caller's own, but for what its pointers
// and slices lead to below the recipients.
func (e *Envelopes) Read(t *room.Tx, id spooled.ID) (*spooled.Message, error) {
	raw := t.Get(bucket.Messages, id[:])
	if raw == nil {
		return nil, nil
	}
	if w := e.find(id); w != nil && bytes.Equal(w.raw, raw) {
		m := w.m.Copy()
		return &m, nil
	}
	m := &spooled.Message{}
	if err := room.Decode(bucket.Messages, id[:], raw, m); err != nil {
		return nil, err
	}
	return m, nil
}

// Write stores an envelope. The message stays the caller's.
func (e *Envelopes) Write(t *room.Tx, m *spooled.Message) error {
	raw, err := room.Encode(bucket.Messages, m.ID[:], m)
	if err != nil {
		return err
	}
	if decodesAlike(raw) {
		e.keep(&written{raw, asDecoded(m)})
	}
	return t.Put(bucket.Messages, m.ID[:], raw)
}

// Remove takes an envelope away.
func (e *Envelopes) Remove(t *room.Tx, id spooled.ID) error {
	e.mu.Lock()
	e.forget(id)
	e.mu.Unlock()
	return t.Delete(bucket.Messages, id[:])
}

func (e *Envelopes) find(id spooled.ID) *written {
	e.mu.Lock()
	defer e.mu.Unlock()
	if w := e.young[id]; w != nil {
		return w
	}
	return e.old[id]
}

// keep remembers what was written. With the younger half full, the older one makes room.
func (e *Envelopes) keep(w *written) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.forget(w.m.ID)
	if len(w.raw) > mostOctets/2 {
		return
	}
	if e.octets+len(w.raw) > mostOctets/2 {
		e.young, e.old, e.octets = map[spooled.ID]*written{}, e.young, 0
	}
	e.young[w.m.ID] = w
	e.octets += len(w.raw)
}

func (e *Envelopes) forget(id spooled.ID) {
	if w := e.young[id]; w != nil {
		delete(e.young, id)
		e.octets -= len(w.raw)
	}
	delete(e.old, id)
}

// decodesAlike reports whether the texts of a record are those that it was made of: what is not
// UTF-8 is stored as U+FFFD.
func decodesAlike(raw []byte) bool {
	return !bytes.Contains(raw, []byte("\uFFFD")) && !bytes.Contains(raw, []byte(`\ufffd`))
}

// asDecoded is a copy of m as its record gives it back: its times have no reading of the
// monotonic clock.
func asDecoded(m *spooled.Message) spooled.Message {
	c := m.Copy()
	for _, t := range []*time.Time{&c.Accepted, &c.Expires, &c.Prolonged, &c.DSNDue, &c.Signature.Made} {
		*t = t.Round(0)
	}
	for i := range c.Recipients {
		r := &c.Recipients[i]
		r.Next = r.Next.Round(0)
		if r.DSN != nil {
			d := *r.DSN
			d.At, d.Suppressed = d.At.Round(0), d.Suppressed.Round(0)
			r.DSN = &d
		}
	}
	return c
}
