package smtp

import (
	"bytes"
	"context"

	"relay/smtp/align"
	"relay/store"
)

// claims is what a header says of who sent the message, for the judge. The zero value
// gathers nothing.
type claims struct {
	m *align.Message // nil: nobody judges

	signature []byte // value of the DKIM-Signature whose lines come; nil: other lines come
	list      uint8  // fields to unsubscribe that were there
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
	case is(name, "dkim-signature"):
		c.signature = append([]byte{}, value...)
	case is(name, "list-unsubscribe"):
		c.list |= listUnsubscribe
	case is(name, "list-unsubscribe-post"):
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

// claimsOf begins to gather what a message says of itself.
func (s *session) claimsOf() (c claims) {
	if s.c.srv.judge != nil {
		c.m = &align.Message{}
	}
	return c
}

// claimed is what the judge has to know of a message; nil: nobody judges.
func (s *session) claimed(p *content, id store.ID) *align.Message {
	m := p.claims.m
	if m == nil {
		return nil
	}
	m.Account, m.ID, m.Sender = s.msg.Account, id, s.msg.Sender
	m.Subject = p.once.sums[subjectField]
	m.Unsubscribe = p.claims.list == listUnsubscribe|listUnsubscribePost
	m.From = bytes.TrimSpace(m.From)
	if !p.once.has(fromField) {
		m.From = nil
	}
	m.Recipients = make([]string, len(s.msg.Recipients))
	for i := range s.msg.Recipients {
		m.Recipients[i] = s.msg.Recipients[i].Domain
	}
	return m
}

// believable refuses a message of which nothing proves who it is from, where the account
// wants that.
func (s *session) believable(m *align.Message) error {
	if m == nil || s.standing.Account.Auth != store.AuthRefuse {
		return nil
	}
	if why := s.c.srv.judge.Refuse(context.Background(), m); why != "" {
		return errUnproved.with("%s", why)
	}
	return nil
}
