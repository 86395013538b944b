package words

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"relay/quota"
)

// Size writes octets in decimal units, to two digits: "1.5 KB", "82 MB".
func Size(n int64) string {
	if n < 0 {
		return "-" + capital(humanize.Bytes(-uint64(n))) // MinInt64 has no positive counterpart
	}
	return capital(humanize.Bytes(uint64(n)))
}

// capital writes the unit of a thousand octets as customers know it from their plans.
func capital(size string) string { return strings.Replace(size, "kB", "KB", 1) }

// FineSize writes octets to three decimals, for figures that a reader adds up:
// "10.5 GB" where Size says "11 GB".
func FineSize(n int64) string { return capital(humanize.SIWithDigits(float64(n), 3, "B")) }

// Number groups digits by thousands: "1,000,000".
func Number(n int64) string { return humanize.Comma(n) }

// Plural counts a noun: "1 message", "2 messages".
func Plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Number(n) + " " + noun + "s"
}

// Used is "1,200 of 9,000 (13%)"; the limit nil is none.
func Used(n int64, limit *int64, format func(int64) string) string {
	if limit == nil {
		return format(n) + ", unlimited"
	}
	text := fmt.Sprintf("%s of %s%s", format(n), format(*limit), Percent(n, *limit))
	if n > *limit {
		text += ", over by " + format(n-*limit)
	}
	return text
}

// Span writes a duration in its two largest units: "3d4h", "12m", "45s".
func Span(d time.Duration) string {
	if d < 0 {
		return "-" + Span(-max(d, -math.MaxInt64)) // MinInt64 has no positive counterpart
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

// Day is the date of an instant in zone, "-" for the zero time.
func Day(t time.Time, zone *time.Location) string { return inZone(t, zone, time.DateOnly) }

// Stamp is an instant in zone to the second, "-" for the zero time.
func Stamp(t time.Time, zone *time.Location) string { return inZone(t, zone, time.DateTime) }

func inZone(t time.Time, zone *time.Location, layout string) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(zone).Format(layout)
}

// Percent is English.Percent behind a figure: " (29%)"; "" when whole is zero.
func Percent(part, whole int64) string {
	if whole <= 0 {
		return ""
	}
	return " (" + English.Percent(part, whole) + ")"
}

// ParseSize reads a size with its unit, as in "500MB", "1 MiB" or "12B". It refuses a
// bare number: a forgotten MB would sell a plan of 50 octets.
func ParseSize(text string) (int64, error) {
	n, err := ParseOctets(text)
	if bare := strings.TrimSpace(text); err == nil && n > 0 && strings.Trim(bare, "0123456789.,") == "" {
		return 0, fmt.Errorf("%q has no unit: write %sMB, or %sB for octets", text, bare, bare)
	}
	return n, err
}

// ParseOctets reads a size as ParseSize does, and a bare number as octets.
func ParseOctets(text string) (int64, error) {
	n, err := humanize.ParseBytes(strings.TrimSpace(text))
	if err != nil || n > math.MaxInt64 {
		return 0, fmt.Errorf("%q is not a size such as 500MB", text)
	}
	return int64(n), nil
}

var daysRE = regexp.MustCompile(`^(?:(\d{1,3})w)?(?:(\d{1,4})d)?(.*)$`)

// ParseDuration is time.ParseDuration with weeks and days in front, as in "1w2d12h".
func ParseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	m := daysRE.FindStringSubmatch(text)
	var d time.Duration
	if m != nil && (m[1] != "" || m[2] != "") {
		weeks, _ := strconv.Atoi(m[1]) // "" counts as 0
		days, _ := strconv.Atoi(m[2])
		d = time.Duration(7*weeks+days) * 24 * time.Hour
		if m[3] == "" {
			return d, nil
		}
		text = m[3]
	}
	rest, err := time.ParseDuration(text)
	if err != nil || rest < 0 || d+rest < 0 {
		return 0, fmt.Errorf("%q is not a length of time such as 90s, 5m, 4h or 4d", text)
	}
	return d + rest, nil
}

// ParseCount reads a number: 50000, 50,000 or 50_000.
func ParseCount(text string) (int64, error) {
	n, err := strconv.ParseInt(strings.NewReplacer(",", "", "_", "").Replace(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return n, nil
}

// If is text where yes holds, else nothing.
func If(yes bool, text string) string {
	if yes {
		return text
	}
	return ""
}

// ExactSpan is a duration as one would write it, with nothing lost.
func ExactSpan(d time.Duration) string {
	if day := 24 * time.Hour; d >= day && d%day == 0 {
		return fmt.Sprint(int64(d/day), "d")
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// ExactSize is a size as one would write it, with nothing lost.
func ExactSize(n int64) string {
	for _, unit := range []struct {
		octets int64
		name   string
	}{{1e9, "GB"}, {1e6, "MB"}, {1e3, "KB"}} {
		if n >= unit.octets && n%unit.octets == 0 {
			return strconv.FormatInt(n/unit.octets, 10) + unit.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// Octets writes octets exactly, in the largest unit that they fill: "1.2 GB". It is for
// billed and agreed sizes.
func Octets(n int64) string {
	for _, u := range []struct {
		size   int64
		digits int
		name   string
	}{{1_000_000_000, 9, "GB"}, {1_000_000, 6, "MB"}, {1000, 3, "KB"}} {
		if n >= u.size {
			return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%d.%0*d", n/u.size, u.digits, n%u.size), "0"), ".") + " " + u.name
		}
	}
	if n == 1 {
		return "1 octet"
	}
	return fmt.Sprintf("%d octets", n)
}

// unitsExactly of a plan: octets or e-mails.
func unitsExactly(n int64, kind quota.Kind) string {
	if kind == quota.Count {
		return strconv.FormatInt(n, 10) + " e-mails"
	}
	return Octets(n)
}

// ParseLimit takes "unlimited" for 0, which is how it is stored.
func ParseLimit(text string, parse func(string) (int64, error)) (int64, error) {
	if text == "unlimited" {
		return 0, nil
	}
	n, err := parse(text)
	if err == nil && n <= 0 {
		err = fmt.Errorf("%q: more than 0, or unlimited", text)
	}
	return n, err
}

// ParseOverMax reads the ceiling of a flag or of a file of plans.
func ParseOverMax(text string) (int64, error) {
	switch text {
	case "none":
		return quota.Uncapped, nil
	case "default":
		return 0, nil
	}
	n, err := ParseSize(text)
	if err == nil && n <= 0 {
		err = fmt.Errorf("%q: more than 0, none or default", text)
	}
	return n, err
}

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

var periodRE = regexp.MustCompile(`^(\d{4})(?:(-\d{2})(-\d{2})?(?:-[1-9]\d*)?)?$`)

// IsPeriod reports a year, a month or a day, and the key of a period, which may
// have a number behind it.
func IsPeriod(text string) bool {
	m := periodRE.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	day := m[1] + cmp.Or(m[2], "-01") + cmp.Or(m[3], "-01")
	_, err := time.Parse(time.DateOnly, day)
	return err == nil
}
