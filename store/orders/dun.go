package orders

import (
	"context"
	"sync"
	"time"

	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// DunBy holds back the accounts whose invoices were not paid within the days of grace
// at an instant, and cancels the orders that have expired unpaid; an instant to come
// counts as now. It may run late and more than once. told is called for one invoice at a
// time: with a receipt once it is on disk, or with why it went wrong. The error of DunBy
// is what stopped it before all invoices were tried.
func (s *Orders) DunBy(ctx context.Context, by time.Time, told func(i ledger.Invoice, r Receipt, err error)) error {
	var mu sync.Mutex
	return s.db.EachDue(ctx, bucket.Dunning, room.Earliest(by, s.db.BookTime()), func(k []byte) {
		i, r, err := s.dunInvoice(room.LastNumber(k))
		mu.Lock()
		defer mu.Unlock()
		told(i, r, err)
	})
}

func (s *Orders) dunInvoice(number uint64) (i ledger.Invoice, r Receipt, err error) {
	if i, err = s.books.Invoice(number); err == nil {
		r, err = s.order(i.Account, behalf.Order{}, func(d *Deal) error { return d.dun(number) })
	}
	i.Number = number
	return i, r, err
}

func (d *Deal) dun(number uint64) error {
	i, err := d.invoice(number)
	if err != nil || i.WaitsUntil().IsZero() {
		return err
	}
	if i.Order != nil {
		return d.expire(i)
	}
	if i.Suspends.After(d.t.Now) {
		return nil
	}
	d.hold(i)
	return nil
}

// hold the account back for an invoice.
func (d *Deal) hold(i *ledger.Invoice) {
	i.Dunned = true
	if d.a.Hold == "" {
		d.a.Hold = books.HoldUnpaid
		d.enter(ledger.Entry{Kind: ledger.KindSuspended, Ref: ledger.NumberText(i.Number), Facts: ledger.Facts{Cause: ledger.CauseUnpaid}})
	}
}

// release lets an account go on once no unpaid invoice holds it back.
func (d *Deal) release() error {
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
	d.enter(ledger.Entry{Kind: ledger.KindResumed, Facts: ledger.Facts{Cause: ledger.CausePaid}})
	return nil
}

// remindDays is how many days before an unpaid invoice holds its account back the customer
// is reminded.
const remindDays = 7

// RemindBy reminds the customers whose unpaid invoices are due and will hold their accounts
// back within a week of an instant; an instant to come counts as now. The invoice notes it in
// the transaction that stores the news, so a customer is reminded once of each day of
// suspension. It may run late and more than once. told is called as by DunBy, for the invoices
// that customers are reminded of.
func (s *Orders) RemindBy(ctx context.Context, by time.Time, told func(i ledger.Invoice, err error)) error {
	var mu sync.Mutex
	by = room.Earliest(by, s.db.BookTime())
	return s.db.EachDue(ctx, bucket.Dunning, by.In(s.zone).AddDate(0, 0, remindDays), func(k []byte) {
		i, done, err := s.remind(room.LastNumber(k), by)
		if err == nil && !done {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		told(i, err)
	})
}

// remind first looks without writing: most customers were reminded on an earlier day.
func (s *Orders) remind(number uint64, by time.Time) (i ledger.Invoice, done bool, err error) {
	if i, err = s.books.Invoice(number); err != nil || !remindable(&i, by, s.zone) {
		i.Number = number
		return i, false, err
	}
	_, err = s.order(i.Account, behalf.Order{}, func(d *Deal) error {
		is, err := d.invoice(number)
		if done = err == nil && remindable(is, by, s.zone); done {
			is.Reminded, d.overdue = is.Suspends, number
		}
		return err
	})
	return i, done, err
}

// remindable reports whether an invoice is due and holds its account back soon, and its customer
// was not reminded of that.
func remindable(i *ledger.Invoice, now time.Time, zone *time.Location) bool {
	if i.WaitsUntil().IsZero() || i.Order != nil || i.Reminded.Equal(i.Suspends) || now.Before(i.Due) {
		return false
	}
	return now.Before(i.Suspends) && !now.Before(i.Suspends.In(zone).AddDate(0, 0, -remindDays))
}
