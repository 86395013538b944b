package chart

import (
	"bytes"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relay/report/words"
)

var update = flag.Bool("update", false, "write the golden files")

// month has mail on its working days, more towards its end.
func month(l words.Language, emails, octets int64) Days {
	d := Days{Language: l, Period: "2026-11", First: day(2026, 11, 1), Last: day(2026, 11, 30)}
	for at := range 30 {
		if t := d.First.AddDate(0, 0, at); t.Weekday() != time.Sunday {
			n := emails * int64(10+at+at*7%5) / 45
			d.List = append(d.List, Day{t.Format(time.DateOnly), n, n * octets})
		}
	}
	return d
}

func day(y int, m time.Month, d int) time.Time {
	return time.Date(y, m, d, 9, 0, 0, 0, time.FixedZone("CET", 3600))
}

// charts by the name of their golden files.
func samples() map[string]Days {
	thirty := month(words.German, 20, 30_000)
	thirty.Period, thirty.First, thirty.Last = "2026-11-03", day(2026, 11, 3), day(2026, 12, 2)
	running := month(words.Italian, 400, 120_000)
	running.List, running.Until = running.List[:9], day(2026, 11, 10)
	none := Days{Language: words.German, Period: "2026-02", First: day(2026, 2, 1), Last: day(2026, 2, 28)}
	return map[string]Days{"month": month(words.English, 1800, 60_000), "huge": month(words.German, 3_900_000, 800_000), "thirty": thirty, "running": running, "none": none}
}

func TestPNG(t *testing.T) {
	for name, d := range samples() {
		got, err := PNG(d)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".png", got)
		golden(t, name+".txt", []byte(words.Spaces(d.Alt())+"\n"))
		again, _ := PNG(d)
		if !bytes.Equal(got, again) {
			t.Errorf("%s is drawn in other bytes the second time", name)
		}
		if len(got) > 30_000 {
			t.Errorf("%s has %d octets", name, len(got))
		}
		picture, err := png.Decode(bytes.NewReader(got))
		if err != nil || picture.Bounds().Dx() != Width*scale || picture.Bounds().Dy() != Height*scale {
			t.Errorf("%s is a picture of %v, %v", name, picture.Bounds(), err)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs: go test ./report/chart -update", name)
	}
}

func TestDays_trend(t *testing.T) {
	for want, more := range map[trend]int64{even: 0, rising: 10, falling: -10} {
		d := Days{First: day(2026, 11, 1), Last: day(2026, 11, 30), Until: day(2026, 11, 14)}
		for at := range int64(14) {
			d.List = append(d.List, Day{d.First.AddDate(0, 0, int(at)).Format(time.DateOnly), 200 + more*at, 1})
		}
		if got := d.trend(d.all()); got != want {
			t.Errorf("with %d more a day the trend is %d, want %d", more, got, want)
		}
	}
	few := Days{First: day(2026, 11, 1), Last: day(2026, 11, 7)}
	if got := few.trend(few.all()); got != unknown {
		t.Errorf("seven days have the trend %d", got)
	}
}

// Axes end at round numbers, at or above the highest bar, and have a middle that can be
// written with one decimal.
func TestAxisTop(t *testing.T) {
	for most, want := range map[float64]float64{0: 2, 0.3: 2, 1: 2, 2: 2, 2.1: 3, 7: 8, 9: 10, 99: 100, 101: 120, 1_234: 1_600, 54_000: 60_000} {
		if got := axisTop(most); got != want {
			t.Errorf("axisTop(%v) = %v, want %v", most, got, want)
		}
	}
}

func TestDays_all(t *testing.T) {
	d := Days{First: day(2026, 11, 1), Last: day(2026, 11, 3), List: []Day{{"2026-11-02", 1, 10}, {"2026-11-02", 2, 20}, {"2026-10-31", 9, 9}}}
	got := d.all()
	if len(got) != 3 || got[0] != (Day{"2026-11-01", 0, 0}) || got[1] != (Day{"2026-11-02", 3, 30}) {
		t.Errorf("the days are %v", got)
	}
	d.Last = day(2126, 1, 1)
	if n := len(d.all()); n != mostDays {
		t.Errorf("a century has %d bars", n)
	}
	if alt := strings.Count(d.Alt(), "%"); alt != 0 {
		t.Errorf("the text has a place that is not filled: %s", d.Alt())
	}
}

func BenchmarkPNG(b *testing.B) {
	d := month(words.German, 1800, 60_000)
	for b.Loop() {
		if _, err := PNG(d); err != nil {
			b.Fatal(err)
		}
	}
}
