package words

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"relay/quota"
	"relay/report/money"
)

// Number groups digits by thousands: "1,234,567", "1.234.567".
func (l Language) Number(n int64) string {
	return strings.ReplaceAll(Number(n), ",", l.pick(",", ".", "."))
}

// units of a size, each a thousand of the one before.
var units1000 = []string{"B", "KB", "MB", "GB", "TB", "PB", "EB"}

// Size writes octets in decimal units to three digits: "482 MB", "10.5 GB", "10,5 GB".
func (l Language) Size(n int64) string {
	if n < 0 {
		return "-" + l.Size(max(-n, 0)) // MinInt64 has no positive counterpart
	}
	value, unit := float64(n), 0
	for value >= 999.5 && unit < len(units1000)-1 {
		value, unit = value/1000, unit+1
	}
	digits := 2
	switch {
	case value >= 99.95:
		digits = 0
	case value >= 9.995:
		digits = 1
	}
	return l.Decimal(value, digits) + NoBreak + units1000[unit]
}

// Octets writes octets exactly, in the largest unit that they fill: "1,2 GB". It is for
// billed and agreed sizes.
func (l Language) Octets(n int64) string {
	size, unit := int64(1), 0
	for unit < len(units1000)-1 && n/size >= 1000 {
		size, unit = size*1000, unit+1
	}
	text := strconv.FormatInt(n/size, 10)
	if rest := n % size; rest > 0 {
		text += l.point() + strings.TrimRight(fmt.Sprintf("%0*d", 3*unit, rest), "0")
	}
	return text + NoBreak + units1000[unit]
}

// Decimal writes a value with at most so many decimals.
func (l Language) Decimal(value float64, digits int) string {
	text := strconv.FormatFloat(value, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return strings.Replace(text, ".", l.point(), 1)
}

func (l Language) point() string { return l.pick(".", ",", ",") }

// Percent is the share of whole that part is, rounded to the nearest; but 100 is said only once
// all of it is reached: "87%", "87 %"; "" when whole is zero.
func (l Language) Percent(part, whole int64) string {
	if whole <= 0 {
		return ""
	}
	n := math.Round(float64(part) * 100 / float64(whole))
	if part < whole {
		n = min(n, 99)
	}
	return l.percent(strconv.FormatInt(int64(n), 10))
}

// Share is Percent for small parts: below 10 with a decimal, "2.3%", "2,3 %".
func (l Language) Share(part, whole int64) string {
	if whole <= 0 {
		return ""
	}
	tenths := float64(part) * 1000 / float64(whole)
	switch rounded := math.Round(tenths); {
	case rounded >= 100 || part <= 0:
		return l.Percent(part, whole)
	case tenths < 1:
		return l.percent("< 0" + l.point() + "1")
	default:
		return l.percent(l.Decimal(rounded/10, 1))
	}
}

// Rate is a rate of tax: "22%", "8,1 %".
func (l Language) Rate(r quota.Rate) string {
	return l.percent(strings.Replace(strings.TrimSuffix(r.String(), "%"), ".", l.point(), 1))
}

func (l Language) percent(number string) string {
	return strings.ReplaceAll(number, " ", NoBreak) + l.pick("", NoBreak, "") + "%"
}

// Money is an amount with its currency: "EUR 1,234.50", "1.234,50 EUR".
func (l Language) Money(minor int64, currency string) string {
	return strings.ReplaceAll(money.FormatIn(string(l), minor, currency), " ", NoBreak)
}

// Plural counts a noun: "1 message", "2 messages".
func (l Language) Plural(n int64, one, many string) string {
	return l.Number(n) + " " + l.Form(n, one, many)
}

// Form is the form of a word for n things. English, German and Italian say 0 as they say
// many.
func (l Language) Form(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
