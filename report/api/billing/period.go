package billing

import (
	"cmp"
	"regexp"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/report/words"
	"relay/store"
)

var periodRE = regexp.MustCompile(`^(\d{4})(?:(-\d{2})(-\d{2})?(?:-[1-9]\d*)?)?$`)

// checkPeriod refuses what is no period; "" is none.
func checkPeriod(s *act.Service, text string) error {
	if text == "" || isPeriod(text) {
		return nil
	}
	return act.Invalid("period", "", " %q: a month such as %s, a year or a day", text, s.Store.BookTime().In(s.Store.Zone()).Format("2006-01"))
}

// isPeriod takes a year, a month or a day, and the key of a period, which may
// have a number behind it.
func isPeriod(text string) bool {
	m := periodRE.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	day := m[1] + cmp.Or(m[2], "-01") + cmp.Or(m[3], "-01")
	_, err := time.Parse(time.DateOnly, day)
	return err == nil
}

// inPeriod reports whether an invoice belongs to a period: a month, or the year
// or the day of that name.
func inPeriod(i *store.Invoice, period string, zone *time.Location) bool {
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
