package words

import (
	"math"
	"strings"
	"testing"
	"time"

	"relay/quota"
)

// inEach checks a text in every language, with spaces for those that do not break.
func inEach(t *testing.T, what string, got func(Language) string, want ...string) {
	t.Helper()
	for i, l := range Languages {
		if is := Spaces(got(l)); is != want[i] {
			t.Errorf("%s in %s is %q, want %q", what, l, is, want[i])
		}
	}
}

func TestLanguage_figures(t *testing.T) {
	for n, want := range map[int64][3]string{
		0: {"0", "0", "0"}, 1234567: {"1,234,567", "1.234.567", "1.234.567"}, -1000: {"-1,000", "-1.000", "-1.000"}} {
		inEach(t, "Number", func(l Language) string { return l.Number(n) }, want[:]...)
	}
	for n, want := range map[int64][2]string{
		0: {"0 B", "0 B"}, 999: {"999 B", "999 B"}, 1000: {"1 KB", "1 KB"}, 1234: {"1.23 KB", "1,23 KB"}, 10_460_000_000: {"10.5 GB", "10,5 GB"},
		482_119_000: {"482 MB", "482 MB"}, 999_999: {"1 MB", "1 MB"}, 99_960_000: {"100 MB", "100 MB"}, -1500: {"-1.5 KB", "-1,5 KB"},
		math.MaxInt64: {"9.22 EB", "9,22 EB"}, math.MinInt64: {"-0 B", "-0 B"}} {
		inEach(t, "Size", func(l Language) string { return l.Size(n) }, want[0], want[1], want[1])
	}
	inEach(t, "Octets", func(l Language) string { return l.Octets(1_250_000_000) }, "1.25 GB", "1,25 GB", "1,25 GB")
	inEach(t, "Octets", func(l Language) string { return l.Octets(12) }, "12 B", "12 B", "12 B")
	inEach(t, "Octets", func(l Language) string { return l.Octets(2_000_000_000_001) }, "2.000000000001 TB", "2,000000000001 TB", "2,000000000001 TB")
	inEach(t, "Octets", func(l Language) string { return l.Octets(9_000_000_000_000_000_000) }, "9 EB", "9 EB", "9 EB")
	for part, want := range map[int64][2]string{0: {"0%", "0 %"}, 1: {"< 0.1%", "< 0,1 %"}, 23: {"0.2%", "0,2 %"}, 494: {"4.9%", "4,9 %"}, 496: {"5%", "5 %"}, 996: {"10%", "10 %"}, 9999: {"99%", "99 %"}, 10_000: {"100%", "100 %"}} {
		inEach(t, "Share", func(l Language) string { return l.Share(part, 10_000) }, want[0], want[1], strings.ReplaceAll(want[1], " %", "%"))
	}
	inEach(t, "Percent", func(l Language) string { return l.Percent(895, 1000) }, "90%", "90 %", "90%")
	inEach(t, "Percent of less", func(l Language) string { return l.Percent(894, 1000) }, "89%", "89 %", "89%")
	inEach(t, "Percent of more", func(l Language) string { return l.Percent(1006, 1000) }, "101%", "101 %", "101%")
	inEach(t, "Percent of nearly all", func(l Language) string { return l.Percent(math.MaxInt64-1, math.MaxInt64) }, "99%", "99 %", "99%")
	inEach(t, "Rate", func(l Language) string { return l.Rate(22*quota.Percent) + " " + l.Rate(81*quota.Percent/10) }, "22% 8.1%", "22 % 8,1 %", "22% 8,1%")
	inEach(t, "Percent of very much", func(l Language) string { return l.Percent(math.MaxInt64/2, math.MaxInt64) }, "50%", "50 %", "50%")
	inEach(t, "Percent of nothing", func(l Language) string { return l.Percent(1, 0) + l.Share(1, 0) }, "", "", "")
	inEach(t, "Money", func(l Language) string { return l.Money(123450, "EUR") }, "EUR 1,234.50", "1.234,50 EUR", "1.234,50 EUR")
	inEach(t, "Plural", func(l Language) string { return l.Plural(1, "day", "days") + ", " + l.Plural(2000, "day", "days") },
		"1 day, 2,000 days", "1 day, 2.000 days", "1 day, 2.000 days")
}

