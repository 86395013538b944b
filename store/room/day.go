package room

import "time"

// Day is the day of an instant in a zone, as "2026-11-29".
func Day(at time.Time, zone *time.Location) string { return at.In(zone).Format(time.DateOnly) }

// DayBefore is the day that is some days before that of an instant.
func DayBefore(at time.Time, days int, zone *time.Location) string {
	return at.In(zone).AddDate(0, 0, -days).Format(time.DateOnly)
}
