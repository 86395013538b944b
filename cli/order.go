package cli

import (
	"errors"
	"fmt"

	"relay/cli/exit"
	"relay/cli/term"
	"relay/quota"
	"relay/report/api/answer"
	"relay/report/money"
	"relay/report/words"
	"relay/store"
)

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
	no, refused := errors.AsType[*quota.Refusal](err)
	if err != nil && !refused {
		return c.orderFailed(o.name, err)
	}
	v := c.receipt(&o, &r)
	if refused {
		return c.refusedOrder(&v, no)
	}
	if c.json {
		return term.Encode(c.Stdout, v)
	}
	return c.showReceipt(&v)
}

// refusedOrder tells all the reasons at once.
func (c *call) refusedOrder(v *receiptView, no *quota.Refusal) error {
	for _, r := range no.Reasons {
		v.Refused = append(v.Refused, refusedView{string(r.Why), words.English.Reason(no.Order, &r)})
	}
	v.Invoices, v.After = []answer.Payable{}, v.Before
	if c.json {
		if err := term.Encode(c.Stdout, v); err != nil {
			return err
		}
	}
	text := words.English.Refusal(no)
	if no.Order == "refund" {
		text += fmt.Sprintf("; it would have paid back %s", c.amount(v.Amount))
	}
	return exit.Fail(exit.Failed, refusedHint(v.Account, value(v.Before.Plan), no), "account %s: %s", v.Account, text)
}

// refusedHint is the next step after the first reason that has one.
func refusedHint(name, plan string, no *quota.Refusal) string {
	switch {
	case no.Order == "refund":
		return "relay account close " + name + " ends it without paying back; relay account correct " + name + " enters an amount of your own"
	case no.For(quota.WhyOrdered):
		return "relay account close " + name + " ends both"
	case no.Order == "plan":
		return "wait for the month to turn, or renew with the smaller plan: relay account renew " + name + " --plan PLAN"
	case no.For(quota.WhyEnded), no.For(quota.WhyUsedUp):
		return "relay account renew " + name
	case no.For(quota.WhySmaller), no.For(quota.WhyCheaper), no.For(quota.WhyKind) && no.Order == "upgrade", no.For(quota.WhyTerm) && no.Order == "upgrade":
		return "relay account renew " + name + " --plan PLAN changes to any plan when the term ends"
	case no.For(quota.WhyNoBlock):
		return "relay plan show " + plan + " has its blocks"
	}
	return "relay plan list shows the plans"
}

// orderFailed says in the words of a command what the store found.
func (c *call) orderFailed(name string, err error) error {
	switch {
	case errors.Is(err, store.ErrClosed):
		return closedForGood(name)
	case errors.Is(err, store.ErrUsed):
		return usedName(name)
	case errors.Is(err, store.ErrPending):
		return exit.Fail(exit.Failed, "relay account show "+name+" has its invoice; relay account activate "+name+" does not wait for the payment",
			"account %s is pending: it has no term yet", name)
	case errors.Is(err, quota.ErrOverflow):
		return exit.Fail(exit.Failed, "order less at a time", "account %s: that is more than can be counted", name)
	}
	return c.noAccount(name, err)
}

func closedForGood(name string) error {
	return exit.Fail(exit.Failed, "add another one: relay account add NAME --plan PLAN", "account %s is closed for good", name)
}
