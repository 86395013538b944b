package cli

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

// screen is how wide a terminal is taken to be.
const screen = 80

// clean makes text safe for a terminal: addresses and replies come from
// strangers.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return '\uFFFD'
		}
		return r
	}, s)
}

// cut shortens s to width characters, the last one … where something is missing.
func cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	if width <= 1 {
		return strings.Repeat("…", width)
	}
	return string([]rune(s)[:width-1]) + "…"
}

// pad fills s with spaces up to width.
func pad(s string, width int, right bool) string {
	n := max(width-utf8.RuneCountInString(s), 0)
	if right {
		return strings.Repeat(" ", n) + s
	}
	return s + strings.Repeat(" ", n)
}

// wrap breaks text into lines of at most width characters; a longer word stays
// whole, so that it can be copied.
func wrap(text string, width int) []string {
	var lines []string
	current := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case current == "":
			current = word
		case utf8.RuneCountInString(current)+1+utf8.RuneCountInString(word) <= width:
			current += " " + word
		default:
			lines = append(lines, current)
			current = word
		}
	}
	if current != "" {
		lines = append(lines, current)
	}
	return lines
}

// fold is wrap for what need not be copied in one piece, or cannot be: a longer
// word goes on in the next line.
func fold(text string, width int) []string {
	var lines []string
	for _, l := range wrap(text, width) {
		lines = append(lines, chop(l, width)...)
	}
	return lines
}

// chop breaks text after every width characters.
func chop(text string, width int) (parts []string) {
	runes := []rune(text)
	for len(runes) > width {
		parts = append(parts, string(runes[:width]))
		runes = runes[width:]
	}
	return append(parts, string(runes))
}

// size for people, decimal.
func size(n int64) string {
	if n < 0 {
		return "-" + humanize.Bytes(-uint64(n)) // the least one has no counterpart
	}
	return humanize.Bytes(uint64(n))
}

// fineSize is octets where figures are added up: 10.5 GB is not 11 GB there.
func fineSize(n int64) string { return humanize.SIWithDigits(float64(n), 3, "B") }

// number for people.
func number(n int64) string { return humanize.Comma(n) }

// plural is "1 message", "2 messages".
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}

// span is a duration for people, in its two largest units: "3d4h", "12m", "45s".
func span(d time.Duration) string {
	if d < 0 {
		return "-" + span(-max(d, -math.MaxInt64)) // the least one has no counterpart
	}
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 24*time.Hour:
		return units(int(d.Hours()), "h", int(d.Minutes())%60, "m")
	default:
		return units(int(d.Hours())/24, "d", int(d.Hours())%24, "h")
	}
}

func units(n int, a string, m int, b string) string {
	if m == 0 {
		return fmt.Sprint(n, a)
	}
	return fmt.Sprint(n, a, m, b)
}

// stamp is an instant for people, in the operator's zone.
func stamp(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(zone).Format(time.DateTime)
}

// percent of whole that part is, rounded down; "" when there is no whole.
func percent(part, whole int64) string {
	if whole <= 0 {
		return ""
	}
	return fmt.Sprintf(" (%d %%)", part/whole*100+part%whole*100/whole)
}
