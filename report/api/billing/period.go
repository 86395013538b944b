package billing

import (
	"strings"
	"time"

	"relay/report/api/act"
	"relay/report/words"
	"relay/store/ledger"
)

// checkPeriod refuses what is no period; "" is none.
func checkPeriod(s *act.Service, text string) error {
	if text == "" || words.IsPeriod(text) {
		return nil
	}
	return act.Invalid("period", "", " %q: a month such as %s, a year or a day", text, s.Store.BookTime().In(s.Store.Zone()).Format("2006-01"))
}

// inPeriod reports whether an invoice belongs to a period: a month, or the year
// or the day of that name.
func inPeriod(i *ledger.Invoice, period string, zone *time.Location) bool {
	own := i.Period
	if own == "" {
		own = words.Day(i.Issued, zone)
	}
	return within(own, period)
}

// within reports whether a day or a period is in another one, or is it.
func within(own, period string) bool {
	return own == period || strings.HasPrefix(own, period+"-")
}
