package cli

import (
	"fmt"
	"strings"
	"time"

	"relay/report/words"
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
	n, err := words.ParseSize(string(text))
	*s = Size{Bytes: n}
	if err != nil {
		s.bad = string(text)
	}
	return nil
}

// String is the size for people.
func (s Size) String() string { return words.Size(s.Bytes) }

// octets is a size that is known to be one.
func octets(text string) (s Size) {
	_ = s.UnmarshalText([]byte(text)) // Validate says what is wrong with it
	return s
}

// Duration is a length of time, written "90s", "5m", "1h30m", "4d" or "2w".
// What cannot be read is kept, as in Size.
type Duration struct {
	time.Duration
	bad string
}

// UnmarshalText never fails: see Config.Validate.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := words.ParseDuration(string(text))
	*d = Duration{Duration: v}
	if err != nil {
		d.bad = string(text)
	}
	return nil
}

// lasting is a length of time that is known to be one.
func lasting(text string) (d Duration) {
	_ = d.UnmarshalText([]byte(text)) // Validate says what is wrong with it
	return d
}

// The flags' values: they say in their own words what is wrong.

type sizeFlag struct {
	n   int64
	set bool
}

func (f *sizeFlag) String() string { return "" }
func (f *sizeFlag) Set(text string) (err error) {
	f.set = true
	f.n, err = parseLimit(text, words.ParseSize)
	return err
}

type countFlag struct {
	n   int64
	set bool
}

func (f *countFlag) String() string { return "" }
func (f *countFlag) Set(text string) (err error) {
	f.set = true
	f.n, err = parseLimit(text, words.ParseCount)
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

type durationFlag struct {
	d   time.Duration
	set bool
}

func (f *durationFlag) String() string { return "" }
func (f *durationFlag) Set(text string) (err error) {
	f.set = true
	f.d, err = words.ParseDuration(text)
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
