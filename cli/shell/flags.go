package shell

import (
	"fmt"
	"strings"
	"time"

	"relay/report/words"
)

// NotNone is the name that was given, or "" for none.
func NotNone(name string) string {
	if name == "none" {
		return ""
	}
	return name
}

// Given is a flag's text as a member of a request: nil when it was not given, "" for
// none.
func Given(text string) *string {
	if text == "" {
		return nil
	}
	text = NotNone(text)
	return &text
}

// LinesFlag may be given several times, and takes several lines with semicolons
// or line ends.
type LinesFlag struct {
	List  []string
	Given bool
}

func (f *LinesFlag) String() string { return "" }

func (f *LinesFlag) Set(text string) error {
	f.Given = true
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ';' || r == '\n' }) {
		if line = strings.TrimSpace(line); line != "" && line != "none" {
			f.List = append(f.List, line)
		}
	}
	return nil
}

// SizeFlag is a number of octets, or unlimited.
type SizeFlag struct {
	N     int64
	Given bool
}

func (f *SizeFlag) String() string { return "" }

func (f *SizeFlag) Set(text string) (err error) {
	f.Given = true
	f.N, err = ParseLimit(text, words.ParseSize)
	return err
}

// CountFlag is a number of things, or unlimited.
type CountFlag struct {
	N     int64
	Given bool
}

func (f *CountFlag) String() string { return "" }

func (f *CountFlag) Set(text string) (err error) {
	f.Given = true
	f.N, err = ParseLimit(text, words.ParseCount)
	return err
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

// DurationFlag is a length of time.
type DurationFlag struct {
	D     time.Duration
	Given bool
}

func (f *DurationFlag) String() string { return "" }

func (f *DurationFlag) Set(text string) (err error) {
	f.Given = true
	f.D, err = words.ParseDuration(text)
	return err
}

// ListFlag may be given several times, and takes several values with commas.
type ListFlag struct {
	List  []string
	Given bool
}

func (f *ListFlag) String() string { return "" }

func (f *ListFlag) Set(text string) error {
	f.Given = true
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			f.List = append(f.List, item)
		}
	}
	return nil
}
