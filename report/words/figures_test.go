package words

import (
	"math"
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 59 * time.Second: "59s", 61 * time.Second: "1m", 90 * time.Minute: "1h30m", 2 * time.Hour: "2h",
		49 * time.Hour: "2d1h", 48 * time.Hour: "2d", -time.Minute: "-1m",
		math.MinInt64: "-106751d23h",
	} {
		if got := Span(d); got != want {
			t.Errorf("span(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1500: "1.5 KB", -1500: "-1.5 KB", math.MaxInt64: "9.2 EB", math.MinInt64: "-9.2 EB",
	} {
		if got := Size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"4d": 96 * time.Hour, "2w": 336 * time.Hour, "1w1d": 192 * time.Hour, "1d12h": 36 * time.Hour, "90s": 90 * time.Second, " 5m ": 5 * time.Minute,
	} {
		if got, err := ParseDuration(in); got != want || err != nil {
			t.Errorf("parseDuration(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "4", "d", "4 days", "-4d", "-5m", "1h1d", "999999d1"} {
		if got, err := ParseDuration(in); err == nil {
			t.Errorf("parseDuration(%q) = %v, want an error", in, got)
		}
	}
}

func TestParseSize(t *testing.T) {
	for in, want := range map[string]int64{"100MB": 100_000_000, "1 GB": 1_000_000_000, "1MiB": 1 << 20, "12B": 12, "0": 0, "1.5kB": 1500} {
		if got, err := ParseSize(in); got != want || err != nil {
			t.Errorf("parseSize(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "MB", "-1MB", "10 bananas", "99999999999GB", "50", "1,000", "1.5"} {
		if got, err := ParseSize(in); err == nil {
			t.Errorf("parseSize(%q) = %v, want an error", in, got)
		}
	}
	if n, err := ParseOctets("1,000"); n != 1000 || err != nil {
		t.Errorf("ParseOctets = %d, %v, want a bare number as octets", n, err)
	}
}

// A percentage is rounded as in mail, and written as English is.
func TestPercent(t *testing.T) {
	for _, c := range []struct {
		part, whole int64
		want        string
	}{{29, 100, " (29%)"}, {57, 100, " (57%)"}, {996, 1000, " (99%)"}, {3, 2, " (150%)"}, {0, 7, " (0%)"}, {2, 3, " (67%)"}, {1, 0, ""}} {
		if got := Percent(c.part, c.whole); got != c.want {
			t.Errorf("percent(%d, %d) = %q, want %q", c.part, c.whole, got, c.want)
		}
	}
}
