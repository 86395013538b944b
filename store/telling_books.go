package store

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/news"
)

// This file reads what there is to tell of news that books and domains cause, see deal_news.go.

func (t *tx) invoiceOf(number string, told *Told) error {
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return err
	}
	i, err := t.invoice(n)
	told.Invoice = &i
	return err
}

// entryOf adds the entry of the ledger that the news is about, and the invoice that it names.
func (t *tx) entryOf(n *news.Item, told *Told) error {
	seq, err := strconv.ParseUint(n.About, 10, 64)
	if err != nil {
		return err
	}
	e := &ledger.Entry{}
	if ok, err := t.Read(bucket.Ledger, numberKey(n.Account, seq), e); err != nil || !ok {
		return cmp.Or(err, fmt.Errorf("entry %d of account %q: %w", seq, n.Account, ErrNotFound))
	}
	e.Recall()
	for _, number := range e.Also {
		i, err := t.invoice(number)
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
	d, c, err := t.lastTermOf(n.Account)
	if err != nil || c == nil {
		return nil, err
	}
	if term, _, _ := strings.Cut(n.About, " "); term != c.TermKey() {
		return nil, nil
	}
	_, goes, err := t.goesOn(c)
	if err != nil || n.Kind == news.Ending && (goes || !t.Now.Before(c.End)) {
		return nil, err
	}
	told.Ending, err = d.ending(*c, n.Step)
	return told, err
}

// lastTermOf an account, as it is once what is over is closed; nil: it never had one.
func (t *tx) lastTermOf(account string) (*deal, *quota.Contract, error) {
	d, err := t.deal(account, behalf.Order{})
	if err == nil {
		err = d.closeDue()
	}
	if err != nil || len(d.a.Contracts) == 0 {
		return nil, nil, err
	}
	c := d.a.lastTerm()
	return d, &c, nil
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

// Ending is what there is to know of the last term of an account, as if its customer was told
// now that it ends; nil: it never had one.
func (s *Store) Ending(account string) (w *Warning, err error) {
	err = s.view(func(t *tx) error {
		w = nil
		d, c, err := t.lastTermOf(account)
		if err != nil || c == nil {
			return err
		}
		w, err = d.ending(*c, 0)
		return err
	})
	return w, err
}
