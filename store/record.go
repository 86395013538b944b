package store

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

// Strangers says how many recipients a day an account may reach that it never wrote to (M8).
type Strangers struct {
	Cap    int                      // on an account's first day; 0: there is no cap
	Direct func(domain string) bool // mail to a domain goes by MX; nil: nobody's does
	Way    string                   // what Direct follows from: when it changes, what waits is planned anew
}

// NoCap in Customer.FirstSendings: the account has none.
const NoCap = -1

// SetStrangers says how first sendings are limited from now on. Before it is called, they
// are not. What waits is planned anew if that is other than at the last call, also before a
// restart.
func (s *Spool) SetStrangers(how Strangers) error {
	was := s.strangers.Swap(&how)
	if was != nil && was.Cap == how.Cap && was.Way == how.Way {
		return nil
	}
	return s.replanIfChanged(&how)
}

// bounds are those of an account's cap.
type bounds struct {
	begin, most int  // recipients a day; most 0: any number
	free        bool // there is no cap
}

func (how *Strangers) bounds(a Customer, now time.Time) bounds {
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

// record is that of an account, on the day that is now. Who changes it must touch the
// transaction.
func (t *SpoolTx) record(account string) (*Record, bounds, error) {
	a, err := t.customer(account)
	if err != nil {
		return nil, bounds{}, err
	}
	return t.recordOf(account, a)
}

// recordOf an account that is at hand.
func (t *SpoolTx) recordOf(account string, a Customer) (*Record, bounds, error) {
	b := t.s.strangers.Load().bounds(a, t.Now)
	sc := t.scratch()
	if r := sc.records[account]; r != nil {
		return &r.is, b, nil
	}
	r := &recordState{}
	found, err := t.Read(bucket.Records, []byte(account), &r.is)
	if err == nil && !found {
		err = t.begin(account, a, &r.is)
	}
	if err != nil {
		return nil, b, err
	}
	if r.was = r.is; !found {
		r.was.Waiting = -1 // it is written
	}
	r.is.Turn(t.today())
	if !b.free {
		r.is.First.Bound(b.begin, b.most)
	}
	if sc.records == nil {
		sc.records = map[string]*recordState{}
	}
	sc.records[account] = r
	return &r.is, b, nil
}

// begin gives an account that has no record yet the one that follows from its statistics:
// those from before there were records, or of mail by other ways. It is proven if it
// delivered as much as proven accounts have and began a week ago. Its cap is at least what
// it delivered in its best period, so that nobody is slowed by an upgrade. Nobody knows its
// recipients: they count as strangers once.
func (t *SpoolTx) begin(account string, a Customer, r *Record) error {
	best, all := int64(0), int64(0)
	err := t.s.Outcomes.Each(&t.Tx, account, func(_ string, p *outcomes.Progress) {
		best, all = max(best, p.Delivered), all+p.Delivered
	})
	began := a.Activated()
	r.Proven = all >= record.ProvenRecipients && !began.IsZero() && t.Now.Sub(began) >= record.ProvenDays*24*time.Hour
	r.First.Cap = int(min(best, record.Uncapped))
	return err
}

// note brings an outcome into the account's record. An account that is gone has none.
func (t *SpoolTx) note(m *spooled.Message, r *spooled.Recipient, o *Outcome) error {
	if o.Mark == "" || m.Period == "" {
		return nil
	}
	rec, b, err := t.record(m.Account)
	if errors.Is(err, room.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	t.Touch()
	switch o.Mark {
	case MarkDelivered:
		rec.Today.Delivered++
		if !b.free && rec.First.Cap < record.Uncapped {
			return t.s.Known.Learn(&t.Tx, m.Account, r)
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
func (s *Spool) Record(account string) (r Record, capped bool, err error) {
	err = s.view(func(t *SpoolTx) error {
		is, b, err := t.record(account)
		if err == nil {
			r, capped = *is, !b.free && is.First.Cap < record.Uncapped
		}
		return err
	})
	return r, capped, err
}

// Today is the number of the day in the operator's zone.
func (s *Spool) Today() int { return dayNumber(s.db.Wall(), s.o.Zone) }

// today is the number of the day in the operator's zone.
func (t *SpoolTx) today() int { return dayNumber(t.Wall, t.s.o.Zone) }

func dayNumber(at time.Time, zone *time.Location) int {
	y, m, d := at.In(zone).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// DayStart is when the day with that number begins in a zone.
func DayStart(number int, zone *time.Location) time.Time {
	y, m, d := time.Unix(int64(number)*24*60*60, 0).UTC().Date()
	at := time.Date(y, m, d, 0, 0, 0, 0, zone)
	for dayNumber(at, zone) < number { // there is no such time in this zone
		at = at.Add(time.Hour)
	}
	return at.UTC()
}
