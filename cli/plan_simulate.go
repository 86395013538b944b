package cli

import (
	"fmt"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/quota"
	"relay/report/money"
	"relay/report/words"
)

// simFlags are what is simulated, as it is typed.
type simFlags struct {
	plan, topUp, atLimit, from string
	size                       sizeFlag
	emails, months             countFlag
	overMax                    overFlag
}

func (p *program) planSimulate() *cli.Command {
	var f simFlags
	return p.onStore(&cli.Command{
		Name: "simulate", Usage: "what a customer would use and pay",
		Description: `Shows month by month what a customer of the plan would use, be billed and be credited who sends so many e-mails of that size a month, at an even pace from the first day to the last, and pays each invoice at once. A plan for 30 days is bought again when these are over, not when it is used up before, a year after twelve months.

It is no estimate: the customer is simulated on a store of its own, in a temporary file, by the same code that takes mail, closes months and makes invoices. Nothing of the relay's own is changed.

E-mails that do not fit are refused and not tried again; with --top-up they make the customer of a count plan buy a monthly one on top.

  relay plan simulate --plan entry --size 40KB --emails 12000
  relay plan simulate --plan standard-count --size 5KB --emails 55000 \
    --top-up entry-count-month`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "plan", Usage: "`PLAN` that is bought", Required: true, Destination: &f.plan},
			&cli.GenericFlag{Name: "size", Usage: "`SIZE` of an e-mail, decimal: 40KB", Required: true, Value: &f.size},
			&cli.GenericFlag{Name: "emails", Usage: "`N` e-mails a month, one for each recipient", Required: true, Value: &f.emails},
			&cli.GenericFlag{Name: "months", Usage: "`N` months or periods of 30 days, up to 60 (default 12)", Value: &f.months},
			&cli.StringFlag{Name: "at-limit", Usage: "`suspend|continue` refuse mail that does not fit, or overage (default as for an account that says nothing)", Destination: &f.atLimit},
			f.overMax.flag("as the plan says"),
			&cli.StringFlag{Name: "top-up", Usage: "`PLAN` that is bought on top when mail does not fit", Destination: &f.topUp},
			&cli.StringFlag{Name: "from", Usage: "`MONTH` the first one, such as 2026-11 (default this one)", Destination: &f.from},
		},
	}, work{run: func(c *call) error { return c.planSimulate(&f) }})
}

func (c *call) planSimulate(f *simFlags) error {
	in, err := c.simulated(f)
	if err != nil {
		return err
	}
	months, err := c.simulate(in)
	if err != nil {
		return err
	}
	r := simReport{call: c, in: in, months: months}
	if c.json {
		return encode(c.Stdout, r.view())
	}
	return r.write()
}

// simulated is what the flags ask for.
func (c *call) simulated(f *simFlags) (in simInput, err error) {
	in = simInput{size: f.size.n, emails: f.emails.n, months: 12, overMax: f.overMax.n, zone: c.st.Zone(), billing: c.st.Billing()}
	switch {
	case in.size <= 0 || in.size > mostSimSize:
		return in, usage("", "--size: up to %s", wholeSize(mostSimSize))
	case in.emails <= 0 || in.emails > mostSim:
		return in, usage("", "--emails: 1 to %s", words.Number(mostSim))
	case f.months.set && (f.months.n <= 0 || f.months.n > mostMonths):
		return in, usage("", "--months: 1 to %d", mostMonths)
	case f.months.set:
		in.months = int(f.months.n)
	}
	if in.emails*int64(in.months) > mostSimAll {
		return in, usage("a few months show what there is to see", "--emails times --months: up to %s", words.Number(mostSimAll))
	}
	y, m, _ := c.now().In(in.zone).Date()
	in.from = time.Date(y, m, 1, 0, 0, 0, 0, in.zone)
	if f.from != "" {
		if in.from, err = time.ParseInLocation("2006-01", f.from, in.zone); err != nil {
			return in, usage("", "--from %q: a month such as 2026-11", f.from)
		}
	}
	if in.plan, err = c.plan(f.plan); err != nil {
		return in, err
	}
	return in, c.simChoices(f, &in)
}

