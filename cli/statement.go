package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	cli "github.com/urfave/cli/v2"

	"relay/quota"
	"relay/report/invoice"
	"relay/report/money"
	"relay/store"
)

func (p *program) accountStatement() *cli.Command {
	var at string
	return p.onStore(&cli.Command{
		Name: "statement", ArgsUsage: "NAME", Usage: "every number of an account, from its ledger",
		Description: `It replays the ledger: plan, allowance, use, credit, overage, invoices, payments and balance, then the entries themselves, oldest first. Nothing of it comes from counters, but for the day that is not over. A ledger outlives its account.

--at takes a date, whose whole day counts, or an instant: 2026-11-23, 2026-11-23T12:00:00+01:00.`,
		Flags: []cli.Flag{&cli.StringFlag{Name: "at", Usage: "`DATE` as it was then (default now)", Destination: &at}},
	}, work{run: func(c *call) error {
		when, err := c.instant(at)
		if err != nil {
			return err
		}
		st, err := c.st.Statement(c.args[0], when)
		if err != nil {
			return c.noAccount(c.args[0], err)
		}
		if c.json {
			return encode(c.Stdout, c.viewStatement(&st))
		}
		return c.showStatement(&st)
	}})
}

// instant that --at means: an instant, or the end of a day in the operator's
// zone; the zero time is now, so that what is charged until then counts.
func (c *call) instant(text string) (time.Time, error) {
	now := c.now()
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		day, dayErr := time.ParseInLocation(time.DateOnly, text, c.st.Zone())
		if dayErr != nil {
			return at, usage("relay account statement --help", "--at %q: a date such as 2026-11-23, or an instant such as 2026-11-23T12:00:00Z", text)
		}
		at = day.AddDate(0, 0, 1).Add(-time.Nanosecond)
		if now.Before(at) && !now.Before(day) {
			return time.Time{}, nil // today, as far as it goes
		}
	}
	if at.After(now) {
		return at, usage("leave out --at for a statement of now", "--at %s is in the future", text)
	}
	return at, nil
}

// statementView is a statement as programs see it. Money is in minor units,
// credit and overage are in the unit of the plan.
type statementView struct {
	Account   string        `json:"account"`
	At        time.Time     `json:"at"`
	Plan      string        `json:"plan"`
	Unit      string        `json:"unit"` // bytes or e-mails
	TermStart time.Time     `json:"term_start,omitzero"`
	TermEnd   time.Time     `json:"term_end,omitzero"`
	Period    string        `json:"period"` // that is open; "": none
	Allowance quota.Charge  `json:"allowance"`
	Used      quota.Charge  `json:"used"`
	Over      int64         `json:"over"`    // in the open period, beyond the allowance
	Drawn     int64         `json:"drawn"`   // of it from credit
	Overage   int64         `json:"overage"` // of it what no credit covers
	Periods   []periodView  `json:"periods"`
	Credit    []lotView     `json:"credit"` // of the open period nothing is drawn yet
	Invoices  []billedView  `json:"invoices"`
	Payments  []store.Entry `json:"payments"` // refunds and corrections too
	Balance   int64         `json:"balance"`
	Currency  string        `json:"currency"`
	Entries   []store.Entry `json:"entries"`
}

// periodView is the use of a period as its entries have it.
type periodView struct {
	Period   string `json:"period"`
	Messages int64  `json:"messages"`
	Bytes    int64  `json:"bytes"`
	Drawn    int64  `json:"drawn"`   // from credit
	Overage  int64  `json:"overage"` // beyond allowance and credit
	Blocks   string `json:"blocks"`  // bought for it
	Closed   bool   `json:"closed"`
}

type billedView struct {
	Invoice string    `json:"invoice"`
	Kind    string    `json:"kind"`
	Issued  time.Time `json:"issued"`
	Period  string    `json:"period"`
	Total   int64     `json:"total"` // of a credit note negative
}

