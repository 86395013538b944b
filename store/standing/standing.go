package standing

import (
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/room"
)

// Standing is where an account stands now. Periods that are over count as
// closed, whether or not the job that closes them has run.
type Standing struct {
	Account  books.Account
	Contract quota.Contract // the one that Period belongs to
	Period   quota.Period   // the one that now falls into; while not InTerm the nearest one
	InTerm   bool           // activated, and the term not over
	Goes     bool           // another period follows Period
	TermEnd  time.Time      // UTC, of Contract
	Used     books.Charges  // in Period
	Live     []quota.Lot    // credit that counts in Period, in the order of use

	due *orders.Deal // that closes periods that are over; nil: none is over
}

// InPeriod is the plan as it holds in Period, which may have a share of its allowance.
func (st *Standing) InPeriod() quota.Plan { return st.Plan().In(st.Period) }

// MayOver is the overage that the account may run up in Period, in units of the plan
// (M14); quota.Endless: there is no ceiling.
func (st *Standing) MayOver() int64 {
	return st.Contract.Plan.MayOver(st.Account.AtLimit, st.Account.OverMax)
}

// Use is how the period's charges are met so far: by allowance, by credit, or as overage. Of a period that is closed, because the term has ended, it
// has only Over: what was drawn and what was left uncovered are entries of the ledger.
func (st *Standing) Use() quota.Use {
	if st.Period.Key != st.Account.Open {
		return quota.Use{Over: quota.Over(st.InPeriod(), st.Used.Charged)}
	}
	return quota.Split(st.InPeriod(), st.Used.Charged, st.Live)
}

// Standing of an account at this moment.
func (s *Standings) Standing(name string) (st Standing, err error) {
	err = s.view(func(t *room.Tx) error { st, err = s.StandingIn(t, name); return err })
	st.TakeClose()
	return st, err
}

// StandingIn is Standing, as this transaction sees it.
func (s *Standings) StandingIn(t *room.Tx, name string) (st Standing, err error) {
	a, err := s.r.Books.AccountIn(t, name)
	if err != nil {
		return st, err
	}
	return s.StandingOf(t, a)
}

// StandingOf is StandingIn for an account that was read in the same transaction.
func (s *Standings) StandingOf(t *room.Tx, a *books.Account) (st Standing, err error) {
	st.Account = *a
	zone := s.zone
	st.Contract, st.Period, st.InTerm = a.Contracts.At(t.Now, zone)
	if st.Period.Key != a.Open || !t.Now.Before(st.Period.End) || t.Now.Before(st.Period.Start) {
		if err := s.elsewhere(t, &st); err != nil {
			return st, err
		}
	}
	return st, s.read(t, &st)
}

// read fills in what the period has used, and what else it may use.
func (s *Standings) read(t *room.Tx, st *Standing) error {
	if st.Period.Key == "" {
		return nil
	}
	st.TermEnd = st.Contract.End
	if st.Goes = !st.Period.Last || st.TermEnd.Before(st.Account.TermEnd()); !st.Goes && st.InTerm {
		var err error
		if _, st.Goes, err = s.r.Books.PlanAfter(t, &st.Contract); err != nil {
			return err
		}
	}
	st.Used, st.Live = *s.r.Books.ChargesIn(t, st.Account.Name, st.Period.Key), nil
	if len(st.Account.Lots) > 0 {
		st.Live = quota.Live(st.Account.Lots, t.Now)
	}
	return nil
}

// TakeClose takes the close of periods that are over, worked out, from the standing; nil: none is over. It
// is of no use after the transaction, so a standing that outlives that must not keep it.
func (st *Standing) TakeClose() *orders.Deal {
	d := st.due
	st.due = nil
	return d
}

// Expired reports whether the term of an account that was active has ended.
func (st *Standing) Expired() bool { return st.Account.State == ledger.Active && !st.InTerm }

// State is the account's status; expired, once its term is over.
func (st *Standing) State() string {
	if st.Expired() {
		return "expired"
	}
	return string(st.Account.Status())
}

// Plan is the contract's plan; of an account without a contract, the one that it ordered.
func (st *Standing) Plan() quota.Plan {
	if st.Contract.Key == "" && st.Account.Ordered != nil {
		return *st.Account.Ordered
	}
	return st.Contract.Plan
}

// Spent reports whether the term runs and is used up. That ends a month's term (M13): the next one begins
// with its payment or, where that waits already, with the next message.
func (st *Standing) Spent() bool {
	return st.InTerm && st.Contract.Spent(st.Used.Charged, st.Live)
}

// elsewhere fills in where the account stands when now is not in its open period. Either that period is
// over, and its close is worked out, or the clock was set back to before its start, and mail belongs to it
// all the same.
func (s *Standings) elsewhere(t *room.Tx, st *Standing) error {
	if st.Account.Open == "" {
		st.InTerm = false
		return nil
	}
	c, p, ok := st.Account.Contracts.Find(st.Account.Open, s.zone)
	if ok && t.Now.Before(p.End) {
		st.Contract, st.Period, st.InTerm = c, p, true
		return nil
	}
	st.due = s.r.Orders.NewDeal(t, st.Account, behalf.Order{})
	err := st.due.CloseDue()
	st.Account = st.due.Account()
	st.Contract, st.Period, st.InTerm = st.Account.Contracts.At(t.Now, s.zone) // a term may have gone on
	return err
}

// nextMayBegin reports whether the term that runs is a month's that a paid one may follow now.
func (st *Standing) nextMayBegin() bool {
	if !st.InTerm || st.Contract.Plan.Term != quota.Month || !st.TermEnd.Before(st.Account.TermEnd()) {
		return false
	}
	l := st.Account.Contracts
	next := l[min(l.Index(st.Contract.Start)+1, len(l)-1)]
	return st.Spent() || next.Plan.Kind() == st.Contract.Plan.Kind()
}

// goOn is the standing after the term that follows has begun now; ok is false where
// none may.
func (s *Standings) goOn(t *room.Tx, st *Standing) (is Standing, ok bool, err error) {
	is = *st
	if !st.nextMayBegin() {
		return is, false, nil
	}
	if is.due == nil {
		is.due = s.r.Orders.NewDeal(t, is.Account, behalf.Order{})
	}
	if err := is.due.BeginNextTerm(); err != nil {
		return is, false, err
	}
	is.Account = is.due.Account()
	is.Contract, is.Period, is.InTerm = is.Account.Contracts.At(t.Now, s.zone)
	return is, true, s.read(t, &is)
}

// EachStanding calls fn for the accounts that are wanted, as books.Books.EachAccount does, with where each
// stands. Account and charges are read in one transaction.
func (s *Standings) EachStanding(w books.Wanted, fn func(*Standing) error) error {
	read := func(t *room.Tx, a *books.Account) (*Standing, bool, error) {
		st, err := s.StandingOf(t, a)
		st.TakeClose()
		return &st, true, err
	}
	return books.Walk(s.r.Books, w, read, fn)
}
