package cli

import (
	"fmt"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/quota"
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
	CreditMessage int64  `json:"credit_messages"`
	CreditBytes   int64  `json:"credit_bytes"`
	OverMessages  int64  `json:"over_messages"`
	OverBytes     int64  `json:"over_bytes"`
	Delivered     int64  `json:"delivered"`
	Deferred      int64  `json:"deferred"` // of queued, those tried at least once
	Failed        int64  `json:"failed"`
	Queued        int64  `json:"queued"`
}

func viewUsage(u store.Usage, plan quota.Plan) usageView {
	v := usageView{
		Account: u.Account, Plan: plan.Name, Period: u.Period,
		Messages: u.Charged.Messages, Bytes: u.Charged.Bytes,
		Delivered: u.Delivered, Deferred: u.Deferred, Failed: u.Failed, Queued: u.Queued,
	}
	if plan.Emails > 0 {
		v.AllowMessages = &plan.Emails
		v.OverMessages = max(0, v.Messages-plan.Emails)
	}
	if plan.Bandwidth > 0 {
		v.AllowBytes = &plan.Bandwidth
		v.OverBytes = max(0, v.Bytes-plan.Bandwidth)
	}
	return v
}

func (p *program) usageCommand() *cli.Command {
	var period string
	return p.onStore(&cli.Command{
		Name: "usage", ArgsUsage: "[NAME]", Usage: "what was used of the allowance",
		Description: `An e-mail is one recipient's copy; its size is the message's as handed over. Sizes are decimal.

The period is the present one unless --period names another: a month (2026-11), or the first day of a month's plan (2026-11-23).`,
		Flags: []cli.Flag{&cli.StringFlag{Name: "period", Usage: "`PERIOD` a month, 2026-11, or the first day of a month's plan", Destination: &period}},
	}, work{run: func(c *call) error {
		if len(c.args) == 0 {
			return c.usageAll(period)
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
		st.Usage.Account, st.Usage.Period = name, st.Period.Key
		return viewUsage(st.Usage, st.Account.Plan(c.now())), err
	}
	u, found, listErr := c.pastUsage(name, period)
	if listErr != nil {
		return usageView{}, listErr
	}
	if err != nil && !found {
		return usageView{}, err
	}
	return viewUsage(u, a.Plan(c.now())), nil
}

// pastUsage finds a period by its key, or a month's plan by the month it began
// in; the last one that did.
func (c *call) pastUsage(name, period string) (found store.Usage, ok bool, err error) {
	found.Account, found.Period = name, period
	list, err := c.st.Usages(name)
	for _, u := range list {
		if u.Period == period {
			return u, true, err
		}
		if strings.HasPrefix(u.Period, period+"-") {
			found, ok = u, true
		}
	}
	return found, ok, err
}

func (c *call) showUsage(v *usageView) error {
	if c.json {
		return encode(c.Stdout, v)
	}
	return writeFields(c.Stdout, []field{
		{"account", v.Account},
		{"plan", orElse(v.Plan, "-")},
		{"period", v.Period},
		{"e-mails", used(number(v.Messages), v.Messages, v.AllowMessages, number)},
		{"bandwidth", used(size(v.Bytes), v.Bytes, v.AllowBytes, size)},
		{"delivered", number(v.Delivered)},
		{"failed", number(v.Failed)},
		{"queued", fmt.Sprintf("%s, of these deferred: %s", number(v.Queued), number(v.Deferred))},
	})
}

// used is "1,200 of 9,000 (13 %)".
func used(text string, n int64, limit *int64, format func(int64) string) string {
	if limit == nil {
		return text + ", unlimited"
	}
	text = fmt.Sprintf("%s of %s%s", text, format(*limit), percent(n, *limit))
	if n > *limit {
		text += ", over by " + format(n-*limit)
	}
	return text
}

// usageAll lists the accounts there are; with a period, those that used it.
func (c *call) usageAll(period string) error {
	a := array{w: c.Stdout}
	t := newTable(column{head: "ACCOUNT", least: 12}, column{head: "PERIOD"}, column{head: "E-MAILS", right: true},
		column{head: "OF", right: true}, column{head: "BANDWIDTH", right: true}, column{head: "OF", right: true},
		column{head: "FAILED", right: true}, column{head: "QUEUED", right: true})
	err := c.st.Accounts(func(acct store.Account) error {
		v, err := c.usage(acct.Name, period)
		if err != nil || (period != "" && v.Messages == 0) {
			return err
		}
		if c.json {
			return a.add(v)
		}
		t.add(v.Account, v.Period, number(v.Messages), limitText(v.AllowMessages, number),
			size(v.Bytes), limitText(v.AllowBytes, size), number(v.Failed), number(v.Queued))
		return nil
	})
	if err != nil {
		return err
	}
	if c.json {
		return a.end()
	}
	return t.write(c.Stdout)
}

func limitText(n *int64, format func(int64) string) string {
	if n == nil {
		return "any"
	}
	return format(*n)
}
