// Package abuse judges accounts by what comes back of their mail, and may suspend them (M8):
//
//  1. the spool, and package returns for what comes back later, have Observe called for each recipient
//     that complains, does not exist, or is refused because of a blocklist that names the account;
//  2. Observe counts it in the account's record of signs, compares it with the mail of that
//     day and of the last seven, and warns, slows down or suspends;
//  3. both sides are told by news.
//
// All of it is in the transaction of the outcome that it follows from: a crash leaves all or
// nothing. An account without signs has no record, and costs nothing. Bucket
// "signs", key account, JSON, see signs.Record.
package abuse

import (
	"cmp"
	"errors"
	"sync/atomic"
	"time"

	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/orders"
	"relay/store/outcomes"
	"relay/store/room"
	"relay/store/signs"
	"relay/store/strangers"
)

// Abuse keeps the signs against the accounts of a store. Its methods may be called from any goroutine.
type Abuse struct {
	db    *room.DB
	zone  *time.Location
	r     Rooms
	rules atomic.Pointer[signs.Rules] // see SetRules; nil: nothing is too much
}

// Rooms are what is asked about an account, and what follows for it.
type Rooms struct {
	Books     *books.Books
	Orders    *orders.Orders
	Outcomes  *outcomes.Outcomes
	Strangers *strangers.Strangers
	News      *news.News
}

// New judges accounts by these rules; nil: signs are counted only.
func New(db *room.DB, zone *time.Location, r Rooms, rules *signs.Rules) *Abuse {
	s := &Abuse{db: db, zone: zone, r: r}
	s.rules.Store(rules)
	return s
}

func (s *Abuse) view(fn func(*room.Tx) error) error {
	return s.db.View(func(t room.Tx) error { return fn(&t) })
}

// SetRules says what is too much from now on. Before it is called, signs are counted only.
func (s *Abuse) SetRules(rules signs.Rules) { s.rules.Store(&rules) }

// Rules say what is too much; nil: signs are counted only.
func (s *Abuse) Rules() *signs.Rules { return s.rules.Load() }

// Observation is a sign, N times.
type Observation struct {
	Account  string
	Sign     signs.Sign
	N        int64
	Accepted time.Time // when the mail in question was accepted; zero: now
	Sent     time.Time // when that mail went out; zero: now
	Provider string    // where it comes from; "": it is not known
	Late     bool      // the mail that bounced had been delivered
}

// Observe counts signs against an account, and warns, slows down or suspends it where they are
// too many. For an account that was removed it does nothing.
func (s *Abuse) Observe(t *room.Tx, o Observation) error {
	a, err := s.r.Books.AccountIn(t, o.Account)
	if errors.Is(err, room.ErrNotFound) || o.N <= 0 {
		return nil
	}
	if err != nil {
		return err
	}
	r, err := s.RecordIn(t, o.Account)
	if err != nil {
		return err
	}
	today := room.DayNumber(t.Wall, s.zone)
	if !o.Sent.IsZero() && o.Sent.Before(r.Resumed) {
		return nil // it was forgiven
	}
	day, ok := r.Add(o.Sign, o.N, room.DayNumber(cmp.Or(o.Accepted, t.Wall), s.zone), today, o.Provider)
	if !ok {
		return nil
	}
	if o.Late {
		r.AddLate(o.N, day)
	}
	if err := errors.Join(s.complained(t, a, &o), s.judge(t, a, r, o.Sign, day)); err != nil {
		return err
	}
	return t.Write(bucket.SignsOf, []byte(o.Account), r)
}

// complained counts complaints in the account's record: today is no clean day then.
func (s *Abuse) complained(t *room.Tx, a *books.Account, o *Observation) error {
	if o.Sign != signs.Complaint {
		return nil
	}
	rec, err := s.r.Strangers.In(t, a.Name)
	if err != nil {
		return err
	}
	t.Touch()
	rec.Today.Complaint += o.N
	return nil
}

// RecordIn is the record of signs against an account, as of today and as this transaction sees it.
func (s *Abuse) RecordIn(t *room.Tx, account string) (*signs.Record, error) {
	r := &signs.Record{}
	_, err := t.Read(bucket.SignsOf, []byte(account), r)
	r.Turn(room.DayNumber(t.Wall, s.zone))
	return r, err
}

