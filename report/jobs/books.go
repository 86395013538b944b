package jobs

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"relay/store/joblog"
	"relay/store/ledger"
	"relay/store/orders"
)

// invoicesTold is the name under which the store knows the last invoice that was
// logged: the first message or order of a month makes invoices too.
const invoicesTold = "invoices told"

// Closing is what close did.
type Closing struct {
	Job      string    `json:"job"`
	At       time.Time `json:"at"`       // what was due then is done
	Accounts int       `json:"accounts"` // that were settled
	Periods  int       `json:"closed_periods"`
	Invoices []string  `json:"invoices"` // as they are printed
	Failed   []Failure `json:"errors"`
	MS       int64     `json:"ms"`

	// Believed is where the books go on, when the clock was in doubt and the operator
	// said that it is right; nil: it was not in doubt.
	Believed *time.Time `json:"clock_believed,omitempty"`

	issued []ledger.Invoice
}

// Failures implements Result.
func (c *Closing) Failures() []Failure { return c.Failed }

// runClose is the scheduled close.
func (r *Runner) runClose(ctx context.Context) error {
	if h := r.store.Hold(); h != nil {
		r.logClockWrong(h)
	}
	res, err := r.Close(ctx, r.store.BookTime())
	switch {
	case ctx.Err() != nil:
		r.logCloseInterrupted(res)
		return ctx.Err()
	case err != nil:
		return err
	case res.Accounts > 0:
		r.logClosing(res)
	}
	return cmp.Or(r.logInvoices(), unable(res))
}

// Close closes the periods that were over at an instant. With an error it also returns what
// it did before.
func (r *Runner) Close(ctx context.Context, at time.Time) (*Closing, error) {
	res, start := &Closing{Job: Close, At: at.UTC(), Invoices: []string{}, Failed: []Failure{}}, time.Now()
	err := r.each(ctx, func(ctx context.Context, stop func(error) bool) error {
		return r.store.Orders.CloseBy(ctx, at, func(account string, is orders.Receipt, err error) {
			switch {
			case err == nil:
				r.often.Works(account, cannotClose)
				res.add(&is)
			case !stop(err):
				res.Failed = append(res.Failed, Failure{account, err.Error()})
				r.logCannotClose(account, err)
			}
		})
	})
	slices.SortFunc(res.issued, func(a, b ledger.Invoice) int { return cmp.Compare(a.Number, b.Number) })
	for i := range res.issued {
		res.Invoices = append(res.Invoices, res.issued[i].Name)
	}
	if res.MS = time.Since(start).Milliseconds(); err != nil {
		return res, err
	}
	return res, r.did(Close, at)
}

// add a receipt; one without entries is of an account that is gone.
func (c *Closing) add(is *orders.Receipt) {
	if len(is.Entries) == 0 {
		return
	}
	c.Accounts++
	for i := range is.Entries {
		switch is.Entries[i].Kind {
		case ledger.KindClosed:
			c.Periods++
		case ledger.KindInvoice:
			c.issued = append(c.issued, *is.Invoice(is.Entries[i].Ref))
		}
	}
}

// logInvoices logs the invoices for overage since the last time, including those that
// a message or an order made.
func (r *Runner) logInvoices() error {
	state, err := r.store.Jobs.State(invoicesTold)
	if err != nil {
		return err
	}
	told, _ := strconv.ParseUint(state.Last, 10, 64) // "": none
	last := told
	err = r.store.Books.Invoices(told+1, func(i *ledger.Invoice) error {
		last = i.Number
		if i.Kind == ledger.ForOverage {
			r.logInvoice(i)
		}
		return nil
	})
	if err != nil || last == told {
		return err
	}
	return r.store.Jobs.Set(invoicesTold, joblog.State{Last: strconv.FormatUint(last, 10), Done: r.store.Now()})
}

// Dunning is what dun did.
type Dunning struct {
	Job      string    `json:"job"`
	At       time.Time `json:"at"`
	Accounts int       `json:"accounts"`          // that are suspended now
	Held     []string  `json:"held"`              // their names
	Checked  int       `json:"checked"`           // invoices that were looked at
	Expired  []string  `json:"expired,omitempty"` // invoices of orders that nobody paid, cancelled now
	Reminded []string  `json:"reminded"`          // invoices that suspend their accounts within a week, of which the customers are told now
	Failed   []Failure `json:"errors"`
	MS       int64     `json:"ms"`
}

// Failures implements Result.
func (d *Dunning) Failures() []Failure { return d.Failed }

// runDun is the scheduled dun.
func (r *Runner) runDun(ctx context.Context) error {
	res, err := r.Dun(ctx, r.store.BookTime())
	return cmp.Or(err, unable(res))
}

// Dun suspends accounts whose days of grace were over at an instant, and has the customers
// told whose accounts will be suspended within a week. With an error it still says what was
// done before.
func (r *Runner) Dun(ctx context.Context, at time.Time) (*Dunning, error) {
	res, start := &Dunning{Job: Dun, At: at.UTC(), Held: []string{}, Reminded: []string{}, Failed: []Failure{}}, time.Now()
	err := r.each(ctx, func(ctx context.Context, stop func(error) bool) error {
		return r.store.Orders.DunBy(ctx, at, func(i ledger.Invoice, is orders.Receipt, err error) {
			switch {
			case err == nil:
				r.often.Works(i.Account, cannotDun)
				r.dunned(res, &i, &is)
			case !stop(err):
				r.cannotDun(res, &i, err)
			}
		})
	})
	if err == nil {
		err = r.remind(ctx, at, res)
	}
	slices.Sort(res.Held)
	if res.MS = time.Since(start).Milliseconds(); err != nil {
		return res, err
	}
	return res, r.did(Dun, at)
}

// remind has the customers told whose accounts will be suspended within a week.
func (r *Runner) remind(ctx context.Context, at time.Time, res *Dunning) error {
	defer func() { slices.Sort(res.Reminded) }()
	return r.each(ctx, func(ctx context.Context, stop func(error) bool) error {
		return r.store.Orders.RemindBy(ctx, at, func(i ledger.Invoice, err error) {
			switch {
			case err == nil:
				res.Reminded = append(res.Reminded, i.Name)
			case !stop(err):
				r.cannotDun(res, &i, err)
			}
		})
	})
}

func (r *Runner) cannotDun(res *Dunning, i *ledger.Invoice, err error) {
	name := cmp.Or(i.Account, "invoice "+strconv.FormatUint(i.Number, 10))
	res.Failed = append(res.Failed, Failure{name, err.Error()})
	r.logCannotDun(name, i.Number, err)
}

// dunned notes and logs what came of an unpaid invoice.
func (r *Runner) dunned(res *Dunning, i *ledger.Invoice, is *orders.Receipt) {
	res.Checked++
	if now := is.Invoice(strconv.FormatUint(i.Number, 10)); now != nil && now.Lapsed != nil {
		res.Expired = append(res.Expired, i.Name)
		r.logExpired(i)
	}
	if is.Before.Hold == "" && is.After.Hold != "" {
		res.Accounts++
		res.Held = append(res.Held, i.Account)
		r.logSuspended(i)
	}
}
