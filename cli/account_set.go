package cli

import (
	"cmp"
	"errors"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/quota"
	"relay/report/api/answer"
	"relay/report/money"
	"relay/report/words"
	"relay/store"
)

// accountChange is what relay account set is given beside the common flags.
type accountChange struct {
	accountFlags
	abuse string
}

func (p *program) accountSet() *cli.Command {
	var f accountChange
	flags := append(f.flags(false),
		&cli.StringFlag{Name: "abuse", Usage: "`REASON` mark it for abuse, which forbids a refund (or: none)", Destination: &f.abuse})
	return p.onStore(&cli.Command{
		Name: "set", ArgsUsage: "NAME", Flags: flags,
		Usage: "change contact, senders, limit, owner, payment",
		Description: `All that is given is set at once, or nothing of it. --sender replaces the whole list; --sender any lifts the restriction.

--plan is for plans without a price. One of the same term and kind holds from now on, for the current period too; any other starts a new term now, and the credit is lost. With the account's own plan it takes over what was changed in it, as long as the price is the same. What costs money is bought: relay account upgrade, relay account renew.`,
	}, work{run: func(c *call) error { return c.accountSet(c.args[0], &f) }})
}

func (c *call) accountSet(name string, f *accountChange) error {
	if f.plan == "" && f.contact == "" && f.atLimit == "" && !f.overMax.Given && !f.senders.Given && f.owner == "" && f.reseller == "" && f.abuse == "" && !f.buying.given() {
		return exit.Usage("relay account set --help", "nothing to set")
	}
	has, err := c.account(name)
	if err != nil {
		return err
	}
	owner := has.Owner
	if take(&owner, f.owner); f.method != "" {
		if err := c.mayPayBy(f.method, owner); err != nil {
			return err
		}
	}
	var to *quota.Plan
	if f.plan != "" {
		p, err := c.plan(f.plan)
		if err != nil {
			return err
		}
		to = &p
	}
	if err := c.known(shell.NotNone(f.owner), shell.NotNone(f.reseller)); err != nil {
		return err
	}
	currency := c.currency() // before: the function runs inside the store's writer
	r, err := c.st.ChangeAccount(c.order(false), name, func(a *store.Account) (store.Change, error) { return f.change(a, to, c.now(), currency) })
	if no, ok := errors.AsType[*quota.Refusal](err); ok {
		return exit.Fail(exit.Failed, refusedHint(name, f.plan, no), "account %s: %s", name, words.English.Refusal(no))
	}
	if err != nil {
		return c.orderFailed(name, err)
	}
	if to != nil || f.atLimit != "" {
		plan := r.After.Plan(c.now())
		c.noteUnbilled(r.After.Limit(plan), plan)
	}
	return c.showAccount(name)
}

// noteUnbilled: an account that goes on at the limit of a plan without blocks sends
// what it likes.
func (c *call) noteUnbilled(limit quota.AtLimit, p quota.Plan) {
	if limit == quota.Continue && p.Allows(limit) && !p.Bills() {
		c.note("plan %s has no blocks: what is used over its allowance is not billed", p.Name)
	}
}

// change sets all that was given; to is nil where no plan was.
func (f *accountChange) change(a *store.Account, to *quota.Plan, now time.Time, currency string) (is store.Change, err error) {
	plan := a.Plan(now)
	if to != nil {
		if err := mayHave(a, plan, to, currency); err != nil {
			return is, err
		}
		plan, is.Plan = *to, to
	}
	if err := cmp.Or(f.apply(a), f.limit(a, plan)); err != nil {
		return is, err
	}
	if reason := term.Cut(term.Clean(strings.TrimSpace(shell.NotNone(f.abuse))), 200); reason != "" || f.abuse != "" && a.Abuse {
		is.Abuse = &reason
	}
	return is, nil
}

