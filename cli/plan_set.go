package cli

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/quota"
	"relay/report/money"
	"relay/report/words"
	"relay/store"
)

// planFlags are what add and set have in common. Prices and steps are read
// once the currency and the kind are known.
type planFlags struct {
	kind       string
	emails     shell.CountFlag
	bandwidth  shell.SizeFlag
	recipients shell.CountFlag
	term       string
	price      string
	blocks     shell.ListFlag
	creditStep string
	atLimit    shell.ListFlag
	overMax    shell.OverMaxFlag
	dedicated  *bool
	resale     *bool
	ends       *bool
}

func (f *planFlags) flags(termNeeded bool) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "term", Usage: "`year|month` an allowance for each calendar month of a year, or one for 30 days", Required: termNeeded, Destination: &f.term},
		&cli.StringFlag{Name: "kind", Usage: "`bandwidth|count` follows from --bandwidth; named, it is checked", Destination: &f.kind},
		&cli.GenericFlag{Name: "emails", Usage: "`N` e-mails a period (or: unlimited; default with --bandwidth: one for each 10 KB)", Value: &f.emails},
		&cli.GenericFlag{Name: "bandwidth", Usage: "`SIZE` a period, decimal: 500MB (or: unlimited)", Value: &f.bandwidth},
		&cli.StringFlag{Name: "price", Usage: "`AMOUNT` of a term, without tax: 12.00 (or: free)", Destination: &f.price},
		&cli.GenericFlag{Name: "block", Usage: "`SIZE=AMOUNT` bandwidth beyond the allowance and its price, such as 1GB=5.00; several with commas (or: none)", Value: &f.blocks},
		&cli.StringFlag{Name: "credit-step", Usage: "`SIZE|N` credit is rounded down to whole ones: 500MB, or e-mails (or: default)", Destination: &f.creditStep},
		&cli.GenericFlag{Name: "at-limit", Usage: "`LIST` what an account may choose: suspend,continue (or: default)", Value: &f.atLimit},
		f.overMax.Flag("the largest block"),
		&cli.GenericFlag{Name: "recipients", Usage: "`N` recipients in one message (default 50)", Value: &f.recipients},
		&cli.BoolFlag{Name: "ends", Usage: "a year without a price ends too; --ends=false goes on by itself",
			Action: func(_ *cli.Context, yes bool) error { f.ends = &yes; return nil }},
		&cli.BoolFlag{Name: "dedicated", Usage: "with a sending address of its own; --dedicated=false without",
			Action: func(_ *cli.Context, yes bool) error { f.dedicated = &yes; return nil }},
		&cli.BoolFlag{Name: "resale", Usage: "resellers may order it too; --resale=false only the operator",
			Action: func(_ *cli.Context, yes bool) error { f.resale = &yes; return nil }},
	}
}

func (f *planFlags) set() bool {
	return f.kind != "" || f.emails.Given || f.bandwidth.Given || f.recipients.Given || f.term != "" || f.price != "" ||
		f.blocks.Given || f.creditStep != "" || f.atLimit.Given || f.overMax.Given || f.dedicated != nil || f.resale != nil || f.ends != nil
}

// apply takes over what was given; amounts are in currency.
func (f *planFlags) apply(plan *quota.Plan, currency string) error {
	if f.emails.Given {
		plan.Emails = f.emails.N
	}
	if f.bandwidth.Given {
		f.applyBandwidth(plan)
	}
	if f.recipients.Given {
		if f.recipients.N == 0 || f.recipients.N > 10_000 {
			return exit.Usage("", "--recipients: 1 to 10,000")
		}
		plan.Recipients = int(f.recipients.N)
	}
	if f.term != "" {
		plan.Term = quota.Term(f.term)
	}
	f.overMax.Take(&plan.OverMax)
	if f.ends != nil {
		plan.Ends = *f.ends
	}
	if f.dedicated != nil {
		plan.Dedicated = *f.dedicated
	}
	if f.resale != nil {
		plan.Resale = *f.resale
	}
	for _, take := range []func(*quota.Plan, string) error{f.applyKind, f.applyPrice, f.applyBlocks, f.applyStep, f.applyAtLimit} {
		if err := take(plan, currency); err != nil {
			return err
		}
	}
	if err := plan.Validate(); err != nil {
		return exit.Usage("", "%w", err)
	}
	return nil
}

