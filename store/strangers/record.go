package strangers

import (
	"errors"
	"time"

	"relay/store/bucket"
	"relay/store/outcomes"
	"relay/store/record"
	"relay/store/room"
	"relay/store/spooled"
)

// Record is what an account's mail by MX came to, and how much of it waits for the daily cap of first
// sendings. Bucket "records", key account, JSON.
type Record struct {
	record.Record
	Waiting int64     `json:"waiting,omitempty"`  // recipients that wait for the cap
	ToldDay int       `json:"told_day,omitempty"` // number of the last day that the customer was told of
	Told    time.Time `json:"told,omitzero"`      // when the customer was told
}

// Mark is what an outcome says of an account; "": nothing, since it was not at a host of an MX.
type Mark string

// The marks.
const (
	MarkDelivered Mark = "delivered"
	MarkUnknown   Mark = "unknown" // there is no such recipient
	MarkBlamed    Mark = "blamed"  // the sender's domain, or the content
	MarkOther     Mark = "other"
)

// bounds are the bounds of an account's cap.
type bounds struct {
	begin, most int  // recipients on the first day, and on any day; most 0: any number
	free        bool // there is no cap
}

// hold reports whether a record is held to its cap.
func (b bounds) hold(r *Record) bool { return !b.free && r.First.Cap < record.Uncapped }

// bounds of an account, by the rules; nil: there are none yet.
func (how *Rules) bounds(a Customer, now time.Time) bounds {
	switch {
	case how == nil, how.Direct == nil, a.FirstSendings() < 0, a.FirstSendings() == 0 && how.Cap <= 0:
		return bounds{free: true}
	case a.FirstSendings() > 0:
		return bounds{begin: a.FirstSendings(), most: a.FirstSendings()}
	}
	b := bounds{begin: how.Cap}
	if n := a.Includes(now); n > 0 {
		b.most = int(min(n, record.Uncapped))
	}
	return b
}

// recordState is an account's record in a transaction, and as it is stored.
type recordState struct{ is, was Record }

// record is an account's record, with the bounds of its cap.
func (s *Strangers) record(t *room.Tx, account string) (*Record, bounds, error) {
	a, err := s.o.Customer(t, account)
	if err != nil {
		return nil, bounds{}, err
	}
	return s.recordOf(t, account, a)
}

// In is the record of an account in a transaction, as of today. A caller that changes it must call Touch
// of the transaction, unless it writes something else.
func (s *Strangers) In(t *room.Tx, account string) (*Record, error) {
	r, _, err := s.record(t, account)
	return r, err
}

// recordOf is record for an account that was looked up already.
func (s *Strangers) recordOf(t *room.Tx, account string, a Customer) (*Record, bounds, error) {
	b := s.rules.Load().bounds(a, t.Now)
	all := s.changed.In(t.Tx)
	if r := (*all)[account]; r != nil {
		return &r.is, b, nil
	}
	r := &recordState{}
	found, err := t.Read(bucket.Records, []byte(account), &r.is)
	if err == nil && !found {
		err = s.begin(t, account, a, &r.is)
	}
	if err != nil {
		return nil, b, err
	}
	if r.was = r.is; !found {
		r.was.Waiting = -1 // nothing is stored: Flush must find a difference
	}
	r.is.Turn(room.DayNumber(t.Wall, s.o.Zone))
	if !b.free {
		r.is.First.Bound(b.begin, b.most)
	}
	if *all == nil {
		*all = map[string]*recordState{}
	}
	(*all)[account] = r
	return &r.is, b, nil
}

// begin makes the record of an account that has none yet. It follows from the account's statistics,
// which may be older than records are, or of mail that went other ways. The account is proven if it
// delivered as much as a proven account must and became active a week ago. Its cap is at least what it
// delivered in its best period, so that an upgrade slows nobody. Its recipients are not known: each
// counts as a stranger once.
func (s *Strangers) begin(t *room.Tx, account string, a Customer, r *Record) error {
	best, all := int64(0), int64(0)
	err := s.o.Outcomes.Each(t, account, func(_ string, p *outcomes.Progress) {
		best, all = max(best, p.Delivered), all+p.Delivered
	})
	began := a.Activated()
	r.Proven = all >= record.ProvenRecipients && !began.IsZero() && t.Now.Sub(began) >= record.ProvenDays*24*time.Hour
	r.First.Cap = int(min(best, record.Uncapped))
	return err
}

// Note enters what the outcome of sending m to a recipient says in the account's record. For an account
// that is gone it does nothing.
func (s *Strangers) Note(t *room.Tx, m *spooled.Message, r *spooled.Recipient, is Mark) error {
	if is == "" || m.Period == "" {
		return nil
	}
	rec, b, err := s.record(t, m.Account)
	if errors.Is(err, room.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	t.Touch()
	switch is {
	case MarkDelivered:
		rec.Today.Delivered++
		if b.hold(rec) {
			return s.o.Known.Learn(t, m.Account, r)
		}
	case MarkUnknown:
		rec.Today.Unknown++
	case MarkBlamed:
		rec.Today.Bad = true
	}
	return nil
}

// Record is the record of an account as it is now, and whether it is capped. Of an account that has sent
// nothing by MX yet it is the one that it would begin with.
func (s *Strangers) Record(account string) (r Record, capped bool, err error) {
	err = s.db.View(func(t room.Tx) error {
		is, b, err := s.record(&t, account)
		if err == nil {
			r, capped = *is, b.hold(is)
		}
		return err
	})
	return r, capped, err
}
