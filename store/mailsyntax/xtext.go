package mailsyntax

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

const hexDigits = "0123456789ABCDEF"

// AppendXtext encodes s as xtext (RFC 3461 §4): printable ASCII stays, except for + and =,
// everything else becomes +XX.
func AppendXtext(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if ch := s[i]; ch > ' ' && ch < 0x7f && ch != '+' && ch != '=' {
			b = append(b, ch)
		} else {
			b = append(b, '+', hexDigits[ch>>4], hexDigits[ch&15])
		}
	}
	return b
}

// AppendORCPT encodes an original recipient, "type;address". One in UTF-8 becomes
// utf-8-addr-xtext, which every host takes (RFC 6533 §3).
func AppendORCPT(b []byte, s string) []byte {
	kind, addr, ok := strings.Cut(s, ";")
	if !ok {
		kind, addr = "rfc822", s
	}
	if IsASCII(addr) && !strings.EqualFold(kind, "utf-8") {
		b = append(AppendXtext(b, kind), ';')
		return AppendXtext(b, addr)
	}
	b = append(b, "utf-8;"...)
	for _, r := range addr {
		if r > ' ' && r < 0x7f && r != '+' && r != '=' && r != '\\' {
			b = utf8.AppendRune(b, r)
		} else {
			b = appendCodePoint(b, r)
		}
	}
	return b
}

// appendCodePoint writes r as \x{HEX}, two digits at least.
func appendCodePoint(b []byte, r rune) []byte {
	b = append(b, `\x{`...)
	started := false
	for shift := 20; shift >= 0; shift -= 4 {
		d := byte(r>>shift) & 15
		if started = started || d != 0 || shift <= 4; started {
			b = append(b, hexDigits[d])
		}
	}
	return append(b, '}')
}

// ParseORCPT decodes addr-type ";" xtext (RFC 3461 §4.2, RFC 6533 §3). The type comes out in
// lower case.
func ParseORCPT(s string) (string, bool) {
	kind, addr, ok := strings.Cut(s, ";")
	if !ok || !isAtom(kind) || len(s) > 500 {
		return "", false
	}
	kind = strings.ToLower(kind)
	if kind == "utf-8" {
		addr, ok = decodeUnitext(addr)
	} else {
		addr, ok = DecodeXtext(addr)
	}
	return kind + ";" + addr, ok && addr != ""
}

// DecodeXtext decodes xtext (RFC 3461 §4). The result is printable ASCII.
func DecodeXtext(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' {
			if len(s) < i+3 || strings.ToUpper(s[i+1:i+3]) != s[i+1:i+3] {
				return "", false
			}
			n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", false
			}
			c, i = byte(n), i+2
		} else if c == '=' {
			return "", false
		}
		if c < ' ' || c > '~' {
			return "", false
		}
		b.WriteByte(c)
	}
	return b.String(), true
}

// decodeUnitext decodes utf-8-addr-xtext and utf-8-addr-unitext (RFC 6533 §3). The result has
// no control characters.
func decodeUnitext(s string) (string, bool) {
	var b strings.Builder
	for s != "" {
		if in, ok := strings.CutPrefix(s, `\x{`); ok {
			hex, rest, ok := strings.Cut(in, "}")
			n, err := strconv.ParseUint(hex, 16, 21)
			if !ok || err != nil || !utf8.ValidRune(rune(n)) {
				return "", false
			}
			b.WriteRune(rune(n))
			s = rest
			continue
		}
		if strings.IndexByte(`\+=`, s[0]) >= 0 {
			return "", false
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	out := b.String()
	return out, IsText(out)
}
