package overview

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
	Suspended time.Time // when the account was last suspended; zero: it is not, or was long ago
	Delivered int64     // of the mail of a day
	Failed    int64     // likewise

	Bounced, Complained int64 // likewise

	Signs signs.Record // what speaks against the account
	Mail  signs.Mail   // that Signs are compared with
}

// lookBack is how many entries of a ledger are looked at for what happened last.
const lookBack = 64

// EachGlance calls fn for the accounts that are wanted, with a glance at each: what became of its mail of
// a day, such as "2026-11-29", whether it owes, when it was suspended, and what came back.
func (s *Overview) EachGlance(w books.Wanted, day string, fn func(*Glance) error) error {
	read := func(t *room.Tx, a *books.Account) (*Glance, bool, error) {
		g, err := s.glance(t, a, day)
		return g, true, err
	}
	return books.Walk(s.r.Books, w, read, fn)
}

func (s *Overview) glance(t *room.Tx, a *books.Account, day string) (*Glance, error) {
	st, err := s.r.Standings.StandingOf(t, a)
	if err != nil {
		return nil, err
	}
	st.TakeClose()
	g := &Glance{Standing: st}
	err = s.r.Outcomes.EachDay(t, a.Name, day, day+"\x00", func(_, _ string, d *outcomes.Day) {
		g.Delivered, g.Failed = g.Delivered+int64(d.Delivered), g.Failed+d.Failures()
		g.Bounced, g.Complained = g.Bounced+int64(d.Bounced), g.Complained+int64(d.Complained)
	})
	if err != nil {
		return nil, err
	}
	for _, n := range s.r.Books.InvoiceNumbersAfter(t, bucket.Owed, a.Name, 0, lookBack) {
		i, err := s.r.Books.InvoiceIn(t, n)
		if err != nil {
			return nil, err
		}
		g.Overdue = g.Overdue || i.Order == nil && i.Due.Before(t.Now)
	}
	if g.Signs, g.Mail, err = s.r.Abuse.SignsIn(t, a.Name); err != nil {
		return nil, err
	}
	if a.Status() == ledger.Suspended {
		g.Suspended, err = s.suspendedAt(t, a.Name)
	}
	return g, err
}

// suspendedAt is when the newest entries of a ledger say that the account was suspended.
func (s *Overview) suspendedAt(t *room.Tx, account string) (at time.Time, err error) {
	seen := 0
	s.r.Books.LedgerBackwards(t, account, func(k, raw []byte) bool {
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
