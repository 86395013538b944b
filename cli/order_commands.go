package cli

import (
	"errors"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/quota"
	"relay/report/money"
	"relay/report/words"
	"relay/store"
)

// orderCommand is a command that is one order on an account. run gets the
// account as it is.
func (p *program) orderCommand(cmd *cli.Command, run func(c *call, o store.Order, a *store.Account) (store.Receipt, error)) *cli.Command {
	var dry bool
	cmd.ArgsUsage = "NAME"
	cmd.Flags = append(cmd.Flags, shell.DryRunFlag(&dry))
	return p.onStore(cmd, work{run: func(c *call) error {
		a, err := c.account(c.args[0])
		if err != nil {
			return err
		}
		r, err := run(c, c.order(dry), &a)
		return c.ordered(orderOutput{name: a.Name, what: cmd.Name, dryRun: dry}, r, err)
	}})
}

func (p *program) accountUpgrade() *cli.Command {
	var plan string
	var b buying
	return p.orderCommand(&cli.Command{
		Name: "upgrade", Usage: "a larger plan for what remains of the term",
		Description: `The larger allowance holds at once, for all of the current month too; what was used and credit go on. The invoice is over the difference in price, by the day, from the start of the current month to the end of the term.

A plan that is smaller, or of another kind or term, starts with the next term: relay account renew NAME --plan PLAN. So does a larger one where 30 days are used up; the renewal then begins at once.

  relay account upgrade acme --plan mega --dry-run`,
		Flags: append([]cli.Flag{&cli.StringFlag{Name: "plan", Usage: "`PLAN` the larger one", Required: true, Destination: &plan}}, b.orderFlags()...),
	}, func(c *call, o store.Order, a *store.Account) (store.Receipt, error) {
		if err := c.choose(&b, &o, a); err != nil {
			return store.Receipt{}, err
		}
		if _, err := c.plan(plan); err != nil {
			return store.Receipt{}, err
		}
		return c.st.Upgrade(o, a.Name, plan)
	})
}

func (p *program) accountTopUp() *cli.Command {
	var f topUp
	return p.orderCommand(&cli.Command{
		Name: "topup", Usage: "credit bought on top, that counts at once",
		Description: `An account with a count plan takes a monthly count plan on top: --plan. One with a bandwidth plan takes blocks of its plan: --block, and --count for more than one.

The credit is used after the allowance and before overage. What the period leaves of it lasts until the end of the term: of a count plan every e-mail, of a bandwidth plan whole steps (500 MB, unless the plan says otherwise).

  relay account topup acme --block 1GB --count 2`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "plan", Usage: "`PLAN` a monthly count plan", Destination: &f.plan},
			&cli.GenericFlag{Name: "block", Usage: "`SIZE` of a block of the account's plan: 1GB", Value: &f.block},
			&cli.GenericFlag{Name: "count", Usage: "`N` how many blocks (default 1)", Value: &f.count},
		}, f.buying.orderFlags()...),
	}, func(c *call, o store.Order, a *store.Account) (store.Receipt, error) { return f.order(c, o, a) })
}

// topUp is what relay account topup is given.
type topUp struct {
	plan  string
	block shell.SizeFlag
	count shell.CountFlag
	buying
}

func (f *topUp) order(c *call, o store.Order, a *store.Account) (store.Receipt, error) {
	const more = "relay account topup --help"
	if err := c.choose(&f.buying, &o, a); err != nil {
		return store.Receipt{}, err
	}
	switch {
	case f.plan != "" && f.block.Given:
		return store.Receipt{}, exit.Usage(more, "--plan and --block: a count plan takes the one, a bandwidth plan the other")
	case f.plan == "" && !f.block.Given:
		return store.Receipt{}, exit.Usage(more, "name what is bought: --plan PLAN on a count plan, --block SIZE on a bandwidth plan")
	case f.plan != "" && f.count.Given:
		return store.Receipt{}, exit.Usage(more, "--count is for --block; a plan is bought on top once a command")
	case f.block.Given && f.block.N == 0, f.count.Given && f.count.N == 0:
		return store.Receipt{}, exit.Usage(more, "blocks have a size and a number: --block 1GB --count 2")
	case f.plan != "":
		if _, err := c.plan(f.plan); err != nil {
			return store.Receipt{}, err
		}
		return c.st.TopUp(o, a.Name, f.plan)
	}
	return c.st.BuyBlock(o, a.Name, f.block.N, max(f.count.N, 1))
}