// applyBandwidth takes a bandwidth over, and with it the number of e-mails where
// nobody said one: that of a new plan, and one that was the old bandwidth's.
func (f *planFlags) applyBandwidth(plan *quota.Plan) {
	was := *plan
	plan.Bandwidth = f.bandwidth.N
	follows := was.Bandwidth == 0 && was.Emails == 0 || was.Bandwidth > 0 && was.Emails == quota.EmailsFor(was.Bandwidth)
	if follows && !f.emails.Given && plan.Bandwidth > 0 {
		plan.Emails = quota.EmailsFor(plan.Bandwidth)
	}
}

func (f *planFlags) applyKind(plan *quota.Plan, _ string) error {
	return checkKind(plan, f.kind, "--kind", "--bandwidth")
}

// checkKind compares a kind that was named ("" was not) with that of the plan.
func checkKind(plan *quota.Plan, kind, name, bandwidth string) error {
	switch quota.Kind(kind) {
	case "", plan.Kind():
		return nil
	case quota.Bandwidth:
		return exit.Usage("", "%s bandwidth: needs a limit in %s", name, bandwidth)
	case quota.Count:
		return exit.Usage("", "%s count: has no limit in %s", name, bandwidth)
	}
	return exit.Usage("", "%s %q: bandwidth or count", name, kind)
}

func (f *planFlags) applyPrice(plan *quota.Plan, currency string) (err error) {
	if f.price != "" {
		plan.Price, err = parsePrice(f.price, currency, "--price")
	}
	return err
}

// parsePrice of a plan.
func parsePrice(text, currency, name string) (int64, error) {
	if text == "free" {
		return 0, nil
	}
	n, err := money.Parse(text, currency)
	switch {
	case err != nil:
		return 0, exit.Usage("", "%s: %w", name, err)
	case n < 0:
		return 0, exit.Usage("", "%s %q: not below zero", name, text)
	}
	return n, nil
}

func (f *planFlags) applyBlocks(plan *quota.Plan, currency string) error {
	if !f.blocks.Given {
		return nil
	}
	plan.Blocks = nil
	if slices.Equal(f.blocks.List, []string{"none"}) {
		return nil
	}
	for _, text := range f.blocks.List {
		bytes, price, ok := strings.Cut(text, "=")
		if !ok {
			return exit.Usage("in prices a point stands before the decimals: --block 1GB=5.00,2GB=9.00", "--block %q: SIZE=AMOUNT, such as 1GB=5.00", text)
		}
		n, err := words.ParseSize(bytes)
		if err != nil {
			return exit.Usage("", "--block: %w", err)
		}
		amount, err := money.Parse(price, currency)
		switch {
		case err != nil:
			return exit.Usage("", "--block %s: %w", text, err)
		case amount <= 0:
			return exit.Usage("--block none takes the blocks away", "--block %s: a price above zero", text)
		case n <= 0:
			return exit.Usage("--block none takes the blocks away", "--block %s: a size above zero", text)
		}
		plan.Blocks = append(plan.Blocks, quota.Block{Bytes: n, Price: amount})
	}
	if len(plan.Blocks) == 0 {
		return exit.Usage("", "--block: SIZE=AMOUNT, such as 1GB=5.00, or none")
	}
	return nil
}

func (f *planFlags) applyStep(plan *quota.Plan, _ string) error {
	if f.creditStep == "" {
		return nil
	}
	n, err := int64(0), error(nil)
	switch {
	case f.creditStep == "default":
	case plan.Kind() == quota.Bandwidth:
		n, err = words.ParseSize(f.creditStep)
	default:
		n, err = words.ParseCount(f.creditStep)
	}
	if err == nil && n <= 0 && f.creditStep != "default" {
		err = fmt.Errorf("%q: more than 0, or default", f.creditStep)
	}
	if err != nil {
		return exit.Usage("", "--credit-step: %w", err)
	}
	plan.CreditStep = n
	return nil
}

