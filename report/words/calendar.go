package words

import (
	"strconv"
	"strings"
	"time"
)

var months = map[Language]string{
	English: "January February March April May June July August September October November December",
	German:  "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
	Italian: "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
}

// weekdays begin as time.Weekday does.
var weekdays = map[Language]string{
	English: "Sunday Monday Tuesday Wednesday Thursday Friday Saturday",
	German:  "Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag",
	Italian: "domenica lunedì martedì mercoledì giovedì venerdì sabato",
}

func (l Language) month(m time.Month) string { return strings.Fields(months[l.known()])[m-1] }

// MonthShort is a month in three letters or so, for a chart: "Dec", "Dez", "dic".
func (l Language) MonthShort(m time.Month) string {
	return string([]rune(l.month(m))[:3])
}

func (l Language) weekday(d time.Weekday) string { return strings.Fields(weekdays[l.known()])[d] }

// known is the language itself, or the default for one that is not spoken.
func (l Language) known() Language { return Spoken(string(l)) }

// Date is a day in t's own zone: "3 December 2026", "3. Dezember 2026", "3 dicembre 2026".
// "–" is for the zero time.
func (l Language) Date(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return l.dayOfMonth(t.Day()) + NoBreak + l.month(t.Month()) + " " + strconv.Itoa(t.Year())
}

func (l Language) dayOfMonth(day int) string {
	if day == 1 {
		return l.pick("1", "1.", "1º")
	}
	return strconv.Itoa(day) + l.pick("", ".", "")
}

// ShortDate is a day for a column: "3 Dec 2026", "03.12.2026", "03/12/2026".
func (l Language) ShortDate(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Format(l.pick("2"+NoBreak+"Jan"+NoBreak+"2006", "02.01.2006", "02/01/2006"))
}

// Day is a date with its weekday: "Thursday, 3 December 2026".
func (l Language) Day(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return l.weekday(t.Weekday()) + l.pick(", ", ", ", " ") + l.Date(t)
}

// Moment is a date with its time of day: "3 December 2026, 14:30".
func (l Language) Moment(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return l.Date(t) + ", " + l.Clock(t)
}

// Clock is a time of day: "14:30", "14:30 Uhr".
func (l Language) Clock(t time.Time) string { return t.Format("15:04") + l.pick("", NoBreak+"Uhr", "") }

// DateOf is Date of a day such as 2026-12-03; what is no day is returned as it is.
func (l Language) DateOf(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return l.Date(t)
}

// Month names a period by its key: a calendar month, "November 2026", or the 30 days of a
// month's plan by their first, "30 days from 3 November 2026".
func (l Language) Month(period string) string {
	if len(period) >= len(time.DateOnly) {
		first, err := time.Parse(time.DateOnly, period[:len(time.DateOnly)])
		if err != nil {
			return period
		}
		return l.Elide("30" + NoBreak + l.pick("days from ", "Tage ab ", "giorni dal ") + l.Date(first))
	}
	t, err := time.Parse("2006-01", period)
	if err != nil {
		return period
	}
	return l.month(t.Month()) + NoBreak + strconv.Itoa(t.Year())
}