// simChoices are those that depend on the plan.
func (c *call) simChoices(f *simFlags, in *simInput) error {
	switch a := quota.AtLimit(f.atLimit); {
	case f.atLimit == "":
		in.atLimit = in.plan.Default()
	case a != quota.Suspend && a != quota.Continue:
		return usage("", "--at-limit %q: suspend or continue", f.atLimit)
	case !in.plan.Allows(a):
		return usage("relay plan show "+in.plan.Name, "plan %q does not leave the choice to %s at the limit", in.plan.Name, a)
	default:
		in.atLimit = a
	}
	if f.topUp == "" {
		return nil
	}
	by, err := c.plan(f.topUp)
	if err != nil {
		return err
	}
	term := quota.NewContract(in.plan, in.from.UTC(), in.zone, nil)
	by.Retired = false
	if _, err := quota.TopUp(term, by, "", in.from.UTC()); err != nil {
		return usage("a monthly count plan goes on top of a count plan", "--top-up %s: %w", by.Name, err)
	}
	in.topUp = &by
	return nil
}

// simReport shows what came out.
type simReport struct {
	*call
	in     simInput
	months []simMonth
}

// simTotal is a sum over months.
type simTotal struct {
	Months  int   `json:"months"`
	Emails  int64 `json:"emails"`
	Bytes   int64 `json:"bytes"`
	Refused int64 `json:"refused"`
	Over    int64 `json:"over"`
	Overage int64 `json:"overage"`
	TopUps  int   `json:"top_ups"`
	Lost    int64 `json:"lost"`
	Net     int64 `json:"net"`
	Tax     int64 `json:"tax"`
	Total   int64 `json:"total"`
}

func sumOf(months []simMonth) (t simTotal) {
	t.Months = len(months)
	for i := range months {
		m := &months[i]
		t.Emails, t.Bytes, t.Refused = t.Emails+m.Emails, t.Bytes+m.Bytes, t.Refused+m.Refused
		t.Over, t.Overage, t.TopUps, t.Lost = t.Over+m.Over, t.Overage+m.Overage, t.TopUps+m.TopUps, t.Lost+m.Lost
		t.Net, t.Tax, t.Total = t.Net+m.Net, t.Tax+m.Tax, t.Total+m.Total
	}
	return t
}

// years are the sums of twelve months each; the last may have fewer.
func (r *simReport) years() (list []simTotal) {
	for i := 0; i < len(r.months); i += 12 {
		list = append(list, sumOf(r.months[i:min(i+12, len(r.months))]))
	}
	return list
}

// simView is all of it for programs.
type simView struct {
	Plan     string        `json:"plan"`
	Unit     string        `json:"unit"`     // of over, drawn, overage, credited, lost and credit
	Currency string        `json:"currency"` // of net, tax and total, which are minor units
	Size     int64         `json:"size"`     // octets of an e-mail
	Emails   int64         `json:"emails"`   // a month
	AtLimit  quota.AtLimit `json:"at_limit"`
	OverMax  *int64        `json:"over_max"` // octets of overage in a month, where it continues; null: no ceiling
	TopUp    string        `json:"top_up"`   // plan; "": none
	Months   []simMonth    `json:"months"`
	Years    []simTotal    `json:"years"` // of twelve months each
	Total    simTotal      `json:"total"`
}

func (r *simReport) view() simView {
	v := simView{Plan: r.in.plan.Name, Unit: r.in.plan.Unit(), Currency: r.in.billing.Currency, Size: r.in.size, Emails: r.in.emails,
		AtLimit: r.in.atLimit, OverMax: viewCeiling(r.in.plan.Ceiling(r.in.overMax)), Months: r.months, Years: r.years(), Total: sumOf(r.months)}
	if r.in.topUp != nil {
		v.TopUp = r.in.topUp.Name
	}
	return v
}

