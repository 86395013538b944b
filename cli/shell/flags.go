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

// value reads the text behind a flag.
type value func(text string) error

func (value) String() string             { return "" }
func (read value) Set(text string) error { return read(text) }

// Flag makes a flag that calls read with its value, each time that it is given.
func Flag(name, usage string, read func(text string) error) *cli.GenericFlag {
	return &cli.GenericFlag{Name: name, Usage: usage, Value: value(read)}
}

// ParsedFlag makes a flag that sets *to to its parsed value; *to stays nil without the flag.
func ParsedFlag[T any](name, usage string, parse func(text string) (T, error), to **T) *cli.GenericFlag {
	return Flag(name, usage, func(text string) error {
		v, err := parse(text)
		*to = &v
		return err
	})
}

// Needed is a flag that a command cannot do without.
func Needed(f *cli.GenericFlag) cli.Flag {
	f.Required = true
	return f
}

// TextFlag is a text; none is an empty one.
func TextFlag(name, usage string, to **string) cli.Flag {
	return ParsedFlag(name, usage, func(text string) (string, error) { return words.If(text != "none", text), nil }, to)
}

// SwitchFlag is yes or no, where it is given at all.
func SwitchFlag(name, usage string, to **bool) cli.Flag {
	return &cli.BoolFlag{Name: name, Usage: usage, Action: func(_ *cli.Context, yes bool) error { *to = &yes; return nil }}
}

// SizeFlag is a number of octets, or unlimited.
func SizeFlag(name, usage string, to **int64) *cli.GenericFlag {
	return ParsedFlag(name, usage, func(text string) (int64, error) { return words.ParseLimit(text, words.ParseSize) }, to)
}

// CountFlag is a number of things, or unlimited.
func CountFlag(name, usage string, to **int64) *cli.GenericFlag {
	return ParsedFlag(name, usage, func(text string) (int64, error) { return words.ParseLimit(text, words.ParseCount) }, to)
}

// DurationFlag is a length of time.
func DurationFlag(name, usage string, to **time.Duration) cli.Flag {
	return ParsedFlag(name, usage, words.ParseDuration, to)
}

// SpanFlag is a length of time as requests have it.
func SpanFlag(name, usage string, to *string) cli.Flag {
	return Flag(name, usage, func(text string) error {
		d, err := words.ParseDuration(text)
		*to = d.String()
		return err
	})
}

// ListFlag may be given several times, and takes several values with commas.
func ListFlag[T ~string](name, usage string, to **[]T) cli.Flag {
	return listFlag(name, usage, ",", "", to)
}

// LinesFlag may be given several times, and takes several lines with semicolons or line
// ends; none is no line.
func LinesFlag(name, usage string, to **[]string) cli.Flag {
	return listFlag(name, usage, ";\n", "none", to)
}

// listFlag leaves an empty list, not nil, where no item is given.
func listFlag[T ~string](name, usage, separators, ignored string, to **[]T) cli.Flag {
	list := []T{}
	return Flag(name, usage, func(text string) error {
		for item := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
			if item = strings.TrimSpace(item); item != "" && item != ignored {
				list = append(list, T(item))
			}
		}
		*to = &list
		return nil
	})
}

// OverMaxFlag is --over-max, a ceiling of overage: a size, none or default. usual says
// what the default is.
func OverMaxFlag(usual string, to **int64) cli.Flag {
	return ParsedFlag("over-max", "`SIZE` of overage in a month at most: 5GB (or: none, default: "+usual+")", words.ParseOverMax, to)
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

// OnOffFlag is a switch that need not be given.
func OnOffFlag(name, usage string, to **bool) cli.Flag {
	return ParsedFlag(name, usage, func(text string) (bool, error) {
		if text != "on" && text != "off" {
			return false, fmt.Errorf("%q: on or off", text)
		}
		return text == "on", nil
	}, to)
}