// judge warns or suspends if the signs about the mail of a day have reached a limit.
func (s *Abuse) judge(t *room.Tx, a *books.Account, r *signs.Record, what signs.Sign, day int) error {
	rules, today := s.Rules(), room.DayNumber(t.Wall, s.zone)
	if rules == nil || rules.Few(what, r.Total(what)) || a.State != ledger.Active {
		return nil
	}
	mail, err := s.mailOf(t, a.Name)
	if err != nil {
		return err
	}
	switch step, f := r.Judge(rules, what, day, today, mail); step {
	case signs.Suspend:
		r.Suspended = true
		return s.r.Orders.SuspendForAbuse(t, a.Name, &f)
	case signs.Warn:
		if !r.Tell(&f, today) {
			return nil
		}
		return s.warnOf(t, a, &f)
	}
	return nil
}

// mailOf an account is what became of its mail of the last seven days.
func (s *Abuse) mailOf(t *room.Tx, account string) (*signs.Mail, error) {
	m := &signs.Mail{Delivered: map[int]int64{}}
	from := room.DayBefore(t.Wall, signs.Days-1, s.zone)
	err := s.r.Outcomes.EachDay(t, account, from, "", func(day, _ string, d *outcomes.Day) {
		if at, err := time.Parse(time.DateOnly, day); err == nil {
			m.Delivered[room.DayNumber(at, time.UTC)] += int64(d.Delivered)
		}
	})
	if err != nil {
		return nil, err
	}
	m.Deferred, err = s.r.Outcomes.Deferred(t, account)
	return m, err
}

// warnOf tells both sides, and slows an account down whose list is bad or whose domain is
// listed.
func (s *Abuse) warnOf(t *room.Tx, a *books.Account, f *signs.Figures) error {
	err := s.r.News.Add(t, news.Item{Kind: news.Warned, Account: a.Name, About: string(f.Sign), Figures: f})
	if err != nil {
		return err
	}
	if f.Sign == signs.Complaint {
		return nil
	}
	return s.slowDown(t, a)
}

// slowDown sends an account's mail as slowly as a new account's, until it has had clean days.
func (s *Abuse) slowDown(t *room.Tx, a *books.Account) error {
	rec, err := s.r.Strangers.In(t, a.Name)
	if err != nil {
		return err
	}
	t.Touch()
	rec.SlowDown()
	return nil
}

// Forgive clears the signs of an account that was suspended for them, when the operator resumes
// it: the same signs must not suspend it again. Mail that waited goes out slowly.
func (s *Abuse) Forgive(t *room.Tx, a *books.Account) error {
	r, err := s.RecordIn(t, a.Name)
	if err != nil || !r.Suspended {
		return err
	}
	mail, err := s.mailOf(t, a.Name)
	if err != nil {
		return err
	}
	r.Resume(t.Wall, room.DayNumber(t.Wall, s.zone), mail)
	return errors.Join(t.Write(bucket.SignsOf, []byte(a.Name), r), s.slowDown(t, a))
}

// Signs returns the signs against an account, and the mail that they are compared with. Without
// signs both are zero.
func (s *Abuse) Signs(account string) (r signs.Record, m signs.Mail, err error) {
	err = s.view(func(t *room.Tx) error {
		if _, err := s.r.Books.AccountIn(t, account); err != nil {
			return err
		}
		r, m, err = s.SignsIn(t, account)
		return err
	})
	return r, m, err
}

// SignsIn is Signs as this transaction sees it, for an account that there is.
func (s *Abuse) SignsIn(t *room.Tx, account string) (r signs.Record, m signs.Mail, err error) {
	is, err := s.RecordIn(t, account)
	if err != nil || len(is.List) == 0 {
		return *is, m, err
	}
	mail, err := s.mailOf(t, account)
	if err != nil {
		return *is, m, err
	}
	return *is, *mail, nil
}

// Forget removes the signs against an account.
func (s *Abuse) Forget(t *room.Tx, account string) error {
	return t.Delete(bucket.SignsOf, []byte(account))
}
