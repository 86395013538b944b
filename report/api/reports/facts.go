package reports

import (
	"context"

	"relay/report/api/act"
	"relay/report/tell"
	"relay/store"
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
	if t.Report = r; !so(k.Name, r) {
		return t, []string{inventedEvent}, nil
	}
	return t, nil, nil
}

// so is whether the account is on the side of its limit that a kind speaks of.
func so(kind store.NewsKind, r *store.Report) bool {
	over := r.Use.Overage > 0
	switch kind {
	case store.NewsNear, store.NewsReached:
		return !over
	case store.NewsOverage, store.NewsOverageStep:
		return over
	case store.NewsCeiling:
		return over && r.MayOver > 0
	}
	return true
}

// reportOf the running period; for the month's report of the one before, where there is one.
func reportOf(s *act.Service, kind store.NewsKind, account string) (*store.Report, error) {
	r, err := s.Store.Report(account, "")
	if err == nil && kind == store.NewsMonth && r.Before != nil {
		return s.Store.Report(account, r.Before.Period)
	}
	return r, err
}

// happened fills in what is about no use.
func happened(s *act.Service, k *tell.Kind, t *store.Told) (*store.Told, []string, error) {
	a := &t.Account
	switch {
	case k.OfMoney():
		list, err := s.Store.InvoicesOf(a.Name, false)
		i := newest(list, k.Name)
		if err != nil || i == nil {
			return t, []string{inventedInvoice}, err
		}
		if t.Invoice = i; t.Entry != nil {
			t.Entry = &store.Entry{Kind: store.KindPayment, Money: i.Paid, Currency: i.Currency}
		}
		return t, nil, nil
	case t.Ending != nil:
		e, err := s.Store.Ending(a.Name)
		if err != nil || e == nil {
			return t, []string{inventedEvent}, err
		}
		t.Ending = e
		return t, nil, nil
	case k.Name == store.NewsSuspended && a.Status() == store.Suspended:
		if t.News.Reason, t.News.Why, t.Invoice = a.Hold, a.Reason, nil; a.Abuse {
			t.News.Reason = store.ReasonAbuse
		}
		return t, nil, nil
	case k.Name == store.NewsResumed && a.Status() == store.Active:
		return t, nil, nil
	}
	return t, []string{inventedEvent}, nil
}

// newest invoice that a kind could be about; nil: none.
func newest(list []store.Invoice, kind store.NewsKind) *store.Invoice {
	for n := len(list) - 1; n >= 0; n-- {
		i := &list[n]
		is := map[store.NewsKind]bool{store.NewsOrder: i.Order != nil && i.Open() > 0, store.NewsInvoice: true, store.NewsReceipt: i.Paid > 0, store.NewsOverdue: i.Open() > 0}
		if is[kind] {
			return i
		}
	}
	return nil
}
