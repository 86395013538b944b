package words

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"relay/quota"
	"relay/report/money"
)

// Allowance is "9,000 e-mails and 90 MB"; nil is no limit.
func Allowance(emails, bytes *int64) string {
	switch {
	case emails == nil && bytes == nil:
		return "unlimited"
	case emails == nil:
		return FineSize(*bytes)
	case bytes == nil:
		return Plural(*emails, "e-mail")
	}
	return Plural(*emails, "e-mail") + " and " + FineSize(*bytes)
}

// Period for people: a calendar month by its key, a month's plan, whose key is its first
// day, by its first and its last day. Both are nil where they are not known.
func Period(key string, start, end *time.Time, zone *time.Location) string {
	if len(key) < len(time.DateOnly) || start == nil || end == nil {
		return key
	}
	return Day(*start, zone) + " to " + Day(quota.LastDay(*end, zone), zone)
}

// PerPeriod is the stretch of time that the allowance of a term is for.
func PerPeriod(t quota.Term) string {
	if t == quota.Month {
		return "in 30 days"
	}
	return "a month"
}

// Units is an amount of credit or overage in the unit of the plan.
func Units(n int64, unit string) string {
	if unit == "bytes" {
		return FineSize(n)
	}
	return Plural(n, "e-mail")
}

// Plan is a plan in one line.
func Plan(p *quota.Plan) string {
	if p.Name == "" { // closed before it was active
		return "none"
	}
	emails, bandwidth := "any number of e-mails", "any bandwidth"
	if p.Emails > 0 {
		emails = Plural(p.Emails, "e-mail")
	}
	if p.Bandwidth > 0 {
		bandwidth = Size(p.Bandwidth)
	}
	return fmt.Sprintf("%s: %s and %s %s, up to %s a message", p.Name, emails, bandwidth, PerPeriod(p.Term),
		Plural(int64(p.MaxRecipients()), "recipient"))
}

// Allowed is text, or that there is no limit.
func Allowed(n int64, text string) string {
	if n == 0 {
		return "unlimited"
	}
	return text
}

// WholeUnits is an amount of credit that comes in whole steps, exactly.
func WholeUnits(n int64, unit string) string {
	if unit == "bytes" {
		return WholeSize(n)
	}
	return Plural(n, "e-mail")
}

// UnitsCell is an amount in a column of them.
func UnitsCell(n int64, unit string) string {
	switch {
	case n == 0:
		return "-"
	case unit == "bytes":
		return FineSize(n)
	}
	return Number(n)
}

// AtLimit is what happens at the limit of a plan, and how far overage goes. A choice
// that the plan does not offer, made on another plan, does not count.
func AtLimit(limit quota.AtLimit, own int64, p *quota.Plan) string {
	switch {
	case p.Name != "" && !p.Allows(limit) && len(p.Choices()) == 1:
		return string(p.Choices()[0]) + ", the only choice on this plan"
	case limit != quota.Continue:
		return string(limit)
	}
	return string(limit) + ", " + Ceiling(p.Ceiling(own))
}

// Ceiling of overage in octets, in a sentence.
func Ceiling(most int64) string {
	if most == quota.Endless {
		return "without a ceiling of overage"
	}
	return "up to " + WholeSize(most) + " of overage a month"
}

// MostOverage is the ceiling of a plan, to follow the word overage.
func MostOverage(most int64) string {
	if most == quota.Endless {
		return "without a ceiling"
	}
	return "up to " + WholeSize(most) + " a month"
}

// Balance writes a balance in words. A closed account gets no more invoices, so the rest of
// its balance is to be paid back.
func Balance(n int64, currency string, closed bool) string {
	switch {
	case n < 0:
		return money.Format(-n, currency) + " are still to be paid"
	case n > 0 && closed:
		return money.Format(n, currency) + " are to be paid back"
	case n > 0:
		return money.Format(n, currency) + " are kept for invoices to come"
	}
	return money.Format(0, currency) + ": nothing is owed"
}

// WholeSize is a size for people that says it exactly.
func WholeSize(n int64) string {
	text := ExactSize(n)
	digits := strings.TrimRight(text, "KMGB")
	count, _ := strconv.ParseInt(digits, 10, 64) // it is one
	return Number(count) + " " + cmp.Or(text[len(digits):], "B")
}
