package books

import (
	"errors"
	"fmt"
	"log/slog"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/highwater"
	"relay/store/ledger"
	"relay/store/room"
)

// voidStep is how many numbers one transaction declares void.
const voidStep = 5000

// VoidInvoices declares the numbers void that follow the last invoice, through a number,
// and returns the first one; 0: there are none.
func (s *Books) VoidInvoices(through uint64, reason string) (first uint64, err error) {
	return s.voidInvoices(through, "", reason)
}

func (s *Books) voidInvoices(through uint64, cause ledger.Cause, reason string) (first uint64, err error) {
	for more := true; more; {
		err := s.update(0, func(t *room.Tx) error {
			last, err := s.LastInvoice(t)
			if err != nil {
				return err
			}
			if more = last < through; !more {
				return nil
			}
			if first == 0 {
				first = last + 1
			}
			return s.void(t, last+1, min(through, last+voidStep), cause, reason)
		})
		if err != nil {
			return first, fmt.Errorf("void invoice numbers: %w", err)
		}
	}
	return first, nil
}

func (s *Books) void(t *room.Tx, from, through uint64, cause ledger.Cause, reason string) error {
	b := s.Billing()
	for n := from; n <= through; n++ {
		i := ledger.Invoice{Number: n, Name: b.Prefix + ledger.NumberText(n), Kind: ledger.VoidNumber, State: ledger.InvoiceVoid, Currency: s.CurrencyIn(t),
			Issued: t.Now, Due: t.Now, Lines: []ledger.InvoiceLine{}, Cause: cause, Reason: reason}
		s.Print(&i)
		if err := t.Write(bucket.Invoices, invoiceKey(n), &i); err != nil {
			return err
		}
	}
	s.givesOut(t, through)
	return t.Write(bucket.Meta, keyInvoice, through)
}

// FollowNumbers goes on after the highest number that is known, and makes it known.
func (s *Books) FollowNumbers() error {
	if s.highWater == "" {
		return nil
	}
	known, err := highwater.Read(s.highWater)
	if err != nil {
		return fmt.Errorf("highest number of an invoice: %w", err)
	}
	first, err := s.voidInvoices(known, ledger.CauseLost, "")
	if err != nil {
		return err
	}
	if first != 0 {
		s.logVoid(first, known)
	}
	var last uint64
	err = s.view(func(t *room.Tx) error { last, err = s.LastInvoice(t); return err })
	return errors.Join(err, s.raise(last))
}

// LastInvoice is the highest number of an invoice that was given out; 0: none was.
func (s *Books) LastInvoice(t *room.Tx) (number uint64, err error) {
	_, err = t.Read(bucket.Meta, keyInvoice, &number)
	return number, err
}

// GiveOut notes that the numbers up to this one are given out, and for good in which currency the books
// are kept.
func (s *Books) GiveOut(t *room.Tx, number uint64) error {
	if err := s.mayRaise(number); err != nil {
		return err
	}
	s.givesOut(t, number)
	return errors.Join(t.Write(bucket.Meta, keyInvoice, number), t.Write(bucket.Meta, keyCurrency, s.CurrencyIn(t)))
}

// mayRaise fails the order that gives a number out where raise would, which fails all
// that is committed with it, mail too.
func (s *Books) mayRaise(number uint64) error {
	if s.highWater == "" || number <= s.highest.Load() {
		return nil
	}
	if err := highwater.Writable(s.highWater); err != nil {
		return fmt.Errorf("highest number of an invoice: %w", err)
	}
	return nil
}

// givenOut is the highest number of an invoice that a transaction gives out.
type givenOut struct{ number uint64 }

var givenOutKey engine.Key[givenOut]

// givesOut has a number made known outside of the store before this transaction is on disk.
func (s *Books) givesOut(t *room.Tx, number uint64) {
	is := givenOutKey.In(t.Tx)
	is.number = max(is.number, number)
}

// flushNumbers makes the number of a transaction known outside of the store, before the commit
// that gives it out.
func (s *Books) flushNumbers(b *engine.Tx) error {
	if is := givenOutKey.Of(b); is != nil {
		return s.raise(is.number)
	}
	return nil
}

// raise makes a number known outside of the store.
func (s *Books) raise(number uint64) error {
	if s.highWater == "" || number <= s.highest.Load() {
		return nil
	}
	if err := highwater.Raise(s.highWater, s.path, number); err != nil {
		return fmt.Errorf("highest number of an invoice: %w", err)
	}
	s.highest.Store(number)
	return nil
}

func (s *Books) logVoid(first, last uint64) {
	s.log.Warn("invoice numbers are void, the store does not know their invoices", "component", "store",
		slog.Uint64("first", first), slog.Uint64("last", last))
}
