package store

import (
	"cmp"
	"errors"
	"time"

	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/mailreply"
	"relay/store/news"
	"relay/store/outcomes"
	"relay/store/room"
	"relay/store/signs"
	"relay/store/spool"
	"relay/store/spooled"
)

// What comes back of an account's mail may suspend it (M8):
//
//  1. Settle, and Returned for what comes later, call observe for each recipient that
//     complains, does not exist, or is refused because of a blocklist that names the account;
//  2. observe counts it in the account's record of signs, compares it with the mail of that
//     day and of the last seven, and warns, slows down or suspends;
//  3. both sides are told by news.
//
// All of it is one transaction, with the outcome that it follows from: a crash leaves all or
// nothing. An account without signs has no record, and costs nothing. Bucket
// "signs", key account, JSON, see signs.Record.

// Sign is something that speaks against an account.
type Sign = signs.Sign

// The signs.
const (
	SignComplaint = signs.Complaint
	SignBounce    = signs.Bounce
	SignListed    = signs.Listed
)

// SetAbuse says what is too much from now on. Before it is called, signs are counted only.
func (s *Store) SetAbuse(rules signs.Rules) { s.abuse.Store(&rules) }

// observation is a sign, N times.
type observation struct {
	Account  string
	Sign     Sign
	N        int64
	Accepted time.Time // when the mail in question was accepted; zero: now
	Sent     time.Time // when that mail went out; zero: now
	Provider string    // where it comes from; "": it is not known
	Late     bool      // the mail that bounced had been delivered
}

// speaks notes what an outcome says against the account. A recipient that the
// same list refuses again is not counted twice.
func (s *Store) speaks(t *spool.Tx, m *spooled.Message, r *spool.Result, o *spool.Outcome, was mailreply.Verdict) error {
	if o.Sign == "" || m.OfRelay() || o.Sign == SignListed && was.Category == o.Verdict.Category {
		return nil
	}
	return s.on(t).observe(observation{Account: m.Account, Sign: o.Sign, N: 1, Accepted: m.Accepted, Provider: r.Provider})
}

// observe counts signs against an account, and warns, slows down or suspends it where they are
// too many. For an account that was removed it does nothing.
func (t *tx) observe(o observation) error {
	a, err := t.s.Books.AccountIn(&t.Tx, o.Account)
	if errors.Is(err, ErrNotFound) || o.N <= 0 {
		return nil
	}
	if err != nil {
		return err
	}
	r, err := t.signsOf(o.Account)
	if err != nil {
		return err
	}
	today := room.DayNumber(t.Wall, t.s.zone)
	if !o.Sent.IsZero() && o.Sent.Before(r.Resumed) {
		return nil // it was forgiven
	}
	day, ok := r.Add(o.Sign, o.N, room.DayNumber(cmp.Or(o.Accepted, t.Wall), t.s.zone), today, o.Provider)
	if !ok {
		return nil
	}
	if o.Late {
		r.AddLate(o.N, day)
	}
	if err := errors.Join(t.complained(a, &o), t.judge(a, r, o.Sign, day)); err != nil {
		return err
	}
	return t.Write(bucket.SignsOf, []byte(o.Account), r)
}

// complained counts complaints in the account's record: today is no clean day then.
func (t *tx) complained(a *books.Account, o *observation) error {
	if o.Sign != SignComplaint {
		return nil
	}
	rec, err := t.s.Strangers.In(&t.Tx, a.Name)
	if err != nil {
		return err
	}
	t.Touch()
	rec.Today.Complaint += o.N
	return nil
}

// signsOf an account, as of today.
func (t *tx) signsOf(account string) (*signs.Record, error) {
	r := &signs.Record{}
	_, err := t.Read(bucket.SignsOf, []byte(account), r)
	r.Turn(room.DayNumber(t.Wall, t.s.zone))
	return r, err
}

// judge warns or suspends if the signs about the mail of a day have reached a limit.
func (t *tx) judge(a *books.Account, r *signs.Record, what Sign, day int) error {
	rules, today := t.s.abuse.Load(), room.DayNumber(t.Wall, t.s.zone)
	if rules == nil || rules.Few(what, r.Total(what)) || a.State != ledger.Active {
		return nil
	}
	mail, err := t.mailOf(a.Name)
	if err != nil {
		return err
	}
	switch step, f := r.Judge(rules, what, day, today, mail); step {
	case signs.Suspend:
		r.Suspended = true
		return t.s.Orders.SuspendFor(&t.Tx, a.Name, &f)
	case signs.Warn:
		if !r.Tell(&f, today) {
			return nil
		}
		return t.warnOf(a, &f)
	}
	return nil
}

// mailOf an account is what became of its mail of the last seven days.
func (t *tx) mailOf(account string) (*signs.Mail, error) {
	m := &signs.Mail{Delivered: map[int]int64{}}
	from := room.DayBefore(t.Wall, signs.Days-1, t.s.zone)
	err := t.s.Outcomes.EachDay(&t.Tx, account, from, "", func(day, _ string, d *outcomes.Day) {
		if at, err := time.Parse(time.DateOnly, day); err == nil {
			m.Delivered[room.DayNumber(at, time.UTC)] += int64(d.Delivered)
		}
	})
	if err != nil {
		return nil, err
	}
	m.Deferred, err = t.s.Outcomes.Deferred(&t.Tx, account)
	return m, err
}

// warnOf tells both sides, and slows an account down whose list is bad or whose domain is
// listed.
func (t *tx) warnOf(a *books.Account, f *signs.Figures) error {
	err := t.s.News.Add(&t.Tx, news.Item{Kind: news.Warned, Account: a.Name, About: string(f.Sign), Figures: f})
	if err != nil {
		return err
	}
	if f.Sign == SignComplaint {
		return nil
	}
	return t.slowDown(a)
}

// slowDown sends an account's mail as slowly as a new account's, until it has had clean days.
func (t *tx) slowDown(a *books.Account) error {
	rec, err := t.s.Strangers.In(&t.Tx, a.Name)
	if err != nil {
		return err
	}
	t.Touch()
	rec.SlowDown()
	return nil
}

// forgive clears the signs of an account that was suspended for them, when the operator resumes
// it: the same signs must not suspend it again. Mail that waited goes out slowly.
func (t *tx) forgive(a *books.Account) error {
	r, err := t.signsOf(a.Name)
	if err != nil || !r.Suspended {
		return err
	}
	mail, err := t.mailOf(a.Name)
	if err != nil {
		return err
	}
	r.Resume(t.Wall, room.DayNumber(t.Wall, t.s.zone), mail)
	return errors.Join(t.Write(bucket.SignsOf, []byte(a.Name), r), t.slowDown(a))
}

// Signs returns the signs against an account, and the mail that they are compared with. Without
// signs both are zero.
func (s *Store) Signs(account string) (r signs.Record, m signs.Mail, err error) {
	err = s.view(func(t *tx) error {
		if _, err := t.s.Books.AccountIn(&t.Tx, account); err != nil {
			return err
		}
		r, m, err = t.returned(account)
		return err
	})
	return r, m, err
}

// returned are the signs against an account, and the mail that they are compared with.
func (t *tx) returned(account string) (r signs.Record, m signs.Mail, err error) {
	is, err := t.signsOf(account)
	if err != nil || len(is.List) == 0 {
		return *is, m, err
	}
	mail, err := t.mailOf(account)
	if err != nil {
		return *is, m, err
	}
	return *is, *mail, nil
}