func (c *call) viewStatement(st *store.Statement) statementView {
	v := statementView{Account: st.Account, At: st.At, Plan: st.Name, Unit: st.Contract.Plan.Unit(),
		TermStart: st.Contract.Start, TermEnd: st.Contract.End, Period: st.Period, Allowance: st.Allowance, Used: st.Used,
		Over: st.Use.Over, Drawn: st.Use.Drawn, Overage: st.Use.Overage, Periods: periodsOf(st), Credit: viewLots(st.Lots),
		Invoices: []billedView{}, Payments: orNone(st.Payments), Balance: st.Balance, Currency: cmp.Or(st.Currency, c.currency()),
		Entries: orNone(st.Entries)}
	doc := c.documents()
	for _, b := range st.Invoices {
		v.Invoices = append(v.Invoices, billedView{prefixed(b.Number, &doc), string(b.Kind), b.Issued, b.Period, b.Total})
	}
	return v
}

func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// prefixed is the number of an invoice as it is printed.
func prefixed(number string, o *invoice.Options) string {
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return number
	}
	return o.Number(n)
}

// periodsOf sums up the use by period, oldest first.
func periodsOf(st *store.Statement) []periodView {
	list := []periodView{}
	at := func(key string) *periodView {
		i := slices.IndexFunc(list, func(p periodView) bool { return p.Period == key })
		if i < 0 {
			i, list = len(list), append(list, periodView{Period: key})
		}
		return &list[i]
	}
	for i := range st.Entries {
		e := &st.Entries[i]
		switch e.Kind {
		case store.KindGrant:
			at(e.Period)
		case store.KindCharge:
			p := at(e.Period)
			p.Messages, p.Bytes = p.Messages+e.Messages, p.Bytes+e.Bytes
		case store.KindDraw:
			at(e.Period).Drawn -= e.Units
		case store.KindOverage:
			p := at(e.Period)
			p.Overage, p.Blocks = p.Overage+e.Units, e.Text
		case store.KindClosed:
			at(e.Period).Closed = true
		}
	}
	if st.Period != "" { // with the day that is not over
		p := at(st.Period)
		p.Messages, p.Bytes, p.Drawn, p.Overage = st.Used.Messages, st.Used.Bytes, st.Use.Drawn, st.Use.Overage
	}
	return list
}

// showStatement is a statement for a person. The entries are read again and
// written as they come, however many there are.
func (c *call) showStatement(st *store.Statement) error {
	v := c.viewStatement(st)
	return cmp.Or(c.showStanding(&v), c.showPeriods(&v), c.showCredit(&v), c.showBilled(&v), c.showPayments(&v),
		c.showBalance(&v), c.showEntries(&v))
}

func (c *call) showStanding(v *statementView) error {
	fields := []field{{"account", v.Account}, {"at", c.stamp(v.At)}, {"plan", orElse(v.Plan, "none yet")}}
	if v.Plan != "" {
		fields = append(fields, field{"term", c.day(v.TermStart) + " to " + c.lastDay(v.TermEnd)})
	}
	if v.Period != "" {
		fields = append(fields,
			field{"allowance", allowanceText(v.Allowance.Messages, v.Allowance.Bytes) + " in " + v.Period},
			field{"used", plural(v.Used.Messages, "e-mail") + ", " + size(v.Used.Bytes)})
	}
	return writeFields(c.Stdout, fields)
}

// part is a table with a heading, where there are rows.
func (c *call) part(head string, t *table) error {
	if len(t.rows) == 0 {
		return nil
	}
	return cmp.Or(c.say("\n%s", head), t.write(c.Stdout))
}

func (c *call) showPeriods(v *statementView) error {
	t := newTable(column{head: "PERIOD"}, column{head: "E-MAILS", right: true}, column{head: "BANDWIDTH", right: true},
		column{head: "CREDIT USED", right: true}, column{head: "OVERAGE", right: true}, column{head: "BLOCKS", least: 6})
	for _, p := range v.Periods {
		text := p.Blocks
		if !p.Closed {
			text = "open"
		}
		t.add(p.Period, number(p.Messages), size(p.Bytes), c.orDash(p.Drawn, v.Unit), c.orDash(p.Overage, v.Unit), text)
	}
	return c.part("Use by period", t)
}

// orDash is an amount in a column of them.
func (c *call) orDash(n int64, unit string) string {
	switch {
	case n == 0:
		return "-"
	case unit == "bytes":
		return size(n)
	}
	return number(n)
}

