package words

import (
	"testing"
	"time"
)

func TestExact(t *testing.T) {
	for d, want := range map[time.Duration]string{
		30 * 24 * time.Hour: "30d", 36 * time.Hour: "36h", 90 * time.Second: "1m30s", 5 * time.Minute: "5m",
		time.Hour + time.Second: "1h0m1s", 10 * time.Second: "10s", 0: "0s", 1500 * time.Millisecond: "1.5s", 20 * time.Hour: "20h",
	} {
		if got := ExactSpan(d); got != want {
			t.Errorf("ExactSpan(%s) = %s, want %s", d, got, want)
		}
	}
	for n, want := range map[int64]string{100_000_000: "100MB", 1_500_000_000: "1500MB", 2000: "2KB", 1234: "1234", 0: "0", 3e9: "3GB"} {
		if got := ExactSize(n); got != want {
			t.Errorf("ExactSize(%d) = %s, want %s", n, got, want)
		}
	}
}
