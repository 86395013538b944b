package client

import (
	"strings"
	"unicode/utf8"
)

const hexDigits = "0123456789ABCDEF"

// appendXtext encodes s as RFC 3461 §4 has it: printable ASCII but + and = as it
// is, everything else as +XX.
func appendXtext(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if ch := s[i]; ch > ' ' && ch < 0x7f && ch != '+' && ch != '=' {
			b = append(b, ch)
		} else {
			b = append(b, '+', hexDigits[ch>>4], hexDigits[ch&15])
		}
	}
	return b
}

// appendORCPT encodes an original recipient, "type;address". One that has
// UTF-8 goes as utf-8-addr-xtext, which every host takes (RFC 6533 §3).
func appendORCPT(b []byte, s string) []byte {
	kind, addr, ok := strings.Cut(s, ";")
	if !ok {
		kind, addr = "rfc822", s
	}
	if isASCII(addr) && !strings.EqualFold(kind, "utf-8") {
		b = append(appendXtext(b, kind), ';')
		return appendXtext(b, addr)
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
