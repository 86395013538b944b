// Package zonefile writes DNS records as zone files have them (RFC 1035 §5.1), to be pasted
// into one.
package zonefile

import "strings"

// Line is a record. Names and targets end in a dot, unless they are relative to the zone.
func Line(name, kind, value string) string {
	if kind == "TXT" {
		value = Text(value)
	}
	return name + "\tIN\t" + kind + "\t" + value
}

// longestString of a TXT record (RFC 1035 §3.3.14).
const longestString = 255

// Text is the value of a TXT record: strings of at most 255 octets; more than one are in
// brackets.
func Text(text string) string {
	quote := func(s string) string {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	if len(text) <= longestString {
		return quote(text)
	}
	var b strings.Builder
	b.WriteString("(")
	for len(text) > 0 {
		n := min(len(text), longestString)
		b.WriteString("\n\t" + quote(text[:n]))
		text = text[n:]
	}
	return b.String() + " )"
}
