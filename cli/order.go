package cli

import (
	"relay/cli/receipt"
	"relay/cli/shell"
	"relay/report/api"
	"relay/report/api/act"
	"relay/report/api/answer"
	"relay/report/money"
	"relay/store"
)

// currency of all amounts.
func (c *call) currency() string { return c.st.Currency() }

// amount of money for people.
func (c *call) amount(minor int64) string { return money.Format(minor, c.st.Currency()) }

// orderOutput is an order on an account on its way to the screen.
type orderOutput struct {
	name   string // account
	what   string // "upgrade"
	dryRun bool
}

// ordered shows what an order came to, or why it is not possible.
func (c *call) ordered(o orderOutput, r store.Receipt, err error) error {
	v, err := answer.Ordered(c.acts(), o.name, o.what, o.dryRun, &r, err)
	return receipt.Ordered(c.face(), v, act.Told(api.Acts(), c.actor(), err))
}

// face shows answers of a command that works on the store itself.
func (c *call) face() *shell.Env {
	s := innerService{&act.Local{Actor: c.actor()}, c.st.Zone(), c.st.Now}
	return &shell.Env{Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr, JSON: c.json, Service: s}
}

// actor whose command it is.
func (c *call) actor() act.Actor {
	if c.scope != nil {
		return act.Actor{Kind: act.Reseller, Name: c.scope.reseller}
	}
	return act.Actor{Kind: act.Operator}
}
