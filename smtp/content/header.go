package content

import (
	"bytes"

	"relay/smtp/wire"
	"relay/store/mailsyntax"
)

// header is what a submission server does to the header section of a message
// (RFC 6409 §8). Line by line:
//
//  1. Received is put in front. Bcc and Return-Path are removed, with the lines that
//     continue them.
//  2. An exact repeat of a field that may stand once (once.go) is removed. A second From,
//     Date, Subject or Message-ID with another value is refused. One without a value counts
//     as missing.
//  3. A line that is no field does not end the header where fields of mail follow it
//     (astray.go).
//  4. At the end From, Date and Message-ID are added where they are missing, and the blank
//     line.
type header struct {
	of    Options
	open  bool  // still in the header section
	seen  int64 // octets
	state fieldState
	list  bool // the last line that was dropped ends in a comma
	hops  int  // Received fields
	once  once
	msgID []byte // value of Message-ID, unfolded
	noTLS bool   // TLS-Required: No (RFC 8689 §5)

	program []byte // the beginning of the value of User-Agent or X-Mailer; nil: neither is there

	claims claims

	astray []byte // lines that follow a line that is no field, with it; nil: there are none
	before []byte // goes out in front of the line that was judged last
}

// fieldState says what the lines that continue a field belong to.
type fieldState uint8

const (
	noField fieldState = iota
	keptField
	droppedField
	onceField   // the first of a name that may stand once
	blankField  // the same, without a value so far: it is held back
	repeatField // a further one of that name: it is held back
)

// verdict on a line of the header section.
type verdict uint8

const (
	keep verdict = iota
	drop         // remove it
)

// Most of what is kept, and of what a message may have.
const (
	maxMsgID   = 998 // octets of a Message-ID
	maxHops    = 50  // Received fields (RFC 5321 §6.3)
	MaxProgram = 64  // octets of the name of a program
)

// Field implements Header.
func (p *Submission) Field(text []byte, n int) (before []byte, drops, open bool) {
	h := &p.header
	h.before = h.before[:0]
	if h.astray == nil { // else it may be text
		h.seen += int64(n)
	}
	v := h.line(text)
	p.judge()
	return h.before, v == drop, h.open
}

// End implements Header.
func (p *Submission) End() []byte {
	p.before = p.before[:0]
	p.endText()
	p.judge()
	return p.before
}

// judge refuses what the header is refused for.
func (p *Submission) judge() {
	if p.seen > p.of.MaxHeader {
		p.Refuse(wire.ErrHeaderSize)
	}
	if p.hops > maxHops {
		p.Refuse(wire.ErrLoop)
	}
	if p.once.differs != nil {
		p.Refuse(p.once.differs)
	}
	switch {
	case p.header.open || p.once.has(fromField):
	case p.of.Sender == "":
		p.Refuse(ErrNoFrom)
	case !mailsyntax.IsASCII(p.of.Sender): // it is in From now
		p.Eight = true
	}
}

func (h *header) line(text []byte) verdict {
	name, value, isField := mailsyntax.SplitField(text)
	switch {
	case h.astray != nil:
		return h.strays(text, name, value, isField)
	case len(text) == 0:
		h.end()
		return keep
	case text[0] == ' ' || text[0] == '\t':
		return h.continued(text)
	case isField:
		return h.begins(text, name, value)
	case h.state == droppedField && (h.list || bytes.IndexByte(text, '@') >= 0):
		h.list = endsInComma(text) // its addresses go on, folded without a space
		return drop
	}
	return h.stray(text)
}

// begins judges the first line of a field.
func (h *header) begins(text, name, value []byte) verdict {
	h.fieldEnds()
	h.state = keptField
	h.claims.begins(name, value)
	i := onceIndex(name)
	switch {
	case i >= 0:
		return h.beginsOnce(i, text, value)
	case mailsyntax.FieldIs(name, "bcc"), mailsyntax.FieldIs(name, "resent-bcc"), mailsyntax.FieldIs(name, "return-path"):
		h.state, h.list = droppedField, endsInComma(text)
		return drop
	case mailsyntax.FieldIs(name, "received"):
		h.hops++
	case mailsyntax.FieldIs(name, "user-agent"), mailsyntax.FieldIs(name, "x-mailer"):
		h.program = append([]byte{}, value[:min(len(value), MaxProgram+1)]...) // with a space before it
	case mailsyntax.FieldIs(name, "tls-required"):
		h.noTLS = mailsyntax.FieldIs(bytes.TrimSpace(value), "no")
	}
	return keep
}

func (h *header) continued(text []byte) verdict {
	switch h.state {
	case noField:
		return h.stray(text)
	case droppedField:
		h.list = endsInComma(text)
		return drop
	case onceField, blankField, repeatField:
		return h.continuesOnce(text)
	}
	h.claims.continues(text)
	return keep
}

// end closes the header section: missing fields go out in front of the line that follows it.
func (h *header) end() {
	h.fieldEnds()
	h.claims.end()
	h.open = false
	h.before = h.appendMissing(h.before)
}

// endText is end where the blank line is missing. The lines that went astray were text.
func (h *header) endText() {
	h.end()
	h.before = append(h.before, "\r\n"...)
	h.before = append(h.before, h.astray...)
	h.astray = nil
}

func endsInComma(text []byte) bool {
	return bytes.HasSuffix(bytes.TrimRight(text, " \t"), []byte(","))
}

const dateLayout = "Mon, 2 Jan 2006 15:04:05 -0700" // RFC 5322 §3.3

// appendTrace adds the trace field in its shortest form: RFC 5321 §4.4 without the from
// clause, which would disclose the customer's address (M4).
func (h *header) appendTrace(b []byte) []byte {
	b = append(b, "Received: by "...)
	b = append(b, h.of.Host...)
	b = append(b, " with "...)
	b = append(b, h.of.With...)
	b = append(b, " id "...)
	b = append(b, h.of.ID...)
	b = append(b, "; "...)
	b = h.of.Now.AppendFormat(b, dateLayout)
	return append(b, "\r\n"...)
}

// appendMissing adds the missing fields that RFC 6409 §8 lets us add, and the Subject that
// was removed because it has no value.
func (h *header) appendMissing(b []byte) []byte {
	if !h.once.has(fromField) && h.of.Sender != "" {
		b = append(b, "From: "...)
		b = append(b, h.of.Sender...)
		b = append(b, "\r\n"...)
	}
	if !h.once.has(dateField) {
		b = append(b, "Date: "...)
		b = h.of.Now.AppendFormat(b, dateLayout)
		b = append(b, "\r\n"...)
	}
	if !h.once.has(idField) {
		h.msgID = append(h.msgID[:0], '<')
		h.msgID = append(h.msgID, h.of.ID...)
		h.msgID = append(h.msgID, '@')
		h.msgID = append(h.msgID, h.of.Host...)
		h.msgID = append(h.msgID, '>')
		b = append(b, "Message-ID: "...)
		b = append(b, h.msgID...)
		b = append(b, "\r\n"...)
	}
	if h.once.blankSubject && !h.once.has(subjectField) {
		b = append(b, "Subject:\r\n"...)
	}
	return b
}
