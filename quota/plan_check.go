package quota

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var nameRE = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,63}$`)

// ValidName reports whether s can name a plan or an account: up to 64 lower
// case letters, digits and ._@+-, the first one a letter or digit. An e-mail
// address in lower case is one.
func ValidName(s string) bool { return nameRE.MatchString(s) }

// Bounds of a plan's tables. They keep every price countable and Cover quick.
const (
	kb        = 1000
	maxPrice  = 1_000_000_000_000 // minor units
	maxRate   = 10                // octets that a minor unit buys at least: so much for MaxOver, with tax as high, can still be counted
	maxBlocks = 16
	maxBlock  = 1_000_000 * gb
	maxGrades = 10_000 // a block's size in units of what divides all of them
)

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
	if p.Price < 0 || p.Price > maxPrice {
		bad = append(bad, "price: 0 to 1,000,000,000,000 minor units")
	}
	if p.CreditStep < 0 {
		bad = append(bad, "credit step: has to be above zero")
	}
	if p.OverMax < Uncapped || p.OverMax > MaxOver {
		bad = append(bad, "ceiling of overage: has to be above zero")
	}
	if p.OverMax > 0 && !p.mayContinue() {
		bad = append(bad, "ceiling of overage: only yearly plans with a bandwidth have overage")
	}
	bad = append(bad, p.badChoices()...)
	bad = append(bad, p.badBlocks()...)
	if bad != nil {
		return fmt.Errorf("plan: %s", strings.Join(bad, "; "))
	}
	return nil
}

func (p Plan) badChoices() (bad []string) {
	for i, a := range p.AtLimit {
		switch {
		case a != Suspend && a != Continue:
			bad = append(bad, fmt.Sprintf("at limit %q: suspend or continue", a))
		case slices.Contains(p.AtLimit[:i], a):
			bad = append(bad, fmt.Sprintf("at limit %q: named twice", a))
		case a == Continue && !p.mayContinue():
			bad = append(bad, "at limit \"continue\": only yearly plans with a bandwidth leave it")
		}
	}
	return bad
}

func (p Plan) badBlocks() (bad []string) {
	if len(p.Blocks) == 0 {
		return nil
	}
	if !p.mayContinue() {
		bad = append(bad, "blocks: only yearly plans with a bandwidth have them")
	}
	if len(p.Blocks) > maxBlocks {
		bad = append(bad, fmt.Sprintf("blocks: at most %d", maxBlocks))
	}
	var largest, unit int64
	for i, b := range p.Blocks {
		if b.Bytes <= 0 || b.Bytes%kb != 0 || b.Bytes > maxBlock {
			bad = append(bad, fmt.Sprintf("block of %d bytes: whole KB, up to 1,000,000 GB", b.Bytes))
			continue
		}
		if b.Price <= 0 || b.Price > maxPrice {
			bad = append(bad, fmt.Sprintf("block of %d bytes: price above zero, up to 1,000,000,000,000 minor units", b.Bytes))
		}
		if b.Price <= maxPrice && b.Price > b.Bytes/maxRate {
			bad = append(bad, fmt.Sprintf("block of %d bytes: price up to 100,000,000 minor units a GB, so that any overage can be billed", b.Bytes))
		}
		if slices.ContainsFunc(p.Blocks[:i], func(a Block) bool { return a.Bytes == b.Bytes }) {
			bad = append(bad, fmt.Sprintf("block of %d bytes: named twice", b.Bytes))
		}
		largest, unit = max(largest, b.Bytes), gcd(unit, b.Bytes)
	}
	if unit > 0 && largest/unit > maxGrades {
		bad = append(bad, fmt.Sprintf("blocks: too finely graded, the largest is more than %d times the %d bytes that divide all: choose rounder sizes", maxGrades, unit))
	}
	return bad
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
