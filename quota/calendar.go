package quota

import "time"

// dayStart is the first instant of a day in zone. That is midnight, or what
// follows it where the clock skips it (Asuncion, 2023-10-01) or skips the whole
// day (Apia, 2011-12-30), and the earlier one where it comes twice (Amman).
// time.Date promises none of it. Month and day may run over, as there.
func dayStart(year int, month time.Month, day int, zone *time.Location) time.Time {
	midnight := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	t := midnight.Add(-36 * time.Hour) // no zone is so far off: the day before, at the latest
	for {
		l := t.In(zone)
		_, offset := l.Zone()
		first := midnight.Add(-time.Duration(offset) * time.Second)
		if first.Before(t) {
			first = t // the clock jumped over it
		}
		_, end := l.ZoneBounds()
		if !end.IsZero() && !end.After(t) {
			end = t.AddDate(0, 0, 1) // from 2038 on Go ends a leap year's last zone a day too early
		}
		if end.IsZero() || first.Before(end) {
			return first.UTC()
		}
		t = end
	}
}

// monthStart is the first instant of a month in zone.
func monthStart(year int, month time.Month, zone *time.Location) time.Time {
	return dayStart(year, month, 1, zone)
}

// dayNumber numbers the dates of the calendar one by one, so that the days
// between two instants are those between their dates, however long the hours
// between them were. A date that a zone left out counts as any other.
func dayNumber(t time.Time, zone *time.Location) int64 {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
}

// LastDay of what ends at end, which is excluded: its last instant in zone, whose
// date it is.
func LastDay(end time.Time, zone *time.Location) time.Time {
	return end.Add(-time.Nanosecond).In(zone)
}

// lastNumber is the number of that day.
func lastNumber(end time.Time, zone *time.Location) int64 { return dayNumber(LastDay(end, zone), zone) }
