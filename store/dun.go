package store

import (
	"context"
	"sync"
	"time"
)

// DunBy holds back the accounts whose invoices were not paid within the days of grace
// at an instant, and cancels the orders that have expired unpaid; an instant to come
// counts as now. It may run late and more than once. It tells of each invoice what came
// of it, of one after the other: a receipt once that is on disk, or why it went wrong.
// Its own error is what stopped it before all were tried.
func (s *Store) DunBy(ctx context.Context, by time.Time, told func(i Invoice, r Receipt, err error)) error {
	var mu sync.Mutex
	return s.forDue(ctx, dunning, earliest(by, s.BookTime()), func(k []byte) {
		i, r, err := s.dunInvoice(lastNumber(k))
		mu.Lock()
		defer mu.Unlock()
		told(i, r, err)
	})
}

func (s *Store) dunInvoice(number uint64) (i Invoice, r Receipt, err error) {
	if i, err = s.Invoice(number); err == nil {
		r, err = s.order(i.Account, Order{}, func(d *deal) error { return d.dun(number) })
	}
	i.Number = number
	return i, r, err
}

func (d *deal) dun(number uint64) error {
	i, err := d.invoice(number)
	if err != nil || i.dunningKey() == nil {
		return err
	}
	if i.Order != nil {
		return d.expire(i)
	}
	if i.Suspends.After(d.t.now) {
		return nil
	}
	d.hold(i)
	return nil
}

// hold the account back for an invoice.
func (d *deal) hold(i *Invoice) {
	i.Dunned = true
	if d.a.Hold == "" {
		d.a.Hold = HoldUnpaid
		d.enter(Entry{Kind: KindSuspended, Ref: numberText(i.Number), Facts: Facts{Cause: CauseUnpaid}})
	}
}

// release lets an account go on that owes nothing more it is held back for.
func (d *deal) release() error {
	if d.a.Hold == "" {
		return nil
	}
	list, err := d.unpaid()
	if err != nil {
		return err
	}
	for _, i := range list {
		if i.Dunned {
			return nil
		}
	}
	d.a.Hold = ""
	d.enter(Entry{Kind: KindResumed, Facts: Facts{Cause: CausePaid}})
	return nil
}
