package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	"relay/cli/term"
	"relay/quota"
	"relay/report/api/field"
	"relay/report/money"
	"relay/report/words"
	"relay/store"
)

func (p *program) planCommand() *cli.Command {
	return shell.Group("plan", "what can be bought",
		p.planList(), p.planShow(), p.planAdd(), p.planSet(), p.planRetire(),
		p.planExport(), p.planImport(), p.planSimulate())
}

// plan by name.
func (c *call) plan(name string) (quota.Plan, error) {
	plan, err := c.st.Plan(name)
	return plan, notListed(err, "plan", name)
}

// planView is a plan as programs see it, with nothing left out.
type planView struct {
	Name       string          `json:"name"`
	Kind       quota.Kind      `json:"kind"`
	Term       quota.Term      `json:"term"`
	Emails     *int64          `json:"emails"`           // a period; null: unlimited
	Bandwidth  *int64          `json:"bandwidth"`        // octets a period; null: unlimited
	Recipients int             `json:"recipients"`       // in one message
	Price      int64           `json:"price"`            // minor units a term; 0: free
	Currency   string          `json:"currency"`         // of all prices
	Blocks     []quota.Block   `json:"blocks"`           // prices in minor units
	CreditStep int64           `json:"credit_step"`      // units of the kind
	AtLimit    []quota.AtLimit `json:"at_limit_choices"` // what an account may choose
	OverMax    *int64          `json:"over_max"`         // octets of overage in a month, where it is continued; null: no ceiling
	GoesOn     bool            `json:"goes_on"`          // by itself, at its end
	Dedicated  bool            `json:"dedicated"`
	Retired    bool            `json:"retired"`
	Resale     bool            `json:"resale"` // resellers may order it
}

func viewPlan(p *quota.Plan, currency string) planView {
	return planView{
		Name: p.Name, Kind: p.Kind(), Term: p.Term, Emails: field.OrUnlimited(p.Emails), Bandwidth: field.OrUnlimited(p.Bandwidth), Recipients: p.MaxRecipients(),
		Price: p.Price, Currency: currency, Blocks: field.OrNone(p.Blocks), CreditStep: p.Step(), AtLimit: p.Choices(), OverMax: field.Ceiling(p.Ceiling(0)),
		GoesOn: p.GoesOn(), Dedicated: p.Dedicated, Retired: p.Retired, Resale: p.Resale,
	}
}

// currency of all amounts.
func (c *call) currency() string { return c.st.Currency() }

// price for people.
func (c *call) price(minor int64) string {
	if minor == 0 {
		return "free"
	}
	return money.Format(minor, c.currency())
}

func (p *program) planList() *cli.Command {
	var all bool
	return p.onStore(&cli.Command{
		Name: "list", Usage: "all plans that are sold",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "those too that are retired", Destination: &all}},
	}, work{run: func(c *call) error { return c.planList(all) }})
}

func (c *call) planList(all bool) error {
	list, err := c.st.Plans()
	if err != nil {
		return err
	}
	n := len(list)
	if !all {
		list = slices.DeleteFunc(list, func(p quota.Plan) bool { return p.Retired })
	}
	if c.scope != nil { // no others are there for it
		list = slices.DeleteFunc(list, func(p quota.Plan) bool { return !p.Resale })
		n = len(list)
	}
	if c.json {
		views, currency := make([]planView, len(list)), c.currency()
		for i := range list {
			views[i] = viewPlan(&list[i], currency)
		}
		return term.EncodeAll(c.Stdout, views)
	}
	t := term.NewTable(term.Column{Head: "PLAN", Least: 10}, term.Column{Head: "TERM"}, term.Column{Head: "E-MAILS", Right: true},
		term.Column{Head: "BANDWIDTH", Right: true}, term.Column{Head: "ALLOWED"}, term.Column{Head: "PRICE", Right: true, Least: 12}, term.Column{Head: ""})
	for _, plan := range list {
		t.Add(plan.Name, string(plan.Term), words.Allowed(plan.Emails, words.Number(plan.Emails)), words.Allowed(plan.Bandwidth, words.Size(plan.Bandwidth)),
			words.PerPeriod(plan.Term), c.price(plan.Price), planRemark(&plan, c.scope != nil))
	}
	if err := t.Print(c.Stdout); err != nil {
		return err
	}
	if hidden := n - len(list); hidden > 0 {
		c.note("%s retired: relay plan list --all", words.Plural(int64(hidden), "plan"))
	}
	return nil
}

// planRemark is what a list adds to a plan; a reseller sees those for it only.
func planRemark(p *quota.Plan, reseller bool) string {
	switch {
	case p.Retired:
		return "retired"
	case p.Resale && !reseller:
		return "resale"
	}
	return ""
}

func ifSo(yes bool, text string) string {
	if yes {
		return text
	}
	return ""
}

