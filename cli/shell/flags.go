package shell

import (
	"fmt"
	"io"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/report/api/password"
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
	f.N, err = words.ParseLimit(text, words.ParseSize)
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
	f.N, err = words.ParseLimit(text, words.ParseCount)
	return err
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

// OverMaxFlag is a ceiling of overage: a size, none or default.
type OverMaxFlag struct {
	N     int64 // octets; 0: default, quota.Uncapped: none
	Given bool
}

func (f *OverMaxFlag) String() string { return "" }

func (f *OverMaxFlag) Set(text string) (err error) {
	f.Given = true
	f.N, err = words.ParseOverMax(text)
	return err
}

// Flag is --over-max; usual says what the default is.
func (f *OverMaxFlag) Flag(usual string) cli.Flag {
	return &cli.GenericFlag{Name: "over-max", Usage: "`SIZE` of overage in a month at most: 5GB (or: none, default: " + usual + ")", Value: f}
}

// Take stores the ceiling in to when the flag was given.
func (f *OverMaxFlag) Take(to *int64) {
	if f.Given {
		*to = f.N
	}
}

// DryRunFlag is --dry-run of orders and of payments.
func DryRunFlag(to *bool) cli.Flag {
	return &cli.BoolFlag{Name: "dry-run", Usage: "show the figures and change nothing", Destination: to}
}

// PasswordFlag is --password-stdin of commands that make a login.
func PasswordFlag(to *bool) cli.Flag {
	return &cli.BoolFlag{Name: "password-stdin", Usage: "take the password from standard input instead of generating one: its first line, 8 characters to 1,024 octets, not a common password", Destination: to}
}

// ReadPassword reads the first line of r.
func ReadPassword(r io.Reader) (string, error) {
	line, bad, err := password.Read(r)
	switch {
	case err != nil:
		return "", fmt.Errorf("password: %w", err)
	case bad != nil:
		return "", exit.Usage("without --password-stdin relay makes one", "the password on standard input %w", bad)
	}
	return line, nil
}