func (p *program) accountRenew() *cli.Command {
	var plan string
	var b buying
	return p.orderCommand(&cli.Command{
		Name: "renew", Usage: "a further term, after the current one",
		Description: `The term starts when the last one ends, or at once if that is over. 30 days are over too when their allowance is used: when no e-mail is left, of a bandwidth plan none of 10 KB; they are renewed, not upgraded. A renewal that is paid before begins with the first message that does not fit into what is left and fits into the new term; what was left is credited there. A plan with a price waits for the payment of its invoice; one without is added at once.

--plan takes another plan for that term, a smaller one too. Without it the plan stays, as it is sold now.`,
		Flags: append([]cli.Flag{&cli.StringFlag{Name: "plan", Usage: "`PLAN` of the further term (default the present one)", Destination: &plan}}, b.orderFlags()...),
	}, func(c *call, o store.Order, a *store.Account) (store.Receipt, error) {
		if err := c.choose(&b, &o, a); err != nil {
			return store.Receipt{}, err
		}
		if plan == "" {
			plan = a.Plan(c.now()).Name
		}
		if _, err := c.plan(plan); err != nil {
			return store.Receipt{}, err
		}
		r, err := c.st.Renew(o, a.Name, plan)
		if w, ok := errors.AsType[*store.Waiting](err); ok {
			err = c.renewalWaits(w)
		}
		return r, err
	})
}

// renewalWaits names the renewal that was ordered before and is not paid.
func (c *call) renewalWaits(w *store.Waiting) error {
	n := w.Invoice.Name
	return exit.Fail(exit.Failed, "relay payment record "+n+" --method METHOD --reference R enters its payment; relay invoice cancel "+n+" --reason TEXT takes it back",
		"account %s has ordered a renewal already: invoice %s, %s, is not paid", w.Account, n, c.amount(w.Invoice.Open()))
}

func (p *program) accountRefund() *cli.Command {
	return p.orderCommand(&cli.Command{
		Name: "refund", Usage: "pay the term back in full and close the account, or what has not begun",
		Description: `Until the 30th day of the account's first term, and unless there was overage or abuse in it. A refusal gives every reason, and what would have been paid back.

What was paid for the term, for upgrades and for credit in it goes back, and the rest of the balance, less what the account owes; the invoices get credit notes. Only what came in by payments is paid back: what you gave by a correction ends with the account. The account is closed for good. relay only enters it: the money is sent by the operator.

A renewal that is paid and whose term has not begun can always be given back. Where the present term cannot, that is all that is: the account goes on to the end of the present one.`,
	}, func(c *call, o store.Order, a *store.Account) (store.Receipt, error) { return c.st.Refund(o, a.Name) })
}

func (p *program) accountClose() *cli.Command {
	var reason string
	return p.orderCommand(&cli.Command{
		Name: "close", Usage: "end an account for good, without paying back",
		Description: `Its term and its credit end now; orders that wait for a payment are cancelled. What it owes it still owes; what it paid for terms that have not begun is its balance, with a credit note, for you to pay back. It stays in lists and in the books; relay account remove deletes it.`,
		Flags:       []cli.Flag{&cli.StringFlag{Name: "reason", Usage: "`TEXT` for the ledger", Destination: &reason}},
	}, func(c *call, o store.Order, a *store.Account) (store.Receipt, error) {
		if a.State == store.Closed {
			return store.Receipt{}, exit.Fail(exit.Failed, "relay account statement "+a.Name+" tells since when; relay account remove "+a.Name+" deletes it", "account %s is closed already", a.Name)
		}
		return c.st.CloseAccount(o, a.Name, term.Cut(term.Clean(strings.TrimSpace(reason)), 200))
	})
}

