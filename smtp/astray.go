package smtp

import (
	"bytes"
	"slices"
	"strings"
)

// maxAstray octets are kept from a line on that is no field, until it shows whether the
// header goes on.
const maxAstray = 16 << 10

// stray begins with a line that is no field: the first line of a mailbox file ("From " or
// ">From "), a line whose fold was lost, or text before which the blank line is missing.
// The lines up to the next blank one show which it is. If a field that mail has is
// among them, the header goes on, and the lines that are no fields are left out: they
// must not turn Bcc into text. If there is none, it is text, and none of it is lost.
func (h *header) stray(text []byte) verdict {
	h.fieldEnds()
	h.astray = appendLine(make([]byte, 0, 1<<10), text)
	return drop
}

// strays judges a line that follows.
func (h *header) strays(text, name, value []byte, isField bool) verdict {
	switch {
	case isField && IsMailField(string(name)):
		h.before = appendFields(h.before, h.astray)
		h.seen += int64(len(h.before))
		h.astray = nil
		return h.begins(text, name, value)
	case len(text) == 0, len(h.astray)+len(text) > maxAstray:
		h.endText()
		return keep
	}
	h.astray = appendLine(h.astray, text)
	return drop
}

func appendLine(b, text []byte) []byte { return append(append(b, text...), "\r\n"...) }

// appendFields appends those of the lines that are fields.
func appendFields(b, lines []byte) []byte {
	kept := false
	for line := range bytes.Lines(lines) {
		if line[0] != ' ' && line[0] != '\t' {
			_, _, kept = splitField(line)
		}
		if kept {
			b = append(b, line...)
		}
	}
	return b
}

var (
	mailFields = map[string]bool{"bcc": true, "return-path": true, "received": true, "comments": true, "keywords": true,
		"importance": true, "priority": true, "precedence": true, "organization": true, "user-agent": true, "auto-submitted": true,
		"delivered-to": true, "disposition-notification-to": true, "errors-to": true, "dkim-signature": true, "thread-topic": true,
		"thread-index": true, "mailing-list": true, "sensitivity": true, "apparently-to": true}
	mailPrefixes = []string{"x-", "content-", "resent-", "list-", "arc-", "authentication-", "feedback-", "autocrypt"}
)

// IsMailField reports whether name is that of a field that mail has. Any other may be
// a word of the text, followed by a colon.
func IsMailField(name string) bool {
	lower := strings.ToLower(name)
	return onceIndex([]byte(lower)) >= 0 || mailFields[lower] ||
		slices.ContainsFunc(mailPrefixes, func(p string) bool { return strings.HasPrefix(lower, p) })
}
