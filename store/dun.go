package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Dun holds back the accounts that had something and have not paid it within the
// days of grace, at most limit invoices (0: all). Payment lifts it by itself. It
// may run late and more than once.
func (s *Store) Dun(ctx context.Context, limit int) (done int, err error) {
	return s.forDue(ctx, dunning, s.now(), limit, func(k []byte) error {
		_, _, err := s.dunInvoice(Order{}, lastNumber(k))
		return err
	})
}

// DunBy is Dun for what was unpaid for too long at an instant; one to come counts
// as now. It tells of each invoice what came of it, of one after the other: a
// receipt once that is on disk, or why it went wrong. Its own error is what stopped
// it before all were tried.
func (s *Store) DunBy(ctx context.Context, o Order, by time.Time, told func(i Invoice, r Receipt, err error)) error {
	var mu sync.Mutex
	_, err := s.forDue(ctx, dunning, earliest(by, s.now()), 0, func(k []byte) error {
		i, r, err := s.dunInvoice(o, lastNumber(k))
		mu.Lock()
		defer mu.Unlock()
		told(i, r, err)
		return nil
	})
	return err
}

func (s *Store) dunInvoice(o Order, number uint64) (i Invoice, r Receipt, err error) {
	if i, err = s.Invoice(number); err == nil {
		r, err = s.order(i.Account, o, func(d *deal) error { return d.dun(number) })
	}
	i.Number = number
	return i, r, err
}

func (d *deal) dun(number uint64) error {
	i, err := d.invoice(number)
	if err != nil || i.dunningKey() == nil || i.Suspends.After(d.t.now) {
		return err
	}
	i.Dunned = true
	if d.a.Hold == "" {
		d.a.Hold = HoldUnpaid
		d.enter(Entry{Kind: KindSuspended, Ref: numberText(number), Text: HoldUnpaid})
	}
	return nil
}

// release lets an account go on that owes nothing it was held back for.
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
	d.enter(Entry{Kind: KindResumed, Text: "paid"})
	return nil
}

// Suspend stops an account; the customer is told the reason.
func (s *Store) Suspend(o Order, account, reason string) (Receipt, error) {
	return s.order(account, o, func(d *deal) error {
		if err := d.maySwitch(o); err != nil {
			return err
		}
		was := d.a.State
		d.a.State, d.a.Reason = Suspended, reason
		return d.switched(was)
	})
}

// Resume lets an account go on that was suspended or is held back. Held back
// again it is for the next invoice only. One that never was active is pending again.
func (s *Store) Resume(o Order, account string) (Receipt, error) {
	return s.order(account, o, func(d *deal) error {
		if err := d.maySwitch(o); err != nil {
			return err
		}
		was := d.a.State
		d.a.State, d.a.Reason, d.a.Hold = Active, "", ""
		if d.a.Ordered != nil && was != Closed {
			d.a.State = Pending
		}
		return d.switched(was)
	})
}

// switched enters that the operator suspended or resumed the account.
func (d *deal) switched(was AccountState) error {
	is := d.a.State
	switch {
	case was == Closed:
		return fmt.Errorf("account %q %w", d.a.Name, ErrClosed)
	case is == Suspended:
		d.enter(Entry{Kind: KindSuspended, Text: d.a.Reason})
	case is == Active && d.a.Ordered == nil, is == Pending && d.a.Ordered != nil:
		d.enter(Entry{Kind: KindResumed})
	default:
		return errors.New("an account is activated and closed by orders")
	}
	return nil
}
