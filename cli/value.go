package cli

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Size is a number of octets, written "100MB" (decimal) or as a bare number.
// A text that is none is kept, so that every mistake of a file can be told at
// once.
type Size struct {
	Bytes int64
	bad   string
}

// UnmarshalText never fails: see Config.Validate.
func (s *Size) UnmarshalText(text []byte) error {
	n, err := parseSize(string(text))
	*s = Size{Bytes: n}
	if err != nil {
		s.bad = string(text)
	}
	return nil
}

// String is the size for people.
func (s Size) String() string { return size(s.Bytes) }

func parseSize(text string) (int64, error) {
	n, err := humanize.ParseBytes(strings.TrimSpace(text))
	if err != nil || n > math.MaxInt64 {
		return 0, fmt.Errorf("%q is not a size such as 500MB", text)
	}
	return int64(n), nil
}

// Duration is a length of time, written "90s", "5m", "1h30m", "4d" or "2w".
// What cannot be read is kept, as in Size.
type Duration struct {
	time.Duration
	bad string
}

// UnmarshalText never fails: see Config.Validate.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := parseDuration(string(text))
	*d = Duration{Duration: v}
	if err != nil {
		d.bad = string(text)
	}
	return nil
}

var daysRE = regexp.MustCompile(`^(?:(\d{1,3})w)?(?:(\d{1,4})d)?(.*)$`)

// parseDuration is time.ParseDuration with weeks and days in front.
func parseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	m := daysRE.FindStringSubmatch(text)
	var d time.Duration
	if m != nil && (m[1] != "" || m[2] != "") {
		weeks, _ := strconv.Atoi(m[1]) // "" is none
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

// The flags' values: they say in their own words what is wrong.

type sizeFlag struct {
	n   int64
	set bool
}

func (f *sizeFlag) String() string { return "" }
func (f *sizeFlag) Set(text string) (err error) {
	f.set = true
	f.n, err = parseLimit(text, parseSize)
	return err
}

type countFlag struct {
	n   int64
	set bool
}

func (f *countFlag) String() string { return "" }
func (f *countFlag) Set(text string) (err error) {
	f.set = true
	f.n, err = parseLimit(text, parseCount)
	return err
}

// parseLimit takes "unlimited" for 0, which is how it is stored.
func parseLimit(text string, parse func(string) (int64, error)) (int64, error) {
	if text == "unlimited" {
		return 0, nil
	}
	n, err := parse(text)
	if err == nil && n <= 0 {
		err = fmt.Errorf("%q: more than 0, or unlimited", text)
	}
	return n, err
}

// parseCount takes 50000, 50,000 and 50_000.
func parseCount(text string) (int64, error) {
	n, err := strconv.ParseInt(strings.NewReplacer(",", "", "_", "").Replace(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return n, nil
}

type durationFlag struct {
	d   time.Duration
	set bool
}

func (f *durationFlag) String() string { return "" }
func (f *durationFlag) Set(text string) (err error) {
	f.set = true
	f.d, err = parseDuration(text)
	return err
}

// listFlag may be given several times, and takes several values with commas.
type listFlag struct {
	list []string
	set  bool
}

func (f *listFlag) String() string { return "" }
func (f *listFlag) Set(text string) error {
	f.set = true
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			f.list = append(f.list, item)
		}
	}
	return nil
}
