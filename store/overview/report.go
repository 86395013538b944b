package overview

import (
	"fmt"
	"math"
	"slices"
	"time"

	"relay/quota"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/people"
	"relay/store/refusals"
	"relay/store/remark"
	"relay/store/room"
	"relay/store/standing"
)

// Report is what there is to tell of an account and one of its periods. It is read in one
// transaction, at a cost that does not grow with what the account did in years before.
type Report struct {
	Account  books.Account
	Reseller *people.Reseller  // who manages it; nil: the operator
	Standing standing.Standing // now

	Contract quota.Contract // the one that Period belongs to
	Period   quota.Period
	Plan     quota.Plan      // as it holds in Period
	Usage    standing.Usage  // in Period
	Before   *standing.Usage // in the period before; nil: there was none

	Use      quota.Use   // how Usage is met; of a period that is closed as it was closed
	MayOver  int64       // overage that is allowed, in units of the plan; quota.Endless: any
	OverCost int64       // what the overage comes to as it would be settled now, or was, with tax; minor units
	Currency string      // of OverCost
	Lots     []quota.Lot // credit that is left, in the order of use

	Days       []Day // with mail, of Period
	DaysBefore []Day // likewise, of the period before
	Recent     []Day // likewise, of the 56 days before today, whatever their period

	Errors     []refusals.Entry // the last to be refused first, at most 10,000
	ErrorCount int64            // of all that are kept
	Logins     []LoginUse       // by name
	Remarks    []remark.Remark  // of days in Period, as far as they are kept
	Invoice    *ledger.Invoice  // the payment request for the overage of Period; nil: none

	PeriodBefore quota.Period // the one before Period; one without a key: none
}

const (
	MostErrors = 10_000 // in a report that has the list of errors
	FewErrors  = 100    // in one that shows some of them
	recentDays = 56     // of Report.Recent
)

// LoginUse is where a login was used lately.
type LoginUse struct {
	Login  string
	Last   time.Time      // zero: not lately
	Places []people.Place // the last one first
}

// Report of an account and the period with that key, "" being the one that runs. It fails
// with room.ErrNotFound if the account or the period is not there.
func (s *Overview) Report(account, period string) (r *Report, err error) {
	err = s.view(func(t *room.Tx) error { r, err = s.ReportIn(t, account, period, MostErrors); return err })
	return r, err
}

