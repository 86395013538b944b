package outcomes

import "relay/store/room"

// Progress is what became of an account's mail of a period. Bucket "usage", key account NUL
// period NUL, JSON. It lies beside what was charged for that mail, so that a commit that writes
// both writes no further page.
//
// The e-mails that are still to be delivered are not in it: they are those charged, less
// Delivered and Failed, which the store works out for readers, as it has both. The spool itself
// asks only how many messages of an account wait, and how much room they take: Waiting and
// Stored.
type Progress struct {
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

// Behind ends the keys of Progress. Without it they are those of the charges of the same period.
const Behind = "\x00"

// progressKey is that of a record in bucket "usage".
func progressKey(account, period string) []byte { return room.Pair(account, period+Behind) }

// Has reports whether a key of bucket "usage" is that of a Progress.
func (o *Outcomes) Has(k []byte) bool { return o.progress.Has(k) }

// in is the record as this transaction sees it. A change is stored with the transaction, which
// must be touched for it.
func (o *Outcomes) in(t *room.Tx, account, period string) *Progress {
	return o.progress.In(t, account, period)
}

// Of is what became of an account's mail of a period, as this transaction sees it. Counts may
// lack what the transaction itself has counted.
func (o *Outcomes) Of(t *room.Tx, account, period string) Progress {
	return *o.in(t, account, period)
}

// Each calls fn for what became of an account's mail in each period, as this transaction sees
// it. fn must not keep p, nor change it.
func (o *Outcomes) Each(t *room.Tx, account string, fn func(period string, p *Progress)) error {
	return o.progress.Each(t, account, nil, func(period string, p *Progress) error {
		fn(period, p)
		return nil
	})
}

// Waiting are the messages of an account in the spool.
func (o *Outcomes) Waiting(t *room.Tx, account string) (n int64, err error) {
	err = o.Each(t, account, func(_ string, p *Progress) { n += p.Waiting })
	return n, err
}

// Stored are the octets of an account's messages in the spool.
func (o *Outcomes) Stored(t *room.Tx, account string) (n int64, err error) {
	err = o.Each(t, account, func(_ string, p *Progress) { n += p.Stored })
	return n, err
}

// Deferred are the e-mails of an account that were tried and are still to be delivered.
func (o *Outcomes) Deferred(t *room.Tx, account string) (n int64, err error) {
	err = o.Each(t, account, func(_ string, p *Progress) { n += p.Deferred })
	return n, err
}
