package store

import (
	"cmp"
	"sort"
	"time"

	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/outcomes"
	"relay/store/room"
	"relay/store/signs"
)

// Glance is what the operator's digest looks at of an account, read in one transaction.
type Glance struct {
	Standing
	Overdue   bool      // an invoice is open whose due day is past
	Suspended time.Time // when it was last suspended; zero: it is not, or long ago
	Delivered int64     // of the mail of a day
	Failed    int64     // likewise

	Bounced, Complained int64 // likewise

	Signs signs.Record // what speaks against it
	Mail  signs.Mail   // that Signs are compared with
}

// lookBack is how many entries of a ledger are looked at for what happened last.
const lookBack = 64

// EachGlance is EachStanding with a glance at each account: what became of its mail of a
// day, such as "2026-11-29", whether it owes, when it was suspended, and what came back.
func (s *Store) EachGlance(w Wanted, day string, fn func(*Glance) error) error {
	read := func(t *tx, a *Account) (*Glance, bool, error) {
		g, err := t.glance(a, day)
		return g, true, err
	}
	return walkAccounts(s, w, read, fn)
}

func (t *tx) glance(a *Account, day string) (*Glance, error) {
	st, err := t.standingOf(a)
	if err != nil {
		return nil, err
	}
	st.due = nil // it dies with the transaction
	g := &Glance{Standing: st}
	err = t.s.Outcomes.EachDay(&t.Tx, a.Name, day, day+"\x00", func(_, _ string, d *outcomes.Day) {
		g.Delivered, g.Failed = g.Delivered+int64(d.Delivered), g.Failed+d.Failures()
		g.Bounced, g.Complained = g.Bounced+int64(d.Bounced), g.Complained+int64(d.Complained)
	})
	if err != nil {
		return nil, err
	}
	for _, n := range t.numbersAfter(bucket.Owed, a.Name, 0, lookBack) {
		i, err := t.invoice(n)
		if err != nil {
			return nil, err
		}
		g.Overdue = g.Overdue || i.Order == nil && i.Due.Before(t.Now)
	}
	if g.Signs, g.Mail, err = t.returned(a.Name); err != nil {
		return nil, err
	}
	if a.Status() == ledger.Suspended {
		g.Suspended, err = t.suspendedAt(a.Name)
	}
	return g, err
}

// suspendedAt is when the newest entries of a ledger say that the account was suspended.
func (t *tx) suspendedAt(account string) (at time.Time, err error) {
	seen := 0
	t.newest(account, func(k, raw []byte) bool {
		e := ledger.Entry{}
		if err = room.Decode(bucket.Ledger, k, raw, &e); err != nil {
			return false
		}
		if e.Kind == ledger.KindSuspended {
			at = e.Time
		}
		seen++
		return at.IsZero() && seen < lookBack
	})
	return at, err
}

// Revenue is what invoices come to, credit notes taken off, in minor units with tax.
type Revenue struct {
	Invoiced, Paid, Open int64
	Currency             string // "": nothing was sold yet
}

// RevenueSince sums up the invoices that were issued from an instant on. It finds the first
// of them by halves, and reads no other.
func (s *Store) RevenueSince(at time.Time) (r Revenue, err error) {
	var first uint64
	err = s.view(func(t *tx) error {
		r.Currency = t.currency()
		k, _ := t.Cursor(bucket.Invoices).Last()
		if k == nil {
			return nil
		}
		first = 1 + uint64(sort.Search(int(room.LastNumber(k)), func(n int) bool { // numbers have no gaps, and are given out in time
			i, e := t.invoice(uint64(n) + 1)
			err = cmp.Or(err, e)
			return e != nil || !i.Issued.Before(at)
		}))
		return err
	})
	if err != nil || first == 0 {
		return r, err
	}
	err = s.Invoices(first, func(i *ledger.Invoice) error {
		r.Invoiced, r.Open = r.Invoiced+i.Total, r.Open+i.Open() // the total of a credit note is negative
		if i.Kind != ledger.CreditNote {
			r.Paid += i.Paid
		}
		return nil
	})
	return r, err
}
