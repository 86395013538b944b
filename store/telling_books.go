package store

import (
	"strconv"
	"strings"

	"relay/store/news"
)

// This file reads what there is to tell of news that books and domains cause, see order_news.go.

// invoiceOf adds the invoice with a number.
func (t *tx) invoiceOf(number string, told *Told) error {
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return err
	}
	i, err := t.s.Books.InvoiceIn(&t.Tx, n)
	told.Invoice = &i
	return err
}

// entryOf adds the entry of the ledger that the news is about, and the invoice that it names.
func (t *tx) entryOf(n *news.Item, told *Told) error {
	seq, err := strconv.ParseUint(n.About, 10, 64)
	if err != nil {
		return err
	}
	e, err := t.s.Books.Entry(&t.Tx, n.Account, seq)
	if err != nil {
		return err
	}
	for _, number := range e.Also {
		i, err := t.s.Books.InvoiceIn(&t.Tx, number)
		if err != nil {
			return err
		}
		told.Also = append(told.Also, i.Name)
	}
	if told.Entry, told.Signs = e, e.Signs; e.Ref == "" {
		return nil
	}
	return t.invoiceOf(e.Ref, told)
}

// endingOf adds what there is to know of the last term, and how to go on. Where another one
// follows by now, a warning has nothing to tell.
func (t *tx) endingOf(n *news.Item, told *Told) (*Told, error) {
	w, err := t.s.Orders.EndingIn(&t.Tx, n.Account, n.Step)
	if err != nil || w == nil {
		return nil, err
	}
	if term, _, _ := strings.Cut(n.About, " "); term != w.Contract.TermKey() {
		return nil, nil
	}
	_, goes, err := t.s.Books.PlanAfter(&t.Tx, &w.Contract)
	if err != nil || n.Kind == news.Ending && (goes || !t.Now.Before(w.Contract.End)) {
		return nil, err
	}
	told.Ending = w
	return told, nil
}

// domainOf adds the domain. Of one that was removed meanwhile nothing is told.
func (t *tx) domainOf(n *news.Item, told *Told) (*Told, error) {
	d, err := t.s.Signing.Find(&t.Tx, n.Account, n.About)
	if err != nil || d == nil {
		return nil, err
	}
	told.Domain = d
	return told, nil
}
