package plans

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/quota"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/report/api/plans"
	"relay/report/forecast"
	"relay/report/money"
	"relay/report/words"
	"relay/store/ledger"
)

// simFlags are what is simulated, as it is typed.
type simFlags struct {
	plan, topUp, atLimit, from string
	size, emails               *int64
	months, overMax            *int64
}

func planSimulate(e *shell.Env) *cli.Command {
	var f simFlags
	return shell.Command(&cli.Command{
		Name: "simulate", Usage: "simulate what a customer would use and pay",
		Description: `Shows month by month what a customer of the plan would use, be billed and be credited, if it sends that many e-mails of that size a month, at an even pace from the first day to the last, and pays each invoice at once. A plan for 30 days is bought again after 30 days, even if it is used up earlier; a plan for a year after twelve months.

It is no estimate: the customer is simulated on a store of its own, in a temporary file, by the same code that takes mail, closes months and makes invoices. The relay's own store is not changed.

E-mails that do not fit are refused and not tried again; with --top-up they make the customer of a count plan buy a monthly one on top.

  relay plan simulate --plan entry --size 40KB --emails 12000
  relay plan simulate --plan standard-count --size 5KB --emails 55000 \
    --top-up entry-count-month`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "plan", Usage: "`PLAN` that is bought", Required: true, Destination: &f.plan},
			shell.Needed(shell.SizeFlag("size", "`SIZE` of an e-mail, decimal: 40KB", &f.size)),
			shell.Needed(shell.CountFlag("emails", "`N` e-mails a month, one for each recipient", &f.emails)),
			shell.CountFlag("months", "`N` months or periods of 30 days, up to 60 (default 12)", &f.months),
			&cli.StringFlag{Name: "at-limit", Usage: "`suspend|continue` refuse mail beyond the allowance, or accept it as overage (default as for an account without a choice)", Destination: &f.atLimit},
			shell.OverMaxFlag("as the plan says", &f.overMax),
			&cli.StringFlag{Name: "top-up", Usage: "`PLAN` that is bought on top when mail does not fit", Destination: &f.topUp},
			&cli.StringFlag{Name: "from", Usage: "`MONTH` the first one, such as 2026-11 (default this one)", Destination: &f.from},
		},
	}, func(ctx context.Context, _ []string) error { return simulate(ctx, e, &f) })
}

func simulate(ctx context.Context, e *shell.Env, f *simFlags) error {
	in, err := f.customer()
	if err != nil {
		return err
	}
	b, err := plans.Simulation.Call(ctx, e.Service, &plans.Simulated{Plan: f.plan, TopUp: f.topUp})
	if err != nil {
		return err
	}
	if err := f.on(in, b, e.Zone()); err != nil {
		return err
	}
	r := simReport{Env: e, in: *in}
	if err := r.run(ctx); err != nil {
		return err
	}
	if e.JSON {
		return term.Encode(e.Stdout, r.view())
	}
	return r.write()
}