func TestLanguage_calendar(t *testing.T) {
	at := time.Date(2026, 12, 3, 14, 5, 0, 0, time.FixedZone("CET", 3600))
	inEach(t, "Date", func(l Language) string { return l.Date(at) }, "3 December 2026", "3. Dezember 2026", "3 dicembre 2026")
	inEach(t, "Day", func(l Language) string { return l.Day(at) }, "Thursday, 3 December 2026", "Donnerstag, 3. Dezember 2026", "giovedì 3 dicembre 2026")
	inEach(t, "Moment", func(l Language) string { return l.Moment(at) }, "3 December 2026, 14:05", "3. Dezember 2026, 14:05 Uhr", "3 dicembre 2026, 14:05")
	inEach(t, "ShortDate", func(l Language) string { return l.ShortDate(at) }, "3 Dec 2026", "03.12.2026", "03/12/2026")
	inEach(t, "the first", func(l Language) string { return l.DateOf("2026-03-01") }, "1 March 2026", "1. März 2026", "1º marzo 2026")
	inEach(t, "no day", func(l Language) string { return l.DateOf("soon") }, "soon", "soon", "soon")
	inEach(t, "no time", func(l Language) string {
		return l.Date(time.Time{}) + l.Day(time.Time{}) + l.Moment(time.Time{}) + l.ShortDate(time.Time{})
	}, "––––", "––––", "––––")
	for period, want := range map[string][3]string{
		"2026-11": {"November 2026", "November 2026", "novembre 2026"}, "2026": {"2026", "2026", "2026"}, "later": {"later", "later", "later"},
		"2026-13":      {"2026-13", "2026-13", "2026-13"},
		"2026-11-03":   {"30 days from 3 November 2026", "30 Tage ab 3. November 2026", "30 giorni dal 3 novembre 2026"},
		"2026-11-08-2": {"30 days from 8 November 2026", "30 Tage ab 8. November 2026", "30 giorni dall’8 novembre 2026"},
	} {
		inEach(t, "Month", func(l Language) string { return l.Month(period) }, want[:]...)
	}
	for _, l := range Languages {
		for m := range 12 {
			if s := l.MonthShort(time.Month(m + 1)); len([]rune(s)) != 3 {
				t.Errorf("month %d in %s is %q", m+1, l, s)
			}
		}
	}
	if got := Language("fr").Day(at); Spaces(got) != "Thursday, 3 December 2026" {
		t.Errorf("in a language that is not spoken it is %s", got)
	}
}

// Every text is there in each language, and differs between them.
func TestLanguage_failures(t *testing.T) {
	for category := range failures {
		for _, say := range []func(Language, string) string{Language.Failure, Language.FailureAdvice} {
			e, d, i := say(English, category), say(German, category), say(Italian, category)
			if e == "" || d == "" || i == "" || e == d || d == i {
				t.Errorf("%s: %q, %q, %q", category, e, d, i)
			}
		}
	}
	inEach(t, "Failure", func(l Language) string { return l.Failure("InvalidRecipient") }, "the address does not exist", "die Adresse gibt es nicht", "l’indirizzo non esiste")
	inEach(t, "Failure of no category", func(l Language) string { return l.Failure("Uncategorized") },
		"the receiver refused the message", "der Zielserver hat die Nachricht abgelehnt", "il server destinatario ha rifiutato il messaggio")
	inEach(t, "Advice", func(l Language) string { return l.Advice("remove") }, "remove it from your list", "aus der Liste nehmen", "da togliere dall’elenco")
	if got := English.Advice("else"); got != "else" {
		t.Errorf("an advice of no name is %q", got)
	}
	for _, kind := range []string{"unsigned", "spf-only", "freemail", "bulk", "volume"} {
		if e, d, i := English.Remark(kind, "a.example", "reject", 4000), German.Remark(kind, "a.example", "reject", 4000), Italian.Remark(kind, "a.example", "reject", 4000); e == d || d == i {
			t.Errorf("%s: %q, %q, %q", kind, e, d, i)
		}
	}
}

func TestLanguage_Elide(t *testing.T) {
	for text, want := range map[string]string{
		"il 8 dicembre, Il 11 e al 80%": "l’8 dicembre, L’11 e all’80%", "dal 8, del 800 e nel 8.000": "dall’8, dell’800 e nell’8.000",
		"il 18 marzo, il 1º, al 118 e mil 8": "il 18 marzo, il 1º, al 118 e mil 8", "sul 11,5": "sull’11,5", "il 8888": "il 8888",
	} {
		if got := Italian.Elide(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	if got := German.Elide("il 8"); got != "il 8" {
		t.Errorf("German has %q", got)
	}
}
