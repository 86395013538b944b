package cli

import (
	"errors"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/report/money"
	"relay/store"
)

func (p *program) paymentCommand() *cli.Command {
	return group("payment", "what customers have paid", p.paymentRecord(), p.paymentList())
}

// paymentView is a payment as programs see it.
type paymentView struct {
	Method    string    `json:"method"`
	Reference string    `json:"reference"`
	Invoice   string    `json:"invoice"` // as it is printed: what the customer paid
	Account   string    `json:"account"`
	Amount    int64     `json:"amount"` // minor units
	Currency  string    `json:"currency"`
	Time      time.Time `json:"time"`
	By        string    `json:"by"` // who recorded it
}

func (c *call) viewPayment(p *store.Payment) paymentView {
	return paymentView{p.Method, p.Reference, c.documents().Number(p.Invoice), p.Account, p.Amount, c.st.Billing().Currency, p.Time, p.By}
}

func (p *program) paymentList() *cli.Command {
	var account string
	var limit countFlag
	return p.onStore(&cli.Command{
		Name: "list", Usage: "the payments that were recorded",
		Description: "By method and reference; those of one account in the order in which they were recorded.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "account", Usage: "`NAME` only those of this account", Destination: &account},
			&cli.GenericFlag{Name: "limit", Usage: "`N` at most so many", Value: &limit},
		},
	}, work{run: func(c *call) error { return c.listPayments(account, limit.n) }})
}

func (c *call) listPayments(account string, limit int64) error {
	currency := c.st.Billing().Currency
	s := c.stream(limit, column{head: "RECORDED"}, column{head: "ACCOUNT", least: 8}, column{head: "INVOICE"}, column{head: "METHOD"},
		column{head: "AMOUNT", right: true}, column{head: "REFERENCE", least: 12})
	var n, sum int64
	show := func(p *store.Payment) error {
		n++
		sum += p.Amount
		v := c.viewPayment(p)
		return errors.Join(s.add(v, c.day(p.Time), p.Account, v.Invoice, p.Method, money.Number(p.Amount, currency), p.Reference), s.pause())
	}
	err := c.payments(account, show)
	if n == 0 && err == nil && !c.json {
		return c.say("No payment is recorded")
	}
	if err = s.end(err); err != nil || c.json {
		return err
	}
	return c.say("-- %s, %s", plural(n, "payment"), money.Format(sum, currency))
}

// payments of one account as its ledger has them, or of all.
func (c *call) payments(account string, fn func(*store.Payment) error) error {
	if account == "" {
		return c.st.Payments(fn)
	}
	if err := c.invoiced(account); err != nil {
		return err
	}
	return c.st.Ledger(account, func(e *store.Entry) error {
		method, reference, _ := strings.Cut(e.Text, " ")
		if e.Kind != store.KindPayment {
			return nil
		}
		p, err := c.st.Payment(method, reference)
		if err != nil {
			return err
		}
		return fn(&p)
	})
}
