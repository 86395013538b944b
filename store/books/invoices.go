package books

import (
	"fmt"
	"math"
	"slices"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/ledger"
	"relay/store/people"
	"relay/store/room"
)

// InvoiceNumbers are the numbers that an index of invoices has under an account, a customer or a reseller.
func (s *Books) InvoiceNumbers(t *room.Tx, index engine.Bucket, whose string) []uint64 {
	return s.InvoiceNumbersAfter(t, index, whose, 0, math.MaxInt)
}

// InvoiceNumbersAfter are InvoiceNumbers above a number, the lowest ones, at most as many as most says.
func (s *Books) InvoiceNumbersAfter(t *room.Tx, index engine.Bucket, whose string, after uint64, most int) []uint64 {
	list := []uint64{}
	prefix := ledgerPrefix(whose)
	c := t.Cursor(index)
	for k, _ := c.Seek(numberKey(whose, after+1)); k != nil && room.HasPrefix(k, prefix) && len(list) < most; k, _ = c.Next() {
		list = append(list, room.LastNumber(k))
	}
	return list
}

// Invoice by number. FindInvoice finds one by name.
func (s *Books) Invoice(n uint64) (i ledger.Invoice, err error) {
	err = s.view(func(t *room.Tx) error { i, err = s.InvoiceIn(t, n); return err })
	return i, err
}

// InvoiceIn is Invoice, as this transaction sees it.
func (s *Books) InvoiceIn(t *room.Tx, n uint64) (i ledger.Invoice, err error) {
	ok, err := t.Read(bucket.Invoices, invoiceKey(n), &i)
	if err == nil && !ok {
		err = fmt.Errorf("invoice %d: %w", n, room.ErrNotFound)
	}
	s.fillNames(&i)
	return i, err
}

// Invoices calls fn for each invoice from number from on, outside of any transaction.
func (s *Books) Invoices(from uint64, fn func(*ledger.Invoice) error) error {
	return room.Walk(s.db, bucket.Invoices, nil, invoiceKey(from), func(_ []byte, i *ledger.Invoice) error {
		s.fillNames(i)
		return fn(i)
	})
}

// InvoicesTo calls fn for the invoices of accounts that were a customer's when they
// were issued, by number, outside of any transaction: those above the number after. No
// other is read.
func (s *Books) InvoicesTo(customer string, after uint64, fn func(*ledger.Invoice) error) error {
	return s.eachListed(bucket.BilledTo, customer, after, fn)
}

// InvoicesThrough is InvoicesTo for the accounts that were below a reseller then.
func (s *Books) InvoicesThrough(reseller string, after uint64, fn func(*ledger.Invoice) error) error {
	return s.eachListed(bucket.BilledBelow, reseller, after, fn)
}

// EachInvoiceOf is InvoicesTo for the invoices of one account; open: only those that are not
// paid.
func (s *Books) EachInvoiceOf(account string, open bool, after uint64, fn func(*ledger.Invoice) error) error {
	return s.eachListed(indexOf(open), account, after, fn)
}

// indexOf is the index of accounts' invoices: of all, or of those that are open.
func indexOf(open bool) engine.Bucket {
	if open {
		return bucket.Owed
	}
	return bucket.Billed
}

// eachListed reads as many invoices a transaction as a walk.
func (s *Books) eachListed(index engine.Bucket, whose string, after uint64, fn func(*ledger.Invoice) error) error {
	return s.eachNumbered(after, fn, func(after uint64) (list []uint64, err error) {
		err = s.view(func(t *room.Tx) error { list = s.InvoiceNumbersAfter(t, index, whose, after, room.Step); return nil })
		return list, err
	})
}

// stepBelow is how many numbers InvoicesBelow looks for at a time. A look at every account
// of the reseller finds them.
const stepBelow = 4 * room.Step

// InvoicesBelow calls fn for the invoices of accounts that are below a reseller now,
// by number, those above the number after; open: only those that are not paid. Each is read when
// its turn comes.
func (s *Books) InvoicesBelow(reseller string, open bool, after uint64, fn func(*ledger.Invoice) error) error {
	return s.eachNumbered(after, fn, func(after uint64) (list []uint64, err error) {
		read := func(t *room.Tx, a *Account) ([]uint64, bool, error) {
			return s.InvoiceNumbersAfter(t, indexOf(open), a.Name, after, stepBelow), true, nil
		}
		err = Walk(s, Wanted{Reseller: reseller}, read, func(own []uint64) error {
			if list = append(list, own...); len(list) > 2*stepBelow {
				list = least(list, stepBelow)
			}
			return nil
		})
		return least(list, stepBelow), err
	})
}

// least are the n lowest numbers of a list, which it sorts.
func least(list []uint64, n int) []uint64 {
	slices.Sort(list)
	return list[:min(n, len(list))]
}

// eachNumbered reads the invoices that next finds above a number, step by step until it
// finds none.
func (s *Books) eachNumbered(after uint64, fn func(*ledger.Invoice) error, next func(after uint64) ([]uint64, error)) error {
	for step := 1; ; step++ {
		if step%room.TrimSteps == 0 {
			s.db.Engine().Trim()
		}
		numbers, err := next(after)
		if err != nil || len(numbers) == 0 {
			return err
		}
		for some := range slices.Chunk(numbers, room.Step) {
			if err := s.eachOf(some, fn); err != nil {
				return err
			}
		}
		after = numbers[len(numbers)-1]
	}
}

// eachOf reads these invoices in one transaction, and calls fn for each outside of it.
func (s *Books) eachOf(numbers []uint64, fn func(*ledger.Invoice) error) error {
	list := make([]ledger.Invoice, len(numbers))
	err := s.view(func(t *room.Tx) (err error) {
		for at, n := range numbers {
			if list[at], err = s.InvoiceIn(t, n); err != nil {
				return err
			}
		}
		return nil
	})
	for i := 0; err == nil && i < len(list); i++ {
		err = fn(&list[i])
	}
	return err
}

// InvoicesOf are the invoices of an account, oldest first; open: only those that are not paid.
func (s *Books) InvoicesOf(account string, open bool) (list []ledger.Invoice, err error) {
	err = s.view(func(t *room.Tx) error { list, err = s.InvoicesIn(t, account, open); return err })
	return list, err
}

// InvoicesIn is InvoicesOf, as this transaction sees it.
func (s *Books) InvoicesIn(t *room.Tx, account string, open bool) (list []ledger.Invoice, err error) {
	for _, n := range s.InvoiceNumbers(t, indexOf(open), account) {
		i, err := s.InvoiceIn(t, n)
		if err != nil {
			return nil, fmt.Errorf("account %q: %w", account, err)
		}
		list = append(list, i)
	}
	return list, nil
}

// InvoiceBelow reports whether the invoice is of an account below the reseller. It
// looks at the reseller's own accounts only, so the time it takes tells nothing of others.
func (s *Books) InvoiceBelow(reseller string, number uint64) (ok bool, err error) {
	err = s.view(func(t *room.Tx) error {
		for _, account := range people.OwnBelow.Keys(t, reseller) {
			ok = ok || t.Get(bucket.Billed, numberKey(account, number)) != nil
		}
		return nil
	})
	return ok, err
}
