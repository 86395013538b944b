package store

import (
	"time"

	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/outcomes"
	"relay/store/room"
	"relay/store/signs"
	"relay/store/standing"
)

// Glance is what the operator's digest looks at of an account, read in one transaction.
type Glance struct {
	standing.Standing
	Overdue   bool      // an invoice is open whose due day is past
	Suspended time.Time // when it was last suspended; zero: it is not, or long ago
	Delivered int64     // of the mail of a day
	Failed    int64     // likewise

	Bounced, Complained int64 // likewise

	Signs signs.Record // what speaks against it
	Mail  signs.Mail   // that Signs are compared with
}

// lookBack is how many entries of a ledger are looked at for what happened last.
const lookBack = 64

// EachGlance is EachStanding with a glance at each account: what became of its mail of a
// day, such as "2026-11-29", whether it owes, when it was suspended, and what came back.
func (s *Store) EachGlance(w books.Wanted, day string, fn func(*Glance) error) error {
	read := func(t *room.Tx, a *books.Account) (*Glance, bool, error) {
		g, err := s.in(*t).glance(a, day)
		return g, true, err
	}
	return books.Walk(s.Books, w, read, fn)
}

func (t *tx) glance(a *books.Account, day string) (*Glance, error) {
	st, err := t.s.Standings.StandingOf(&t.Tx, a)
	if err != nil {
		return nil, err
	}
	st.TakeDue()
	g := &Glance{Standing: st}
	err = t.s.Outcomes.EachDay(&t.Tx, a.Name, day, day+"\x00", func(_, _ string, d *outcomes.Day) {
		g.Delivered, g.Failed = g.Delivered+int64(d.Delivered), g.Failed+d.Failures()
		g.Bounced, g.Complained = g.Bounced+int64(d.Bounced), g.Complained+int64(d.Complained)
	})
	if err != nil {
		return nil, err
	}
	for _, n := range t.s.Books.NumbersAfter(&t.Tx, bucket.Owed, a.Name, 0, lookBack) {
		i, err := t.s.Books.InvoiceIn(&t.Tx, n)
		if err != nil {
			return nil, err
		}
		g.Overdue = g.Overdue || i.Order == nil && i.Due.Before(t.Now)
	}
	if g.Signs, g.Mail, err = t.returned(a.Name); err != nil {
		return nil, err
	}
	if a.Status() == ledger.Suspended {
		g.Suspended, err = t.suspendedAt(a.Name)
	}
	return g, err
}

// suspendedAt is when the newest entries of a ledger say that the account was suspended.
func (t *tx) suspendedAt(account string) (at time.Time, err error) {
	seen := 0
	t.s.Books.Newest(&t.Tx, account, func(k, raw []byte) bool {
		e := ledger.Entry{}
		if err = room.Decode(bucket.Ledger, k, raw, &e); err != nil {
			return false
		}
		if e.Kind == ledger.KindSuspended {
			at = e.Time
		}
		seen++
		return at.IsZero() && seen < lookBack
	})
	return at, err
}
