package content

import (
	"bytes"

	"relay/smtp/align"
	"relay/store/mailsyntax"
)

// claims gathers what a header says of who sent the message, for the judge. The zero value
// gathers nothing.
type claims struct {
	m *align.Message // nil: nothing is gathered

	signature []byte // value of the DKIM-Signature that is being read; nil: another field is
	list      uint8  // the fields to unsubscribe that were seen
}

// Fields by which a recipient unsubscribes with one click (RFC 8058).
const (
	listUnsubscribe uint8 = 1 << iota
	listUnsubscribePost
)

const maxClaim = 4 << 10 // octets of a value

// begins looks at the first line of a field.
func (c *claims) begins(name, value []byte) {
	if c.m == nil {
		return
	}
	c.end()
	switch {
	case mailsyntax.FieldIs(name, "dkim-signature"):
		c.signature = append([]byte{}, value...)
	case mailsyntax.FieldIs(name, "list-unsubscribe"):
		c.list |= listUnsubscribe
	case mailsyntax.FieldIs(name, "list-unsubscribe-post"):
		c.list |= listUnsubscribePost
	}
}

// continues looks at a line that continues a field.
func (c *claims) continues(text []byte) {
	if c.signature != nil && len(c.signature)+len(text) < maxClaim {
		c.signature = append(c.signature, text...)
	}
}

// end closes a field.
func (c *claims) end() {
	if c.signature != nil {
		c.m.AddSignature(c.signature)
		c.signature = nil
	}
}

// note adds to the value of From.
func (c *claims) note(text []byte) {
	switch {
	case c.m == nil:
	case len(c.m.From)+len(text) < maxClaim:
		c.m.From = append(c.m.From, text...)
	default:
		c.m.Long = true
	}
}

// Claims is what the header said of who sent the message; nil: nothing was gathered.
func (p *Submission) Claims() *align.Message {
	m := p.claims.m
	if m == nil {
		return nil
	}
	m.Subject = p.once.sums[subjectField]
	m.Unsubscribe = p.claims.list == listUnsubscribe|listUnsubscribePost
	m.From = bytes.TrimSpace(m.From)
	if !p.once.has(fromField) {
		m.From = nil
	}
	return m
}
