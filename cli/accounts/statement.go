package accounts

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	cli "github.com/urfave/cli/v2"

	"relay/cli/receipt"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/field"
	"relay/report/api/orders"
	"relay/report/money"
	"relay/report/words"
	"relay/store/ledger"
)

func statement(e *shell.Env) *cli.Command {
	in := &orders.StatementOf{}
	return shell.Command(&cli.Command{
		Name: "statement", ArgsUsage: "NAME", Usage: "all figures of an account, from its ledger",
		Description: `It replays the ledger: plan, allowance, use, credit, overage, invoices, payments and balance, then the entries themselves, oldest first. Only the figures of the present day come from counters. A month that is over counts as closed, even if the job that closes it has not run. The ledger stays when its account is removed.

--at takes a date, whose whole day counts, or an instant: 2026-11-23, "2026-11-23 12:00", 2026-11-23T12:00:00+01:00. Without a zone it is in the operator's. Use is entered once a day: the use of a day that was not over at that time is left out, and the statement says so.`,
		Flags: []cli.Flag{&cli.StringFlag{Name: "at", Usage: "`DATE` as it was then (default now)", Destination: &in.At}},
	}, func(ctx context.Context, args []string) error {
		in.Account = args[0]
		return shell.Show(ctx, e, orders.ShowStatement, in, showStatement)
	})
}

func showStatement(e *shell.Env, v *orders.Statement) error {
	return cmp.Or(showStanding(e, v), showPeriods(e, v), showCredit(e, v), showBilled(e, v), showPayments(e, v),
		showBalance(e, v), showEntries(e, v))
}

func showStanding(e *shell.Env, v *orders.Statement) error {
	fields := []term.Field{{"account", v.Account}, {"at", words.Stamp(v.At, e.Zone())}, {"plan", cmp.Or(field.Or0(v.Plan), "none yet")}}
	if v.TermStart != nil {
		fields = append(fields, term.Field{"term", words.Day(*v.TermStart, e.Zone()) + " to " + receipt.LastDay(e, *v.TermEnd)})
	}
	if v.Period != nil {
		fields = append(fields,
			term.Field{"allowance", v.Allowance.String() + " " + inPeriod(e, *v.Period, v.TermStart, v.TermEnd)},
			term.Field{"used", words.Plural(v.Used.Messages, "e-mail") + ", " + words.FineSize(v.Used.Bytes)})
	}
	if v.Uncounted != nil {
		fields = append(fields, term.Field{"not counted", "the use of " + *v.Uncounted + ", which is entered when that day is over"})
	}
	return term.WriteFields(e.Stdout, fields)
}

// part is a table with a heading, where there are rows.
func part(e *shell.Env, head string, t *term.Table) error {
	if len(t.Rows) == 0 {
		return nil
	}
	return cmp.Or(e.Say("\n%s", head), t.Print(e.Stdout))
}

func showPeriods(e *shell.Env, v *orders.Statement) error {
	t := term.NewTable(term.Column{Head: "PERIOD"}, term.Column{Head: "E-MAILS", Right: true}, term.Column{Head: "BANDWIDTH", Right: true},
		term.Column{Head: "CREDIT USED", Right: true}, term.Column{Head: "OVERAGE", Right: true}, term.Column{Head: "BLOCKS", Least: 6})
	for _, p := range v.Periods {
		text := cmp.Or(field.Or0(p.Covered), "-")
		if !p.Closed {
			text = "open"
		}
		t.Add(words.Period(p.Period, p.Start, p.End, e.Zone()), words.Number(p.Messages), words.FineSize(p.Bytes), words.UnitsCell(p.Drawn, v.Unit), words.UnitsCell(p.Overage, v.Unit), text)
	}
	return part(e, "Use by period", t)
}

func showCredit(e *shell.Env, v *orders.Statement) error {
	t := term.NewTable(term.Column{Head: "LOT", Least: 20}, term.Column{Head: "LEFT", Right: true}, term.Column{Head: "GRANTED"}, term.Column{Head: "LAST DAY"})
	for _, l := range v.Credit {
		t.Add(l.Lot, words.Units(l.Units, v.Unit), words.Day(l.Granted, e.Zone()), receipt.LastDay(e, l.Expires))
	}
	if err := part(e, "Credit, in the order of use", t); err != nil || v.Drawn == 0 {
		return err
	}
	return e.Say("of it used %s, which is open: %s", inPeriod(e, *v.Period, v.TermStart, v.TermEnd), words.Units(v.Drawn, v.Unit))
}

