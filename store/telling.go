package store

import (
	"errors"
	"time"
)

// Told is what there is to tell of a piece of news, read in one transaction.
type Told struct {
	News     News
	ID       ID // for the mails' Message-IDs
	Account  Account
	Reseller *Reseller // who manages it; nil: the operator
	Standing Standing  // now
	Invoice  *Invoice  // that it is about; nil: none
	Report   *Report   // of the period that News.About names, of kinds about use; nil: others
	Entry    *Entry    // of the ledger, of receipt, reversal, suspended and resumed; nil: of others
	Also     []string  // further invoices that a payment names
	Domain   *Domain   // of domain; nil: of others
	Ending   *Warning  // of ending and ended; nil: of others

	Waiting int64     // of NewsWaits: recipients
	Cap     int       // of it: a day, now
	LastDay time.Time // of it: on which the last of them goes out, if all goes well
}

// Telling reads what there is to tell of a piece of news; nil: nothing any more. n is to be
// handed to Tell in either case.
func (s *Store) Telling(n *News) (told *Told, err error) {
	err = s.view(func(t *tx) error {
		told, err = t.telling(n)
		return err
	})
	return told, err
}

func (t *tx) telling(n *News) (*Told, error) {
	if is, err := t.pendingNews(n); err != nil || is == nil {
		return nil, err
	}
	told := &Told{News: *n, ID: t.s.ids.next(t.wall)}
	if n.Account == "" {
		return told, nil
	}
	st, err := t.standing(n.Account)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	st.due = nil // it dies with the transaction
	told.Account, told.Standing = st.Account, st
	if told.Reseller, err = t.resellerOf(&st.Account); err != nil {
		return nil, err
	}
	return t.factsOf(n, told)
}

// factsOf adds what is of the kind; nil: there is nothing to tell any more.
func (t *tx) factsOf(n *News, told *Told) (*Told, error) {
	if n.overtaken(&told.Account) {
		return nil, nil
	}
	switch n.Kind {
	case NewsWaits:
		return t.waitsOf(n, told)
	case NewsOrder, NewsInvoice, NewsOverdue:
		return told, t.invoiceOf(n.About, told)
	case NewsReceipt, NewsReversal, NewsSuspended, NewsResumed:
		return told, t.entryOf(n, told)
	case NewsEnding, NewsEnded:
		return t.endingOf(n, told)
	case NewsDomain:
		return t.domainOf(n, told)
	case NewsUsage, NewsDaily, NewsNear, NewsReached, NewsOverage, NewsOverageStep, NewsCeiling, NewsMonth:
		return t.reportOf(n, told)
	}
	return told, nil
}

// reportOf adds the report on the period. Nothing is told any more of a period that is not
// there, of steps of one that is over, or that an allowance is used where overage has
// begun: that is news of its own.
func (t *tx) reportOf(n *News, told *Told) (*Told, error) {
	errs := fewErrors
	if n.Kind == NewsMonth { // which has the whole list
		errs = mostErrors
	}
	r, err := t.report(n.Account, n.Period(), errs)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	over := n.Kind != NewsMonth && n.Kind != NewsDaily && n.Period() != told.Standing.Period.Key
	if err != nil || over || n.Kind == NewsReached && r.Use.Overage > 0 {
		return nil, err
	}
	told.Report = r
	return told, nil
}

// waitsOf adds what waits for the cap of first sendings.
func (t *tx) waitsOf(n *News, told *Told) (*Told, error) {
	a, err := t.account(n.Account)
	if err != nil {
		return nil, err
	}
	rec, _, err := t.record(a)
	if err != nil {
		return nil, err
	}
	n.lastDay = rec.First.Last
	told.Waiting, told.Cap, told.LastDay = rec.Waiting, rec.First.Cap, DayStart(max(rec.First.Last, rec.Today.Number), t.s.zone)
	if rec.Waiting == 0 {
		return nil, nil
	}
	return told, nil
}
