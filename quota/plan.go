package quota

import (
	"fmt"
	"regexp"
	"strings"
)

// Term is how long a plan runs.
type Term string

const (
	Year  Term = "year"  // twelve calendar months of allowance, the month of activation being the first and full
	Month Term = "month" // 30 days from activation, one allowance
)

// Recipients in one message where a plan does not say (M5).
const DefaultRecipients = 50

// Plan is what can be bought. Stored in bucket "plans", key Name, JSON; an
// account keeps a copy of it as the terms it bought, so that a later change of
// the plan does not change a running term.
type Plan struct {
	Name       string `json:"name"`       // lower case, unique
	Emails     int64  `json:"emails"`     // e-mails a period; 0: no limit
	Bandwidth  int64  `json:"bandwidth"`  // octets a period; 0: no limit
	Term       Term   `json:"term"`       // year or month
	Recipients int    `json:"recipients"` // in one message; 0: DefaultRecipients
}

// Allowance of one period.
func (p Plan) Allowance() Allowance { return Allowance{Messages: p.Emails, Bytes: p.Bandwidth} }

// MaxRecipients in one message.
func (p Plan) MaxRecipients() int {
	if p.Recipients == 0 {
		return DefaultRecipients
	}
	return p.Recipients
}

var nameRE = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,63}$`)

// ValidName reports whether s can name a plan or an account: up to 64 lower
// case letters, digits and ._@+-, the first one a letter or digit. An e-mail
// address in lower case is one.
func ValidName(s string) bool { return nameRE.MatchString(s) }

// Validate names everything that is wrong with the plan.
func (p Plan) Validate() error {
	var bad []string
	if !ValidName(p.Name) {
		bad = append(bad, fmt.Sprintf("name %q: up to 64 of a-z 0-9 . _ @ + -", p.Name))
	}
	if p.Emails < 0 {
		bad = append(bad, "emails: cannot be negative")
	}
	if p.Bandwidth < 0 {
		bad = append(bad, "bandwidth: cannot be negative")
	}
	if p.Term != Year && p.Term != Month {
		bad = append(bad, fmt.Sprintf("term %q: year or month", p.Term))
	}
	if p.Recipients < 0 || p.Recipients > 10_000 {
		bad = append(bad, "recipients: 1 to 10,000")
	}
	if bad != nil {
		return fmt.Errorf("plan: %s", strings.Join(bad, "; "))
	}
	return nil
}

const (
	mb = 1_000_000
	gb = 1000 * mb
)

// Builtin are the plans of a new store, each for a year and, with "-month"
// after its name, for a month. A bandwidth plan allows one e-mail for every
// 10 KB (M11); a count plan any size (M12).
func Builtin() []Plan {
	var all []Plan
	for _, p := range []Plan{
		{Name: "entry", Bandwidth: 90 * mb, Emails: 9_000},
		{Name: "standard", Bandwidth: 500 * mb, Emails: 50_000},
		{Name: "mega", Bandwidth: 5 * gb, Emails: 500_000},
		{Name: "entry-count", Emails: 9_000},
		{Name: "standard-count", Emails: 50_000},
	} {
		p.Recipients = DefaultRecipients
		year, month := p, p
		year.Term = Year
		month.Term, month.Name = Month, p.Name+"-month"
		all = append(all, year, month)
	}
	return all
}
