package mail

import (
	"context"
	"time"

	"relay/quota"
	"relay/report/api/accounts"
	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/words"
	"relay/store/books"
	"relay/store/standing"
)

// Usage of an account in a period.
type Usage struct {
	Account       string     `json:"account"`
	Plan          string     `json:"plan"`
	Period        string     `json:"period"`
	PeriodStart   *time.Time `json:"period_start" doc:"null: it is of no term of the account."`
	PeriodEnd     *time.Time `json:"period_end" doc:"Excluded."`
	Messages      int64      `json:"messages" doc:"E-mails charged."`
	Bytes         int64      `json:"bytes"`
	AllowMessages *int64     `json:"allowance_messages" doc:"null: unlimited."`
	AllowBytes    *int64     `json:"allowance_bytes" doc:"null: unlimited."`
	CreditMessage int64      `json:"credit_messages" doc:"Left now; of a named period 0."`
	CreditBytes   int64      `json:"credit_bytes"`
	OverMessages  int64      `json:"over_messages" doc:"Beyond the allowance, on credit or not."`
	OverBytes     int64      `json:"over_bytes"`
	Delivered     int64      `json:"delivered"`
	Deferred      int64      `json:"deferred" doc:"Of queued, those tried at least once."`
	Failed        int64      `json:"failed"`
	Queued        int64      `json:"queued"`
	Bounced       int64      `json:"bounced" doc:"Of delivered, those that came back later."`
	Complained    int64      `json:"complained" doc:"Of delivered, those that were reported as spam."`
	DSNs          int64      `json:"dsns,omitempty" doc:"Sent about this mail."`
	Withheld      int64      `json:"dsns_withheld,omitempty" doc:"DSNs that were not sent: over notices_per_hour."`
	Beyond        *Beyond    `json:"beyond_allowance,omitempty" doc:"Of the present period, where there is any."`

	Failures map[string]int64 `json:"failures,omitempty" doc:"Of failed, e-mails by category, such as InvalidRecipient; of one account, for 400 days."`
}

// Beyond is how the use of a period goes beyond its allowance.
type Beyond struct {
	Unit    string `json:"unit" doc:"That the figures are counted in."`
	Credit  int64  `json:"credit_left" doc:"Left now."`
	Drawn   int64  `json:"drawn" doc:"Credit used in the period."`
	Overage int64  `json:"overage" doc:"What neither allowance nor credit covers."`
	Free    bool   `json:"free" doc:"The plan bills no overage."`
}

// UsageOf counters, beside the allowance that a plan has in a period.
func UsageOf(u standing.Usage, plan quota.Plan, p quota.Period) Usage {
	plan = plan.In(p)
	v := Usage{
		Account: u.Account, Plan: plan.Name, Period: u.Period, PeriodStart: field.OrNull(p.Start), PeriodEnd: field.OrNull(p.End),
		Messages: u.Charged.Messages, Bytes: u.Charged.Bytes,
		Delivered: u.Delivered, Deferred: u.Deferred, Failed: u.Failed, Queued: u.Queued,
		Bounced: u.Bounced, Complained: u.Complained, DSNs: u.DSNs, Withheld: u.Withheld,
	}
	if v.AllowMessages = field.OrUnlimited(plan.Emails); v.AllowMessages != nil {
		v.OverMessages = max(0, v.Messages-*v.AllowMessages)
	}
	if v.AllowBytes = field.OrUnlimited(plan.Bandwidth); v.AllowBytes != nil {
		v.OverBytes = max(0, v.Bytes-*v.AllowBytes)
	}
	return v
}

// standingUsage is the usage of the present period, with the credit that is left.
func standingUsage(st *standing.AccountUse) Usage {
	plan := st.InPeriod()
	u := st.Usage
	u.Account, u.Period = st.Account.Name, st.Period.Key
	v := UsageOf(u, st.Plan(), st.Period)
	use := st.Use()
	if plan.Kind() == quota.Count {
		v.CreditMessage = use.Credit
	} else {
		v.CreditBytes = use.Credit
	}
	if use.Credit != 0 || use.Drawn != 0 || use.Overage != 0 {
		v.Beyond = &Beyond{Unit: plan.Unit(), Credit: use.Credit, Drawn: use.Drawn, Overage: use.Overage, Free: !plan.Bills()}
	}
	return v
}

