package orders

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/people"
	"relay/store/room"
)

// Warning is what the customer of an account is told before its last term ends (M19).
type Warning struct {
	Account  books.Account
	Contract quota.Contract   // the last one
	Step     int              // that was reached, see quota.Contract.Reached
	Days     int64            // before the last one
	Credit   int64            // that is left now and lost at the end, units of the plan
	Reseller *people.Reseller // who manages the account, and sells it at prices of its own; nil: the operator does
	Renewal  *ledger.Invoice  // that waits for its payment; nil: none does
	Sold     *quota.Plan      // the plan as it is sold now; nil: it is not any more
	Price    int64            // of Sold, minor units, with tax
	TaxRate  quota.Rate       // that is in Price
	Currency string
}

// Endings says who is told that a term ends, and how.
type Endings struct {
	DryRun bool  // change nothing
	Steps  []int // days before the last one on which it is told

	// May says why a customer cannot be told, such as an address that no mail can go to; nil:
	// all can. It runs in the transaction: it only computes.
	May func(*Warning) error
	// Told is called for each account that is warned, or that cannot be, once that is on disk. With an
	// error, the warning has the account alone.
	Told func(*Warning, error)
}

// Warn tells the customers whose last term ends soon, each in a transaction of its
// own: the entry of the ledger and the news are there together or not at all, so
// that each step of a term is told once, whatever a crash interrupts. Of several steps that
// have passed, the nearest is told. For an account without an address only Told is
// called, each time. It may run late, at any time and more than once.
func (s *Orders) Warn(ctx context.Context, e Endings) error {
	sold, err := s.books.Plans()
	if err != nil {
		return err
	}
	w := books.Wanted{Pause: ctx.Err, Match: func(a *books.Account) bool {
		_, ok := endingOf(a, e.Steps, s.db.BookTime(), s.zone)
		return ok && !lastGoesOn(a, sold)
	}}
	return s.books.EachAccount(w, func(a *books.Account) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		w, err := s.warn(a.Name, &e)
		if err != nil {
			w = &Warning{Account: *a}
		}
		if w != nil {
			e.Told(w, err)
		}
		return nil
	})
}

// endingOf is the step that the customer of an account has not been told of yet.
func endingOf(a *books.Account, steps []int, now time.Time, zone *time.Location) (step int, ok bool) {
	if a.State == ledger.Closed || a.State == ledger.Pending || len(a.Contracts) == 0 {
		return 0, false
	}
	c := a.LastTerm()
	if step, ok = c.Reached(steps, now, zone); !ok {
		return 0, false
	}
	return step, a.Warned.Term != c.TermKey() || step < a.Warned.Days
}

// lastGoesOn reports whether the last term renews automatically, by the plans that are sold.
func lastGoesOn(a *books.Account, sold []quota.Plan) bool {
	c, now := a.LastTerm(), (*quota.Plan)(nil)
	if i := slices.IndexFunc(sold, func(p quota.Plan) bool { return p.Name == c.Plan.Name }); i >= 0 {
		now = &sold[i]
	}
	_, ok := books.PlanAfter(&c, now)
	return ok
}

// warn looks at the account again, and warns; nil: there is nothing to tell any more.
func (s *Orders) warn(name string, e *Endings) (w *Warning, err error) {
	err = s.carry(e.DryRun, func(t *room.Tx) error {
		w = nil
		d, err := s.deal(t, name, behalf.Order{})
		if errors.Is(err, room.ErrNotFound) {
			return nil // removed meanwhile
		}
		if err == nil {
			err = d.CloseDue()
		}
		if err != nil {
			return err
		}
		is, err := d.warning(e.Steps)
		if w = is; err != nil || is == nil || is.To() == "" {
			return err
		}
		if e.May != nil {
			err = e.May(is)
		}
		if err != nil || e.DryRun {
			return err
		}
		d.warned(is)
		return d.Apply()
	})
	if err != nil {
		return nil, fmt.Errorf("warn account %q: %w", name, err)
	}
	return w, nil
}

// To is the address that is told; "": the account has none.
func (w *Warning) To() string { return cmp.Or(w.Account.Contact, w.Account.BillingContact) }

// warning works out what there is to tell; nil: nothing.
func (d *Deal) warning(steps []int) (*Warning, error) {
	step, ok := endingOf(&d.a, steps, d.t.Now, d.zone())
	if !ok {
		return nil, nil
	}
	c := d.a.LastTerm()
	if _, goes, err := d.s.books.PlanAfter(d.t, &c); err != nil || goes {
		return nil, err
	}
	return d.ending(c, step)
}

// ending is what the customer needs to know of the last term, and of how to go on.
func (d *Deal) ending(c quota.Contract, step int) (*Warning, error) {
	w := &Warning{Account: d.a, Contract: c, Step: step, Days: c.BeforeEnd(d.t.Now, d.zone()), Currency: d.s.books.CurrencyIn(d.t),
		Credit: d.use(&c).Credit}
	var err error
	if w.Reseller, err = people.ResellerIn(d.t, d.a.Reseller); err != nil || w.Reseller != nil {
		return w, err
	}
	list, err := d.unpaid()
	if err != nil {
		return nil, err
	}
	for _, i := range list {
		if i.Order != nil && i.Order.Do == ledger.KindRenewed {
			w.Renewal = i
		}
	}
	return w, d.sold(w)
}

// sold adds what a further term of the same plan costs, if it can be ordered.
func (d *Deal) sold(w *Warning) error {
	p := &quota.Plan{}
	ok, err := d.t.Read(bucket.Plans, []byte(w.Contract.Plan.Name), p)
	if err != nil || !ok || p.Retired || p.Price > 0 && d.oneCurrency() != nil {
		return err
	}
	w.Sold, w.TaxRate = p, d.s.books.Billing().TaxRate
	tax, err := quota.Tax(p.Price, w.TaxRate)
	w.Price = p.Price + tax
	return err
}

// warned enters that the customer is told: the news is made from this entry.
func (d *Deal) warned(w *Warning) {
	e := ledger.Entry{Kind: ledger.KindWarned, Period: w.Contract.TermKey()}
	if w.Renewal != nil {
		e.Ref = ledger.NumberText(w.Renewal.Number)
	}
	e.Days, e.LastDay, e.To = w.Step, quota.LastDay(w.Contract.End, d.zone()).Format(time.DateOnly), w.To()
	d.a.Warned = books.WarnStep{Term: e.Period, Days: w.Step}
	d.enter(e)
}

// Ending is the warning of an account as it would be now, however far off the end of the last term is;
// nil: it never had a term.
func (s *Orders) Ending(account string) (w *Warning, err error) {
	err = s.view(func(t *room.Tx) error { w, err = s.EndingIn(t, account, 0); return err })
	return w, err
}

// EndingIn is Ending as this transaction sees it, for a step. Periods that are over count as closed.
func (s *Orders) EndingIn(t *room.Tx, account string, step int) (*Warning, error) {
	d, err := s.deal(t, account, behalf.Order{})
	if err == nil {
		err = d.CloseDue()
	}
	if err != nil || len(d.a.Contracts) == 0 {
		return nil, err
	}
	return d.ending(d.a.LastTerm(), step)
}
