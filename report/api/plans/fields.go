package plans

import (
	"fmt"
	"slices"
	"strings"

	"relay/quota"
	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/money"
	"relay/report/words"
)

// Fields are what a request may say of a plan. Amounts and steps are text, as in a file
// of plans: how they are read follows from the currency and from the kind.
type Fields struct {
	Kind       string           `json:"kind,omitempty" doc:"bandwidth or count; checks the kind that follows from bandwidth."`
	Emails     *int64           `json:"emails,omitempty" doc:"A period; 0: unlimited. Left out with a bandwidth: one for each 10 KB."`
	Bandwidth  *int64           `json:"bandwidth,omitempty" doc:"Octets a period; 0: unlimited."`
	Recipients *int64           `json:"recipients,omitempty" doc:"In one message, 1 to 10,000."`
	Term       string           `json:"term,omitempty" doc:"year or month."`
	Price      string           `json:"price,omitempty" doc:"Of a term, without tax: 12.00, or free."`
	Blocks     *[]string        `json:"block,omitempty" doc:"Such as 1GB=5.00; none: no blocks. Takes the place of the whole list."`
	CreditStep string           `json:"credit_step,omitempty" doc:"500MB, or e-mails; or default."`
	AtLimit    *[]quota.AtLimit `json:"at_limit,omitempty" doc:"What an account may choose; default: what the kind leaves."`
	OverMax    *int64           `json:"over_max,omitempty" doc:"Octets of overage in a month at most; 0: the largest block, -1: no ceiling."`
	Dedicated  *bool            `json:"dedicated,omitempty" doc:"With a sending address of its own."`
	Resale     *bool            `json:"resale,omitempty" doc:"Resellers may order it too."`
	Ends       *bool            `json:"ends,omitempty" doc:"Of a year without a price, which otherwise renews automatically."`
}

// New is the request for a new plan.
type New struct {
	Body struct {
		Plan string `json:"plan"`
		Fields
	}
}

// Change is the request for changes.
type Change struct {
	Plan string `path:"plan"`
	Body Fields
}

// apply takes over what was given; amounts are in currency.
func (f *Fields) apply(p *quota.Plan, currency string) error {
	field.Set(&p.Emails, f.Emails)
	if f.Bandwidth != nil {
		f.applyBandwidth(p)
	}
	if n := f.Recipients; n != nil {
		if *n <= 0 || *n > 10_000 {
			return act.Invalid("recipients", "", ": 1 to 10,000")
		}
		p.Recipients = int(*n)
	}
	if f.Term != "" {
		if p.Term = quota.Term(f.Term); p.Term != quota.Year && p.Term != quota.Month {
			return act.Invalid("term", "", " %q: year or month", f.Term)
		}
	}
	field.Set(&p.OverMax, f.OverMax)
	field.Set(&p.Ends, f.Ends)
	field.Set(&p.Dedicated, f.Dedicated)
	field.Set(&p.Resale, f.Resale)
	for _, take := range []func(*quota.Plan, string) error{f.checkKind, f.applyPrice, f.applyBlocks, f.applyStep, f.applyAtLimit} {
		if err := take(p, currency); err != nil {
			return err
		}
	}
	if err := p.Validate(); err != nil {
		return act.Fail(act.Wrong, "", "%w", err)
	}
	return nil
}

// applyBandwidth takes a bandwidth over, and with it the number of e-mails where none
// was given: that of a new plan, and one that followed from the old bandwidth.
func (f *Fields) applyBandwidth(p *quota.Plan) {
	was := *p
	p.Bandwidth = *f.Bandwidth
	follows := was.Bandwidth == 0 && was.Emails == 0 || was.Bandwidth > 0 && was.Emails == quota.EmailsFor(was.Bandwidth)
	if follows && f.Emails == nil && p.Bandwidth > 0 {
		p.Emails = quota.EmailsFor(p.Bandwidth)
	}
}