// pastUsage is the usage of a period that is named, beside the plan of its term.
func pastUsage(s *act.Service, a *books.Account, u standing.Usage) Usage {
	if term, at, ok := a.Contracts.Find(u.Period, s.Store.Zone()); ok {
		return UsageOf(u, term.Plan, at)
	}
	return UsageOf(u, a.Plan(s.Store.BookTime()), quota.Period{})
}

// AccountUsage is the request for the usage of one account.
type AccountUsage struct {
	Account string `path:"account"`
	Period  string `query:"period" doc:"A month, 2026-11, or the first day of a month's plan. Default the present one."`
}

// UsageList is the request for the usage of many accounts.
type UsageList struct {
	act.Paging
	accounts.Filter
	Period string `query:"period" doc:"A month, 2026-11, or the first day of a month's plan: only accounts that used it. Default the present one."`
}

// Acts on usage.
var (
	ListUsage = act.NewList(act.Spec{Name: "usage", Route: "GET /v1/usage", Summary: "What accounts used of their allowance, by name", May: act.Operator | act.Reseller}, listUsage)
	ShowUsage = act.New(act.Spec{Name: "account usage", Route: "GET /v1/accounts/{account}/usage", Summary: "What an account used of its allowance", May: act.Operator | act.Reseller}, showUsage)
)

func listUsage(ctx context.Context, s *act.Service, in *UsageList, page *act.Page[Usage]) error {
	if err := checkPeriod(s, in.Period); err != nil {
		return err
	}
	w, err := in.Wanted(ctx, s, page.From)
	if err != nil {
		return err
	}
	return s.Store.Standings.EachUse(w, func(st *standing.AccountUse) error {
		name := st.Account.Name
		if !in.Stands(&st.Standing) {
			return page.Pass(name)
		}
		if in.Period == "" {
			return page.Add(standingUsage(st), name)
		}
		u, ok, err := s.Store.Standings.FindUsage(name, in.Period)
		switch {
		case err != nil:
			return err
		case !ok || u.Charged.Messages == 0:
			return page.Pass(name)
		}
		return page.Add(pastUsage(s, &st.Account, u), name)
	})
}

// showUsage also shows past periods of an account that was removed.
func showUsage(ctx context.Context, s *act.Service, in *AccountUsage) (*Usage, error) {
	if err := s.Reach(ctx, in.Account); err != nil {
		return nil, err
	}
	if err := checkPeriod(s, in.Period); err != nil {
		return nil, err
	}
	a, err := s.Account(ctx, in.Account)
	if in.Period == "" {
		if err != nil {
			return nil, err
		}
		st, err := s.Store.Standings.Use(in.Account)
		if err != nil {
			return nil, err
		}
		v := standingUsage(&st)
		return withFailures(s, &v)
	}
	u, found, failed := s.Store.Standings.FindUsage(in.Account, in.Period)
	if failed != nil {
		return nil, failed
	}
	if err != nil && !found {
		return nil, err
	}
	v := pastUsage(s, &a, u)
	return withFailures(s, &v)
}

// withFailures adds what the failures of one account were.
func withFailures(s *act.Service, v *Usage) (*Usage, error) {
	sum, err := s.Store.Outcomes.InPeriod(v.Account, v.Period)
	v.Failures = sum.Failed
	return v, err
}

// checkPeriod takes a month or a day, and the key of a period, which may have a number
// behind it; "" is the present one.
func checkPeriod(s *act.Service, text string) error {
	if text == "" || len(text) > len("2006") && words.IsPeriod(text) {
		return nil
	}
	now := s.Store.BookTime().In(s.Store.Zone()).Format("2006-01")
	return act.Invalid("period", "{usage --help}", " %q: a month such as %s, or the first day of a month's plan", text, now)
}
