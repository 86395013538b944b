package store

import (
	"relay/store/room"
	"relay/store/spooled"
)

// progress is what became of an account's mail of a period: the spool's part of its use.
// Bucket "usage", key account NUL period NUL, JSON, beside what was charged for that mail
// (Charges), so that a commit that writes both writes no further page. The spool does not read
// the charges.
//
// The e-mails that are still to be delivered are not in it: they are those charged, less
// Delivered and Failed (Usage.Queued), which the store works out for readers, as it has both.
// The spool itself asks only how many messages of an account wait, and how much room they
// take: Waiting and Stored.
type progress struct {
	Delivered int64 `json:"delivered,omitempty"` // e-mails that a next hop took
	Failed    int64 `json:"failed,omitempty"`    // e-mails refused for good, expired or dropped
	Deferred  int64 `json:"deferred,omitempty"`  // of those still to be delivered, e-mails tried at least once
	Stored    int64 `json:"stored,omitempty"`    // octets of the bodies of messages in the spool
	Waiting   int64 `json:"waiting,omitempty"`   // messages in the spool
	DSNs      int64 `json:"dsns,omitempty"`      // sent about its mail, which are free
	Withheld  int64 `json:"withheld,omitempty"`  // DSNs that were not: over the account's number an hour

	Bounced    int64 `json:"bounced,omitempty"`    // of Delivered, those that came back
	Complained int64 `json:"complained,omitempty"` // of Delivered, those that were reported as spam

	// The last day whose mail had an outcome, in the operator's zone, and what became of its
	// mail: see openCounts.
	Day    string `json:"day,omitempty"`    // "2026-11-23"
	Counts string `json:"counts,omitempty"` // see packedDay
}

// behindPeriod ends the keys of progress.
const behindPeriod = "\x00"

// progress is the record as this transaction sees it. Only a function that has decided to write may
// change it: a change is stored with the transaction.
func (t *tx) progress(account, period string) *progress {
	return t.s.progress.In(&t.Tx, account, period)
}

// progressKey is that of a record in bucket "usage".
func progressKey(account, period string) []byte { return room.Pair(account, period+behindPeriod) }

// spool counts a message that enters the spool.
func (t *tx) spool(m *spooled.Message) {
	if m.Period == "" {
		return
	}
	p := t.progress(m.Account, m.Period)
	p.Stored, p.Waiting = p.Stored+m.Stored, p.Waiting+1
}

// unspool counts a message that leaves it.
func (t *tx) unspool(m *spooled.Message) {
	if m.Period == "" {
		return
	}
	p := t.progress(m.Account, m.Period)
	p.Stored, p.Waiting = p.Stored-m.Stored, p.Waiting-1
}

// count moves a recipient of m from its state to another, in the statistics.
func (t *tx) count(m *spooled.Message, is fate) {
	t.Touch()
	if is.to.Final() {
		t.totals().Recipients--
	}
	if m.Period == "" {
		return
	}
	t.dayOf(m).count(is)
	p := t.progress(m.Account, m.Period)
	if is.from == spooled.Deferred {
		p.Deferred--
	}
	switch {
	case is.to == spooled.Deferred:
		p.Deferred++
	case is.to == spooled.Delivered:
		p.Delivered++
	case is.to.Final():
		p.Failed++
	}
}

// sumProgress adds up what became of an account's mail in all periods.
func (t *tx) sumProgress(account string, what func(*progress) int64) (n int64, err error) {
	err = t.s.progress.Each(&t.Tx, account, nil, func(_ string, p *progress) error {
		n += what(p)
		return nil
	})
	return n, err
}

// waiting are the messages of an account in the spool.
func (t *tx) waiting(account string) (int64, error) {
	return t.sumProgress(account, func(p *progress) int64 { return p.Waiting })
}

// spooled are the octets of an account's messages in the spool.
func (t *tx) spooled(account string) (int64, error) {
	return t.sumProgress(account, func(p *progress) int64 { return p.Stored })
}
