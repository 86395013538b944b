package store

import (
	"fmt"
	"slices"

	"relay/store/bolt"
)

// listInvoice under whose it was when it was issued, for good; "" is nobody.
func (t *tx) listInvoice(index bolt.Bucket, whose string, number uint64) error {
	if whose == "" {
		return nil
	}
	return t.b.Put(index, numberKey(whose, number), []byte{})
}

// numbers of invoices that one of their indexes has under an account, a customer or a reseller.
func (t *tx) numbers(index bolt.Bucket, whose string) (list []uint64) {
	list = []uint64{}
	prefix := ledgerPrefix(whose)
	c := t.b.Cursor(index)
	for k, _ := c.Seek(prefix); k != nil && hasPrefix(k, prefix); k, _ = c.Next() {
		list = append(list, lastNumber(k))
	}
	return list
}

// Invoice by number. FindInvoice has it by name.
func (s *Store) Invoice(n uint64) (i Invoice, err error) {
	err = s.view(func(t *tx) error { i, err = t.invoice(n); return err })
	return i, err
}

func (t *tx) invoice(n uint64) (i Invoice, err error) {
	ok, err := t.get(invoices, invoiceKey(n), &i)
	if err == nil && !ok {
		err = fmt.Errorf("invoice %d: %w", n, ErrNotFound)
	}
	t.s.fillNames(&i)
	return i, err
}

// Invoices calls fn for each invoice from number from on, outside of any transaction.
func (s *Store) Invoices(from uint64, fn func(*Invoice) error) error {
	return walk(s, invoices, nil, invoiceKey(from), func(_ []byte, i *Invoice) error {
		s.fillNames(i)
		return fn(i)
	})
}

// InvoicesTo calls fn for the invoices of accounts that were a customer's when they
// were issued, by number, outside of any transaction. No other is read.
func (s *Store) InvoicesTo(customer string, fn func(*Invoice) error) error {
	return s.eachListed(billedTo, customer, fn)
}

// InvoicesThrough a reseller is InvoicesTo for accounts that were below it then.
func (s *Store) InvoicesThrough(reseller string, fn func(*Invoice) error) error {
	return s.eachListed(billedBelow, reseller, fn)
}

// InvoicesBelow calls fn for the invoices of accounts that are below a reseller now,
// by number; open: those that are not paid. Each is read when it is its turn.
func (s *Store) InvoicesBelow(reseller string, open bool, fn func(*Invoice) error) error {
	index := billed
	if open {
		index = owed
	}
	var list []uint64
	read := func(t *tx, a *Account) ([]uint64, bool, error) { return t.numbers(index, a.Name), true, nil }
	err := walkAccounts(s, Wanted{Reseller: reseller}, read, func(own []uint64) error { list = append(list, own...); return nil })
	if err != nil {
		return err
	}
	slices.Sort(list)
	return s.eachNumbered(list, fn)
}

func (s *Store) eachListed(index bolt.Bucket, whose string, fn func(*Invoice) error) error {
	var list []uint64
	if err := s.view(func(t *tx) error { list = t.numbers(index, whose); return nil }); err != nil {
		return err
	}
	return s.eachNumbered(list, fn)
}

// eachNumbered reads as many invoices a transaction as a walk.
func (s *Store) eachNumbered(numbers []uint64, fn func(*Invoice) error) error {
	step := 0
	for some := range slices.Chunk(numbers, walkStep) {
		if step++; step%trimSteps == 0 {
			s.db.Trim()
		}
		var list []Invoice
		err := s.view(func(t *tx) error {
			for _, n := range some {
				i, err := t.invoice(n)
				if err != nil {
					return err
				}
				list = append(list, i)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i := range list {
			if err := fn(&list[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// InvoicesOf an account, oldest first; open: those that are not paid.
func (s *Store) InvoicesOf(account string, open bool) (list []Invoice, err error) {
	err = s.view(func(t *tx) error { list, err = t.invoicesOf(account, open); return err })
	return list, err
}

func (t *tx) invoicesOf(account string, open bool) (list []Invoice, err error) {
	index := billed
	if open {
		index = owed
	}
	for _, n := range t.numbers(index, account) {
		i, err := t.invoice(n)
		if err != nil {
			return nil, fmt.Errorf("account %q: %w", account, err)
		}
		list = append(list, i)
	}
	return list, nil
}
