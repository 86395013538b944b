package store

import (
	"fmt"
	"strings"
	"time"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
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
func (f *Filter) Match(m *spooled.Message) bool {
	switch {
	case f.Account != "" && m.Whose() != f.Account,
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
func (f *Filter) MatchRecipient(r *spooled.Recipient) bool {
	return !r.State.Final() && (f.Domain == "" || r.Domain == f.Domain) &&
		(f.Recipient == "" || IsAddress(r.Address, f.Recipient)) &&
		(!f.Held || r.Held) && (!f.Deferred || r.State == spooled.Deferred)
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

// Queue calls fn for each message of the queue behind the one with that ID, in the
// order of acceptance, outside of any transaction: a queue of a million streams. The
// zero ID is before all.
func (s *Spool) Queue(after spooled.ID, fn func(*spooled.Message) error) error {
	var from []byte
	if after != (spooled.ID{}) {
		from = append(after[:], 0)
	}
	return room.Walk(s.db, bucket.Messages, nil, from, func(_ []byte, m *spooled.Message) error { return fn(m) })
}

// QueueMessage is one message of the queue.
func (s *Spool) QueueMessage(id spooled.ID) (m *spooled.Message, err error) {
	err = s.view(func(t *SpoolTx) error {
		m, err = t.message(id)
		if err == nil && m == nil {
			err = fmt.Errorf("message %s: %w", id, room.ErrNotFound)
		}
		return err
	})
	return m, err
}