func (r *simReport) write() error {
	unit := r.in.plan.Unit()
	if err := r.head(); err != nil {
		return err
	}
	t := newTable(column{head: "MONTH"}, column{head: "SENT", right: true}, column{head: "USED", right: true},
		column{head: "REFUSED", right: true}, column{head: "OVER", right: true}, column{head: "CREDIT", right: true},
		column{head: "BILLED", right: true})
	row := func(name string, s simTotal, credit string) {
		t.add(name, words.Number(s.Emails), words.FineSize(s.Bytes), unitsCell(s.Refused, "e-mails"), unitsCell(s.Over, unit), credit, money.Number(s.Total, r.in.billing.Currency))
	}
	for i := range r.months {
		m := &r.months[i]
		credit := "-"
		if m.Credit != 0 {
			credit = strings.TrimSuffix(wholeUnits(m.Credit, unit), " e-mails")
		}
		row(m.Period, sumOf(r.months[i:i+1]), credit)
	}
	if years := r.years(); len(years) > 1 {
		for i, y := range years {
			row(fmt.Sprintf("year %d", i+1), y, "")
		}
	}
	row("total", sumOf(r.months), "")
	if err := t.write(r.Stdout); err != nil {
		return err
	}
	if err := r.say(""); err != nil {
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
	text := planText(&r.in.plan) + ", " + r.price(r.in.plan.Price)
	if blocks := r.blocksText(r.in.plan.Blocks); blocks != "" {
		text += "; blocks: " + blocks
	}
	sends := fmt.Sprintf("%s of %s %s, at the limit %s", words.Plural(r.in.emails, "e-mail"), wholeSize(r.in.size), words.PerPeriod(r.in.plan.Term), atLimitText(r.in.atLimit, r.in.overMax, &r.in.plan))
	if r.in.topUp != nil {
		sends += ", then " + r.in.topUp.Name + " on top for " + r.price(r.in.topUp.Price)
	}
	billed := "in " + r.in.billing.Currency
	if r.in.billing.TaxRate != 0 {
		billed += ", with tax at " + r.in.billing.TaxRate.String()
	}
	fields := []field{{"plan", text}, {"sends", sends}, {"billed", billed}}
	if p := &r.in.plan; p.Kind() == quota.Bandwidth && r.in.atLimit == quota.Continue && 0 < p.Emails && p.Emails < r.in.emails {
		fields = append(fields, field{"over", fmt.Sprintf("%s for each e-mail beyond %s, or the bandwidth beyond %s if more",
			wholeSize(p.EmailWeight()), words.Number(p.Emails), wholeSize(p.Bandwidth))})
	}
	if err := writeFields(r.Stdout, fields); err != nil {
		return err
	}
	return r.say("")
}

// story is what happens to the customer in a month, and what is billed.
func (r *simReport) story(m *simMonth) error {
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
			bills = append(bills, text+" "+money.Format(l.Net, r.in.billing.Currency))
		}
	}
	if bills != nil {
		if m.Tax != 0 {
			bills = append(bills, "tax "+money.Format(m.Tax, r.in.billing.Currency))
		}
		parts = append(parts, "billed: "+strings.Join(bills, ", "))
	}
	if m.Overage > 0 && !r.in.plan.Bills() {
		parts = append(parts, "not billed, the plan has no blocks: "+words.Units(m.Overage, r.in.plan.Unit())+" of overage")
	}
	if m.Credited > 0 {
		parts = append(parts, "credited of the blocks: "+wholeUnits(m.Credited, r.in.plan.Unit()))
	}
	if m.Lost > 0 {
		parts = append(parts, "credit that is lost: "+wholeUnits(m.Lost, r.in.plan.Unit()))
	}
	if parts == nil {
		parts = []string{"within the allowance"}
	}
	for i, p := range parts {
		for j, l := range wrap(p, screen-12-2) {
			name := ""
			if i == 0 && j == 0 {
				name = m.Period
			}
			if err := r.say("%s%s%s", pad(name, 12, false), ifSo(j > 0, "  "), l); err != nil {
				return err
			}
		}
	}
	return nil
}

// eventsText is what happened on which day, in one line.
func eventsText(list []simEvent) string {
	var parts []string
	for _, e := range list {
		switch day := ordinal(e.Date); e.What {
		case "limit":
			parts = append(parts, "limit on the "+day)
		case "credit":
			parts = append(parts, "credit in use from the "+day)
		case "overage":
			parts = append(parts, "overage from the "+day)
		case "refused":
			parts = append(parts, "refused from the "+day)
		case "top-up":
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
