package cli

import (
	"errors"
	"strconv"

	cli "github.com/urfave/cli/v2"

	"relay/quota"
	"relay/store"
)

func (p *program) planCommand() *cli.Command {
	return group("plan", "what can be bought", p.planList(), p.planShow(), p.planAdd(), p.planSet())
}

// plan by name.
func (c *call) plan(name string) (quota.Plan, error) {
	plan, err := c.st.Plan(name)
	return plan, noPlan(name, err)
}

func noPlan(name string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fail(exitFailed, "relay plan list shows all", "no plan %q", name)
	}
	return err
}

func (p *program) planList() *cli.Command {
	return p.onStore(&cli.Command{Name: "list", Usage: "all plans"}, work{run: func(c *call) error {
		list, err := c.st.Plans()
		if err != nil {
			return err
		}
		if c.json {
			return encodeAll(c.Stdout, list)
		}
		t := newTable(column{head: "PLAN", least: 20}, column{head: "TERM"}, column{head: "E-MAILS", right: true},
			column{head: "BANDWIDTH", right: true}, column{head: "RECIPIENTS", right: true}, column{head: "ALLOWED"})
		for _, plan := range list {
			t.add(plan.Name, string(plan.Term), allowed(plan.Emails, number(plan.Emails)),
				allowed(plan.Bandwidth, size(plan.Bandwidth)), strconv.Itoa(plan.MaxRecipients()), perPeriod(plan.Term))
		}
		return t.write(c.Stdout)
	}})
}

func (p *program) planShow() *cli.Command {
	return p.onStore(&cli.Command{Name: "show", ArgsUsage: "PLAN", Usage: "one plan"}, work{run: func(c *call) error {
		plan, err := c.plan(c.args[0])
		if err != nil {
			return err
		}
		return c.showPlan(&plan)
	}})
}

func (c *call) showPlan(plan *quota.Plan) error {
	if c.json {
		return encode(c.Stdout, plan)
	}
	atLimit := "suspend"
	if plan.Allows(quota.Continue) {
		atLimit = "suspend or continue, as the account chooses"
	}
	return writeFields(c.Stdout, []field{
		{"plan", plan.Name},
		{"term", string(plan.Term)},
		{"e-mails", allowed(plan.Emails, number(plan.Emails)) + " " + perPeriod(plan.Term)},
		{"bandwidth", allowed(plan.Bandwidth, size(plan.Bandwidth)) + " " + perPeriod(plan.Term)},
		{"recipients", strconv.Itoa(plan.MaxRecipients()) + " in one message"},
		{"at limit", atLimit},
	})
}

// planFlags are what add and set have in common.
type planFlags struct {
	emails     countFlag
	bandwidth  sizeFlag
	recipients countFlag
	term       string
}

func (f *planFlags) flags(termNeeded bool) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "term", Usage: "`year|month` twelve calendar months of allowance, or 30 days", Required: termNeeded, Destination: &f.term},
		&cli.GenericFlag{Name: "emails", Usage: "`N` e-mails a period (or: unlimited)", Value: &f.emails},
		&cli.GenericFlag{Name: "bandwidth", Usage: "`SIZE` a period, decimal: 500MB (or: unlimited)", Value: &f.bandwidth},
		&cli.GenericFlag{Name: "recipients", Usage: "`N` recipients in one message (default 50)", Value: &f.recipients},
	}
}

func (f *planFlags) apply(plan *quota.Plan) error {
	if f.emails.set {
		plan.Emails = f.emails.n
	}
	if f.bandwidth.set {
		plan.Bandwidth = f.bandwidth.n
	}
	if f.recipients.set {
		if f.recipients.n == 0 || f.recipients.n > 10_000 {
			return usage("", "--recipients: 1 to 10,000")
		}
		plan.Recipients = int(f.recipients.n)
	}
	if f.term != "" {
		plan.Term = quota.Term(f.term)
	}
	if err := plan.Validate(); err != nil {
		return usage("", "%w", err)
	}
	return nil
}

func (p *program) planAdd() *cli.Command {
	var f planFlags
	return p.onStore(&cli.Command{
		Name: "add", ArgsUsage: "PLAN", Flags: f.flags(true), Usage: "add a plan",
		Description: `What is left out is unlimited, but the recipients of one message (50).

  relay plan add small --term year --bandwidth 50MB --emails 5000`,
	}, work{run: func(c *call) error {
		plan := quota.Plan{Name: c.args[0], Recipients: quota.DefaultRecipients}
		if err := f.apply(&plan); err != nil {
			return err
		}
		if err := c.st.AddPlan(plan); errors.Is(err, store.ErrExists) {
			return fail(exitFailed, "change it with: relay plan set "+plan.Name, "there is a plan %q already", plan.Name)
		} else if err != nil {
			return err
		}
		return c.showPlan(&plan)
	}})
}

func (p *program) planSet() *cli.Command {
	var f planFlags
	return p.onStore(&cli.Command{
		Name: "set", ArgsUsage: "PLAN", Flags: f.flags(false), Usage: "change a plan, for new accounts",
		Description: "Accounts keep the terms they bought; relay account set NAME --plan PLAN gives an account the new ones.",
	}, work{run: func(c *call) error {
		if !f.emails.set && !f.bandwidth.set && !f.recipients.set && f.term == "" {
			return usage("relay plan set --help", "nothing to set")
		}
		plan, err := c.st.UpdatePlan(c.args[0], f.apply)
		if err != nil {
			return noPlan(c.args[0], err)
		}
		return c.showPlan(&plan)
	}})
}
