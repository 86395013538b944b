package overview

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"relay/quota"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/room"
)

// Statement is an account as its ledger explains it: nothing of it comes from
// counters, but for the day that is not over.
type Statement struct {
	Account   string
	At        time.Time
	Contract  quota.Contract     // that runs at At, or the nearest; of no Plan.Name: none yet
	Period    string             // of Contract, open at At; "": none
	Allowance quota.Charge       // of Period; 0: no limit
	Used      quota.Charge       // in Period
	Uncounted string             // the day that At is in, where its use is in none of this; "": it is, or there was none
	Use       quota.Use          // how that is met
	Lots      []quota.Lot        // credit, in the order of use; of the running period nothing is drawn yet
	Periods   []ledger.PeriodSum // with what is no entry yet of the open one
	Invoices  []ledger.Bill      // with credit notes, by number
	Payments  []ledger.Entry     // payments, refunds, corrections of money
	Balance   int64              // minor units
	Currency  string
	Ended     bool           // the account is closed for good
	Entries   []ledger.Entry // all of it, oldest first
}

// Statement replays the ledger up to at; the zero time is now. A close that is due
// counts as done, as in Standing. So do charges that are no entries yet: those of a
// day that was over at at, and those of today when at is not in the past. Within a
// day that was not over its use is left out: nobody knows what was sent until then.
func (s *Overview) Statement(account string, at time.Time) (st Statement, err error) {
	var open []books.OpenDay
	err = s.view(func(t *room.Tx) (err error) {
		now := t.Now
		if at.IsZero() {
			at = now
		}
		st = Statement{Account: account, At: at}
		if st.Entries, open, err = s.books(t, account); err != nil {
			return err
		}
		if at.Before(now) {
			open = slices.DeleteFunc(open, func(o books.OpenDay) bool { return st.leaves(o.Day, room.DayEnd(o.Day, s.zone).Add(-1)) })
		}
		st.Entries = slices.DeleteFunc(st.Entries, func(e ledger.Entry) bool {
			if e.Kind != ledger.KindCharge {
				return e.Time.After(at)
			}
			return st.leaves(e.Day, e.Time.Add(-1)) // a day that ends at midnight is in the last instant before
		})
		if st.Uncounted != room.Day(at, s.zone) {
			st.Uncounted = ""
		}
		f := st.fold(s.zone, open)
		return s.take(t, &st, f)
	})
	return st, err
}

// fold adds its entries up, and the days that are open. It lists those with money that
// are no invoices.
func (st *Statement) fold(zone *time.Location, open []books.OpenDay) *ledger.Fold {
	f := ledger.NewFold(zone)
	for i := range st.Entries {
		e := &st.Entries[i]
		f.Add(e)
		switch e.Kind {
		case ledger.KindPayment, ledger.KindRefund, ledger.KindReversal, ledger.KindCorrection:
			if e.Money != 0 {
				st.Payments = append(st.Payments, *e)
			}
		}
	}
	for _, o := range open {
		f.Charge(o.Period, o.Charged)
	}
	return f
}

// books are the ledger of an account, with the entries of the close that is due,
// and the days that are open. The account may be gone.
func (s *Overview) books(t *room.Tx, account string) (entries []ledger.Entry, open []books.OpenDay, err error) {
	if entries, err = s.r.Books.EntriesIn(t, account); err != nil {
		return nil, nil, err
	}
	d, err := s.r.Orders.PendingClose(t, account)
	if errors.Is(err, room.ErrNotFound) && len(entries) > 0 {
		open, err = s.r.Books.OpenDays(t, account)
		return entries, open, err
	}
	if err != nil {
		return nil, nil, err
	}
	if open, err = s.r.Books.OpenDays(t, account); err != nil {
		return nil, nil, err
	}
	open = slices.DeleteFunc(open, func(o books.OpenDay) bool { return slices.Contains(d.Ended(), o.Period) })
	due := d.Entries()
	for i := range due {
		if e := &due[i]; e.Kind == ledger.KindInvoice {
			e.Ref = "" // nobody knows which number it will get
		}
	}
	return append(entries, due...), open, nil
}

// leaves reports whether the use of a day, which counts from an instant on, is not
// in the statement. Of several it remembers the first.
func (st *Statement) leaves(day string, from time.Time) bool {
	if !from.After(st.At) {
		return false
	}
	if st.Uncounted == "" || day < st.Uncounted {
		st.Uncounted = day
	}
	return true
}

// take takes over what the ledger adds up to. Invoices were issued when they were
// issued, whenever that holds from which they are for.
func (s *Overview) take(t *room.Tx, st *Statement, f *ledger.Fold) error {
	st.Contract, _, _ = f.Contracts.At(st.At, f.Zone)
	st.Period, st.Allowance, st.Used = f.Granted, f.Allowance, f.Used(f.Granted)
	st.Lots = quota.Live(f.Lots, st.At)
	for i := range f.Periods {
		_, p, _ := f.Contracts.Find(f.Periods[i].Period, f.Zone)
		f.Periods[i].Start, f.Periods[i].End = p.Start, p.End
	}
	_, p, _ := f.Contracts.Find(f.Granted, f.Zone)
	st.Use = quota.Split(st.Contract.Plan.In(p), st.Used, st.Lots)
	if st.Period != "" { // of which nothing is drawn yet
		open := f.Period(st.Period)
		open.Drawn, open.Overage = st.Use.Drawn, st.Use.Overage
	}
	st.Periods, st.Invoices, st.Balance, st.Currency, st.Ended = f.Periods, f.Bills, f.Balance, f.Currency, f.State == ledger.Closed
	for i := range st.Invoices {
		if err := s.dated(t, &st.Invoices[i]); err != nil {
			return err
		}
	}
	return nil
}

// dated takes over when the invoice was issued.
func (s *Overview) dated(t *room.Tx, b *ledger.Bill) error {
	if b.Number == "" {
		return nil
	}
	n, err := strconv.ParseUint(b.Number, 10, 64)
	if err != nil {
		return err
	}
	is, err := s.r.Books.InvoiceIn(t, n)
	switch {
	case errors.Is(err, room.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	b.Issued = is.Issued
	return nil
}