func (p *program) accountActivate() *cli.Command {
	return p.orderCommand(&cli.Command{
		Name: "activate", Usage: "start a pending account before it has paid",
		Description: "The term starts now. The invoice stays: when it is not paid in time, with the days of grace, the account is suspended. A payment that has come is for relay payment record, which activates too.",
	}, func(c *call, o store.Order, a *store.Account) (store.Receipt, error) {
		r, err := c.st.Activate(o, a.Name)
		if errors.Is(err, store.ErrActive) {
			return r, exit.Fail(exit.Failed, "relay account show "+a.Name+" tells how it stands", "account %s does not wait for a payment: it was activated on %s", a.Name, c.day(a.Activated()))
		}
		return r, err
	})
}

func (p *program) accountCorrect() *cli.Command {
	var f correction
	return p.orderCommand(&cli.Command{
		Name: "correct", Usage: "enter an amount or credit by hand",
		Description: `An entry of the ledger is never changed; a mistake is put right by another one.

--amount is money, in the customer's favour; with a minus it is against it. It pays what is open. What an account owes by it has no invoice: relay payment record --account NAME enters its payment. With --paid-back it is money that you have sent to the customer, of what is free of its balance: relay payment list has it. From the balance of a closed account nothing else can be taken. --credit grants allowance until the end of the term: a size for a bandwidth plan, e-mails for a count plan.

  relay account correct acme --amount -12.50 --reason 'bank charge'`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "amount", Usage: "`AMOUNT` of money: 12.50 or -12.50", Destination: &f.amount},
			&cli.StringFlag{Name: "credit", Usage: "`N` e-mails, or a size such as 500MB", Destination: &f.credit},
			&cli.BoolFlag{Name: "paid-back", Usage: "the amount, with a minus, was sent to the customer", Destination: &f.paidBack},
			&cli.StringFlag{Name: "reason", Usage: "`TEXT` for the ledger", Required: true, Destination: &f.reason},
		},
	}, func(c *call, o store.Order, a *store.Account) (store.Receipt, error) {
		what, err := f.read(c, a)
		if err != nil {
			return store.Receipt{}, err
		}
		r, err := c.st.Correct(o, a.Name, what)
		if no, ok := errors.AsType[*store.NotFree](err); ok {
			return r, exit.Fail(exit.Failed, "relay account show "+a.Name+" has its balance and what is open", "account %s has %s with you that is free: no more can be paid back", a.Name, c.amount(no.Free))
		}
		return r, err
	})
}

// correction is what relay account correct is given.
type correction struct {
	amount, credit, reason string
	paidBack               bool
}

func (f *correction) read(c *call, a *store.Account) (what store.Correction, err error) {
	const more = "relay account correct --help"
	what.Text = term.Cut(term.Clean(strings.TrimSpace(f.reason)), 200)
	switch {
	case what.Text == "":
		return what, exit.Usage(more, "--reason cannot be empty: the ledger says why")
	case f.paidBack && f.amount == "":
		return what, exit.Usage(more, "--paid-back is for --amount")
	case (f.amount == "") == (f.credit == ""):
		return what, exit.Usage(more, "one of --amount and --credit")
	case f.amount != "":
		if what.Money, err = money.Parse(f.amount, c.st.Currency()); err != nil {
			return what, exit.Usage(more, "--amount: %w", err)
		}
		if what.Money == 0 {
			return what, exit.Usage(more, "--amount %s: above or below zero", f.amount)
		}
		if what.PaidBack = f.paidBack; f.paidBack && what.Money > 0 {
			return what, exit.Usage(more, "--paid-back: what went out has a minus, --amount -%s", f.amount)
		}
		return what, nil
	}
	if what.Units, err = parseUnits(f.credit, a.Plan(c.now())); err != nil {
		return what, exit.Usage(more, "--credit: %w", err)
	}
	if a.Expired(c.now(), c.st.Zone()) {
		return what, exit.Fail(exit.Failed, "relay account renew "+a.Name, "account %s: its term has ended on %s, credit would be lost at once", a.Name, c.day(a.TermEnd()))
	}
	return what, nil
}

// parseUnits is credit of a plan: a size, or e-mails.
func parseUnits(text string, p quota.Plan) (n int64, err error) {
	parse := words.ParseSize
	if p.Kind() == quota.Count {
		parse = words.ParseCount
	}
	n, err = parse(text)
	if err == nil && (n <= 0 || n > quota.MaxOver) {
		err = errors.New(text + ": above zero, and no more than can be counted")
	}
	return n, err
}
