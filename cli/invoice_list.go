package cli

import (
	"cmp"
	"errors"
	"regexp"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/answer"
	"relay/report/money"
	"relay/report/words"
	"relay/store"
)

// invoiceFilter chooses invoices by what they are.
type invoiceFilter struct {
	account, customer, reseller, period string
	open, overdue                       bool
	limit                               shell.CountFlag
}

func (p *program) invoiceList() *cli.Command {
	var f invoiceFilter
	return p.onStore(&cli.Command{
		Name: "list", Usage: "invoices and credit notes, by number",
		Description: `Amounts are in the currency that the last line names; those of credit notes are negative.

--period takes a month (2026-11), a year or a day. An invoice of overage belongs to the month it was used in, every other to the day it was issued on.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "account", Usage: "`NAME` only those of this account", Destination: &f.account},
			&cli.StringFlag{Name: "customer", Usage: "`CUSTOMER` only those to this customer", Destination: &f.customer},
			&cli.StringFlag{Name: "reseller", Usage: "`RESELLER` only those of accounts that were below it when they were issued", Destination: &f.reseller},
			&cli.BoolFlag{Name: "open", Usage: "only those that are not paid", Destination: &f.open},
			&cli.BoolFlag{Name: "overdue", Usage: "only those that should have been paid by now", Destination: &f.overdue},
			&cli.StringFlag{Name: "period", Usage: "`PERIOD` only those of this month, 2026-11", Destination: &f.period},
			&cli.GenericFlag{Name: "limit", Usage: "`N` at most so many, the oldest", Value: &f.limit},
		},
	}, work{run: func(c *call) error { return c.listInvoices(&f) }})
}

func (c *call) listInvoices(f *invoiceFilter) error {
	match, err := c.invoiceMatch(f)
	if err != nil {
		return err
	}
	s := c.stream(f.limit.N, term.Column{Head: "NUMBER"}, term.Column{Head: "ISSUED"}, term.Column{Head: "ACCOUNT", Least: 8}, term.Column{Head: "FOR"},
		term.Column{Head: "TOTAL", Right: true}, term.Column{Head: "OPEN", Right: true}, term.Column{Head: "STATE"})
	var shown, sum int64
	show := func(i *store.Invoice) error {
		if err := s.Pause(); err != nil {
			return err
		}
		if !match(i) {
			return nil
		}
		shown, sum = shown+1, sum+i.Open()
		open := ""
		if i.Open() != 0 {
			open = money.Number(i.Open(), i.Currency)
		}
		return s.Add(answer.InvoiceOf(c.acts(), i), i.Name, c.day(i.Issued), i.Account, string(i.Kind),
			money.Number(i.Total, i.Currency), open, c.invoiceState(i))
	}
	if err = s.End(c.invoices(f, show)); err != nil || c.json {
		return err
	}
	return c.say("-- %s, %s open", words.Plural(shown, "document"), c.amount(sum))
}

// invoices of one account, of whoever they are listed under, or all.
func (c *call) invoices(f *invoiceFilter, fn func(*store.Invoice) error) error {
	switch {
	case f.account != "":
	case c.scope != nil:
		return c.st.InvoicesBelow(f.reseller, f.open || f.overdue, fn)
	case f.customer != "":
		return c.st.InvoicesTo(f.customer, fn)
	case f.reseller != "":
		return c.st.InvoicesThrough(f.reseller, fn)
	default:
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
		return "for " + i.Names
	case answer.Overdue(c.acts(), i):
		return "late " + c.day(i.Due)
	case i.State == store.InvoiceOpen:
		return "due " + c.day(i.Due)
	}
	return string(i.State)
}

var periodRE = regexp.MustCompile(`^(\d{4})(?:(-\d{2})(-\d{2})?(?:-[1-9]\d*)?)?$`)

func (c *call) checkPeriod(text string) error {
	if text == "" || isPeriod(text) {
		return nil
	}
	return exit.Usage("", "--period %q: a month such as %s, a year or a day", text, c.now().In(c.st.Zone()).Format("2006-01"))
}

// isPeriod takes a year, a month or a day, and the key of a period, which may
// have a number behind it.
func isPeriod(text string) bool {
	m := periodRE.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	day := m[1] + orElse(m[2], "-01") + orElse(m[3], "-01")
	_, err := time.Parse(time.DateOnly, day)
	return err == nil
}

// invoiceMatch is the filter as a function. What cannot be is told, rather than
// shown as an empty list.
func (c *call) invoiceMatch(f *invoiceFilter) (func(*store.Invoice) bool, error) {
	if err := c.checkPeriod(f.period); err != nil {
		return nil, err
	}
	if err := cmp.Or(c.invoiced(f.account), c.known(f.customer, f.reseller)); err != nil {
		return nil, err
	}
	var below map[string]bool
	if c.scope != nil { // it sees those of the accounts that are below it now, and no others
		var err error
		if below, err = c.accountsBelow(f.reseller); err != nil {
			return nil, err
		}
	}
	zone := c.st.Zone()
	return func(i *store.Invoice) bool {
		switch {
		case below != nil && !below[i.Account]:
			return false
		case f.open && i.State != store.InvoiceOpen, f.overdue && !answer.Overdue(c.acts(), i):
			return false
		case f.customer != "" && i.Customer != f.customer, below == nil && f.reseller != "" && i.Reseller != f.reseller:
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

// inPeriod reports whether an invoice belongs to a period: a month, or the year
// or the day that has its name.
func inPeriod(i *store.Invoice, period string, zone *time.Location) bool {
	own := i.Period
	if own == "" {
		own = words.Day(i.Issued, zone)
	}
	return within(own, period)
}

// within reports whether a day or a period is in another one, or is it.
func within(own, period string) bool {
	return own == period || strings.HasPrefix(own, period+"-")
}

// accountsBelow are the names of the accounts below a reseller.
func (c *call) accountsBelow(reseller string) (map[string]bool, error) {
	names := map[string]bool{}
	err := c.st.EachAccount(store.Wanted{Reseller: reseller}, func(a *store.Account) error { names[a.Name] = true; return nil })
	return names, err
}
