package room

import "time"

// Day is the day of an instant in a zone, as "2026-11-29".
func Day(at time.Time, zone *time.Location) string { return at.In(zone).Format(time.DateOnly) }

// DayBefore is the day that is some days before that of an instant.
func DayBefore(at time.Time, days int, zone *time.Location) string {
	return at.In(zone).AddDate(0, 0, -days).Format(time.DateOnly)
}

// DayNumber is the running number of the day that an instant is in.
func DayNumber(at time.Time, zone *time.Location) int {
	y, m, d := at.In(zone).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// DayStart is when the day with that number begins in a zone.
func DayStart(number int, zone *time.Location) time.Time {
	y, m, d := time.Unix(int64(number)*24*60*60, 0).UTC().Date()
	at := time.Date(y, m, d, 0, 0, 0, 0, zone)
	for DayNumber(at, zone) < number { // there is no such time in this zone
		at = at.Add(time.Hour)
	}
	return at.UTC()
}

// DayEnd is when a day as Day writes it ends in a zone.
func DayEnd(day string, zone *time.Location) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, day, zone)
	if err != nil {
		return t
	}
	return t.AddDate(0, 0, 1).UTC()
}

// Earliest is the earliest of some instants.
func Earliest(t time.Time, more ...time.Time) time.Time {
	for _, m := range more {
		if m.Before(t) {
			t = m
		}
	}
	return t
}