// mayHave says why an account that has a plan cannot be given another one without
// money.
func mayHave(a *store.Account, has quota.Plan, p *quota.Plan, currency string) error {
	own := p.Name == has.Name && p.Price == has.Price && p.Term == has.Term && p.Kind() == has.Kind()
	buy := "relay account upgrade " + a.Name + " --plan " + p.Name + " for the present term, or relay account renew " + a.Name + " --plan " + p.Name + " for the next one"
	switch {
	case a.State == store.Closed:
		return closedForGood(a.Name)
	case a.Ordered != nil && has.Price > 0:
		return exit.Fail(exit.Failed, "relay account close "+a.Name+", and add another one with that plan; or relay account activate "+a.Name+" first",
			"account %s waits for the payment of plan %s", a.Name, has.Name)
	case own:
		return nil
	case p.Retired:
		return exit.Fail(exit.Failed, "relay plan list shows those that are", "plan %s is not sold any more", p.Name)
	case p.Price > 0:
		return exit.Fail(exit.Failed, buy, "plan %s costs %s a %s: it has to be bought", p.Name, money.Format(p.Price, currency), p.Term)
	case has.Price > 0:
		return exit.Fail(exit.Failed, "relay account renew "+a.Name+" --plan "+p.Name+" for the next term",
			"account %s has bought plan %s: set would end what it paid for", a.Name, has.Name)
	}
	return nil
}

func (p *program) accountSuspend() *cli.Command {
	var reason string
	return p.onStore(&cli.Command{
		Name: "suspend", ArgsUsage: "NAME", Usage: "refuse all mail of an account",
		Description: "What it has handed over already is still delivered; relay queue hold --account NAME stops that too.",
		Flags:       []cli.Flag{&cli.StringFlag{Name: "reason", Usage: "`TEXT` what the customer is told in the reply", Required: true, Destination: &reason}},
	}, work{run: func(c *call) error {
		reason := term.Cut(term.Clean(reason), 200)
		if strings.TrimSpace(reason) == "" {
			return exit.Usage("", "--reason cannot be empty: the customer is told")
		}
		return c.changeState(c.args[0], func(o store.Order, name string) (store.Receipt, error) { return c.st.Suspend(o, name, reason) })
	}})
}

func (p *program) accountResume() *cli.Command {
	return p.onStore(&cli.Command{
		Name: "resume", ArgsUsage: "NAME", Usage: "let a suspended account send again",
		Description: `The term goes on as if it had not been suspended. One that is suspended for an unpaid invoice sends again too, until the next one is overdue; the invoice stays open.

An account that is pending is not suspended: relay payment record enters its payment, relay account activate does not wait for that.`,
	}, work{run: func(c *call) error {
		return c.changeState(c.args[0], c.resume)
	}})
}

// resume does not stand for a payment.
func (c *call) resume(o store.Order, name string) (store.Receipt, error) {
	a, err := c.account(name)
	if err != nil {
		return store.Receipt{}, err
	}
	open, err := answer.OpenInvoices(c.acts(), name)
	if err != nil {
		return store.Receipt{}, err
	}
	switch {
	case a.State == store.Pending:
		return store.Receipt{}, c.stillPending(name, open)
	case a.State == store.Active && a.Hold == "":
		c.note("it was not suspended")
		return store.Receipt{Before: a, After: a}, nil
	}
	r, err := c.st.Resume(o, name)
	if err == nil && a.Hold != "" {
		for _, i := range open {
			c.note("invoice %s is still open: %s", i.Name, c.amount(i.Open))
		}
	}
	return r, err
}

// stillPending says what an account waits for.
func (c *call) stillPending(name string, open []answer.Payable) error {
	activate := "relay account activate " + name + " starts the term without the payment"
	if len(open) == 0 {
		return exit.Fail(exit.Failed, activate, "account %s is pending: it was never activated", name)
	}
	i := open[0]
	return exit.Fail(exit.Failed, "relay payment record "+i.Name+" --method METHOD --reference R enters the payment; "+activate,
		"account %s is pending: invoice %s, %s, is not paid", name, i.Name, c.amount(i.Open))
}

func (c *call) changeState(name string, change func(store.Order, string) (store.Receipt, error)) error {
	r, err := change(c.order(false), name)
	if err != nil {
		return c.orderFailed(name, err)
	}
	st, err := c.st.Standing(name)
	if err != nil {
		return err
	}
	return c.done(c.accountView(&st, c.currency()), "account %s is %s", name, r.After.Status())
}