func (f *Fields) checkKind(p *quota.Plan, _ string) error {
	if text := wrongKind(p, f.Kind, "--bandwidth"); text != "" {
		return act.Invalid("kind", "", "%s", text)
	}
	return nil
}

// wrongKind compares a kind that was named ("" was not) with that of the plan. Its text
// goes on behind the name of the member; "": it is right.
func wrongKind(p *quota.Plan, kind, bandwidth string) string {
	switch quota.Kind(kind) {
	case "", p.Kind():
		return ""
	case quota.Bandwidth:
		return " bandwidth: needs a limit in " + bandwidth
	case quota.Count:
		return " count: has no limit in " + bandwidth
	}
	return fmt.Sprintf(" %q: bandwidth or count", kind)
}

func (f *Fields) applyPrice(p *quota.Plan, currency string) error {
	if f.Price == "" {
		return nil
	}
	if p.Price = 0; f.Price == "free" {
		return nil
	}
	n, err := money.Parse(f.Price, currency)
	switch {
	case err != nil:
		return act.Invalid("price", "", ": %w", err)
	case n < 0:
		return act.Invalid("price", "", " %q: not below zero", f.Price)
	}
	p.Price = n
	return nil
}

func (f *Fields) applyBlocks(p *quota.Plan, currency string) error {
	if f.Blocks == nil {
		return nil
	}
	p.Blocks = nil
	if slices.Equal(*f.Blocks, []string{"none"}) {
		return nil
	}
	for _, text := range *f.Blocks {
		b, err := parseBlock(text, currency)
		if err != nil {
			return err
		}
		p.Blocks = append(p.Blocks, b)
	}
	if len(p.Blocks) == 0 {
		return act.Invalid("block", "", ": SIZE=AMOUNT, such as 1GB=5.00, or none")
	}
	return nil
}

func parseBlock(text, currency string) (b quota.Block, err error) {
	bytes, price, ok := strings.Cut(text, "=")
	if !ok {
		return b, act.Invalid("block", "in prices a point stands before the decimals: --block 1GB=5.00,2GB=9.00", " %q: SIZE=AMOUNT, such as 1GB=5.00", text)
	}
	if b.Bytes, err = words.ParseSize(bytes); err != nil {
		return b, act.Invalid("block", "", ": %w", err)
	}
	b.Price, err = money.Parse(price, currency)
	switch {
	case err != nil:
		return b, act.Invalid("block", "", " %s: %w", text, err)
	case b.Price <= 0:
		return b, act.Invalid("block", "--block none takes the blocks away", " %s: a price above zero", text)
	case b.Bytes <= 0:
		return b, act.Invalid("block", "--block none takes the blocks away", " %s: a size above zero", text)
	}
	return b, nil
}

func (f *Fields) applyStep(p *quota.Plan, _ string) error {
	if f.CreditStep == "" {
		return nil
	}
	n, err := int64(0), error(nil)
	switch {
	case f.CreditStep == "default":
	case p.Kind() == quota.Bandwidth:
		n, err = words.ParseSize(f.CreditStep)
	default:
		n, err = words.ParseCount(f.CreditStep)
	}
	if err == nil && n <= 0 && f.CreditStep != "default" {
		err = fmt.Errorf("%q: more than 0, or default", f.CreditStep)
	}
	if err != nil {
		return act.Invalid("credit_step", "", ": %w", err)
	}
	p.CreditStep = n
	return nil
}

func (f *Fields) applyAtLimit(p *quota.Plan, _ string) error {
	if f.AtLimit == nil {
		return nil
	}
	p.AtLimit = nil
	if slices.Equal(*f.AtLimit, []quota.AtLimit{"default"}) {
		return nil
	}
	if len(*f.AtLimit) == 0 {
		return act.Invalid("at_limit", "", ": suspend, continue or both")
	}
	p.AtLimit = slices.Clone(*f.AtLimit)
	return nil
}
