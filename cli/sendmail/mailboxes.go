package sendmail

import (
	"fmt"
	"strings"
)

// mailbox is an address out of a header field or an argument, without display
// name, comments and brackets.
type mailbox struct {
	addr string
	end  int // offset in the text behind its last octet
}

// bare reports that the domain is missing, as in "root".
func (m *mailbox) bare() bool { return !strings.Contains(m.addr, "@") }

// mailboxes finds the addresses in a list of them (RFC 5322 §3.4): with names and
// comments, in groups, folded. Programs of the host also write names without a
// domain, which no library of the standard takes.
func mailboxes(text string) ([]mailbox, error) {
	s := mailboxScan{text: text}
	for s.pos < len(text) {
		if err := s.step(); err != nil {
			return nil, err
		}
	}
	if err := s.finish(); err != nil {
		return nil, err
	}
	return s.list, nil
}

// mailboxScan is the state within one element of the list.
type mailboxScan struct {
	text string
	pos  int
	list []mailbox

	start  int    // of the element
	bare   string // its words, put together
	end    int    // behind the last of them, or behind what stands in brackets
	gap    bool   // white space or a comment since the last word
	phrase bool   // several words: a name, no address
	angle  string // what stands in brackets
	angled bool
}

func (s *mailboxScan) step() error {
	switch c := s.text[s.pos]; c {
	case ' ', '\t', '\r', '\n':
		s.gap = true
		s.pos++
	case '(':
		s.gap = true
		return s.comment()
	case '"':
		return s.enclosed('"')
	case '[':
		return s.enclosed(']')
	case '<':
		return s.brackets()
	case ':': // what was read is the name of a group
		if s.angled || strings.Contains(s.bare, "@") {
			return s.wrong()
		}
		s.pos++
		s.reset()
	case ',', ';':
		s.pos++
		return s.finish()
	default:
		n := strings.IndexAny(s.text[s.pos:], " \t\r\n(\"[<:,;")
		if n < 0 {
			n = len(s.text) - s.pos
		}
		s.word(n)
	}
	return nil
}

// word takes the next n octets as part of an address, or of a name.
func (s *mailboxScan) word(n int) {
	w := s.text[s.pos : s.pos+n]
	s.pos += n
	joined := strings.HasSuffix(s.bare, ".") || strings.HasSuffix(s.bare, "@") || w[0] == '.' || w[0] == '@'
	if s.bare != "" && s.gap && !joined {
		s.phrase = true
	}
	s.gap = false
	if s.angled {
		return
	}
	s.bare += w
	s.end = s.pos
}

// enclosed takes a quoted string or a domain literal as a word.
func (s *mailboxScan) enclosed(last byte) error {
	n := closing(s.text[s.pos+1:], last)
	if n < 0 {
		return s.wrong()
	}
	s.word(n + 2)
	return nil
}

func (s *mailboxScan) brackets() error {
	n := closing(s.text[s.pos+1:], '>')
	if n < 0 || s.angled {
		return s.wrong()
	}
	s.angle = strings.TrimSpace(s.text[s.pos+1 : s.pos+1+n])
	if _, addr, ok := strings.Cut(s.angle, ":"); ok && strings.HasPrefix(s.angle, "@") { // an obsolete route
		s.angle = addr
	}
	s.end = s.pos + 1 + len(strings.TrimRight(s.text[s.pos+1:s.pos+1+n], " \t\r\n"))
	s.angled = true
	s.pos += n + 2
	return nil
}

// comment skips one, and those within it.
func (s *mailboxScan) comment() error {
	depth := 0
	for ; s.pos < len(s.text); s.pos++ {
		switch s.text[s.pos] {
		case '\\':
			s.pos++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				s.pos++
				return nil
			}
		}
	}
	return s.wrong()
}

// finish ends an element. Empty ones count for nothing.
func (s *mailboxScan) finish() error {
	addr := s.bare
	if s.angled {
		addr = s.angle
	}
	if !s.angled && s.phrase || strings.ContainsAny(addr, "\r\n") {
		return s.wrong()
	}
	if addr != "" {
		s.list = append(s.list, mailbox{addr, s.end})
	}
	s.reset()
	return nil
}

func (s *mailboxScan) reset() { *s = mailboxScan{text: s.text, pos: s.pos, list: s.list, start: s.pos} }

func (s *mailboxScan) wrong() error {
	rest := s.text[s.start:]
	if i := strings.IndexByte(rest, ','); i > 0 {
		rest = rest[:i]
	}
	return fmt.Errorf("%q is not an address", strings.TrimSpace(rest))
}

// closing is where last stands in text, outside of quotes and not behind a
// backslash; -1: nowhere.
func closing(text string, last byte) int {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == last && !quoted:
			return i
		case c == '"':
			quoted = !quoted
		}
	}
	return -1
}
