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

// Numbers of invoices that one of their indexes has under an account, a customer or a reseller.
func (s *Books) Numbers(t *room.Tx, index engine.Bucket, whose string) []uint64 {
	return s.NumbersAfter(t, index, whose, 0, math.MaxInt)
}

// NumbersAfter are those above a number, most of them at most.
func (s *Books) NumbersAfter(t *room.Tx, index engine.Bucket, whose string, after uint64, most int) []uint64 {
	list := []uint64{}
	prefix := ledgerPrefix(whose)
	c := t.Cursor(index)
	for k, _ := c.Seek(numberKey(whose, after+1)); k != nil && room.HasPrefix(k, prefix) && len(list) < most; k, _ = c.Next() {
		list = append(list, room.LastNumber(k))
	}
	return list
}

// Invoice by number. FindInvoice has it by name.
func (s *Books) Invoice(n uint64) (i ledger.Invoice, err error) {
	err = s.view(func(t *room.Tx) error { i, err = s.InvoiceIn(t, n); return err })
	return i, err
}

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

// InvoicesThrough a reseller is InvoicesTo for accounts that were below it then.
func (s *Books) InvoicesThrough(reseller string, after uint64, fn func(*ledger.Invoice) error) error {
	return s.eachListed(bucket.BilledBelow, reseller, after, fn)
}

// EachInvoiceOf an account is InvoicesTo for what it has itself; open: those that are not
// paid.
func (s *Books) EachInvoiceOf(account string, open bool, after uint64, fn func(*ledger.Invoice) error) error {
	return s.eachListed(indexOf(open), account, after, fn)
}

// indexOf what accounts have: all their invoices, or those that are open.
func indexOf(open bool) engine.Bucket {
	if open {
		return bucket.Owed
	}
	return bucket.Billed
}

// eachListed reads as many invoices a transaction as a walk.
func (s *Books) eachListed(index engine.Bucket, whose string, after uint64, fn func(*ledger.Invoice) error) error {
	return s.eachNumbered(after, fn, func(after uint64) (list []uint64, err error) {
		err = s.view(func(t *room.Tx) error { list = s.NumbersAfter(t, index, whose, after, room.Step); return nil })
		return list, err
	})
}

// stepBelow is how many numbers InvoicesBelow looks for at a time. A look at every account
// of the reseller finds them.
const stepBelow = 4 * room.Step

// InvoicesBelow calls fn for the invoices of accounts that are below a reseller now,
// by number, from above the number after; open: those that are not paid. Each is read when
// it is its turn.
func (s *Books) InvoicesBelow(reseller string, open bool, after uint64, fn func(*ledger.Invoice) error) error {
	return s.eachNumbered(after, fn, func(after uint64) (list []uint64, err error) {
		read := func(t *room.Tx, a *Account) ([]uint64, bool, error) {
			return s.NumbersAfter(t, indexOf(open), a.Name, after, stepBelow), true, nil
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

// InvoicesOf an account, oldest first; open: those that are not paid.
func (s *Books) InvoicesOf(account string, open bool) (list []ledger.Invoice, err error) {
	err = s.view(func(t *room.Tx) error { list, err = s.InvoicesIn(t, account, open); return err })
	return list, err
}

func (s *Books) InvoicesIn(t *room.Tx, account string, open bool) (list []ledger.Invoice, err error) {
	for _, n := range s.Numbers(t, indexOf(open), account) {
		i, err := s.InvoiceIn(t, n)
		if err != nil {
			return nil, fmt.Errorf("account %q: %w", account, err)
		}
		list = append(list, i)
	}
	return list, nil
}

// InvoiceBelow reports whether the invoice is of an account below the reseller. It
// looks at its own accounts only: the time it takes tells nothing of others.
func (s *Books) InvoiceBelow(reseller string, number uint64) (ok bool, err error) {
	err = s.view(func(t *room.Tx) error {
		for _, account := range people.OwnBelow.Keys(t, reseller) {
			ok = ok || t.Get(bucket.Billed, numberKey(account, number)) != nil
		}
		return nil
	})
	return ok, err
}

// Buyer is whom an account's invoices are to: its customer's postal address, or else its name and contact.
func (s *Books) Buyer(t *room.Tx, a *Account) ([]string, error) {
	if a.Owner != "" {
		c, err := people.CustomerIn(t, a.Owner)
		if err != nil {
			return nil, err
		}
		if len(c.Address) > 0 {
			return c.Address, nil
		}
	}
	if a.Contact == "" {
		return []string{a.Name}, nil
	}
	return []string{a.Name, a.Contact}, nil
}
