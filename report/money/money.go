// Package money writes amounts for people and reads what people type.
//
// An amount is a whole number of minor units: cents of EUR, yen of JPY, fils of
// KWD. How many decimals that makes comes from the currency's ISO 4217 code, by
// the tables of the Unicode CLDR in github.com/bojanz/currency. The locale is
// English, but for FormatIn. The code stands before the number, "EUR 1,234.50": a
// sign such as $ is that of twenty currencies.
//
// Parse reads all that Format, Number and Plain write, and gives the same amount
// back.
package money

import (
	"fmt"
	"strings"

	"github.com/bojanz/currency"
)

// Default is the currency where none is named.
const Default = "EUR"

var english = currency.NewLocale("en")

// locales are those that customers are written to in. Italian writes amounts as German
// does; its own tables leave four digits ungrouped, which looks odd in a column.
var locales = map[string]currency.Locale{"en": english, "de": currency.NewLocale("de"), "it": currency.NewLocale("de")}

// Known reports whether code is that of a currency, such as EUR. It is in
// capitals.
func Known(code string) bool { return code != "" && currency.IsValid(code) }

// Format is an amount with its currency, "EUR 1,234.50".
func Format(minor int64, code string) string {
	return write(english, minor, code, currency.DisplayCode, true)
}

// FormatIn is Format in a language such as de, "1.234,50 EUR"; English if it does not know
// it.
func FormatIn(language string, minor int64, code string) string {
	locale, ok := locales[language]
	if !ok {
		locale = english
	}
	return write(locale, minor, code, currency.DisplayCode, true)
}

// Number is an amount without its currency, "1,234.50", for columns.
func Number(minor int64, code string) string {
	return write(english, minor, code, currency.DisplayNone, true)
}

// Plain is an amount without its currency and without grouping, "1234.50", for
// programs and for fields of a form.
func Plain(minor int64, code string) string {
	return write(english, minor, code, currency.DisplayNone, false)
}

// write says how many minor units there are where it does not know the
// currency: how many decimals they make is then anybody's guess.
func write(locale currency.Locale, minor int64, code string, display currency.Display, group bool) string {
	a, err := currency.NewAmountFromInt64(minor, code)
	if err != nil || !Known(code) {
		return strings.TrimSpace(fmt.Sprintf("%d minor units %s", minor, code))
	}
	f := currency.NewFormatter(locale)
	f.CurrencyDisplay = display
	f.NoGrouping = !group
	return strings.ReplaceAll(f.Format(a), "\u00a0", " ")
}
