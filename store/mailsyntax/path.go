package mailsyntax

import (
	"strings"
	"unicode/utf8"

	"relay/store/maildomain"
)

// Path is a reverse-path or forward-path (RFC 5321 §4.1.2) as it may go out again: parsed,
// checked and written anew, so that the next reader takes nothing in it for syntax.
type Path struct {
	Addr   string // without brackets; "": the null reverse-path
	Domain string // lower case A-labels, or an address literal in brackets
	UTF8   bool   // the local part has octets beyond ASCII; a domain has another form
}

// Lengths of RFC 5321 §4.5.3.1; a path is its address and two brackets.
const (
	maxLocal = 64
	maxPath  = 254
)

// ParsePath reads the path that s begins with; rest follows it. why says what is wrong with
// the path. Brackets may be missing, as old programs leave them out. A source route is read
// and ignored (RFC 5321 appendix C).
func ParsePath(s string) (p Path, rest, why string) { return readPath(s, maildomain.Parse) }

// ParseReversePath is ParsePath that also takes an IP address without its brackets for a
// domain, as printers and scanners write their own.
func ParseReversePath(s string) (p Path, rest, why string) {
	return readPath(s, func(domain string) (wire, ascii string, ok bool) {
		if lit, ok := maildomain.Literal(domain); ok {
			return lit, lit, true
		}
		return maildomain.Parse(domain)
	})
}

func readPath(s string, parse func(string) (wire, ascii string, ok bool)) (p Path, rest, why string) {
	open := strings.HasPrefix(s, "<")
	if open {
		s = s[1:]
		if strings.HasPrefix(s, ">") {
			return Path{}, s[1:], ""
		}
		if s, why = skipRoute(s); why != "" {
			return p, "", why
		}
	}
	local, s, why := parseLocal(s)
	if why != "" {
		return p, "", why
	}
	switch {
	case s == "" || s[0] == '>':
		return p, "", NoDomain
	case s[0] != '@':
		return p, "", "bad local part"
	}
	s = s[1:]
	end := strings.IndexAny(s, "> \t")
	if end < 0 {
		end = len(s)
	}
	wire, ascii, ok := parse(s[:end])
	if !ok {
		return p, "", "bad domain"
	}
	s = s[end:]
	if open {
		if !strings.HasPrefix(s, ">") {
			return p, "", "no > at its end"
		}
		s = s[1:]
	}
	if p.UTF8 = !IsASCII(local); !p.UTF8 && !IsASCII(wire) {
		wire = ascii // neither client nor next hop needs SMTPUTF8 for it
	}
	p.Addr, p.Domain = local+"@"+wire, ascii
	if len(p.Addr) > maxPath {
		return p, "", "too long"
	}
	return p, s, ""
}

// NoDomain is why for a path that is a local part alone.
const NoDomain = "no domain"

func skipRoute(s string) (rest, why string) {
	if !strings.HasPrefix(s, "@") {
		return s, ""
	}
	route, rest, ok := strings.Cut(s, ":")
	if !ok {
		return "", "bad source route"
	}
	for hop := range strings.SplitSeq(route, ",") {
		if _, _, ok := maildomain.Parse(strings.TrimPrefix(hop, "@")); !ok || hop[0] != '@' {
			return "", "bad source route"
		}
	}
	return rest, ""
}

// parseLocal reads a Dot-string or Quoted-string and writes it anew, quoted only where it must
// be. Dots may stand anywhere: some carriers gave out such addresses.
func parseLocal(s string) (local, rest, why string) {
	if strings.HasPrefix(s, `"`) {
		local, rest, why = parseQuoted(s[1:])
	} else {
		end := strings.IndexAny(s, "@> \t")
		if end < 0 {
			end = len(s)
		}
		local, rest = s[:end], s[end:]
		if !isDotText(local) {
			why = "bad local part"
		} else {
			local = requote(local)
		}
	}
	switch {
	case why != "":
	case len(local) > maxLocal:
		why = "local part too long"
	case !IsText(local):
		why = "not UTF-8"
	}
	return local, rest, why
}

// parseQuoted reads a Quoted-string after its first quote.
func parseQuoted(s string) (local, rest, why string) {
	var raw strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '"' {
			return requote(raw.String()), s[i+1:], emptyLocal(raw.Len())
		}
		if c == '\\' {
			if i++; i == len(s) {
				break
			}
			c = s[i]
		}
		if c < ' ' || c == 0x7f {
			break
		}
		raw.WriteByte(c)
	}
	return "", "", "bad quoted local part"
}

func emptyLocal(n int) string {
	if n == 0 {
		return "empty local part"
	}
	return ""
}

func requote(raw string) string {
	if isDotString(raw) {
		return raw
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(raw) {
		if raw[i] == '"' || raw[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(raw[i])
	}
	b.WriteByte('"')
	return b.String()
}

// isDotString: atoms of atext (RFC 5322 §3.2.3) or UTF-8 (RFC 6531 §3.3) with
// single dots between them.
func isDotString(s string) bool {
	dot := true // the previous one, or the beginning
	for i := range len(s) {
		c := s[i]
		if c == '.' {
			if dot {
				return false
			}
			dot = true
			continue
		}
		if !isAtext(c) {
			return false
		}
		dot = false
	}
	return !dot
}

// isDotText: atext and dots, in any order.
func isDotText(s string) bool {
	for i := range len(s) {
		if s[i] != '.' && !isAtext(s[i]) {
			return false
		}
	}
	return s != ""
}

func isAtext(c byte) bool {
	return c >= utf8.RuneSelf || isAlnum(c) || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func isAtom(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || !isAtext(s[i]) {
			return false
		}
	}
	return s != ""
}

// WellFormed reports whether an address may stand between brackets on the wire and does not end
// there: it has no control characters, and brackets and spaces only in a local part that is
// quoted as a whole.
func WellFormed(a string) bool {
	if a == "" || !IsASCII(a) && !utf8.ValidString(a) {
		return false
	}
	i := 0
	if a[0] == '"' {
		if i = quotedEnd(a); i == 0 || i < len(a) && a[i] != '@' {
			return false
		}
	}
	for ; i < len(a); i++ {
		if ch := a[i]; ch <= ' ' || ch == 0x7f || ch == '<' || ch == '>' || ch == '"' || ch == '\\' {
			return false
		}
	}
	return true
}

// quotedEnd is the index behind the closing quote; 0: there is none.
func quotedEnd(a string) int {
	for i := 1; i < len(a); i++ {
		switch ch := a[i]; {
		case ch < ' ' || ch == 0x7f:
			return 0
		case ch == '\\':
			if i++; i < len(a) && (a[i] < ' ' || a[i] >= 0x7f) {
				return 0
			}
		case ch == '"':
			return i + 1
		}
	}
	return 0
}
