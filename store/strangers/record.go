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

// Record is what an account's mail by MX came to, and what waits of it for the daily cap of
// first sendings. Bucket "records", key account, JSON. It changes in the transactions of
// Accept, Claim and Settle, so that a crash neither loses a count nor counts twice.
type Record struct {
	record.Record
	Waiting int64     `json:"waiting,omitempty"`  // recipients that wait for the cap
	ToldDay int       `json:"told_day,omitempty"` // the last day that the customer was told of
	Told    time.Time `json:"told,omitzero"`      // when that was
}

// Mark is what an outcome says of an account.
type Mark string

// The marks. An outcome without one was not at a host of an MX.
const (
	MarkDelivered Mark = "delivered"
	MarkUnknown   Mark = "unknown" // there is no such recipient
	MarkBlamed    Mark = "blamed"  // the sender's domain, or the content
	MarkOther     Mark = "other"
)

// bounds are those of an account's cap.
type bounds struct {
	begin, most int  // recipients a day; most 0: any number
	free        bool // there is no cap
}

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

// recordState is an account's record in a transaction, and as it was before.
type recordState struct{ is, was Record }

// record is that of an account, with the bounds of its cap.
func (s *Strangers) record(t *room.Tx, account string) (*Record, bounds, error) {
	a, err := s.o.Customer(t, account)
	if err != nil {
		return nil, bounds{}, err
	}
	return s.recordOf(t, account, a)
}

// In is the record of an account, on the day that is now. Who changes it must touch the
// transaction.
func (s *Strangers) In(t *room.Tx, account string) (*Record, error) {
	r, _, err := s.record(t, account)
	return r, err
}

// recordOf an account that is at hand.
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
		r.was.Waiting = -1 // it is written
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

// begin gives an account that has no record yet the one that follows from its statistics:
// those from before there were records, or of mail by other ways. It is proven if it
// delivered as much as proven accounts have and began a week ago. Its cap is at least what
// it delivered in its best period, so that nobody is slowed by an upgrade. Nobody knows its
// recipients: they count as strangers once.
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

// Note brings what an outcome says into the account's record: m was sent to a recipient. An account
// that is gone has none.
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
		if !b.free && rec.First.Cap < record.Uncapped {
			return s.o.Known.Learn(t, m.Account, r)
		}
	case MarkUnknown:
		rec.Today.Unknown++
	case MarkBlamed:
		rec.Today.Bad = true
	}
	return nil
}

// Record of an account as it is now. Of one that has sent nothing by MX yet it is what it
// would begin with.
func (s *Strangers) Record(account string) (r Record, capped bool, err error) {
	err = s.db.View(func(t room.Tx) error {
		is, b, err := s.record(&t, account)
		if err == nil {
			r, capped = *is, !b.free && is.First.Cap < record.Uncapped
		}
		return err
	})
	return r, capped, err
}
