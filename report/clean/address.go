package clean

import (
	"slices"
	"strings"

	"relay/report/words"
	"relay/store/maildomain"
	"relay/store/mailsyntax"
)

// mailboxes appends the addresses that a cell names to list, as maildomain.Mailbox writes
// them. A cell may name several, and persons: "Jo Doe <jo@example.net>, al@example.net".
func mailboxes(list []string, cell string) []string {
	if strings.IndexByte(cell, '@') < 0 {
		return list
	}
	if m, ok := mailbox(cell); ok {
		return append(list, m)
	}
	for word := range strings.FieldsFuncSeq(cell, between) {
		if m, ok := mailbox(word); ok && !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}

// between reports the characters that stand around addresses, and in none without quotes.
func between(r rune) bool { return strings.ContainsRune(" \t\r\n\u00a0,;<>()\"|", r) }

// mailbox reads a text that is one address and no more.
func mailbox(text string) (string, bool) {
	if len(text) > 2 && text[0] == '"' && text[len(text)-1] == '"' {
		text = strings.TrimSpace(text[1 : len(text)-1])
	}
	if rest, ok := mailsyntax.CutPrefix(text, "mailto:"); ok && rest != "" {
		text = rest
	}
	i := strings.LastIndexByte(text, '@')
	if i < 1 || text[0] != '"' && strings.ContainsFunc(text[:i], between) {
		return "", false
	}
	return maildomain.Mailbox(words.Unguarded(text))
}

// only reports whether a cell has addresses, and beside them at most the names of those
// that they are of: "Doe, Jo <jo@example.net>; al@example.net".
func only(cell string) bool {
	found, name := false, false // a name waits for its address
	for item := range items(cell) {
		if i := strings.IndexByte(item, '<'); i >= 0 {
			inside, rest, closed := strings.Cut(item[i+1:], ">")
			if _, ok := mailbox(strings.TrimSpace(inside)); !ok || !closed || strings.TrimSpace(rest) != "" {
				return false
			}
			found, name = true, false
			continue
		}
		if !strings.Contains(item, "@") {
			name = true
			continue
		}
		for word := range strings.FieldsSeq(item) {
			if _, ok := mailbox(word); !ok {
				return false
			}
		}
		found = true
	}
	return found && !name
}

// items are the parts of a cell between commas and semicolons, blank ones left out.
func items(cell string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for item := range strings.FieldsFuncSeq(cell, func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
			if item = strings.TrimSpace(item); item != "" && !yield(item) {
				return
			}
		}
	}
}
