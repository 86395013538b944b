package store

import (
	"cmp"
	"fmt"
	"slices"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/room"
)

// keyPrices is the currency that the prices of plans are in: that of Billing when the
// first of them was set, or when a file was opened that did not keep it yet.
var keyPrices = []byte("prices")

// CheckCurrency fails with ErrCurrency for one that the books or the prices of plans
// are not in: amounts are kept in minor units, and would mean something else.
func (s *Store) CheckCurrency(code string) error {
	return s.view(func(t *tx) error {
		if err := t.booksIn(code); err != nil {
			return err
		}
		return t.pricesIn(code)
	})
}

// booksIn fails where the first price that was agreed on is in another currency.
func (t *tx) booksIn(code string) error {
	var kept string
	ok, err := t.Read(bucket.Meta, keyCurrency, &kept)
	if err == nil && ok && kept != code {
		err = fmt.Errorf("the ledger is kept in %s, %w: %s", kept, ErrCurrency, code)
	}
	return err
}

// pricesIn fails where plans have prices in another currency, but for some that are
// about to be changed.
func (t *tx) pricesIn(code string, but ...string) error {
	var kept string
	ok, err := t.Read(bucket.Meta, keyPrices, &kept)
	if err != nil || !ok || kept == code {
		return err
	}
	list, err := room.All[quota.Plan](&t.Tx, bucket.Plans, nil)
	if err != nil {
		return err
	}
	for _, p := range list {
		if priced(&p) && !slices.Contains(but, p.Name) {
			return fmt.Errorf("plan %s has a price in %s, %w: %s", p.Name, kept, ErrCurrency, code)
		}
	}
	return nil
}

func priced(p *quota.Plan) bool { return p.Price != 0 || len(p.Blocks) > 0 }

// setPrices notes the currency of the prices that plans are about to have.
func (t *tx) setPrices(dryRun bool, list ...quota.Plan) error {
	var names []string
	some := false
	for i := range list {
		names, some = append(names, list[i].Name), some || priced(&list[i])
	}
	if !some {
		return nil
	}
	now := t.s.Billing().Currency
	if err := cmp.Or(t.booksIn(now), t.pricesIn(now, names...)); err != nil {
		return err
	}
	var kept string
	if ok, err := t.Read(bucket.Meta, keyPrices, &kept); err != nil || dryRun || ok && kept == now {
		return err
	}
	return t.Write(bucket.Meta, keyPrices, now)
}
