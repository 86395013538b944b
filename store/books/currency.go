package books

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/room"
)

// ErrCurrency is the refusal of another currency than that of the first price.
var ErrCurrency = errors.New("it cannot go on in another currency")

// keyPrices is the currency that the prices of plans are in: that of Billing when the
// first of them was set, or when a file was opened that did not keep it yet.
var keyPrices = []byte("prices")

// CheckCurrency fails with ErrCurrency if the books or the prices of plans are in another
// currency: amounts are kept in minor units, and would mean something else.
func (s *Books) CheckCurrency(code string) error {
	return s.view(func(t *room.Tx) error {
		if err := s.booksIn(t, code); err != nil {
			return err
		}
		return s.pricesIn(t, code)
	})
}

// booksIn fails where the first price that was agreed on is in another currency.
func (s *Books) booksIn(t *room.Tx, code string) error {
	var kept string
	ok, err := t.Read(bucket.Meta, keyCurrency, &kept)
	if err == nil && ok && kept != code {
		err = fmt.Errorf("the ledger is kept in %s, %w: %s", kept, ErrCurrency, code)
	}
	return err
}

// pricesIn fails where plans have prices in another currency, those apart that are
// about to be changed.
func (s *Books) pricesIn(t *room.Tx, code string, but ...string) error {
	var kept string
	ok, err := t.Read(bucket.Meta, keyPrices, &kept)
	if err != nil || !ok || kept == code {
		return err
	}
	list, err := room.All[quota.Plan](t, bucket.Plans, nil)
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
func (s *Books) setPrices(t *room.Tx, dryRun bool, list ...quota.Plan) error {
	var names []string
	some := false
	for i := range list {
		names, some = append(names, list[i].Name), some || priced(&list[i])
	}
	if !some {
		return nil
	}
	now := s.Billing().Currency
	if err := cmp.Or(s.booksIn(t, now), s.pricesIn(t, now, names...)); err != nil {
		return err
	}
	var kept string
	if ok, err := t.Read(bucket.Meta, keyPrices, &kept); err != nil || dryRun || ok && kept == now {
		return err
	}
	return t.Write(bucket.Meta, keyPrices, now)
}
