package config

import (
	"time"

	"relay/report/words"
)

// Size is a number of octets, written "100MB" (decimal) or as a bare number.
// A text that is no size is kept, so that one error can name every mistake of a file.
type Size struct {
	Bytes int64
	bad   string
}

// UnmarshalText never fails: see Config.Validate.
func (s *Size) UnmarshalText(text []byte) error {
	n, err := words.ParseOctets(string(text))
	*s = Size{Bytes: n}
	if err != nil {
		s.bad = string(text)
	}
	return nil
}

// String is the size for people.
func (s Size) String() string { return words.Size(s.Bytes) }

// octets is the size that a text of ours says.
func octets(text string) (s Size) {
	_ = s.UnmarshalText([]byte(text)) // Validate says what is wrong with it
	return s
}

// Duration is a length of time, written "90s", "5m", "1h30m", "4d" or "2w".
// A text that cannot be read is kept, as in Size.
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

// Lasting is the length of time that a text of ours says.
func Lasting(text string) (d Duration) {
	_ = d.UnmarshalText([]byte(text)) // Validate says what is wrong with it
	return d
}