func (p *program) planShow() *cli.Command {
	return p.onStore(&cli.Command{Name: "show", ArgsUsage: "PLAN", Usage: "one plan"}, work{run: func(c *call) error {
		plan, err := c.plan(c.args[0])
		if err != nil {
			return err
		}
		return c.showPlan(&plan)
	}})
}

func (c *call) showPlan(plan *quota.Plan) error {
	if c.json {
		return term.Encode(c.Stdout, viewPlan(plan, c.currency()))
	}
	atLimit := string(quota.Suspend)
	switch choices := plan.Choices(); {
	case len(choices) > 1:
		atLimit = "suspend or continue, as the account chooses (default " + string(plan.Default()) + ")"
	case len(choices) == 1:
		atLimit = string(choices[0])
	}
	return term.WriteFields(c.Stdout, []term.Field{
		{"plan", plan.Name},
		{"kind", kindText(plan)},
		{"term", string(plan.Term)},
		{"e-mails", words.Allowed(plan.Emails, words.Number(plan.Emails)) + " " + words.PerPeriod(plan.Term)},
		{"bandwidth", words.Allowed(plan.Bandwidth, words.WholeSize(plan.Bandwidth)) + " " + words.PerPeriod(plan.Term)},
		{"price", c.termPrice(plan)},
		{"blocks", c.blocksText(plan.Blocks)},
		{"credit", "in whole steps of " + words.WholeUnits(plan.Step(), plan.Unit())},
		{"recipients", strconv.Itoa(plan.MaxRecipients()) + " in one message"},
		{"at limit", atLimit},
		{"at its end", ifSo(plan.GoesOn(), "it goes on by itself")},
		{"overage", ifSo(plan.Allows(quota.Continue), words.MostOverage(plan.Ceiling(0)))},
		{"source", ifSo(plan.Dedicated, "an address of its own")},
		{"resale", ifSo(plan.Resale, "resellers may order it")},
		{"sold", soldText(plan)},
	})
}

func kindText(p *quota.Plan) string {
	if p.Kind() == quota.Bandwidth {
		return "bandwidth: what is used over the allowance is counted in octets"
	}
	return "count: e-mails of any size"
}

func (c *call) termPrice(p *quota.Plan) string {
	if p.Price == 0 {
		return "free"
	}
	return fmt.Sprintf("%s a %s", c.price(p.Price), p.Term)
}

// blocksText are blocks with their prices, "1 GB for EUR 5.00, ...".
func (c *call) blocksText(list []quota.Block) string {
	parts := make([]string, len(list))
	for i, b := range list {
		parts[i] = words.WholeSize(b.Bytes) + " for " + c.price(b.Price)
	}
	return strings.Join(parts, ", ")
}

func soldText(p *quota.Plan) string {
	if p.Retired {
		return "no: it is retired, and goes on for those who have it"
	}
	return "yes"
}

func (p *program) planRetire() *cli.Command {
	var undo bool
	return p.onStore(&cli.Command{
		Name: "retire", ArgsUsage: "PLAN", Usage: "sell a plan no more",
		Description: "Nobody can order, renew, upgrade to or top up by it any more. Running terms go on to their end, and orders already placed are fulfilled.",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "undo", Usage: "sell it again", Destination: &undo}},
	}, work{run: func(c *call) error { return c.planRetire(c.args[0], !undo) }})
}

func (c *call) planRetire(name string, retired bool) error {
	plan, err := c.st.UpdatePlan(name, func(p *quota.Plan) error { p.Retired = retired; return nil })
	if err != nil {
		return notListed(err, "plan", name)
	}
	if c.json {
		return term.Encode(c.Stdout, viewPlan(&plan, c.currency()))
	}
	if !retired {
		return c.say("plan %s is sold", name)
	}
	if err := c.say("plan %s is retired: it is sold no more", name); err != nil {
		return err
	}
	on, all, err := c.running(func(terms *quota.Plan) bool { return terms.Name == name })
	if err == nil && on > 0 {
		c.note("%s%s on it until the end of the term", ifSo(!all, "at least "), words.Plural(on, "account"))
	}
	return err
}

// lookFor is how long accounts are counted for a note: many of them take long,
// and the note is not worth it.
const lookFor = 500 * time.Millisecond

// running counts the accounts whose present term is one that is means; all: every
// account was looked at.
func (c *call) running(is func(terms *quota.Plan) bool) (n int64, all bool, err error) {
	end, now, looked := time.Now().Add(lookFor), c.now(), 0
	err = c.st.EachAccount(store.Wanted{}, func(a *store.Account) error {
		if terms := a.Contract(now); terms != nil && terms.Holds(now) && is(&terms.Plan) {
			n++
		}
		if looked++; looked%1000 == 0 && time.Now().After(end) {
			return term.ErrEnough
		}
		return nil
	})
	if errors.Is(err, term.ErrEnough) {
		return n, false, nil
	}
	return n, true, err
}
