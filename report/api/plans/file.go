package plans

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	toml "github.com/pelletier/go-toml/v2"

	"relay/quota"
	"relay/report/api/act"
	"relay/report/money"
	"relay/report/words"
)

// planFile is a table of plans as it stands in a file.
type planFile struct {
	Currency string      `toml:"currency"` // "": that of [billing]
	Plans    []planEntry `toml:"plan"`
}

// planEntry is a plan there. What may be a number or a text is any: 50000,
// "50,000" or "unlimited".
type planEntry struct {
	Name       string       `toml:"name"`
	Kind       string       `toml:"kind"`
	Term       string       `toml:"term"`
	Emails     any          `toml:"emails"`
	Bandwidth  any          `toml:"bandwidth"`
	Price      any          `toml:"price"`
	Blocks     []blockEntry `toml:"blocks"`
	CreditStep any          `toml:"credit_step"`
	Recipients any          `toml:"recipients"`
	AtLimit    []string     `toml:"at_limit"`
	OverMax    any          `toml:"over_max"`
	Ends       bool         `toml:"ends"`
	Dedicated  bool         `toml:"dedicated"`
	Retired    bool         `toml:"retired"`
	Resale     bool         `toml:"resale"`
}

type blockEntry struct {
	Size  any `toml:"size"`
	Price any `toml:"price"`
}

// readPlans reads a file of plans. Its error lists all mistakes at once.
func readPlans(name, text, currency string) ([]quota.Plan, error) {
	var f planFile
	text = strings.TrimPrefix(text, "\ufeff") // a byte order mark; TOML knows none
	err := toml.NewDecoder(strings.NewReader(text)).DisallowUnknownFields().Decode(&f)
	if bad := planFileErrors(err); bad != nil {
		return nil, badPlans(name, bad)
	}
	if f.Currency != "" && f.Currency != currency {
		return nil, badPlans(name, []string{fmt.Sprintf("currency: its prices are in %s, those of [billing] in %s", f.Currency, currency)})
	}
	var list []quota.Plan
	var bad []string
	seen := map[string]bool{}
	for i := range f.Plans {
		p, errs := f.Plans[i].plan(currency)
		if seen[p.Name] {
			errs = append(errs, "there are two of that name")
		}
		seen[p.Name] = true
		for _, e := range errs {
			bad = append(bad, fmt.Sprintf("plan %d, %q: %s", i+1, p.Name, e))
		}
		list = append(list, p)
	}
	switch {
	case bad != nil:
		return nil, badPlans(name, bad)
	case list == nil:
		return nil, badPlans(name, []string{"it has no [[plan]]"})
	}
	return list, nil
}

func badPlans(name string, bad []string) error {
	return act.Fail(act.Data, "nothing was changed; {plan export} shows how it is written", "%s: %s", name, strings.Join(bad, "; "))
}

// planFileErrors are those of the notation.
func planFileErrors(err error) (bad []string) {
	if unknown, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		for i := range unknown.Errors {
			line, _ := unknown.Errors[i].Position()
			bad = append(bad, fmt.Sprintf("line %d: unknown key %q", line, strings.Join(unknown.Errors[i].Key(), ".")))
		}
		return bad
	}
	if wrong, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, text := words.TOMLError(wrong)
		return []string{fmt.Sprintf("line %d: %s", line, text)}
	}
	if err != nil {
		return []string{err.Error()}
	}
	return nil
}

// plan that the entry means, and what is wrong with it.
func (e *planEntry) plan(currency string) (p quota.Plan, bad []string) {
	check := func(key string, err error) {
		if err != nil {
			bad = append(bad, key+": "+err.Error())
		}
	}
	var err error
	p = quota.Plan{Name: e.Name, Term: quota.Term(e.Term), Ends: e.Ends, Dedicated: e.Dedicated, Retired: e.Retired, Resale: e.Resale}
	p.Emails, err = limitOf(e.Emails, words.ParseCount)
	check("emails", err)
	p.Bandwidth, err = limitOf(e.Bandwidth, words.ParseSize)
	check("bandwidth", err)
	if e.Emails == nil && p.Bandwidth > 0 {
		p.Emails = quota.EmailsFor(p.Bandwidth)
	}
	p.Price, err = amountOf(e.Price, currency)
	check("price", err)
	for i, b := range e.Blocks {
		n, err := limitOf(b.Size, words.ParseSize)
		check(fmt.Sprintf("blocks[%d].size", i), err)
		price, err := amountOf(b.Price, currency)
		check(fmt.Sprintf("blocks[%d].price", i), err)
		p.Blocks = append(p.Blocks, quota.Block{Bytes: n, Price: price})
	}
	step := words.ParseCount
	if p.Kind() == quota.Bandwidth {
		step = words.ParseSize
	}
	p.CreditStep, err = limitOf(e.CreditStep, step)
	check("credit_step", err)
	n, err := limitOf(e.Recipients, words.ParseCount)
	if err == nil && n > math.MaxInt32 {
		n = math.MaxInt32 // which is too many in any case
	}
	check("recipients", err)
	p.Recipients = int(n)
	for _, a := range e.AtLimit {
		p.AtLimit = append(p.AtLimit, quota.AtLimit(a))
	}
	p.OverMax, err = overMaxOf(e.OverMax)
	check("over_max", err)
	if bad == nil {
		if text := wrongKind(&p, e.Kind, "bandwidth"); text != "" {
			bad = append(bad, "kind: kind"+text)
		}
		if err := p.Validate(); err != nil {
			bad = append(bad, strings.TrimPrefix(err.Error(), "plan: "))
		}
	}
	return p, bad
}

