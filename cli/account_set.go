package cli

import (
	"errors"

	cli "github.com/urfave/cli/v2"

	"relay/quota"
	"relay/store"
)

func (p *program) accountSet() *cli.Command {
	var f accountFlags
	return p.onStore(&cli.Command{
		Name: "set", ArgsUsage: "NAME", Flags: f.flags(false),
		Usage: "change plan, contact, senders, limit",
		Description: `A new plan of the same term holds from now on, for the current period too. A plan of the other term, or any plan for an account whose term has ended, starts a new term now. --plan with the account's own plan takes over what was changed in it.

--sender replaces the whole list; --sender any lifts the restriction.`,
	}, work{run: func(c *call) error { return c.accountSet(c.args[0], &f) }})
}

func (c *call) accountSet(name string, f *accountFlags) error {
	if f.plan == "" && f.contact == "" && f.atLimit == "" && !f.senders.set {
		return usage("relay account set --help", "nothing to set")
	}
	var plan quota.Plan
	if f.plan != "" {
		var err error
		if plan, err = c.plan(f.plan); err != nil {
			return err
		}
	}
	if f.plan != "" {
		if _, err := c.st.SetPlan(store.Order{}, name, plan); err != nil {
			return c.noAccount(name, err)
		}
	}
	a, err := c.st.UpdateAccount(name, func(a *store.Account) error { return f.apply(a, a.Plan(c.now())) })
	if err != nil {
		return c.noAccount(name, err)
	}
	return c.showAccount(&a)
}

func (p *program) accountSuspend() *cli.Command {
	var reason string
	return p.onStore(&cli.Command{
		Name: "suspend", ArgsUsage: "NAME", Usage: "refuse all mail of an account",
		Description: "What it has handed over already is still delivered; relay queue hold --account NAME stops that too.",
		Flags:       []cli.Flag{&cli.StringFlag{Name: "reason", Usage: "`TEXT` what the customer is told in the reply", Required: true, Destination: &reason}},
	}, work{run: func(c *call) error {
		reason := cut(clean(reason), 200)
		if reason == "" {
			return usage("", "--reason cannot be empty: the customer is told")
		}
		return c.changeState(c.args[0], func(o store.Order, name string) (store.Receipt, error) { return c.st.Suspend(o, name, reason) })
	}})
}

func (p *program) accountResume() *cli.Command {
	return p.onStore(&cli.Command{
		Name: "resume", ArgsUsage: "NAME", Usage: "let a suspended account send again",
		Description: "The term goes on as if it had not been suspended.",
	}, work{run: func(c *call) error {
		return c.changeState(c.args[0], c.resume)
	}})
}

// resume also activates what waits for its payment.
func (c *call) resume(o store.Order, name string) (store.Receipt, error) {
	a, err := c.st.Account(name)
	if err == nil && a.Ordered != nil {
		if r, err := c.st.Activate(o, name); err != nil {
			return r, err
		}
	}
	return c.st.Resume(o, name)
}

func (c *call) changeState(name string, change func(store.Order, string) (store.Receipt, error)) error {
	r, err := change(store.Order{}, name)
	if errors.Is(err, store.ErrClosed) {
		return fail(exitFailed, "add another one: relay account add NAME --plan PLAN", "account %s is closed for good", name)
	}
	if err != nil {
		return c.noAccount(name, err)
	}
	return c.done(c.accountView(&r.After), "account %s is %s", name, r.After.Status())
}
