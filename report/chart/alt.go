package chart

import (
	"fmt"
	"time"

	"relay/report/words"
)

// Alt says what the picture shows: the total, the day with most mail and the trend.
func (d *Days) Alt() string {
	days := d.all()
	sum, best := Day{}, Day{}
	for _, day := range days {
		sum.Emails, sum.Bytes = sum.Emails+day.Emails, sum.Bytes+day.Bytes
		if day.Emails > best.Emails {
			best = day
		}
	}
	s := sentencesOf(d.Language)
	l := d.Language
	if sum.Emails == 0 {
		return fmt.Sprintf(s.none, l.Month(d.Period))
	}
	at, _ := time.Parse(time.DateOnly, best.Day) // all wrote it
	text := fmt.Sprintf(s.total, l.Month(d.Period), l.Plural(sum.Emails, s.one, s.many), l.Size(sum.Bytes))
	text += " " + fmt.Sprintf(s.best, l.Day(at), l.Number(best.Emails))
	if t := d.trend(days); t != 0 {
		text += " " + s.trend[t]
	}
	return text
}

// trend compares the second half of the days that have passed with the first.
type trend int

const (
	unknown trend = iota // too few days
	even
	rising
	falling
)

// leastDays have to have passed for a trend.
const leastDays = 8

func (d *Days) trend(days []Day) trend {
	if !d.Until.IsZero() {
		until := date(d.Until).Format(time.DateOnly)
		for len(days) > 0 && days[len(days)-1].Day > until {
			days = days[:len(days)-1]
		}
	}
	if len(days) < leastDays {
		return unknown
	}
	half := len(days) / 2 / 7 * 7 // whole weeks have as many week-ends
	if half == 0 {
		half = len(days) / 2
	}
	before, after := float64(0), float64(0)
	for i := range half {
		before += float64(days[len(days)-2*half+i].Emails)
		after += float64(days[len(days)-half+i].Emails)
	}
	switch {
	case after > before*1.2:
		return rising
	case after < before*0.8:
		return falling
	}
	return even
}

// sentences of a language, with places for figures.
type sentences struct {
	none, total, best string
	one, many         string
	emails, millions  string // above the upper panel, and what follows where it counts millions
	aDay              string // follows the unit above the lower one
	trend             map[trend]string
}

var spoken = map[words.Language]sentences{
	words.English: {
		none:  "Chart: no mail in %s.",
		total: "Chart of the days of %s: %s and %s in all.",
		best:  "Most were sent on %s: %s.",
		one:   "e-mail", many: "e-mails",
		emails: "E-mails a day", millions: " (millions)", aDay: " a day",
		trend: map[trend]string{even: "The pace is even.", rising: "The pace is rising.", falling: "The pace is falling."},
	},
	words.German: {
		none:  "Diagramm: keine Mail im Zeitraum %s.",
		total: "Diagramm der Tage, %s: insgesamt %s und %s.",
		best:  "Die meisten am %s: %s.",
		one:   "E-Mail", many: "E-Mails",
		emails: "E-Mails je Tag", millions: " (Millionen)", aDay: " je Tag",
		trend: map[trend]string{even: "Die Menge ist gleichmäßig.", rising: "Die Menge steigt.", falling: "Die Menge nimmt ab."},
	},
	words.Italian: {
		none:  "Grafico: nessuna e-mail, %s.",
		total: "Grafico dei giorni, %s: in tutto %s e %s.",
		best:  "Il giorno con più invii è %s: %s.",
		one:   "e-mail", many: "e-mail",
		emails: "E-mail al giorno", millions: " (milioni)", aDay: " al giorno",
		trend: map[trend]string{even: "Il ritmo è costante.", rising: "Il ritmo è in aumento.", falling: "Il ritmo è in calo."},
	},
}

func sentencesOf(l words.Language) sentences { return spoken[words.Spoken(string(l))] }
