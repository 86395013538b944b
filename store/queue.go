package store

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Filter chooses messages of the queue; its zero value chooses all. What it says
// of recipients must hold for one that is not final.
type Filter struct {
	Account   string
	Domain    string    // next-hop domain
	Sender    string    // reverse-path, @domain of one, or <> for the null reverse-path; any case
	Recipient string    // forward-path, or @domain of one; any case
	Before    time.Time // accepted before it
	After     time.Time // accepted after it
	Held      bool      // only what is held
	Deferred  bool      // only what was tried
}

// Match reports whether the filter chooses m.
func (f *Filter) Match(m *Message) bool {
	switch {
	case f.Account != "" && m.Account != f.Account,
		!f.Before.IsZero() && !m.Accepted.Before(f.Before),
		!f.After.IsZero() && !m.Accepted.After(f.After),
		f.Sender == "<>" && m.Sender != "",
		f.Sender != "" && f.Sender != "<>" && !IsAddress(m.Sender, f.Sender):
		return false
	}
	for i := range m.Recipients {
		if f.MatchRecipient(&m.Recipients[i]) {
			return true
		}
	}
	return false
}

// MatchRecipient reports whether what the filter says of recipients holds for r.
func (f *Filter) MatchRecipient(r *Recipient) bool {
	return !r.State.Final() && (f.Domain == "" || r.Domain == f.Domain) &&
		(f.Recipient == "" || IsAddress(r.Address, f.Recipient)) &&
		(!f.Held || r.Held) && (!f.Deferred || r.State == Deferred)
}

// IsAddress reports whether address is what, or lies in it when that is an
// @domain. Case does not count.
func IsAddress(address, what string) bool {
	if strings.HasPrefix(what, "@") {
		n := len(address) - len(what)
		return n > 0 && strings.EqualFold(address[n:], what)
	}
	return strings.EqualFold(address, what)
}

// Queue calls fn for each message that the filter chooses, in the order of
// acceptance, outside of any transaction: a queue of a million streams.
func (s *Store) Queue(f Filter, fn func(*Message) error) error {
	return walk(s, messages, nil, nil, func(_ []byte, m *Message) error {
		if f.Match(m) {
			return fn(m)
		}
		return nil
	})
}

// QueueMessage is one message of the queue.
func (s *Store) QueueMessage(id ID) (m *Message, err error) {
	err = s.view(func(t *tx) error {
		m, err = t.message(id)
		if err == nil && m == nil {
			err = fmt.Errorf("message %s: %w", id, ErrNotFound)
		}
		return err
	})
	return m, err
}

// Op is what an operator does to messages in the queue.
type Op string

const (
	OpRetry   Op = "retry"   // due at once; what is held stays held
	OpHold    Op = "hold"    // not tried and not expired until released
	OpRelease Op = "release" // the end of hold
	OpDrop    Op = "drop"    // removed without a DSN; counted as failed
)

var opText = map[Op]string{OpRetry: "retry asked for", OpHold: "held", OpRelease: "released", OpDrop: "dropped"}

// changeStep is how many messages one transaction changes.
const changeStep = 128

// Change does op to the messages; those that are not in the queue come back as missing.
func (s *Store) Change(op Op, ids []ID) (done, missing []ID, err error) {
	if opText[op] == "" {
		return nil, nil, fmt.Errorf("no operation %q", op)
	}
	for part := range slices.Chunk(ids, changeStep) {
		var ok, not []ID
		err := s.updateThen(len(part)*1024, func(t *tx) error {
			ok, not = ok[:0], not[:0]
			for _, id := range part {
				m, err := t.message(id)
				if err != nil {
					return err
				}
				if m == nil {
					not = append(not, id)
					continue
				}
				if op == OpRetry || op == OpRelease {
					for _, d := range m.Domains() {
						t.then.lanes = append(t.then.lanes, Lane{d, m.Account})
					}
				}
				if err := t.operate(op, m); err != nil {
					return err
				}
				ok = append(ok, id)
			}
			return nil
		})
		if err != nil {
			return done, missing, fmt.Errorf("%s: %w", op, err)
		}
		done, missing = append(done, ok...), append(missing, not...)
		if op == OpDrop {
			s.logDropped(ok)
		}
	}
	return done, missing, nil
}

func (t *tx) operate(op Op, m *Message) error {
	if err := t.traceAccepted(m); err != nil {
		return err
	}
	e := Event{ID: m.ID, Time: t.wall, Kind: EventChanged, Account: m.Account, Text: opText[op]}
	for _, domain := range m.Domains() {
		err := t.change(m, domain, func(r *Recipient) {
			switch op {
			case OpRetry:
				r.Next = t.wall
			case OpHold:
				r.Held = true
			case OpRelease:
				r.Held = false
			case OpDrop:
				t.count(m, r.State, Dropped)
				r.State = Dropped
			}
			e.Recipients = append(e.Recipients, EventOutcome{Address: r.Address, State: r.State})
		})
		if err != nil {
			return err
		}
	}
	return t.happened(&e, m)
}