func (f *planFlags) applyAtLimit(plan *quota.Plan, _ string) error {
	if !f.atLimit.Given {
		return nil
	}
	plan.AtLimit = nil
	if slices.Equal(f.atLimit.List, []string{"default"}) {
		return nil
	}
	if len(f.atLimit.List) == 0 {
		return exit.Usage("", "--at-limit: suspend, continue or both")
	}
	for _, a := range f.atLimit.List {
		plan.AtLimit = append(plan.AtLimit, quota.AtLimit(a))
	}
	return nil
}

func (p *program) planAdd() *cli.Command {
	var f planFlags
	return p.onStore(&cli.Command{
		Name: "add", ArgsUsage: "PLAN", Flags: f.flags(true), Usage: "add a plan",
		Description: `With --bandwidth and without --emails it allows one e-mail for each 10 KB; --emails unlimited says otherwise. Without --bandwidth it is a plan for so many e-mails of any size; with neither there is no limit. A message has up to 50 recipients. Without a price it is free, and a year goes on by itself at its end, unless --ends says otherwise; 30 days end. Without blocks what is used over the allowance is not billed. Amounts are in the currency of [billing].

  relay plan add small --term year --bandwidth 50MB --emails 5000 --price 12.00
  relay plan add large --term year --bandwidth 5GB --price 90 \
    --block 1GB=5.00,2GB=9.00`,
	}, work{run: func(c *call) error {
		plan := quota.Plan{Name: c.args[0], Recipients: quota.DefaultRecipients}
		if err := f.apply(&plan, c.currency()); err != nil {
			return err
		}
		if err := c.st.AddPlan(plan); errors.Is(err, store.ErrExists) {
			return exit.Fail(exit.Failed, "change it with: relay plan set "+plan.Name, "there is a plan %q already", plan.Name)
		} else if err != nil {
			return err
		}
		c.noteSeller(&plan)
		return c.showPlan(&plan)
	}})
}

func (p *program) planSet() *cli.Command {
	var f planFlags
	return p.onStore(&cli.Command{
		Name: "set", ArgsUsage: "PLAN", Flags: f.flags(false), Usage: "change a plan, for new terms",
		Description: "Running terms never change: accounts keep what they bought, and renew at what the plan is then. relay account set NAME --plan PLAN gives an account the new terms now. --block and --at-limit replace the whole list. A new --bandwidth changes the e-mails too where these are one for each 10 KB of the old one.",
	}, work{run: func(c *call) error {
		if !f.set() {
			return exit.Usage("relay plan set --help", "nothing to set")
		}
		return c.planSet(c.args[0], &f)
	}})
}

func (c *call) planSet(name string, f *planFlags) error {
	currency := c.currency() // before: the function runs inside the store's writer
	plan, err := c.st.UpdatePlan(name, func(p *quota.Plan) error { return f.apply(p, currency) })
	if err != nil {
		return notListed(err, "plan", name)
	}
	c.noteSeller(&plan)
	if err := c.showPlan(&plan); err != nil {
		return err
	}
	return c.oldTerms(&plan)
}

// oldTerms says how many accounts run on other terms of the plan than it has now.
func (c *call) oldTerms(plan *quota.Plan) error {
	n, all, err := c.running(func(terms *quota.Plan) bool { return terms.Name == plan.Name && !sameTerms(terms, plan) })
	if err == nil && n > 0 {
		c.note("running terms stay as they were bought: %s%s on older terms of %s", ifSo(!all, "at least "), words.Plural(n, "account"), plan.Name)
	}
	return err
}

// sameTerms reports whether whoever buys either gets the same.
func sameTerms(a, b *quota.Plan) bool {
	x, y := *a, *b
	for _, p := range []*quota.Plan{&x, &y} {
		p.Retired, p.Resale, p.Recipients, p.CreditStep, p.AtLimit, p.OverMax = false, false, p.MaxRecipients(), p.Step(), p.Choices(), p.Ceiling(0)
		if len(p.Blocks) == 0 {
			p.Blocks = nil
		}
	}
	return reflect.DeepEqual(x, y)
}
