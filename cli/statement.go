package cli

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/term"
	"relay/quota"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/report/money"
	"relay/report/words"
	"relay/store"
)

func (p *program) accountStatement() *cli.Command {
	var at string
	return p.onStore(&cli.Command{
		Name: "statement", ArgsUsage: "NAME", Usage: "every number of an account, from its ledger",
		Description: `It replays the ledger: plan, allowance, use, credit, overage, invoices, payments and balance, then the entries themselves, oldest first. Only the figures of the present day come from counters. A month that is over counts as closed, also where that is still to be done. A ledger outlives its account.

--at takes a date, whose whole day counts, or an instant: 2026-11-23, "2026-11-23 12:00", 2026-11-23T12:00:00+01:00. Without a zone it is in the operator's. Use is entered by the day: that of a day which was not over then is not counted, and the statement says so.`,
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
		for _, list := range [][]store.Entry{st.Entries, st.Payments} {
			for i := range list {
				c.veil(&list[i])
			}
		}
		if c.json {
			return term.Encode(c.Stdout, c.viewStatement(&st))
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
	at, err := words.ParseMoment(text, c.st.Zone())
	if err != nil {
		return at, exit.Usage("relay account statement --help", "--at: %w", err)
	}
	if _, err := time.Parse(time.DateOnly, text); err == nil { // all of that day
		if day := at; !now.Before(day) && now.Before(day.AddDate(0, 0, 1)) {
			return time.Time{}, nil // today, as far as it goes
		}
		at = at.AddDate(0, 0, 1).Add(-time.Nanosecond)
	}
	if at.After(now) {
		return at, exit.Usage("leave out --at for a statement of now", "--at %s is in the future", text)
	}
	return at, nil
}

// statementView is a statement as programs see it. Money is in minor units,
// credit and overage are in the unit of the plan.
type statementView struct {
	Account   string           `json:"account"`
	At        time.Time        `json:"at"`
	Plan      *string          `json:"plan"` // null: none yet
	Unit      string           `json:"unit"` // bytes or e-mails
	TermStart *time.Time       `json:"term_start"`
	TermEnd   *time.Time       `json:"term_end"`
	Period    *string          `json:"period"`    // that is open
	Allowance *allowance       `json:"allowance"` // of the period
	Used      quota.Charge     `json:"used"`
	Uncounted *string          `json:"uncounted"` // the day whose use is in none of this, since it was not over; null: none
	Over      int64            `json:"over"`      // in the open period, beyond the allowance
	Drawn     int64            `json:"drawn"`     // of it from credit
	Overage   int64            `json:"overage"`   // of it what no credit covers
	Periods   []periodView     `json:"periods"`
	Credit    []lotView        `json:"credit"` // of the open period nothing is drawn yet
	Invoices  []billedView     `json:"invoices"`
	Payments  []answer.Payment `json:"payments"` // refunds and corrections too
	Balance   int64            `json:"balance"`
	Currency  string           `json:"currency"`
	Entries   []entryView      `json:"entries"`

	ended bool
}

// entryView is an entry of the ledger. Figures that it does not have are 0.
type entryView struct {
	Entry    uint64     `json:"entry"` // 1, 2, 3 ...
	Time     time.Time  `json:"time"`
	Kind     string     `json:"kind"`
	Period   *string    `json:"period"`
	Day      *string    `json:"day"` // of a charge
	Messages int64      `json:"messages"`
	Bytes    int64      `json:"bytes"`
	Units    int64      `json:"units"` // of credit or overage
	Over     int64      `json:"over"`  // units that were overage until this
	Lot      *string    `json:"lot"`   // credit that they belong to
	Expires  *time.Time `json:"expires"`
	Amount   int64      `json:"amount"` // minor units; positive is in the customer's favour
	Invoice  *string    `json:"invoice"`
	Text     *string    `json:"text"`
	Contract *termView  `json:"contract"` // as it is from then on
	By       *string    `json:"by"`       // null: relay itself
}

func (c *call) viewEntry(e *store.Entry) entryView {
	v := entryView{Entry: e.Seq, Time: e.Time, Kind: string(e.Kind), Period: orNull(e.Period), Day: orNull(e.Day),
		Messages: e.Messages, Bytes: e.Bytes, Units: e.Units, Over: e.Over, Lot: orNull(e.Lot), Expires: orNull(e.Expires), Amount: e.Money,
		Invoice: orNull(answer.InvoiceName(c.acts(), e.Ref)), Text: orNull(words.English.Entry(e)), By: orNull(e.By)}
	if e.Contract != nil {
		v.Contract = new(c.viewTerm(e.Contract))
	}
	return v
}

// periodView is the use of a period as its entries have it.
type periodView struct {
	Period   string  `json:"period"`
	Messages int64   `json:"messages"`
	Bytes    int64   `json:"bytes"`
	Drawn    int64   `json:"drawn"`      // from credit
	Overage  int64   `json:"overage"`    // beyond allowance and credit
	Covered  *string `json:"covered_by"` // blocks that were bought for it
	Closed   bool    `json:"closed"`
}

type billedView struct {
	Invoice *string   `json:"invoice"` // null: it is issued with the close that is due
	Kind    string    `json:"kind"`
	Issued  time.Time `json:"issued"`
	Period  *string   `json:"period"`
	Total   int64     `json:"total"` // of a credit note negative
}

func (c *call) viewStatement(st *store.Statement) statementView {
	v := statementView{Account: st.Account, At: st.At.UTC(), Plan: orNull(st.Contract.Plan.Name), Unit: st.Contract.Plan.Unit(),
		TermStart: orNull(st.Contract.Start), TermEnd: orNull(st.Contract.End), Period: orNull(st.Period), Used: st.Used, Uncounted: orNull(st.Uncounted),
		Over: st.Use.Over, Drawn: st.Use.Drawn, Overage: st.Use.Overage, Periods: viewPeriods(st.Periods), Credit: viewLots(st.Lots),
		Invoices: []billedView{}, Payments: []answer.Payment{}, Balance: st.Balance, Currency: cmp.Or(st.Currency, c.currency()),
		Entries: []entryView{}, ended: st.Ended}
	if st.Period != "" {
		v.Allowance = &allowance{field.OrUnlimited(st.Allowance.Messages), field.OrUnlimited(st.Allowance.Bytes)}
	}
	for _, b := range st.Invoices {
		v.Invoices = append(v.Invoices, billedView{orNull(answer.InvoiceName(c.acts(), b.Number)), string(b.Kind), b.Issued, orNull(b.Period), b.Total})
	}
	for i := range st.Payments {
		v.Payments = append(v.Payments, answer.MoneyOf(c.acts(), &st.Payments[i], v.Currency))
	}
	for i := range st.Entries {
		if !c.json { // for people they are written one after the other
			break
		}
		v.Entries = append(v.Entries, c.viewEntry(&st.Entries[i]))
	}
	return v
}

func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func viewPeriods(list []store.PeriodSum) []periodView {
	views := make([]periodView, len(list))
	for i := range list {
		p := &list[i]
		views[i] = periodView{p.Period, p.Used.Messages, p.Used.Bytes, p.Drawn, p.Overage, orNull(words.English.Covered(p)), p.Closed}
	}
	return views
}

// showStatement is a statement for a person.
func (c *call) showStatement(st *store.Statement) error {
	v := c.viewStatement(st)
	return cmp.Or(c.showStanding(&v), c.showPeriods(&v), c.showCredit(&v), c.showBilled(&v), c.showPayments(&v),
		c.showBalance(&v), c.showEntries(&v, st.Entries))
}

func (c *call) showStanding(v *statementView) error {
	fields := []term.Field{{"account", v.Account}, {"at", c.stamp(v.At)}, {"plan", orElse(value(v.Plan), "none yet")}}
	if v.TermStart != nil {
		fields = append(fields, term.Field{"term", c.day(*v.TermStart) + " to " + c.lastDay(*v.TermEnd)})
	}
	if v.Period != nil {
		fields = append(fields,
			term.Field{"allowance", v.Allowance.text() + " in " + *v.Period},
			term.Field{"used", words.Plural(v.Used.Messages, "e-mail") + ", " + words.FineSize(v.Used.Bytes)})
	}
	if v.Uncounted != nil {
		fields = append(fields, term.Field{"not counted", "the use of " + *v.Uncounted + ", which is entered when that day is over"})
	}
	return term.WriteFields(c.Stdout, fields)
}

// part is a table with a heading, where there are rows.
func (c *call) part(head string, t *term.Table) error {
	if len(t.Rows) == 0 {
		return nil
	}
	return cmp.Or(c.say("\n%s", head), t.Print(c.Stdout))
}

func (c *call) showPeriods(v *statementView) error {
	t := term.NewTable(term.Column{Head: "PERIOD"}, term.Column{Head: "E-MAILS", Right: true}, term.Column{Head: "BANDWIDTH", Right: true},
		term.Column{Head: "CREDIT USED", Right: true}, term.Column{Head: "OVERAGE", Right: true}, term.Column{Head: "BLOCKS", Least: 6})
	for _, p := range v.Periods {
		text := orElse(value(p.Covered), "-")
		if !p.Closed {
			text = "open"
		}
		t.Add(p.Period, words.Number(p.Messages), words.FineSize(p.Bytes), words.UnitsCell(p.Drawn, v.Unit), words.UnitsCell(p.Overage, v.Unit), text)
	}
	return c.part("Use by period", t)
}

func (c *call) showCredit(v *statementView) error {
	t := term.NewTable(term.Column{Head: "LOT", Least: 20}, term.Column{Head: "LEFT", Right: true}, term.Column{Head: "GRANTED"}, term.Column{Head: "LAST DAY"})
	for _, l := range v.Credit {
		t.Add(l.Lot, words.Units(l.Units, v.Unit), c.day(l.Granted), c.lastDay(l.Expires))
	}
	if err := c.part("Credit, in the order of use", t); err != nil || v.Drawn == 0 {
		return err
	}
	return c.say("of it used in %s, which is open: %s", value(v.Period), words.Units(v.Drawn, v.Unit))
}

func (c *call) showBilled(v *statementView) error {
	t := term.NewTable(term.Column{Head: "INVOICE", Least: 10}, term.Column{Head: "ISSUED"}, term.Column{Head: "FOR"}, term.Column{Head: "PERIOD"}, term.Column{Head: v.Currency, Right: true})
	for _, i := range v.Invoices {
		t.Add(orElse(value(i.Invoice), "to come"), c.day(i.Issued), i.Kind, orElse(value(i.Period), "-"), money.Number(i.Total, v.Currency))
	}
	return c.part("Invoices", t)
}

func (c *call) showPayments(v *statementView) error {
	t := term.NewTable(term.Column{Head: "DATE"}, term.Column{Head: "KIND"}, term.Column{Head: "INVOICE", Least: 8}, term.Column{Head: v.Currency, Right: true}, term.Column{Head: "REFERENCE", Least: 10})
	for i := range v.Payments {
		p := &v.Payments[i]
		text := value(p.Text)
		if p.Reference != nil {
			text = strings.TrimSpace(value(p.Method) + " " + *p.Reference)
		}
		t.Add(c.day(p.Time), p.Kind, orElse(value(p.Invoice), "-"), money.Number(p.Amount, v.Currency), text)
	}
	return c.part("Payments", t)
}

func (c *call) showBalance(v *statementView) error {
	return c.say("\nBalance: %s", words.Balance(v.Balance, v.Currency, v.ended))
}

func (c *call) showEntries(v *statementView, list []store.Entry) error {
	if len(list) == 0 {
		return nil
	}
	if err := c.say("\nEntries"); err != nil {
		return err
	}
	if err := c.entryLines("NO", "TIME", "KIND", "FIGURE", "WHAT"); err != nil {
		return err
	}
	for i := range list {
		e := &list[i]
		if err := c.entryLines(strconv.FormatUint(e.Seq, 10), e.Time.In(c.st.Zone()).Format("2006-01-02 15:04"), string(e.Kind),
			figureOf(e, v.Unit), c.whatOf(e, v.Unit)); err != nil {
			return err
		}
	}
	return nil
}

// entryLines are an entry; its columns are as wide as any entry needs, since it
// is written before the next one is read. What does not fit goes on below.
func (c *call) entryLines(seq, at, kind, figure, what string) error {
	left := fmt.Sprintf("%s  %s  %s  %s  ", term.Pad(seq, 5, true), term.Pad(at, 16, false), term.Pad(kind, 11, false), term.Pad(figure, 14, true))
	width := utf8.RuneCountInString(left)
	texts := term.Fold(term.Clean(what), term.Columns-width)
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
		return money.Format(e.Money, e.Currency)
	case e.Units != 0 && unit == "bytes":
		return words.FineSize(e.Units)
	case e.Units != 0:
		return words.Number(e.Units)
	case e.Kind == store.KindGrant, e.Kind == store.KindUpgraded, e.Kind == store.KindPlan:
		return words.Allowed(e.Messages+e.Bytes, shortCharge(e.Messages, e.Bytes))
	case e.Kind == store.KindCharge:
		return words.Number(e.Messages) + ", " + words.FineSize(e.Bytes)
	}
	return ""
}

// shortCharge is what limits first: octets where there are any.
func shortCharge(messages, bytes int64) string {
	if bytes > 0 {
		return words.FineSize(bytes)
	}
	return words.Number(messages)
}

// whatOf an entry is what else there is to say of it.
func (c *call) whatOf(e *store.Entry, unit string) string {
	var parts []string
	if e.Ref != "" {
		parts = append(parts, answer.InvoiceName(c.acts(), e.Ref))
	}
	for _, s := range []string{e.Lot, words.English.Entry(e), cmp.Or(e.Day, e.Period)} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if e.Over > 0 {
		parts = append(parts, words.Units(e.Over, unit)+" were overage until then")
	}
	if e.By != "" {
		parts = append(parts, "by "+e.By)
	}
	return strings.Join(parts, ", ")
}
