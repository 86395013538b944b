package cli

import (
	"cmp"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/quota"
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
		Usage: "change contact, senders, limit, owner",
		Description: `--sender replaces the whole list; --sender any lifts the restriction.

--plan is for plans without a price. One of the same term and kind holds from now on, for the current period too; any other starts a new term now, and the credit is lost. With the account's own plan it takes over what was changed in it, as long as the price is the same. What costs money is bought: relay account upgrade, relay account renew.`,
	}, work{run: func(c *call) error { return c.accountSet(c.args[0], &f) }})
}

func (c *call) accountSet(name string, f *accountChange) error {
	if f.plan == "" && f.contact == "" && f.atLimit == "" && !f.senders.set && f.owner == "" && f.reseller == "" && f.abuse == "" {
		return usage("relay account set --help", "nothing to set")
	}
	a, err := c.account(name)
	if err != nil {
		return err
	}
	plan := a.Plan(c.now())
	if f.plan != "" {
		if plan, err = c.planFor(&a, f.plan); err != nil {
			return err
		}
	}
	// All that can be wrong is found before anything is changed.
	is := a
	if err := cmp.Or(f.apply(&is), f.limit(&is, plan), f.known(c)); err != nil {
		return err
	}
	if err := c.setOrders(&a, &is, plan, f); err != nil {
		return c.orderFailed(name, err)
	}
	is, err = c.st.UpdateAccount(name, func(a *store.Account) error { return f.apply(a) })
	if err != nil {
		return c.noAccount(name, err)
	}
	return c.showAccount(&is)
}

// setOrders does what has to be in the ledger.
func (c *call) setOrders(a, is *store.Account, plan quota.Plan, f *accountChange) error {
	if f.plan != "" {
		if _, err := c.st.SetPlan(c.order(false), a.Name, plan); err != nil {
			return err
		}
	}
	if is.AtLimit != a.AtLimit {
		if _, err := c.st.SetAtLimit(c.order(false), a.Name, is.AtLimit); err != nil {
			return err
		}
	}
	reason := cut(clean(strings.TrimSpace(notNone(f.abuse))), 200)
	if f.abuse == "" || reason == "" && !a.Abuse {
		return nil
	}
	_, err := c.st.MarkAbuse(c.order(false), a.Name, reason)
	return err
}

// planFor is a plan that an account can be given without money.
func (c *call) planFor(a *store.Account, name string) (quota.Plan, error) {
	p, err := c.plan(name)
	if err != nil {
		return p, err
	}
	has := a.Plan(c.now())
	own := p.Name == has.Name && p.Price == has.Price && p.Term == has.Term && p.Kind() == has.Kind()
	buy := "relay account upgrade " + a.Name + " --plan " + p.Name + " for the present term, or relay account renew " + a.Name + " --plan " + p.Name + " for the next one"
	switch {
	case a.State == store.Closed:
		return p, closedForGood(a.Name)
	case a.Ordered != nil && has.Price > 0:
		return p, fail(exitFailed, "relay account close "+a.Name+", and add another one with that plan; or relay account activate "+a.Name+" first",
			"account %s waits for the payment of plan %s", a.Name, has.Name)
	case own:
		return p, nil
	case p.Retired:
		return p, fail(exitFailed, "relay plan list shows those that are", "plan %s is not sold any more", p.Name)
	case p.Price > 0:
		return p, fail(exitFailed, buy, "plan %s costs %s a %s: it has to be bought", p.Name, c.amount(p.Price), p.Term)
	case has.Price > 0:
		return p, fail(exitFailed, "relay account renew "+a.Name+" --plan "+p.Name+" for the next term",
			"account %s has bought plan %s: set would end what it paid for", a.Name, has.Name)
	}
	return p, nil
}

func (p *program) accountSuspend() *cli.Command {
	var reason string
	return p.onStore(&cli.Command{
		Name: "suspend", ArgsUsage: "NAME", Usage: "refuse all mail of an account",
		Description: "What it has handed over already is still delivered; relay queue hold --account NAME stops that too.",
		Flags:       []cli.Flag{&cli.StringFlag{Name: "reason", Usage: "`TEXT` what the customer is told in the reply", Required: true, Destination: &reason}},
	}, work{run: func(c *call) error {
		reason := cut(clean(reason), 200)
		if strings.TrimSpace(reason) == "" {
			return usage("", "--reason cannot be empty: the customer is told")
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
	open, err := c.openInvoices(name)
	if err != nil {
		return store.Receipt{}, err
	}
	if a.State == store.Pending {
		return store.Receipt{}, c.stillPending(name, open)
	}
	r, err := c.st.Resume(o, name)
	if err == nil && a.Hold != "" {
		for _, i := range open {
			c.note("invoice %s is still open: %s", i.Invoice, c.amount(i.Open))
		}
	}
	return r, err
}

// stillPending says what an account waits for.
func (c *call) stillPending(name string, open []orderInvoice) error {
	activate := "relay account activate " + name + " starts the term without the payment"
	if len(open) == 0 {
		return fail(exitFailed, activate, "account %s is pending: it was never activated", name)
	}
	i := open[0]
	return fail(exitFailed, "relay payment record "+i.Invoice+" --method METHOD --reference R enters the payment; "+activate,
		"account %s is pending: invoice %s, %s, is not paid", name, i.Invoice, c.amount(i.Open))
}

func (c *call) changeState(name string, change func(store.Order, string) (store.Receipt, error)) error {
	r, err := change(c.order(false), name)
	if err != nil {
		return c.orderFailed(name, err)
	}
	return c.done(c.accountView(&r.After), "account %s is %s", name, r.After.Status())
}
