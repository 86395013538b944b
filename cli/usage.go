package cli

import (
	"fmt"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/term"
	"relay/quota"
	"relay/report/api/field"
	"relay/report/words"
	"relay/store"
)

// usageView is the usage of an account in a period as programs see it.
type usageView struct {
	Account       string `json:"account"`
	Plan          string `json:"plan"`
	Period        string `json:"period"`
	Messages      int64  `json:"messages"` // e-mails charged
	Bytes         int64  `json:"bytes"`
	AllowMessages *int64 `json:"allowance_messages"` // null: unlimited
	AllowBytes    *int64 `json:"allowance_bytes"`
	CreditMessage int64  `json:"credit_messages"` // left now; of a named period 0
	CreditBytes   int64  `json:"credit_bytes"`
	OverMessages  int64  `json:"over_messages"` // beyond the allowance, on credit or not
	OverBytes     int64  `json:"over_bytes"`
	Delivered     int64  `json:"delivered"`
	Deferred      int64  `json:"deferred"` // of queued, those tried at least once
	Failed        int64  `json:"failed"`
	Queued        int64  `json:"queued"`
	DSNs          int64  `json:"dsns,omitempty"`          // sent about this mail
	Withheld      int64  `json:"dsns_withheld,omitempty"` // that were not: over notices_per_hour

	free bool      // the plan bills nothing beyond its allowance
	use  quota.Use // how the present period's is met
	unit string    // that use is counted in; "": it is not known
}

func viewUsage(u store.Usage, plan quota.Plan) usageView {
	v := usageView{
		Account: u.Account, Plan: plan.Name, Period: u.Period,
		Messages: u.Charged.Messages, Bytes: u.Charged.Bytes,
		Delivered: u.Delivered, Deferred: u.Deferred, Failed: u.Failed, Queued: u.Queued,
		DSNs: u.DSNs, Withheld: u.Withheld,
	}
	if v.AllowMessages = field.OrUnlimited(plan.Emails); v.AllowMessages != nil {
		v.OverMessages = max(0, v.Messages-*v.AllowMessages)
	}
	if v.AllowBytes = field.OrUnlimited(plan.Bandwidth); v.AllowBytes != nil {
		v.OverBytes = max(0, v.Bytes-*v.AllowBytes)
	}
	return v
}

func (p *program) usageCommand() *cli.Command {
	var period string
	var f accountFilter
	return p.onStore(&cli.Command{
		Name: "usage", ArgsUsage: "[NAME]", Usage: "what was used of the allowance",
		Description: `An e-mail is one recipient's copy; its size is the message's as handed over. Sizes are decimal. Credit is what is left of it now; over is what was used beyond the allowance, on credit or not.

The period is the present one unless --period names another: a month (2026-11), or the first day of a month's plan (2026-11-23). The allowance beside a past period is that of its term as it is now; relay account statement has it as it was.

Without NAME it lists all accounts, by name; with --period those that used it. The filters are for that list.`,
		Flags: append([]cli.Flag{&cli.StringFlag{Name: "period", Usage: "`PERIOD` a month, 2026-11, or the first day of a month's plan", Destination: &period}}, f.flags()...),
	}, work{run: func(c *call) error {
		if period != "" && (len(period) < len("2006-01") || !isPeriod(period)) {
			return exit.Usage("relay usage --help", "--period %q: a month such as %s, or the first day of a month's plan", period, c.now().In(c.st.Zone()).Format("2006-01"))
		}
		if len(c.args) == 0 {
			return c.usageAll(period, &f)
		}
		if f.owner != "" || f.reseller != "" || f.state != "" || f.limit.Given {
			return exit.Usage("leave out NAME, or the filters", "--owner, --reseller, --state and --limit are for the list of all accounts")
		}
		v, err := c.usage(c.args[0], period)
		if err != nil {
			return err
		}
		return c.showUsage(&v)
	}})
}

