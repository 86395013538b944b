// Package password judges a password that a person has chosen. It is no measure of
// strength: it refuses what cannot be used, and what anybody tries first.
package password

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	// Shortest is in characters.
	Shortest = 8
	// Longest is in octets: more takes time to hash, and some mail programs cut it.
	Longest = 1024
)

// Read is the first line of r, if Check has nothing against it. It fails when
// reading does.
func Read(r io.Reader) (line string, bad, err error) {
	line, err = bufio.NewReader(io.LimitReader(r, Longest+2)).ReadString('\n') // with its CRLF
	if err != nil && !errors.Is(err, io.EOF) {
		return "", nil, err
	}
	line = strings.TrimRight(line, "\r\n")
	return line, Check(line), nil
}

// Check says what is wrong with a password; nil: nothing that could be told.
func Check(s string) error {
	switch {
	case utf8.RuneCountInString(s) < Shortest:
		return fmt.Errorf("needs at least %d characters", Shortest)
	case len(s) > Longest:
		return errors.New("has more than 1,024 octets")
	case strings.ContainsRune(s, 0):
		return errors.New("has a NUL, which no mail program can send")
	case isCommon(s):
		return errors.New("is one of those that everybody tries first")
	}
	return nil
}

// list is of passwords that are often used, in lower case, one a line, sorted or
// not. Shorter ones are refused for their length.
//
//go:embed common.txt
var list string

var common = sync.OnceValue(func() map[string]bool {
	words := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		words[w] = true
	}
	return words
})

// isCommon finds one of the list, in any case, alone or with digits and marks behind
// it, such as a year; and what is one or two characters again and again, or a row of
// characters one after the other.
func isCommon(s string) bool {
	s = strings.ToLower(s)
	base := strings.TrimRight(s, "0123456789!?.*#$-_ ")
	return common()[s] || common()[base] || repeats([]rune(s)) || runs([]rune(s))
}

func repeats(s []rune) bool {
	seen := slices.Clone(s)
	slices.Sort(seen)
	return len(slices.Compact(seen)) <= 2
}

// runs reports characters that go up, or down, one by one.
func runs(s []rune) bool {
	step := s[1] - s[0]
	for i := 1; i < len(s); i++ {
		if s[i]-s[i-1] != step {
			return false
		}
	}
	return step == 1 || step == -1
}
