package cli

import (
	"errors"
	"regexp"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/report/money"
	"relay/store"
)

// invoiceFilter chooses invoices by what they are.
type invoiceFilter struct {
	account, customer, reseller, period string
	open, overdue                       bool
	limit                               countFlag
}

func (p *program) invoiceList() *cli.Command {
	var f invoiceFilter
	return p.onStore(&cli.Command{
		Name: "list", Usage: "invoices and credit notes, by number",
		Description: `Amounts are in the currency that the last line names; those of credit notes are negative.

--period takes a month (2026-11), a year or a day. An invoice of overage belongs to the month it was used in, every other to the day it was issued on.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "account", Usage: "`NAME` only those of this account", Destination: &f.account},
			&cli.StringFlag{Name: "customer", Usage: "`NAME` only those to this customer, or for an account that is theirs", Destination: &f.customer},
			&cli.StringFlag{Name: "reseller", Usage: "`RESELLER` only those of accounts below it", Destination: &f.reseller},
			&cli.BoolFlag{Name: "open", Usage: "only those that are not paid", Destination: &f.open},
			&cli.BoolFlag{Name: "overdue", Usage: "only those that should have been paid by now", Destination: &f.overdue},
			&cli.StringFlag{Name: "period", Usage: "`PERIOD` only those of this month, 2026-11", Destination: &f.period},
			&cli.GenericFlag{Name: "limit", Usage: "`N` at most so many, the oldest", Value: &f.limit},
		},
	}, work{run: func(c *call) error { return c.listInvoices(&f) }})
}

// invoiceSum sums up what was shown.
type invoiceSum struct {
	n, open  int64
	currency string
}

func (c *call) listInvoices(f *invoiceFilter) error {
	match, err := c.invoiceMatch(f)
	if err != nil {
		return err
	}
	doc := c.documents()
	s := c.stream(f.limit.n, column{head: "NUMBER"}, column{head: "ISSUED"}, column{head: "ACCOUNT", least: 8}, column{head: "FOR"},
		column{head: "TOTAL", right: true}, column{head: "OPEN", right: true}, column{head: "STATE"})
	var sum invoiceSum
	show := func(i *store.Invoice) error {
		if err := s.pause(); err != nil {
			return err
		}
		if !match(i) {
			return nil
		}
		sum.n++
		sum.open += i.Open()
		sum.currency = i.Currency
		open := ""
		if i.Open() != 0 {
			open = money.Number(i.Open(), i.Currency)
		}
		what := string(i.Kind)
		if i.Kind == store.CreditNote {
			what = "credit"
		}
		return s.add(c.viewInvoice(i), doc.Number(i.Number), c.day(i.Issued), i.Account, what,
			money.Number(i.Total, i.Currency), open, c.invoiceState(i))
	}
	err = c.invoices(f, show)
	if !c.json && sum.n == 0 && err == nil {
		return c.say("No such invoice")
	}
	if err = s.end(err); err != nil || c.json {
		return err
	}
	return c.say("-- %s, %s open", plural(sum.n, "document"), money.Format(sum.open, sum.currency))
}

// invoices of one account, or of all.
func (c *call) invoices(f *invoiceFilter, fn func(*store.Invoice) error) error {
	if f.account == "" && f.reseller != "" {
		return c.invoicesBelow(f, fn)
	}
	if f.account == "" {
		return c.st.Invoices(1, fn)
	}
	list, err := c.st.InvoicesOf(f.account, f.open || f.overdue)
	if err != nil {
		return err
	}
	for i := range list {
		if err := fn(&list[i]); err != nil {
			return err
		}
	}
	return nil
}

// invoiceState is how far it is settled, for people.
func (c *call) invoiceState(i *store.Invoice) string {
	switch {
	case i.Kind == store.CreditNote:
		return "for " + c.documents().Number(i.About)
	case c.overdue(i):
		return "late " + c.day(i.Due)
	case i.State == store.InvoiceOpen:
		return "due " + c.day(i.Due)
	}
	return string(i.State)
}

var periodRE = regexp.MustCompile(`^\d{4}(-\d{2}(-\d{2})?)?(-\d+)?$`)

// invoiceMatch is the filter as a function. What cannot be is told, rather than
// shown as an empty list.
func (c *call) invoiceMatch(f *invoiceFilter) (func(*store.Invoice) bool, error) {
	if f.period != "" && !periodRE.MatchString(f.period) {
		return nil, usage("", "--period %q: a month such as %s, a year or a day", f.period, c.now().In(c.st.Zone()).Format("2006-01"))
	}
	if err := c.invoiced(f.account); err != nil {
		return nil, err
	}
	var below map[string]bool
	if f.reseller != "" {
		var err error
		if below, err = c.accountsBelow(f.reseller); err != nil {
			return nil, err
		}
	}
	var theirs map[string]bool
	if f.customer != "" {
		var err error
		if theirs, err = c.accountsOf(f.customer); err != nil {
			return nil, err
		}
	}
	zone := c.st.Zone()
	return func(i *store.Invoice) bool {
		switch {
		case below != nil && !below[i.Account]:
			return false
		case f.open && i.State != store.InvoiceOpen, f.overdue && !c.overdue(i):
			return false
		case theirs != nil && i.Customer != f.customer && !theirs[i.Account]:
			return false
		}
		return f.period == "" || inPeriod(i, f.period, zone)
	}, nil
}

// invoiced fails for an account that is not there and has no invoice either.
func (c *call) invoiced(account string) error {
	if account == "" {
		return nil
	}
	_, err := c.st.Account(account)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if list, e := c.st.InvoicesOf(account, false); e != nil || len(list) > 0 {
		return e
	}
	return c.noAccount(account, err)
}

func (c *call) accountsOf(customer string) (map[string]bool, error) {
	if _, err := c.st.Customer(customer); errors.Is(err, store.ErrNotFound) {
		return nil, fail(exitFailed, "relay customer list shows all", "no customer %q", customer)
	} else if err != nil {
		return nil, err
	}
	list, err := c.st.AccountsOf(customer)
	theirs := map[string]bool{}
	for i := range list {
		theirs[list[i].Name] = true
	}
	return theirs, err
}

// inPeriod reports whether an invoice belongs to a period: a month, or the year
// or the day that has its name.
func inPeriod(i *store.Invoice, period string, zone *time.Location) bool {
	own := i.Period
	if own == "" {
		own = i.Issued.In(zone).Format(time.DateOnly)
	}
	return own == period || strings.HasPrefix(own, period+"-")
}
