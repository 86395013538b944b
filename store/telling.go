package store

import (
	"errors"
	"time"

	"relay/store/books"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/orders"
	"relay/store/overview"
	"relay/store/people"
	"relay/store/room"
	"relay/store/signing"
	"relay/store/signs"
	"relay/store/spooled"
	"relay/store/standing"
)

// Told is what there is to tell of a piece of news, read in one transaction.
type Told struct {
	News     news.Item
	ID       spooled.ID // for the mails' Message-IDs
	Account  books.Account
	Reseller *people.Reseller  // who manages it; nil: the operator
	Standing standing.Standing // now
	Invoice  *ledger.Invoice   // that it is about; nil: none
	Report   *overview.Report  // of the period that News.About names, of kinds about use; nil: others
	Entry    *ledger.Entry     // of the ledger, of receipt, reversal, refund, correction, credit, suspended and resumed; nil: of others
	Also     []string          // further invoices that a payment names
	Warned   bool              // of complaint-answer: the account was, in the last seven days
	Signs    *signs.Figures    // of warned, and of suspended for what came back; nil: of others
	Domain   *signing.Domain   // of domain; nil: of others
	Ending   *orders.Warning   // of ending and ended; nil: of others

	Waiting int64     // of news.Waits: recipients
	Cap     int       // of it: a day, now
	LastDay time.Time // of it: on which the last of them goes out, if all goes well
}

// Telling reads what there is to tell of a piece of news; nil: nothing any more. n is to be
// handed to Tell in either case.
func (s *Store) Telling(n *news.Item) (told *Told, err error) {
	err = s.view(func(t *tx) error {
		told, err = t.telling(n)
		return err
	})
	return told, err
}

func (t *tx) telling(n *news.Item) (*Told, error) {
	if is, err := news.Pending(&t.Tx, n); err != nil || is == nil {
		return nil, err
	}
	told := &Told{News: *n, ID: t.s.ids.Next(t.Wall)}
	if n.Account == "" {
		return told, nil
	}
	st, err := t.s.Standings.StandingIn(&t.Tx, n.Account)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	st.TakeClose()
	told.Account, told.Standing = st.Account, st
	if told.Reseller, err = people.ResellerIn(&t.Tx, st.Account.Reseller); err != nil {
		return nil, err
	}
	return t.factsOf(n, told)
}

// factsOf adds what is of the kind; nil: there is nothing to tell any more.
func (t *tx) factsOf(n *news.Item, told *Told) (*Told, error) {
	if overtaken(n, &told.Account) {
		return nil, nil
	}
	told.Signs = n.Figures
	switch n.Kind {
	case news.Desk:
		r, err := t.s.Abuse.RecordIn(&t.Tx, n.Account)
		if err == nil {
			_, told.Warned = r.Told[signs.Complaint]
		}
		return told, err
	case news.Access:
		return told, t.s.Access.Programs(&t.Tx, told.News.Access)
	case news.Waits:
		return t.waitsOf(n, told)
	case news.Order, news.Invoice, news.Overdue:
		return told, t.invoiceOf(n.About, told)
	case news.Receipt, news.Reversal, news.Refund, news.Correction, news.Credit, news.Suspended, news.Resumed:
		return told, t.entryOf(n, told)
	case news.Ending, news.Ended:
		return t.endingOf(n, told)
	case news.Domain:
		return t.domainOf(n, told)
	case news.Usage, news.Daily, news.Near, news.Reached, news.Overage, news.OverageStep, news.Ceiling, news.Month:
		return t.reportOf(n, told)
	}
	return told, nil
}

// reportOf adds the report on the period. Nothing is told any more of a period that is not
// there, of steps of one that is over, or that an allowance is used where overage has
// begun: that is news of its own.
func (t *tx) reportOf(n *news.Item, told *Told) (*Told, error) {
	errs := overview.FewErrors
	if n.Kind == news.Month { // which has the whole list
		errs = overview.MostErrors
	}
	r, err := t.s.Overview.ReportIn(&t.Tx, n.Account, n.Period(), errs)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	over := n.Kind != news.Month && n.Kind != news.Daily && n.Period() != told.Standing.Period.Key
	if err != nil || over || n.Kind == news.Reached && r.Use.Overage > 0 {
		return nil, err
	}
	told.Report = r
	return told, nil
}

// waitsOf adds what waits for the cap of first sendings.
func (t *tx) waitsOf(n *news.Item, told *Told) (*Told, error) {
	a, err := t.s.Books.AccountIn(&t.Tx, n.Account)
	if err != nil {
		return nil, err
	}
	rec, err := t.s.Strangers.In(&t.Tx, a.Name)
	if err != nil {
		return nil, err
	}
	n.LastDay = rec.First.Last
	told.Waiting, told.Cap, told.LastDay = rec.Waiting, rec.First.Cap, room.DayStart(max(rec.First.Last, rec.Today.Number), t.s.zone)
	if rec.Waiting == 0 {
		return nil, nil
	}
	return told, nil
}
