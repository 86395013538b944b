package words

import (
	"fmt"
	"time"
)

// ParseMoment reads a day, a day and a time, or RFC 3339. Without a zone it is
// in the one given.
func ParseMoment(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly, "2006-01-02 15:04", time.DateTime, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		t, err := time.ParseInLocation(layout, text, zone)
		if err != nil {
			continue
		}
		if t.Year() < 2000 || t.Year() > 2999 {
			return t, fmt.Errorf("%q is not in the years 2000 to 2999", text)
		}
		return t, nil
	}
	return time.Time{}, fmt.Errorf(`%q is no time such as 2026-11-30, "2026-11-30 23:58" or 2026-11-30T23:58:00+01:00`, text)
}
