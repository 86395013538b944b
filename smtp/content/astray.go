package content

import (
	"bytes"
	"slices"
	"strings"

	"relay/store/mailsyntax"
)

// maxAstray octets are kept after a line that is no field, until it shows whether the header
// goes on.
const maxAstray = 16 << 10

// stray takes a line that is no field: the first line of a mailbox file ("From " or ">From "),
// a continuation without its space, or text without the blank line before it. The lines up to
// the next blank one show which. If one of them is a field of mail, the header goes on, and
// the lines that are no fields are left out, or they would turn Bcc into text. Otherwise all
// of it is text, and none of it is lost.
func (h *header) stray(text []byte) verdict {
	h.fieldEnds()
	h.astray = appendLine(make([]byte, 0, 1<<10), text)
	return drop
}

// strays judges a line after such a line.
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

// appendFields appends the lines that belong to fields.
func appendFields(b, lines []byte) []byte {
	kept := false
	for line := range bytes.Lines(lines) {
		if line[0] != ' ' && line[0] != '\t' {
			_, _, kept = mailsyntax.SplitField(line)
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

// IsMailField reports whether name is the name of a known field of mail. Any other may be a
// word of the text with a colon after it.
func IsMailField(name string) bool {
	lower := strings.ToLower(name)
	return onceIndex([]byte(lower)) >= 0 || mailFields[lower] ||
		slices.ContainsFunc(mailPrefixes, func(p string) bool { return strings.HasPrefix(lower, p) })
}