func (c *call) showCredit(v *statementView) error {
	t := newTable(column{head: "LOT", least: 20}, column{head: "LEFT", right: true}, column{head: "GRANTED"}, column{head: "LAST DAY"})
	for _, l := range v.Credit {
		t.add(l.Lot, unitsText(l.Amount, v.Unit), c.day(l.Granted), c.lastDay(l.Expires))
	}
	return c.part("Credit, in the order of use", t)
}

func (c *call) showBilled(v *statementView) error {
	t := newTable(column{head: "INVOICE", least: 10}, column{head: "ISSUED"}, column{head: "FOR"}, column{head: "PERIOD"}, column{head: v.Currency, right: true})
	for _, i := range v.Invoices {
		t.add(i.Invoice, c.day(i.Issued), i.Kind, orElse(i.Period, "-"), money.Number(i.Total, v.Currency))
	}
	return c.part("Invoices", t)
}

func (c *call) showPayments(v *statementView) error {
	doc := c.documents()
	t := newTable(column{head: "DATE"}, column{head: "KIND"}, column{head: "INVOICE", least: 8}, column{head: v.Currency, right: true}, column{head: "REFERENCE", least: 10})
	for i := range v.Payments {
		e := &v.Payments[i]
		t.add(c.day(e.Time), string(e.Kind), orElse(prefixed(e.Ref, &doc), "-"), money.Number(e.Money, v.Currency), e.Text)
	}
	return c.part("Payments", t)
}

func (c *call) showBalance(v *statementView) error {
	return c.say("\nBalance: %s", balanceText(v.Balance, v.Currency))
}

func (c *call) showEntries(v *statementView) error {
	if len(v.Entries) == 0 {
		return nil
	}
	if err := c.say("\nEntries"); err != nil {
		return err
	}
	if err := c.entryLines("NO", "TIME", "KIND", "FIGURE", "WHAT"); err != nil {
		return err
	}
	doc, last := c.documents(), v.Entries[len(v.Entries)-1].Seq
	return c.st.Ledger(v.Account, func(e *store.Entry) error {
		if e.Time.After(v.At) || e.Seq > last {
			return nil
		}
		return c.entryLines(strconv.FormatUint(e.Seq, 10), e.Time.In(c.st.Zone()).Format("2006-01-02 15:04"), string(e.Kind),
			figureOf(e, v.Unit), whatOf(e, &doc))
	})
}

// entryLines are an entry; its columns are as wide as any entry needs, since it
// is written before the next one is read. What does not fit goes on below.
func (c *call) entryLines(seq, at, kind, figure, what string) error {
	left := fmt.Sprintf("%s  %s  %s  %s  ", pad(seq, 5, true), pad(at, 16, false), pad(kind, 11, false), pad(figure, 14, true))
	width := utf8.RuneCountInString(left)
	texts := fold(clean(what), screen-width)
	if len(texts) == 0 {
		texts = []string{""}
	}
	for _, text := range texts {
		if err := c.say("%s", strings.TrimRight(left+text, " ")); err != nil {
			return err
		}
		left = strings.Repeat(" ", width)
	}
	return nil
}

// figureOf an entry: its money, else its units, else its e-mails.
func figureOf(e *store.Entry, unit string) string {
	switch {
	case e.Money != 0:
		return e.Currency + " " + money.Number(e.Money, e.Currency)
	case e.Units != 0 && unit == "bytes":
		return size(e.Units)
	case e.Units != 0:
		return number(e.Units)
	case e.Kind == store.KindGrant, e.Kind == store.KindUpgraded, e.Kind == store.KindPlan:
		return allowed(e.Messages+e.Bytes, shortCharge(e.Messages, e.Bytes))
	case e.Kind == store.KindCharge:
		return number(e.Messages) + ", " + size(e.Bytes)
	}
	return ""
}

// shortCharge is what limits first: octets where there are any.
func shortCharge(messages, bytes int64) string {
	if bytes > 0 {
		return size(bytes)
	}
	return number(messages)
}

// whatOf an entry is what else there is to say of it.
func whatOf(e *store.Entry, o *invoice.Options) string {
	var parts []string
	if e.Ref != "" {
		parts = append(parts, prefixed(e.Ref, o))
	}
	for _, s := range []string{e.Lot, e.Text, cmp.Or(e.Day, e.Period)} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if e.By != "" {
		parts = append(parts, "by "+e.By)
	}
	return strings.Join(parts, ", ")
}