// ReportIn is Report as this transaction sees it, with at most errs entries of the list of errors.
func (s *Overview) ReportIn(t *room.Tx, account, period string, errs int) (*Report, error) {
	st, err := s.r.Standings.StandingIn(t, account)
	if err != nil {
		return nil, err
	}
	r := &Report{Account: st.Account, Standing: st, Currency: s.r.Books.CurrencyIn(t)}
	due := r.Standing.TakeClose()
	if r.Reseller, err = people.ResellerIn(t, r.Account.Reseller); err != nil {
		return nil, err
	}
	if err := s.inPeriod(t, r, period); err != nil {
		return nil, err
	}
	w, err := s.windowOf(t, r, due)
	if err != nil {
		return nil, err
	}
	for _, part := range []func() error{
		func() error { return s.money(t, r, w) },
		func() error { return s.days(t, r, w, due) },
		func() error { return s.errors(t, r, errs) },
		func() (err error) { r.Logins, err = s.loginUses(t, account); return err },
		func() (err error) { r.Remarks, err = s.remarksIn(t, account, r.Period); return err },
	} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// inPeriod fills in the period and the one before it.
func (s *Overview) inPeriod(t *room.Tx, r *Report, key string) error {
	st := &r.Standing
	if key == "" {
		key = st.Period.Key
	}
	r.Plan = st.Plan()
	if key == "" { // an account that was never active
		return nil
	}
	ok := false
	if r.Contract, r.Period, ok = r.Account.Contracts.Find(key, s.zone); !ok {
		return fmt.Errorf("period %q of account %q: %w", key, r.Account.Name, room.ErrNotFound)
	}
	r.Plan = r.Contract.Plan.In(r.Period)
	r.MayOver = r.Contract.Plan.MayOver(r.Account.AtLimit, r.Account.OverMax)
	r.Usage = s.r.Standings.UsageIn(t, r.Account.Name, key)
	if r.PeriodBefore = r.Account.Contracts.Before(r.Period, s.zone); r.PeriodBefore.Key != "" {
		u := s.r.Standings.UsageIn(t, r.Account.Name, r.PeriodBefore.Key)
		r.Before = &u
	}
	return nil
}

// money fills in how the usage is met, and what that costs.
func (s *Overview) money(t *room.Tx, r *Report, w *window) error {
	st := &r.Standing
	r.Lots = slices.Clone(st.Live)
	if r.Period.Key != st.Period.Key || r.Period.Key != r.Account.Open { // it is closed, or not begun
		r.Use = quota.Use{Over: quota.Over(r.Plan, r.Usage.Charged), Drawn: w.drawn, Overage: w.overage, Credit: quota.Sum(r.Lots)}
		if r.OverCost = w.cost; w.invoice == 0 {
			return nil
		}
		inv, err := s.r.Books.InvoiceIn(t, w.invoice)
		r.Invoice = &inv
		return err
	}
	r.Use = st.Use()
	_, r.Lots, _ = quota.Draw(r.Lots, r.Use.Drawn)
	r.OverCost = s.costNow(t, r)
	return nil
}

// costNow is the payment request for the overage if the period were closed now. What cannot
// be counted is the most there is.
func (s *Overview) costNow(t *room.Tx, r *Report) int64 {
	is, err := quota.ClosePeriod(quota.Closing{Plan: r.Plan, Period: r.Period, Expiry: r.Contract.End, Used: r.Usage.Charged, Lots: r.Account.Lots})
	if err != nil {
		return math.MaxInt64
	}
	inv := ledger.Invoice{Kind: ledger.ForOverage}
	for _, b := range is.Bought.Blocks {
		inv.Lines = append(inv.Lines, ledger.InvoiceLine{Count: b.Count, Price: b.Price})
	}
	if inv.AddUp(s.r.Books.Billing().TaxRate) != nil {
		return math.MaxInt64
	}
	return inv.Total
}

// errors fills in the newest entries of the list of errors.
func (s *Overview) errors(t *room.Tx, r *Report, most int) (err error) {
	r.Errors, r.ErrorCount, err = s.r.Refusals.Newest(t, r.Account.Name, time.Time{}, most)
	return err
}

// loginUses are the logins of an account, with where they were used lately.
func (s *Overview) loginUses(t *room.Tx, account string) (list []LoginUse, err error) {
	for _, login := range people.OwnLogins.Keys(t, account) {
		u := LoginUse{Login: login}
		a, err := s.r.Access.UsesIn(t, login)
		if err != nil {
			return nil, err
		}
		for i := range a.Networks {
			for _, at := range a.Networks[i].Addresses {
				u.Places = append(u.Places, people.Place{Network: at.Address, Last: at.Last})
			}
		}
		slices.SortStableFunc(u.Places, func(a, b people.Place) int { return b.Last.Compare(a.Last) })
		if len(u.Places) > 0 {
			u.Last = u.Places[0].Last
		}
		list = append(list, u)
	}
	return list, nil
}

// remarksIn are the remarks on days of a period.
func (s *Overview) remarksIn(t *room.Tx, account string, p quota.Period) ([]remark.Remark, error) {
	if p.Key == "" {
		return nil, nil
	}
	list, err := s.r.Remarks.Read(t, account, room.Day(p.Start, s.zone))
	last := quota.LastDay(p.End, s.zone).Format(time.DateOnly)
	return slices.DeleteFunc(list, func(r remark.Remark) bool { return r.Day > last }), err
}
