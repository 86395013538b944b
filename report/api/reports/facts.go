package reports

import (
	"context"

	"relay/report/api/act"
	"relay/report/tell"
	"relay/store"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/overview"
)

// What an account may lack.
const (
	inventedAccount = "account"
	inventedUse     = "use"
	inventedInvoice = "invoice"
	inventedEvent   = "event" // it has not happened
)

// facts are what there is to tell of an account, and what of them is invented.
func facts(ctx context.Context, s *act.Service, kind, account string) (t *store.Told, invented []string, err error) {
	k, err := kindOf(kind)
	if err != nil {
		return nil, nil, err
	}
	t = tell.Sample(k.Name, s.Store.Now(), s.Store.Zone())
	if k.OfOperator() {
		return t, []string{inventedEvent}, nil
	}
	if account == "" {
		return t, []string{inventedAccount}, nil
	}
	if _, err := s.Account(ctx, account); err != nil {
		return nil, nil, err
	}
	r, err := reportOf(s, k.Name, account)
	if err != nil {
		return nil, nil, err
	}
	sample := *t
	t.News.Account, t.Account, t.Reseller, t.Standing = account, r.Account, r.Reseller, r.Standing
	switch {
	case t.Report == nil:
		return happened(s, &k, t)
	case r.Period.Key == "": // it never had a term
		t.Standing = sample.Standing
		return t, []string{inventedUse}, nil
	}
	if t.Report = r; !so(k.Name, r, s.Jobs.Near()) {
		return t, []string{inventedEvent}, nil
	}
	return t, nil, nil
}

// so is whether the account is on the side of its limit that a kind speaks of. near is in
// percent.
func so(kind news.Kind, r *overview.Report, near int) bool {
	over := r.Use.Overage > 0
	switch kind {
	case news.Near:
		return r.Standing.IsNear(near)
	case news.Reached:
		return r.Standing.IsNear(100)
	case news.Overage, news.OverageStep:
		return over
	case news.Ceiling:
		return over && r.MayOver > 0
	}
	return true
}

// reportOf the running period; for the month's report of the one before, where there is one.
func reportOf(s *act.Service, kind news.Kind, account string) (*overview.Report, error) {
	r, err := s.Store.Overview.Report(account, "")
	if err == nil && kind == news.Month && r.Before != nil {
		return s.Store.Overview.Report(account, r.Before.Period)
	}
	return r, err
}

// happened fills in what is about no use.
func happened(s *act.Service, k *tell.Kind, t *store.Told) (*store.Told, []string, error) {
	a := &t.Account
	switch {
	case byEntry[k.Name] != nil:
		e, err := lastEntry(s, a.Name, byEntry[k.Name])
		if err != nil || e == nil {
			return t, []string{inventedEvent}, err
		}
		t.Entry, t.News.Since, t.News.Why = e, e.Time, e.Note
		return t, nil, nil
	case k.OfMoney():
		list, err := s.Store.Books.InvoicesOf(a.Name, false)
		i := newest(list, k.Name)
		if err != nil || i == nil {
			return t, []string{inventedInvoice}, err
		}
		if t.Invoice = i; t.Entry != nil {
			t.Entry = &ledger.Entry{Kind: ledger.KindPayment, Money: i.Paid, Currency: i.Currency}
		}
		return t, nil, nil
	case t.Ending != nil:
		e, err := s.Store.Orders.Ending(a.Name)
		if err != nil || e == nil {
			return t, []string{inventedEvent}, err
		}
		t.Ending = e
		return t, nil, nil
	case k.Name == news.Suspended && a.Status() == ledger.Suspended:
		return t, nil, suspended(s, t)
	case k.Name == news.Resumed && a.Status() == ledger.Active:
		return t, nil, nil
	}
	return t, []string{inventedEvent}, nil
}

// suspended fills in why the account is suspended.
func suspended(s *act.Service, t *store.Told) error {
	a := &t.Account
	if t.News.Reason, t.News.Why, t.Invoice = a.Hold, a.Reason, nil; a.Abuse {
		t.News.Reason = news.ReasonAbuse
	}
	e, err := lastEntry(s, a.Name, func(e *ledger.Entry) bool { return e.Kind == ledger.KindSuspended })
	if err == nil && e != nil {
		t.Signs = e.Signs
	}
	return err
}

// byEntry has the kinds that tell of an entry of the ledger alone, and which entry that is.
var byEntry = map[news.Kind]func(*ledger.Entry) bool{
	news.Refund:     func(e *ledger.Entry) bool { return e.Kind == ledger.KindRefund },
	news.Correction: func(e *ledger.Entry) bool { return e.Kind == ledger.KindCorrection && e.Money != 0 && e.Cause == "" },
	news.Credit:     func(e *ledger.Entry) bool { return e.Kind == ledger.KindCorrection && e.Units > 0 && e.Cause == "" },
}

// lastEntry of an account's ledger that is one of those; nil: there is none.
func lastEntry(s *act.Service, account string, is func(*ledger.Entry) bool) (last *ledger.Entry, err error) {
	err = s.Store.Books.Ledger(account, func(e *ledger.Entry) error {
		if is(e) {
			one := *e
			last = &one
		}
		return nil
	})
	return last, err
}

// newest invoice that a kind could be about; nil: none.
func newest(list []ledger.Invoice, kind news.Kind) *ledger.Invoice {
	for n := len(list) - 1; n >= 0; n-- {
		i := &list[n]
		is := map[news.Kind]bool{news.Order: i.Order != nil && i.Open() > 0, news.Invoice: true, news.Receipt: i.Paid > 0, news.Overdue: i.Open() > 0}
		if is[kind] {
			return i
		}
	}
	return nil
}
