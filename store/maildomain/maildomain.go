// Package maildomain reads the domain of a mail address (RFC 5321 §4.1.2, RFC 6531
// §3.7.2), so that intake, queue and commands know it by the same name.
package maildomain

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// MaxLength of a domain as it is written, in octets (RFC 5321 §4.5.3.1.2).
const MaxLength = 255

// Octets of a name and of its labels in the DNS, dots between them counted, the
// root left out (RFC 1035 §2.3.4).
const (
	maxName  = 253
	maxLabel = 63
)

// labels maps as for a look-up (RFC 5891 §5, UTS 46) but leaves underscores;
// what it lets through besides is caught by IsName.
var labels = idna.New(idna.MapForLookup(), idna.StrictDomainName(false), idna.VerifyDNSLength(true))

// Parse checks a domain or address literal. wire is how it goes out, ascii how it
// is looked up and compared: lower case A-labels, or the literal in brackets.
func Parse(s string) (wire, ascii string, ok bool) {
	if strings.HasPrefix(s, "[") {
		lit, ok := parseLiteral(s)
		return lit, lit, ok
	}
	if len(s) == 0 || len(s) > MaxLength {
		return "", "", false
	}
	ascii = strings.ToLower(s)
	if !utf8.ValidString(s) {
		return "", "", false
	}
	beyondASCII := strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
	if beyondASCII || strings.Contains(ascii, "xn--") {
		var err error
		if ascii, err = labels.ToASCII(s); err != nil {
			return "", "", false
		}
	}
	return s, ascii, IsName(ascii)
}

// Split cuts an address at its last @. domain is how it is looked up and compared, see Parse.
// ok is false where there is no @, or no domain behind it.
func Split(address string) (local, domain string, ok bool) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return "", "", false
	}
	_, domain, ok = Parse(address[at+1:])
	return address[:at], domain, ok
}

// parseLiteral: RFC 5321 §4.1.3, without General-address-literal.
func parseLiteral(s string) (string, bool) {
	in, ok := strings.CutSuffix(s[1:], "]")
	if !ok {
		return "", false
	}
	v6 := len(in) > 5 && strings.EqualFold(in[:5], "IPv6:")
	if v6 {
		in = in[5:]
	}
	a, err := netip.ParseAddr(in)
	if err != nil || a.Zone() != "" || a.Is4() == v6 {
		return "", false
	}
	return AddressLiteral(a), true
}

// AddressLiteral is an IP address as it stands in place of a domain (RFC 5321 §4.1.3).
func AddressLiteral(a netip.Addr) string {
	if a.Is6() {
		return "[IPv6:" + a.String() + "]"
	}
	return "[" + a.String() + "]"
}

// Literal is the address literal of an IP address that is written without brackets.
func Literal(s string) (string, bool) {
	if s == "" || !isHex(s[len(s)-1]) && s[len(s)-1] != ':' { // a name, mostly
		return "", false
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return "", false
	}
	return AddressLiteral(a), true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// IsName: letters, digits, hyphen and, since it is seen, underscore; a last
// label of digits only would be an address without its brackets.
func IsName(s string) bool {
	if len(s) > maxName {
		return false
	}
	digits := false
	for label := range strings.SplitSeq(s, ".") {
		if len(label) == 0 || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		digits = true
		for i := range len(label) {
			c := label[i]
			if !isLetterOrDigit(c) && c != '-' && c != '_' {
				return false
			}
			digits = digits && '0' <= c && c <= '9'
		}
	}
	return !digits
}

func isLetterOrDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