// run fills in the months of the report. It may take minutes, in this process.
func (r *simReport) run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "relay-simulate-")
	if err != nil {
		return exit.Fail(exit.Failed, "TMPDIR names a directory that can be written to", "%w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	progress := term.NewProgress(r.Stderr, "simulating", 0)
	defer progress.End()
	err = forecast.Run(ctx, dir, r.in, func(m forecast.Month) error {
		progress.Add(1)
		r.months = append(r.months, m)
		return nil
	})
	if e, ok := errors.AsType[*forecast.TooManyTopUps](err); ok {
		return exit.Fail(exit.Failed, "name a larger plan for --top-up", "more than %s top-ups by %s in %s", words.Number(forecast.MostTopUps), e.Plan, e.Period)
	}
	return err
}

// customer that the flags describe, as far as they tell without the plan.
func (f *simFlags) customer() (*forecast.Customer, error) {
	in := &forecast.Customer{Size: field.Or0(f.size), Emails: field.Or0(f.emails), Months: 12, OverMax: field.Or0(f.overMax)}
	switch {
	case in.Size <= 0 || in.Size > forecast.MostSize:
		return nil, exit.Usage("", "--size: up to %s", words.WholeSize(forecast.MostSize))
	case in.Emails <= 0 || in.Emails > forecast.MostEmails:
		return nil, exit.Usage("", "--emails: 1 to %s", words.Number(forecast.MostEmails))
	case f.months != nil && (*f.months <= 0 || *f.months > forecast.MostMonths):
		return nil, exit.Usage("", "--months: 1 to %d", forecast.MostMonths)
	case f.months != nil:
		in.Months = int(*f.months)
	}
	if in.Emails*int64(in.Months) > forecast.MostInAll {
		return nil, exit.Usage("a few months show what there is to see", "--emails times --months: up to %s", words.Number(forecast.MostInAll))
	}
	if f.from != "" {
		if _, err := time.Parse(month, f.from); err != nil {
			return nil, exit.Usage("", "--from %q: a month such as 2026-11", f.from)
		}
	}
	return in, nil
}

const month = "2006-01"

// on what the service says the customer buys and is billed.
func (f *simFlags) on(in *forecast.Customer, b *plans.Basis, zone *time.Location) (err error) {
	in.Plan, in.TopUp, in.Zone, in.Billing = quota.Plan(b.Plan), (*quota.Plan)(b.TopUp), zone, ledger.Billing{Currency: b.Currency, TaxRate: b.TaxRate}
	if in.From, err = time.ParseInLocation(month, cmp.Or(f.from, b.Now.In(zone).Format(month)), zone); err != nil {
		return err
	}
	switch a := quota.AtLimit(f.atLimit); {
	case f.atLimit == "":
		in.AtLimit = in.Plan.Default()
	case a != quota.Suspend && a != quota.Continue:
		return exit.Usage("", "--at-limit %q: suspend or continue", f.atLimit)
	case !in.Plan.Allows(a):
		return exit.Usage("relay plan show "+in.Plan.Name, "plan %q does not leave the choice to %s at the limit", in.Plan.Name, a)
	default:
		in.AtLimit = a
	}
	if in.TopUp == nil {
		return nil
	}
	in.TopUp.Retired = false
	term := quota.NewContract(in.Plan, in.From.UTC(), in.Zone, nil)
	if _, err := quota.TopUp(term, *in.TopUp, "", in.From.UTC()); err != nil {
		return exit.Usage("a monthly count plan goes on top of a count plan", "--top-up %s: %w", in.TopUp.Name, err)
	}
	return nil
}

// simReport shows what came out.
type simReport struct {
	*shell.Env
	in     forecast.Customer
	months []forecast.Month
}

// simMonth is a month for programs.
type simMonth struct {
	forecast.Month
	Invoices []simInvoice     `json:"invoices"`
	Events   []forecast.Event `json:"events"`
}

// simInvoice is an invoice without its number and its parties, which are simulated.
type simInvoice struct {
	Kind  ledger.InvoiceKind `json:"kind"`
	Lines []answer.Line      `json:"lines"`
	Net   int64              `json:"net"` // minor units
	Tax   int64              `json:"tax"`
	Total int64              `json:"total"`
}

func viewSimulated(m *forecast.Month) simMonth {
	v := simMonth{Month: *m, Invoices: []simInvoice{}, Events: field.OrNone(m.Events)}
	for n := range m.Invoices {
		i := &m.Invoices[n]
		v.Invoices = append(v.Invoices, simInvoice{i.Kind, answer.LinesOf(i), i.Net, i.Tax, i.Total})
	}
	return v
}

// simView is all of it for programs.
type simView struct {
	Plan     string           `json:"plan"`
	Unit     string           `json:"unit"`     // of over, drawn, overage, credited, lost and credit
	Currency string           `json:"currency"` // of net, tax and total, which are minor units
	Size     int64            `json:"size"`     // octets of an e-mail
	Emails   int64            `json:"emails"`   // a month
	AtLimit  quota.AtLimit    `json:"at_limit"`
	OverMax  *int64           `json:"over_max"` // octets of overage in a month, where it continues; null: no ceiling
	TopUp    string           `json:"top_up"`   // plan; "": none
	Months   []simMonth       `json:"months"`
	Years    []forecast.Total `json:"years"` // of twelve months each
	Total    forecast.Total   `json:"total"`
}

func (r *simReport) view() simView {
	v := simView{Plan: r.in.Plan.Name, Unit: r.in.Plan.Unit(), Currency: r.in.Billing.Currency, Size: r.in.Size, Emails: r.in.Emails,
		AtLimit: r.in.AtLimit, OverMax: field.Ceiling(r.in.Plan.Ceiling(r.in.OverMax)), Months: []simMonth{}, Years: forecast.Years(r.months), Total: forecast.Sum(r.months)}
	if r.in.TopUp != nil {
		v.TopUp = r.in.TopUp.Name
	}
	for i := range r.months {
		v.Months = append(v.Months, viewSimulated(&r.months[i]))
	}
	return v
}

func (r *simReport) write() error {
	unit := r.in.Plan.Unit()
	if err := r.head(); err != nil {
		return err
	}
	t := term.NewTable(term.Column{Head: "MONTH"}, term.Column{Head: "SENT", Right: true}, term.Column{Head: "USED", Right: true},
		term.Column{Head: "REFUSED", Right: true}, term.Column{Head: "OVER", Right: true}, term.Column{Head: "CREDIT", Right: true},
		term.Column{Head: "BILLED", Right: true})
	row := func(name string, s forecast.Total, credit string) {
		t.Add(name, words.Number(s.Emails), words.FineSize(s.Bytes), words.UnitsCell(s.Refused, "e-mails"), words.UnitsCell(s.Over, unit), credit, money.Number(s.Total, r.in.Billing.Currency))
	}
	for i := range r.months {
		m := &r.months[i]
		credit := "-"
		if m.Credit != 0 {
			credit = strings.TrimSuffix(words.WholeUnits(m.Credit, unit), " e-mails")
		}
		row(m.Period, forecast.Sum(r.months[i:i+1]), credit)
	}
	if years := forecast.Years(r.months); len(years) > 1 {
		for i, y := range years {
			row(fmt.Sprintf("year %d", i+1), y, "")
		}
	}
	row("total", forecast.Sum(r.months), "")
	if err := t.Print(r.Stdout); err != nil {
		return err
	}
	if err := r.Say(""); err != nil {
		return err
	}
	for i := range r.months {
		if err := r.story(&r.months[i]); err != nil {
			return err
		}
	}
	return nil
}

// head says what is simulated.
func (r *simReport) head() error {
	text := words.Plan(&r.in.Plan) + ", " + price(r.in.Plan.Price, r.in.Billing.Currency)
	if blocks := blocksText(r.in.Plan.Blocks, r.in.Billing.Currency); blocks != "" {
		text += "; blocks: " + blocks
	}
	sends := fmt.Sprintf("%s of %s %s, at the limit %s", words.Plural(r.in.Emails, "e-mail"), words.WholeSize(r.in.Size), words.PerPeriod(r.in.Plan.Term), words.AtLimit(r.in.AtLimit, r.in.OverMax, &r.in.Plan))
	if r.in.TopUp != nil {
		sends += ", then " + r.in.TopUp.Name + " on top for " + price(r.in.TopUp.Price, r.in.Billing.Currency)
	}
	billed := "in " + r.in.Billing.Currency
	if r.in.Billing.TaxRate != 0 {
		billed += ", with tax at " + r.in.Billing.TaxRate.String()
	}
	fields := []term.Field{{"plan", text}, {"sends", sends}, {"billed", billed}}
	if p := &r.in.Plan; p.Kind() == quota.Bandwidth && r.in.AtLimit == quota.Continue && 0 < p.Emails && p.Emails < r.in.Emails {
		fields = append(fields, term.Field{"over", fmt.Sprintf("%s for each e-mail beyond %s, or the bandwidth beyond %s if more",
			words.WholeSize(p.EmailWeight()), words.Number(p.Emails), words.WholeSize(p.Bandwidth))})
	}
	if err := term.WriteFields(r.Stdout, fields); err != nil {
		return err
	}
	return r.Say("")
}

// story is what happens to the customer in a month, and what is billed.
func (r *simReport) story(m *forecast.Month) error {
	var parts []string
	if len(m.Events) > 0 {
		parts = append(parts, eventsText(m.Events))
	}
	var bills []string
	for _, i := range m.Invoices {
		for _, l := range i.Lines {
			if l.Net == 0 { // what is credited is said below
				continue
			}
			text := l.Text
			if l.Count != 1 {
				text = words.Number(l.Count) + " × " + text
			}
			bills = append(bills, text+" "+money.Format(l.Net, r.in.Billing.Currency))
		}
	}
	if bills != nil {
		if m.Tax != 0 {
			bills = append(bills, "tax "+money.Format(m.Tax, r.in.Billing.Currency))
		}
		parts = append(parts, "billed: "+strings.Join(bills, ", "))
	}
	if m.Overage > 0 && !r.in.Plan.Bills() {
		parts = append(parts, "not billed, the plan has no blocks: "+words.Units(m.Overage, r.in.Plan.Unit())+" of overage")
	}
	if m.Credited > 0 {
		parts = append(parts, "credited of the blocks: "+words.WholeUnits(m.Credited, r.in.Plan.Unit()))
	}
	if m.Lost > 0 {
		parts = append(parts, "credit that is lost: "+words.WholeUnits(m.Lost, r.in.Plan.Unit()))
	}
	if parts == nil {
		parts = []string{"within the allowance"}
	}
	for i, p := range parts {
		for j, l := range term.Wrap(p, term.Columns-12-2) {
			name := ""
			if i == 0 && j == 0 {
				name = m.Period
			}
			if err := r.Say("%s%s%s", term.Pad(name, 12, false), words.If(j > 0, "  "), l); err != nil {
				return err
			}
		}
	}
	return nil
}

// eventsText is what happened on which day, in one line.
func eventsText(list []forecast.Event) string {
	var parts []string
	for _, e := range list {
		switch day := ordinal(e.Date); e.What {
		case forecast.Limit:
			parts = append(parts, "limit on the "+day)
		case forecast.Credit:
			parts = append(parts, "credit in use from the "+day)
		case forecast.Overage:
			parts = append(parts, "overage from the "+day)
		case forecast.Refused:
			parts = append(parts, "refused from the "+day)
		case forecast.TopUp:
			parts = append(parts, "top-up on the "+day)
		}
	}
	if more := len(parts) - 6; more > 0 {
		parts = append(parts[:6], fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ", ")
}

// ordinal of a date's day: "21st".
func ordinal(date string) string {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	end := "th"
	switch d := t.Day(); {
	case d >= 11 && d <= 13:
	case d%10 == 1:
		end = "st"
	case d%10 == 2:
		end = "nd"
	case d%10 == 3:
		end = "rd"
	}
	return fmt.Sprint(t.Day(), end)
}