func showBilled(e *shell.Env, v *orders.Statement) error {
	t := term.NewTable(term.Column{Head: "INVOICE", Least: 10}, term.Column{Head: "ISSUED"}, term.Column{Head: "FOR"}, term.Column{Head: "PERIOD"}, term.Column{Head: v.Currency, Right: true})
	for _, i := range v.Invoices {
		t.Add(cmp.Or(field.Or0(i.Invoice), "to come"), words.Day(i.Issued, e.Zone()), i.Kind, cmp.Or(periodOf(e, v, field.Or0(i.Period)), "-"), money.Number(i.Total, v.Currency))
	}
	return part(e, "Invoices", t)
}

func showPayments(e *shell.Env, v *orders.Statement) error {
	t := term.NewTable(term.Column{Head: "DATE"}, term.Column{Head: "KIND"}, term.Column{Head: "INVOICE", Least: 8}, term.Column{Head: v.Currency, Right: true}, term.Column{Head: "REFERENCE", Least: 10})
	for i := range v.Payments {
		p := &v.Payments[i]
		text := field.Or0(p.Text)
		if p.Reference != nil {
			text = strings.TrimSpace(field.Or0(p.Method) + " " + *p.Reference)
		}
		t.Add(words.Day(p.Time, e.Zone()), p.Kind, cmp.Or(field.Or0(p.Invoice), "-"), money.Number(p.Amount, v.Currency), text)
	}
	return part(e, "Payments", t)
}

func showBalance(e *shell.Env, v *orders.Statement) error {
	return e.Say("\nBalance: %s", words.Balance(v.Balance, v.Currency, v.Ended))
}

func showEntries(e *shell.Env, v *orders.Statement) error {
	if len(v.Entries) == 0 {
		return nil
	}
	if err := e.Say("\nEntries"); err != nil {
		return err
	}
	if err := entryLines(e, "NO", "TIME", "KIND", "FIGURE", "WHAT"); err != nil {
		return err
	}
	for i := range v.Entries {
		one := &v.Entries[i]
		if err := entryLines(e, strconv.FormatUint(one.Entry, 10), one.Time.In(e.Zone()).Format("2006-01-02 15:04"), one.Kind,
			figureOf(one, v), whatOf(e, one, v)); err != nil {
			return err
		}
	}
	return nil
}

// entryLines writes an entry; its columns are as wide as any entry needs. Text that does
// not fit goes on below.
func entryLines(e *shell.Env, seq, at, kind, figure, what string) error {
	left := fmt.Sprintf("%s  %s  %s  %s  ", term.Pad(seq, 5, true), term.Pad(at, 16, false), term.Pad(kind, 11, false), term.Pad(figure, 14, true))
	width := utf8.RuneCountInString(left)
	texts := term.Fold(words.Clean(what), term.Columns-width)
	if len(texts) == 0 {
		texts = []string{""}
	}
	for _, text := range texts {
		if err := e.Say("%s", strings.TrimRight(left+text, " ")); err != nil {
			return err
		}
		left = strings.Repeat(" ", width)
	}
	return nil
}

// figureOf an entry: its money, else its units, else its e-mails.
func figureOf(one *orders.Entry, v *orders.Statement) string {
	switch kind := ledger.Kind(one.Kind); {
	case one.Amount != 0:
		return money.Format(one.Amount, v.Currency)
	case one.Units != 0 && v.Unit == "bytes":
		return words.FineSize(one.Units)
	case one.Units != 0:
		return words.Number(one.Units)
	case kind == ledger.KindGrant, kind == ledger.KindUpgraded, kind == ledger.KindPlan:
		return words.Allowed(one.Messages+one.Bytes, shortCharge(one.Messages, one.Bytes))
	case kind == ledger.KindCharge:
		return words.Number(one.Messages) + ", " + words.FineSize(one.Bytes)
	}
	return ""
}

// shortCharge is the figure that limits first: octets where there are any.
func shortCharge(messages, bytes int64) string {
	if bytes > 0 {
		return words.FineSize(bytes)
	}
	return words.Number(messages)
}

// periodOf is a period by its key, with the dates that the statement has of it.
func periodOf(e *shell.Env, v *orders.Statement, key string) string {
	for i := range v.Periods {
		if p := &v.Periods[i]; p.Period == key {
			return words.Period(key, p.Start, p.End, e.Zone())
		}
	}
	return key
}

// whatOf an entry is what else there is to say of it.
func whatOf(e *shell.Env, one *orders.Entry, v *orders.Statement) string {
	var parts []string
	for _, s := range []*string{one.Invoice, one.Lot, one.Text, one.Day} {
		if s != nil {
			parts = append(parts, *s)
		}
	}
	if one.Day == nil && one.Period != nil {
		parts = append(parts, periodOf(e, v, *one.Period))
	}
	if one.Over > 0 {
		parts = append(parts, words.Units(one.Over, v.Unit)+" were overage until then")
	}
	if one.By != nil {
		parts = append(parts, "by "+words.Actor(*one.By))
	}
	return strings.Join(parts, ", ")
}
