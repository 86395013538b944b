package books

import (
	"errors"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/ledger"
	"relay/store/people"
	"relay/store/room"
)

// PutEntry writes an entry of a ledger.
func (s *Books) PutEntry(t *room.Tx, e *ledger.Entry) error {
	return t.Write(bucket.Ledger, numberKey(e.Account, e.Seq), e)
}

// PutPayment writes a payment.
func (s *Books) PutPayment(t *room.Tx, p *ledger.Payment) error {
	return t.Write(bucket.Payments, room.Pair(p.Method, p.Reference), p)
}

// PutAccount writes an account, and its lines in the indexes. was is as it is stored.
func (s *Books) PutAccount(t *room.Tx, was, is *Account) error {
	if !was.Closes.Equal(is.Closes) {
		if !was.Closes.IsZero() {
			if err := t.Delete(bucket.Closing, closingKey(was.Closes, is.Name)); err != nil {
				return err
			}
		}
		if !is.Closes.IsZero() {
			if err := t.Put(bucket.Closing, closingKey(is.Closes, is.Name), []byte{}); err != nil {
				return err
			}
		}
	}
	return errors.Join(
		people.OwnAccounts.Move(t, was.Owner, is.Owner, is.Name),
		people.OwnBelow.Move(t, was.Reseller, is.Reseller, is.Name),
		t.Write(bucket.Accounts, []byte(is.Name), is))
}

// PutInvoice writes an invoice, and its lines in the indexes. was is as it is stored; nil: it is new.
func (s *Books) PutInvoice(t *room.Tx, was, is *ledger.Invoice) error {
	key := numberKey(is.Account, is.Number)
	errs := []error{t.Write(bucket.Invoices, invoiceKey(is.Number), is)}
	if was == nil {
		errs = append(errs, t.Put(bucket.Billed, key, []byte{}),
			listInvoice(t, bucket.BilledTo, is.Customer, is.Number), listInvoice(t, bucket.BilledBelow, is.Reseller, is.Number))
	}
	wasOpen, isOpen := was != nil && was.State == ledger.InvoiceOpen, is.State == ledger.InvoiceOpen
	switch {
	case isOpen && !wasOpen:
		errs = append(errs, t.Put(bucket.Owed, key, []byte{}))
	case wasOpen && !isOpen:
		errs = append(errs, t.Delete(bucket.Owed, key))
	}
	if was != nil && dunningKey(was) != nil {
		errs = append(errs, t.Delete(bucket.Dunning, dunningKey(was)))
	}
	if k := dunningKey(is); k != nil {
		errs = append(errs, t.Put(bucket.Dunning, k, []byte{}))
	}
	return errors.Join(errs...)
}

// listInvoice lists an invoice under its owner at the time of issue, for good; "": under nobody.
func listInvoice(t *room.Tx, index engine.Bucket, whose string, number uint64) error {
	if whose == "" {
		return nil
	}
	return t.Put(index, numberKey(whose, number), []byte{})
}
