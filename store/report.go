package store

import (
	"fmt"
	"slices"
	"time"

	"relay/quota"
)

// Report is what there is to tell of an account and one of its periods. It is read in one
// transaction, at a cost that does not grow with what the account did in years before.
type Report struct {
	Account  Account
	Reseller *Reseller // who manages it; nil: the operator
	Standing Standing  // now

	Contract quota.Contract // the one that Period belongs to
	Period   quota.Period
	Plan     quota.Plan // as it holds in Period
	Usage    Usage      // in Period
	Before   *Usage     // in the period before; nil: there was none

	Use      quota.Use   // how Usage is met; of a period that is closed as it was closed
	MayOver  int64       // overage that is allowed, in units of the plan; quota.Endless: any
	OverCost int64       // what the overage comes to as it would be settled now, with tax; minor units
	Currency string      // of OverCost
	Lots     []quota.Lot // credit that is left, in the order of use

	Days       []Day // with mail, of Period
	DaysBefore []Day // likewise, of the period before
	Recent     []Day // likewise, of the 56 days before today, whatever their period

	Errors     []RefusedRecipient // the last to be refused first, at most 10,000
	ErrorCount int64              // of all that are kept
	Logins     []LoginUse         // by name
	Remarks    []Remark           // of days in Period, as far as they are kept
	Invoice    *Invoice           // the payment request for the overage of Period; nil: none
}

// mostErrors is how much of the list of errors a report has.
const mostErrors = 10_000

// Day is what an account's mail of a day in the operator's zone came to.
type Day struct {
	Day    string // "2026-11-29"
	Emails int64  // that were accepted
	Bytes  int64

	Delivered int64                  // of them until now
	Deferred  int64                  // put off at least once
	Failed    map[string]int64       // given up, by category
	Providers map[string]ProviderDay // by name of the provider; "other": beyond the first 20
}

// ProviderDay is what became of a day's mail at one provider.
type ProviderDay struct {
	Delivered int64 `json:"delivered,omitempty"`
	Deferred  int64 `json:"deferred,omitempty"`
	Failed    int64 `json:"failed,omitempty"`
}

// RefusedRecipient is an entry of an account's list of errors.
type RefusedRecipient struct {
	Recipient string    `json:"recipient"` // as it was written last
	Category  string    `json:"category"`
	Class     string    `json:"class"` // "failed", "expired", "suppressed"
	Code      string    `json:"code,omitempty"`
	Enhanced  string    `json:"enhanced,omitempty"`
	Reply     string    `json:"reply,omitempty"`
	Source    string    `json:"source"` // "smtp", "bounce", "complaint"
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Count     int64     `json:"count"`                // e-mails
	MessageID string    `json:"message_id,omitempty"` // of the message that met the reply, with brackets
	Advice    string    `json:"-"`                    // "remove", "watch", "not-yours"
}

// LoginUse is where a login was used lately.
type LoginUse struct {
	Login  string
	Last   time.Time // zero: not lately
	Places []Place   // the last one first
}

// Report of an account and the period with that key, "" being the one that runs. It fails
// with ErrNotFound if the account or the period is not there.
func (s *Store) Report(account, period string) (r *Report, err error) {
	err = s.view(func(t *tx) error { r, err = t.report(account, period); return err })
	return r, err
}

func (t *tx) report(account, period string) (*Report, error) {
	st, err := t.standing(account)
	if err != nil {
		return nil, err
	}
	r := &Report{Account: st.Account, Standing: st, Currency: t.currency()}
	r.Standing.due = nil // it dies with the transaction
	if r.Account.Reseller != "" {
		is, err := load[Reseller](t, resellers, r.Account.Reseller)
		if err != nil {
			return nil, err
		}
		r.Reseller = &is
	}
	if period == "" {
		period = st.Period.Key
	}
	c, p, ok := r.Account.Contracts.Find(period, t.s.zone)
	if !ok && period != "" {
		return nil, fmt.Errorf("period %q of account %q: %w", period, account, ErrNotFound)
	}
	r.Contract, r.Period, r.Plan = c, p, st.Plan()
	if ok {
		r.Plan = c.Plan.In(p)
	}
	r.Usage = *t.usage(account, period)
	r.Use = quota.Split(r.Plan, r.Usage.Charged, nil)
	if p.Key == st.Period.Key {
		r.Use = st.Use()
	}
	r.MayOver = c.Plan.MayOver(r.Account.AtLimit, r.Account.OverMax)
	r.Lots = slices.Clone(st.Live)
	r.Logins, err = t.loginUses(account)
	return r, err
}

// loginUses are the logins of an account, with where they were used lately.
func (t *tx) loginUses(account string) (list []LoginUse, err error) {
	for _, login := range t.owned(ownLogins, account) {
		u := LoginUse{Login: login}
		if _, err := t.get(places, []byte(login), &u.Places); err != nil {
			return nil, err
		}
		slices.SortStableFunc(u.Places, func(a, b Place) int { return b.Last.Compare(a.Last) })
		if len(u.Places) > 0 {
			u.Last = u.Places[0].Last
		}
		list = append(list, u)
	}
	return list, nil
}
