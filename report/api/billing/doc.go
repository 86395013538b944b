// Package billing has the acts on invoices and payments: what customers owe, and what they
// have paid.
package billing

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"relay/report/api/act"
	"relay/report/words"
	"relay/store"
	"relay/store/books"
	"relay/store/ledger"
)

// Acts of this package.
func Acts() []act.Any {
	return []act.Any{ListInvoices, ShowInvoice, InvoiceDocument, CancelInvoice, RecordPayment, ReversePayment, ListPayments}
}

const allInvoices = "{invoice list} shows all"

// find an invoice that the actor reaches, by its number as it was issued or without the
// prefix.
func find(ctx context.Context, s *act.Service, text string) (i ledger.Invoice, err error) {
	if err := reach(ctx, s, text); err != nil {
		return i, err
	}
	i, err = s.Store.Books.FindInvoice(text)
	if _, ok := errors.AsType[*books.NoNumber](err); ok {
		return i, act.Fail(act.Wrong, allInvoices, "%w", err)
	}
	if err == nil && i.Kind == ledger.VoidNumber {
		return i, act.Fail(act.Refused, allInvoices, "number %s is void: %s", i.Name, i.Reason)
	}
	if errors.Is(err, store.ErrNotFound) {
		err = act.Fail(act.NoSuch, allInvoices, "no invoice %s", words.Clean(strings.TrimSpace(text)))
	}
	return i, err
}

// reach fails for an invoice of an account that is not within the actor's reach.
func reach(ctx context.Context, s *act.Service, text string) error {
	actor := act.ActorOf(ctx)
	if actor.Kind != act.Reseller {
		return nil
	}
	n, _ := books.ParseInvoice(text) // 0 is none
	ok, err := s.Store.Books.InvoiceBelow(actor.Name, n)
	if err == nil && !ok {
		return act.NotFound
	}
	return err
}

// numberIn is a number that a page's key has; "" is 0.
func numberIn(key string) (uint64, error) {
	if key == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(key, 10, 64)
	if err != nil {
		return 0, badCursor()
	}
	return n, nil
}

func badCursor() error { return act.Invalid("cursor", "", " is not one of this list") }
