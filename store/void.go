package store

import (
	"errors"
	"fmt"
	"log/slog"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/highwater"
	"relay/store/ledger"
)

// voidStep is how many numbers one transaction declares void.
const voidStep = 5000

// VoidInvoices declares the numbers void that follow the last invoice, through a number,
// and returns the first one; 0: there are none.
func (s *Store) VoidInvoices(through uint64, reason string) (first uint64, err error) {
	return s.voidInvoices(through, "", reason)
}

func (s *Store) voidInvoices(through uint64, cause ledger.Cause, reason string) (first uint64, err error) {
	for more := true; more; {
		err := s.update(0, func(t *tx) error {
			var last uint64
			if _, err := t.Read(bucket.Meta, keyInvoice, &last); err != nil {
				return err
			}
			if more = last < through; !more {
				return nil
			}
			if first == 0 {
				first = last + 1
			}
			return t.void(last+1, min(through, last+voidStep), cause, reason)
		})
		if err != nil {
			return first, fmt.Errorf("void invoice numbers: %w", err)
		}
	}
	return first, nil
}

func (t *tx) void(from, through uint64, cause ledger.Cause, reason string) error {
	b := t.s.Billing()
	for n := from; n <= through; n++ {
		i := ledger.Invoice{Number: n, Name: b.Prefix + ledger.NumberText(n), Kind: ledger.VoidNumber, State: ledger.InvoiceVoid, Currency: t.currency(),
			Issued: t.Now, Due: t.Now, Lines: []ledger.InvoiceLine{}, Cause: cause, Reason: reason}
		t.s.print(&i)
		if err := t.Write(bucket.Invoices, invoiceKey(n), &i); err != nil {
			return err
		}
	}
	t.givesOut(through)
	return t.Write(bucket.Meta, keyInvoice, through)
}

// followNumbers goes on after the highest number that is known, and makes it known.
func (s *Store) followNumbers(o *Options) error {
	if o.HighWater == "" || o.ReadOnly {
		return nil
	}
	known, err := highwater.Read(o.HighWater)
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
	err = s.view(func(t *tx) error { _, err := t.Read(bucket.Meta, keyInvoice, &last); return err })
	return errors.Join(err, s.raise(last))
}

// mayRaise fails the order that gives a number out where raise would, which fails all
// that is committed with it, mail too.
func (s *Store) mayRaise(number uint64) error {
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
func (t *tx) givesOut(number uint64) {
	is := givenOutKey.In(t.Tx.Tx)
	is.number = max(is.number, number)
}

// flushNumbers makes the number of a transaction known outside of the store, before the commit
// that gives it out.
func (s *Store) flushNumbers(b *engine.Tx) error {
	if is := givenOutKey.Of(b); is != nil {
		return s.raise(is.number)
	}
	return nil
}

// raise makes a number known outside of the store.
func (s *Store) raise(number uint64) error {
	if s.highWater == "" || number <= s.highest.Load() {
		return nil
	}
	if err := highwater.Raise(s.highWater, s.path, number); err != nil {
		return fmt.Errorf("highest number of an invoice: %w", err)
	}
	s.highest.Store(number)
	return nil
}

// verifyVoid: it is nobody's and over nothing.
func (v *verifier) verifyVoid(i *ledger.Invoice) {
	if i.State != ledger.InvoiceVoid || i.Kind != ledger.VoidNumber || i.Account != "" || i.Total != 0 || i.Paid != 0 || len(i.Lines) != 0 {
		v.fault("invoice %d is %s and %s, of account %q over %d", i.Number, i.Kind, i.State, i.Account, i.Total)
	}
}

func (s *Store) logVoid(first, last uint64) {
	s.log.Warn("invoice numbers are void, the store does not know their invoices", "component", "store",
		slog.Uint64("first", first), slog.Uint64("last", last))
}
