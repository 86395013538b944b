package money

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/bojanz/currency"
)

// Parse is the amount that a person means in the currency named by code, in
// minor units. It takes 12.50 and 12,50; groups of three digits with the other
// separator, a blank or an apostrophe; and the currency's code or sign on either
// side. It rounds nothing and guesses nothing: what can be read in two ways, has
// more decimals than the currency or names another one is refused.
func Parse(text, code string) (int64, error) {
	if !Known(code) {
		return 0, fmt.Errorf("%q is not a currency such as EUR", code)
	}
	number, minus := bare(text, code)
	if other := foreign(number); other != "" && other != code {
		return 0, fmt.Errorf("%q is in %s, and amounts here are in %s", text, other, code)
	}
	whole, decimals, err := split(number, code)
	if err != nil {
		return 0, fmt.Errorf("%q %w", text, err)
	}
	minor := minus + whole + decimals + strings.Repeat("0", digits(code)-len(decimals))
	n, err := strconv.ParseInt(minor, 10, 64)
	if err != nil { // they are digits, so they are too many
		return 0, fmt.Errorf("%q is too large to count", text)
	}
	return n, nil
}

func digits(code string) int {
	n, _ := currency.GetDigits(code)
	return int(n)
}

func sign(code string) string {
	s, _ := currency.GetSymbol(code, english)
	return s
}

// bare is text without the currency and the minus, which may stand on either
// side of the code.
func bare(text, code string) (number, minus string) {
	s := strings.Map(plainRune, text)
	for range 2 {
		s = strings.TrimSpace(s)
		if rest, ok := strings.CutPrefix(s, "-"); ok && minus == "" {
			s, minus = strings.TrimSpace(rest), "-"
		}
		s = without(s, code, sign(code))
	}
	return s, minus
}

// plainRune takes every blank for a space, and the minus that invoices are
// printed with for the one on the keyboard.
func plainRune(r rune) rune {
	switch {
	case r == '−': // U+2212
		return '-'
	case r == '’':
		return '\''
	case unicode.IsSpace(r):
		return ' '
	}
	return r
}

// without cuts the first of the names that s begins or ends with.
func without(s string, names ...string) string {
	for _, name := range names {
		at := len(s) - len(name)
		switch {
		case name == "" || at <= 0:
		case strings.EqualFold(s[:len(name)], name):
			return strings.TrimSpace(s[len(name):])
		case strings.EqualFold(s[at:], name):
			return strings.TrimSpace(s[:at])
		}
	}
	return s
}

var codeRE = regexp.MustCompile(`^(?:([A-Za-z]{3})[-\d.,' ]+|[\d.,' ]+([A-Za-z]{3}))$`)

// foreign is the currency whose code is left at one side of a number; "" where
// there is none.
func foreign(s string) string {
	m := codeRE.FindStringSubmatch(s)
	if m == nil {
		return ""
	}
	if code := strings.ToUpper(m[1] + m[2]); Known(code) {
		return code
	}
	return ""
}

var (
	simpleRE  = regexp.MustCompile(`^(\d+)(?:([.,])(\d+))?$`)
	groupedRE = []*regexp.Regexp{
		regexp.MustCompile(`^(\d{1,3}(?:,\d{3})+)(?:\.(\d+))?$`),
		regexp.MustCompile(`^(\d{1,3}(?:\.\d{3})+)(?:,(\d+))?$`),
		regexp.MustCompile(`^(\d{1,3}(?:[ ']\d{3})+)(?:[.,](\d+))?$`),
	}
	ungroup = strings.NewReplacer(",", "", ".", "", " ", "", "'", "")
)

// split is the digits of a number before and after the decimals' separator.
func split(number, code string) (whole, decimals string, err error) {
	if m := simpleRE.FindStringSubmatch(number); m != nil {
		return simple(m[1], m[2], m[3], code)
	}
	for _, re := range groupedRE {
		if m := re.FindStringSubmatch(number); m != nil {
			return ungroup.Replace(m[1]), m[2], fits(m[2], code)
		}
	}
	return "", "", fmt.Errorf("is not an amount in %s such as %s", code, Plain(12_500, code))
}

// simple is a number with one separator at most. Before three digits that may be
// of thousands: a comma is, where there are no decimals, and a point is not,
// where there are three of them, since Format writes so. Nothing else is sure.
func simple(whole, separator, rest, code string) (string, string, error) {
	have := digits(code)
	thousands := len(rest) == 3 && len(whole) <= 3 && whole[0] != '0'
	switch {
	case thousands && have == 0 && separator == ",":
		return whole + rest, "", nil
	case thousands && have > 0 && (have < 3 || separator == ","):
		return "", "", fmt.Errorf("is not clear: write %s.%s if it is that, and decimals after a point", whole+rest, strings.Repeat("0", have))
	}
	return whole, rest, fits(rest, code)
}

// fits refuses more decimals than the currency has.
func fits(decimals, code string) error {
	switch have := digits(code); {
	case len(decimals) <= have:
		return nil
	case have == 0:
		return fmt.Errorf("has decimals, and %s has none", code)
	default:
		return fmt.Errorf("has more decimals than the %d of %s", have, code)
	}
}
