package store

import (
	"context"
	"errors"

	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
	"relay/store/spooled"
)

// Gaps are what another store has and this one lacks. Of each kind the first ones are
// named, mostMissing of them.
type Gaps struct {
	Accounts Gap    `json:"accounts"`
	Invoices Gap    `json:"invoices"`     // with credit notes, as they were issued
	Payments Gap    `json:"payments"`     // "METHOD REFERENCE"
	Messages Gap    `json:"messages"`     // of the queue
	Invoice  uint64 `json:"last_invoice"` // the other store's last number
}

// Gap is what is lacking of one kind.
type Gap struct {
	Count int64    `json:"count"`
	Names []string `json:"names"` // the first ones
}

// mostMissing that are named.
const mostMissing = 1000

func (l *Gap) add(name string) {
	if l.Count++; len(l.Names) < mostMissing {
		l.Names = append(l.Names, name)
	}
}

// Missing compares with another store, by keys, at the cost of reading both. A number
// that is void here is lacking as much as one that is not there.
func (s *Store) Missing(ctx context.Context, other *Store) (m Gaps, err error) {
	for _, l := range []*Gap{&m.Accounts, &m.Invoices, &m.Payments, &m.Messages} {
		l.Names = []string{}
	}
	has := func(err error) (bool, error) {
		if errors.Is(err, ErrNotFound) {
			return false, ctx.Err()
		}
		return true, errors.Join(err, ctx.Err())
	}
	accounts := other.Books.EachAccount(books.Wanted{}, func(a *books.Account) error {
		_, err := s.Books.Account(a.Name)
		ok, err := has(err)
		if err == nil && !ok {
			m.Accounts.add(a.Name)
		}
		return err
	})
	bills := other.Books.Invoices(1, func(i *ledger.Invoice) error {
		m.Invoice = i.Number
		is, err := s.Books.Invoice(i.Number)
		ok, err := has(err)
		if err == nil && i.Kind != ledger.VoidNumber && (!ok || is.Kind == ledger.VoidNumber) {
			m.Invoices.add(i.Name)
		}
		return err
	})
	paid := other.Books.Payments(func(p *ledger.Payment) error {
		_, err := s.Books.Payment(p.Method, p.Reference)
		ok, err := has(err)
		if err == nil && !ok {
			m.Payments.add(p.Method + " " + p.Reference)
		}
		return err
	})
	mail := room.Walk(other.db, bucket.Messages, nil, nil, func(k []byte, _ *struct{}) error {
		err := s.view(func(t *tx) error {
			if t.Get(bucket.Messages, k) == nil {
				m.Messages.add(spooled.ID(k).String())
			}
			return nil
		})
		return errors.Join(err, ctx.Err())
	})
	return m, errors.Join(accounts, bills, paid, mail)
}