// limitOf a number or a text; what is not there is 0, which means no limit or
// what is usual.
func limitOf(v any, parse func(string) (int64, error)) (int64, error) {
	switch v := v.(type) {
	case nil:
		return 0, nil
	case int64:
		if v <= 0 {
			return 0, fmt.Errorf("%d: more than 0, or \"unlimited\"", v)
		}
		return v, nil
	case string:
		return words.ParseLimit(v, parse)
	}
	return 0, fmt.Errorf("%v is no whole number", v)
}

func overMaxOf(v any) (int64, error) {
	if text, ok := v.(string); ok {
		return words.ParseOverMax(text)
	}
	return limitOf(v, words.ParseSize)
}

func amountOf(v any, currency string) (n int64, err error) {
	switch v := v.(type) {
	case nil:
		return 0, nil
	case int64:
		n, err = money.Parse(strconv.FormatInt(v, 10), currency)
	case string:
		if v == "free" {
			return 0, nil
		}
		n, err = money.Parse(v, currency)
	default:
		err = fmt.Errorf("%v: amounts stand in quotes, such as \"12.00\"", v)
	}
	if err == nil && n < 0 {
		err = fmt.Errorf("%v: not below zero", v)
	}
	return n, err
}

// planKey is a key of a plan in a file, with its value as it is written there.
type planKey struct{ key, value string }

// planKeys of a plan, without those whose value is what holds anyway.
func planKeys(p *quota.Plan, currency string) []planKey {
	keys := []planKey{
		{"name", strconv.Quote(p.Name)},
		{"kind", strconv.Quote(string(p.Kind()))},
		{"term", strconv.Quote(string(p.Term))},
	}
	add := func(is bool, key, value string) {
		if is {
			keys = append(keys, planKey{key, value})
		}
	}
	add(p.Emails != 0, "emails", strconv.FormatInt(p.Emails, 10))
	add(p.Emails == 0 && p.Bandwidth > 0, "emails", strconv.Quote("unlimited"))
	add(p.Bandwidth != 0, "bandwidth", sizeValue(p.Bandwidth))
	add(p.Price != 0, "price", strconv.Quote(money.Plain(p.Price, currency)))
	blocks := make([]string, len(p.Blocks))
	for i, b := range p.Blocks {
		blocks[i] = fmt.Sprintf("{ size = %s, price = %q }", sizeValue(b.Bytes), money.Plain(b.Price, currency))
	}
	add(len(blocks) > 0, "blocks", "["+strings.Join(blocks, ", ")+"]")
	step := strconv.FormatInt(p.CreditStep, 10)
	if p.Kind() == quota.Bandwidth {
		step = sizeValue(p.CreditStep)
	}
	add(p.CreditStep != 0, "credit_step", step)
	add(p.Recipients != 0, "recipients", strconv.Itoa(p.Recipients))
	choices := make([]string, len(p.AtLimit))
	for i, a := range p.AtLimit {
		choices[i] = strconv.Quote(string(a))
	}
	add(len(choices) > 0, "at_limit", "["+strings.Join(choices, ", ")+"]")
	most := strconv.Quote("none")
	if p.OverMax > 0 {
		most = sizeValue(p.OverMax)
	}
	add(p.OverMax != 0, "over_max", most)
	add(p.Ends, "ends", "true")
	add(p.Dedicated, "dedicated", "true")
	add(p.Retired, "retired", "true")
	add(p.Resale, "resale", "true")
	return keys
}

// sizeValue is a size that is read back to the octet: a text with a unit is read
// as a decimal fraction, which holds so many whole numbers only.
func sizeValue(n int64) string {
	if n%1000 != 0 || n >= 1<<53 {
		return strconv.FormatInt(n, 10)
	}
	return strconv.Quote(words.ExactSize(n))
}

const planFileHead = `# Plans, for relay plan import.
#
#   name         up to 64 of a-z 0-9 . _ @ + -
#   kind         bandwidth or count; follows from bandwidth, and is checked
#   term         year: an allowance for each calendar month; month: for 30 days
#   emails       in a period, or "unlimited"; left out: one for each 10 KB of
#                bandwidth, without bandwidth unlimited
#   bandwidth    in a period, "500MB" or octets; left out: unlimited
#   price        of a term, without tax; left out: free
#   blocks       bandwidth beyond the allowance; left out: it is not billed
#   credit_step  credit comes in whole ones; left out: 500 MB, 1 e-mail
#   recipients   in one message; left out: 50
#   at_limit     what an account may choose: suspend, continue; left out: what
#                the kind leaves
#   over_max     overage in a month at most, "5GB" or "none"; left out: the
#                largest block, without blocks none
#   ends         of a year without a price, which otherwise renews automatically
#   dedicated    with a sending address of its own
#   retired      not sold any more
#   resale       resellers may order it

`

// writePlans is the file of the plans: readPlans of it are the same again.
func writePlans(w io.Writer, list []quota.Plan, currency string) error {
	var b bytes.Buffer
	b.WriteString(planFileHead)
	fmt.Fprintf(&b, "currency = %q # of all prices\n", currency)
	for i := range list {
		b.WriteString("\n[[plan]]\n")
		for _, k := range planKeys(&list[i], currency) {
			fmt.Fprintf(&b, "%s = %s\n", k.key, k.value)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}
