package calendar

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

const layout = "2006-01-02 15:04 -0700"

// times are the first n of a schedule after an instant, in a zone.
func times(t *testing.T, spec, zone, after string, n int) (list []string) {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", after, loc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(spec)
	if err != nil {
		t.Fatalf("%s: %v", spec, err)
	}
	for range n {
		at = s.Next(at)
		list = append(list, at.Format(layout))
	}
	return list
}

// At the turns of summer time each time comes once.
func TestSchedule_summerTime(t *testing.T) {
	for _, c := range []struct{ name, spec, zone, after, want string }{
		{"left out in spring", "30 2 * * *", "Europe/Rome", "2026-03-28 12:00",
			"2026-03-29 03:00 +0200, 2026-03-30 02:30 +0200"},
		{"several that are left out are one", "0,30 2 * * *", "Europe/Rome", "2026-03-28 12:00",
			"2026-03-29 03:00 +0200, 2026-03-30 02:00 +0200"},
		{"and so with one at the turn", "*/30 2-3 * * *", "Europe/Rome", "2026-03-28 12:00",
			"2026-03-29 03:00 +0200, 2026-03-29 03:30 +0200, 2026-03-30 02:00 +0200"},
		{"twice in autumn", "30 2 * * *", "Europe/Rome", "2026-10-24 12:00",
			"2026-10-25 02:30 +0200, 2026-10-26 02:30 +0100"},
		{"every second hour in autumn", "0 */2 * * *", "Europe/Rome", "2026-10-25 01:00",
			"2026-10-25 02:00 +0200, 2026-10-25 04:00 +0100"},
		{"every hour in autumn", "17 * * * *", "Europe/Rome", "2026-10-25 01:30",
			"2026-10-25 02:17 +0200, 2026-10-25 02:17 +0100, 2026-10-25 03:17 +0100"},
		{"every hour in spring", "17 * * * *", "Europe/Rome", "2026-03-29 01:00",
			"2026-03-29 01:17 +0100, 2026-03-29 03:17 +0200"},
		{"by the time that passes", "@every 30m", "Europe/Rome", "2026-10-25 01:45",
			"2026-10-25 02:15 +0200, 2026-10-25 02:45 +0200, 2026-10-25 02:15 +0100"},
		{"midnight that is left out", "0 0 * * *", "America/Sao_Paulo", "2018-11-03 12:00",
			"2018-11-04 01:00 -0200, 2018-11-05 00:00 -0200"},
		{"a turn of half an hour", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03 12:00",
			"2026-10-04 02:30 +1100, 2026-10-05 02:15 +1100"},
		{"a day that is left out", "0 12 * * *", "Pacific/Apia", "2011-12-29 00:00",
			"2011-12-29 12:00 -1000, 2011-12-31 00:00 +1400, 2011-12-31 12:00 +1400"},
		{"elsewhere", "30 2 * * *", "UTC", "2026-03-28 12:00", "2026-03-29 02:30 +0000, 2026-03-30 02:30 +0000"},
	} {
		if got := strings.Join(times(t, c.spec, c.zone, c.after, strings.Count(c.want, ",")+1), ", "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Who asks in the second of two passes is told of the next day.
func TestSchedule_secondPass(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse("30 2 * * *")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 10, 25, 1, 10, 0, 0, time.UTC).In(rome) // 02:10, for the second time
	if got := s.Next(at).Format(layout); got != "2026-10-26 02:30 +0100" {
		t.Errorf("after %s comes %s", at.Format(layout), got)
	}
}

// Sunday is 0, 7 and sun, also at the end of a range.
func TestSchedule_Sunday(t *testing.T) {
	for spec, want := range map[string]string{
		"0 3 * * 0":       "2026-11-29, 2026-12-06",
		"0 3 * * 7":       "2026-11-29, 2026-12-06",
		"0 3 * * sun":     "2026-11-29, 2026-12-06",
		"0 3 * * 6-7":     "2026-11-28, 2026-11-29, 2026-12-05",
		"0 3 * * sat-sun": "2026-11-28, 2026-11-29, 2026-12-05",
		"0 3 * * 3,7":     "2026-11-25, 2026-11-29, 2026-12-02",
		"0 3 * * 1-7/3":   "2026-11-26, 2026-11-29, 2026-11-30",
		"0 3 * * 0-7":     "2026-11-24, 2026-11-25",
		"0 3 * * mon-fri": "2026-11-24, 2026-11-25, 2026-11-26, 2026-11-27, 2026-11-30",
	} {
		got := times(t, spec, "UTC", "2026-11-23 12:00", strings.Count(want, ",")+1) // a Monday
		for i := range got {
			got[i], _, _ = strings.Cut(got[i], " ")
		}
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("%s: %s, want %s", spec, text, want)
		}
	}
}

func TestParse_refuses(t *testing.T) {
	for spec, want := range map[string]string{
		"@every 1s": "once a minute is the most", "@every 59.9s": "once a minute is the most",
		"@every 0s": "once a minute is the most", "@every 10ms": "once a minute is the most", "@every -5m": "once a minute is the most",
		"0 3 30 2 *": "that never comes", "TZ=UTC 0 3 * * *": "in the operator's zone",
		"0 3 * * 8": "", "0 3 * * 7-2": "", "0 3 * * 1-7/0": "", "0 3 * *": "", "": "",
	} {
		if _, err := Parse(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): %v, want %q", spec, err, want)
		}
	}
	for _, spec := range []string{"@every 1m", "@every 90m", "@daily", "@hourly", "* * * * *"} {
		if _, err := Parse(spec); err != nil {
			t.Errorf("Parse(%q): %v", spec, err)
		}
	}
}