// usage of one account. One that was removed still has its past periods.
func (c *call) usage(name, period string) (usageView, error) {
	a, err := c.account(name)
	if period == "" {
		if err != nil {
			return usageView{}, err
		}
		st, err := c.st.Standing(name)
		return c.viewStanding(&st), err
	}
	u, found, usedErr := c.st.UsedIn(name, period)
	if usedErr != nil {
		return usageView{}, usedErr
	}
	if err != nil && !found {
		return usageView{}, err
	}
	return c.viewPast(&a, u), nil
}

// viewStanding is the usage of the present period, with the credit that is left.
func (c *call) viewStanding(st *store.Standing) usageView {
	plan := st.InPeriod()
	u := st.Usage
	u.Account, u.Period = st.Account.Name, st.Period.Key
	v := viewUsage(u, plan)
	v.use, v.unit, v.free = st.Use(), plan.Unit(), !plan.Bills()
	if credit := v.use.Credit; plan.Kind() == quota.Count {
		v.CreditMessage = credit
	} else {
		v.CreditBytes = credit
	}
	return v
}

// viewPast is the usage of a period that is named, beside the plan of its term.
func (c *call) viewPast(a *store.Account, u store.Usage) usageView {
	if term, at, ok := a.Contracts.Find(u.Period, c.st.Zone()); ok {
		return viewUsage(u, term.Plan.In(at))
	}
	return viewUsage(u, a.Plan(c.now()))
}

func (c *call) showUsage(v *usageView) error {
	if c.json {
		return term.Encode(c.Stdout, v)
	}
	return term.WriteFields(c.Stdout, []term.Field{
		{"account", v.Account},
		{"plan", orElse(v.Plan, "-")},
		{"period", v.Period},
		{"e-mails", used(words.Number(v.Messages), v.Messages, v.AllowMessages, words.Number)},
		{"bandwidth", used(words.Size(v.Bytes), v.Bytes, v.AllowBytes, words.Size)},
		{"credit", creditText(v)},
		{"overage", overageText(v)},
		{"delivered", words.Number(v.Delivered)},
		{"failed", words.Number(v.Failed)},
		{"queued", fmt.Sprintf("%s, of these deferred: %s", words.Number(v.Queued), words.Number(v.Deferred))},
		{"DSNs", dsnText(v)},
	})
}

// dsnText is how many DSNs went out about the account's mail; "": none.
func dsnText(v *usageView) string {
	switch {
	case v.Withheld > 0:
		return fmt.Sprintf("%s sent; %s not, over notices_per_hour", words.Number(v.DSNs), words.Number(v.Withheld))
	case v.DSNs > 0:
		return words.Number(v.DSNs) + " sent"
	}
	return ""
}

// creditText is the credit that is left beside the allowance, and what the
// period used of it; "": there is none.
func creditText(v *usageView) string {
	if v.use.Credit == 0 && v.use.Drawn == 0 {
		return ""
	}
	text := words.Units(v.use.Credit, v.unit) + " left"
	if v.use.Drawn > 0 {
		text += ", used in this period " + words.Units(v.use.Drawn, v.unit)
	}
	return text
}

// overageText is what neither allowance nor credit covers; "": there is none.
func overageText(v *usageView) string {
	if v.use.Overage == 0 {
		return ""
	}
	if v.free {
		return words.Units(v.use.Overage, v.unit) + ", not billed"
	}
	return words.Units(v.use.Overage, v.unit) + ", to be settled when the period ends"
}

// used is "1,200 of 9,000 (13 %)".
func used(text string, n int64, limit *int64, format func(int64) string) string {
	if limit == nil {
		return text + ", unlimited"
	}
	text = fmt.Sprintf("%s of %s%s", text, format(*limit), words.Percent(n, *limit))
	if n > *limit {
		text += ", over by " + format(n-*limit)
	}
	return text
}

func limitText(n *int64, format func(int64) string) string {
	if n == nil {
		return "any"
	}
	return format(*n)
}
