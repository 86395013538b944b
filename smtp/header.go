package smtp

import (
	"bytes"
	"time"
)

// header is what a submission server does to the header section of a message
// (RFC 6409 §8). Line by line:
//
//  1. Received is put in front; Bcc and Return-Path are taken away with the lines that
//     continue them.
//  2. Of a field that may stand once (once.go) an exact repeat is taken away. A From,
//     Date, Subject or Message-ID with another value is refused; one without a value is
//     as good as none.
//  3. A line that is no field does not end the header where fields follow it that mail
//     has (astray.go).
//  4. At the end From, Date and Message-ID are added where there is none, and the blank
//     line.
type header struct {
	host   string    // our name
	with   string    // protocol (RFC 3848, RFC 6531 §4.3)
	id     string    // of the message
	now    time.Time // in the zone to be shown
	limit  int64     // octets
	sender string    // reverse-path; "": the null one

	open  bool  // still in the header section
	seen  int64 // octets
	state fieldState
	list  bool // the last line of what is dropped ends in a comma
	hops  int  // Received fields
	once  once
	msgID []byte // value of Message-ID, unfolded
	noTLS bool   // TLS-Required: No (RFC 8689 §5)

	claims claims

	astray []byte // lines from one on that is no field; nil: none
	before []byte // goes out before the line that was judged last
}

// fieldState says what the lines that continue a field belong to.
type fieldState uint8

const (
	noField fieldState = iota
	keptField
	droppedField
	onceField   // a first one of those that may stand once
	blankField  // the same, without a value so far: nothing of it is out yet
	repeatField // a further one: nothing of it is out yet
)

// verdict on a line of the header section.
type verdict uint8

const (
	keep verdict = iota
	drop         // take it away
)

const maxMsgID = 998

// field judges one line without its end; n counts it with its end. before is what
// goes out in front of it.
func (p *content) field(text []byte, n int) verdict {
	h := &p.header
	h.before = h.before[:0]
	if h.astray == nil { // else it may be text
		h.seen += int64(n)
	}
	v := h.line(text)
	p.judge()
	return v
}

// judge refuses what the header is refused for.
func (p *content) judge() {
	if p.seen > p.limit {
		p.refuse(errHeaderSize)
	}
	if p.hops > maxHops {
		p.refuse(errLoop)
	}
	if p.once.differs != nil {
		p.refuse(p.once.differs)
	}
	switch {
	case p.open || p.once.has(fromField):
	case p.sender == "":
		p.refuse(errNoFrom)
	case !isASCII(p.sender): // it is in From now
		p.eight = true
	}
}

func (h *header) line(text []byte) verdict {
	name, value, isField := splitField(text)
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
	case is(name, "bcc"), is(name, "resent-bcc"), is(name, "return-path"):
		h.state, h.list = droppedField, endsInComma(text)
		return drop
	case is(name, "received"):
		h.hops++
	case is(name, "tls-required"):
		h.noTLS = is(bytes.TrimSpace(value), "no")
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

// end closes the header section: what is missing goes out before the line that is
// behind it.
func (h *header) end() {
	h.fieldEnds()
	h.claims.end()
	h.open = false
	h.before = h.appendMissing(h.before)
}

// endText is end where no blank line stands there. What went astray was text.
func (h *header) endText() {
	h.end()
	h.before = append(h.before, "\r\n"...)
	h.before = append(h.before, h.astray...)
	h.astray = nil
}

var colon = []byte(":")

// splitField cuts a line into field name and value; ok is false for one that is no field.
func splitField(text []byte) (name, value []byte, ok bool) {
	name, value, ok = bytes.Cut(text, colon)
	name = bytes.TrimRight(name, " \t") // obsolete, but seen (RFC 5322 §4.5)
	return name, value, ok && isFieldName(name)
}

func endsInComma(text []byte) bool {
	return bytes.HasSuffix(bytes.TrimRight(text, " \t"), []byte(","))
}

// is compares a field name with one in lower case.
func is(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, c := range name {
		if c|0x20 != lower[i] && c != lower[i] {
			return false
		}
	}
	return true
}

// isFieldName checks RFC 5322 §3.6.8; octets above 127 are let pass (RFC 6532).
func isFieldName(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	return len(b) > 0
}

const dateLayout = "Mon, 2 Jan 2006 15:04:05 -0700" // RFC 5322 §3.3

// appendTrace is the trace field in its least form: RFC 5321 §4.4 without the
// from clause, which would disclose the customer's address (M4).
func (h *header) appendTrace(b []byte) []byte {
	b = append(b, "Received: by "...)
	b = append(b, h.host...)
	b = append(b, " with "...)
	b = append(b, h.with...)
	b = append(b, " id "...)
	b = append(b, h.id...)
	b = append(b, "; "...)
	b = h.now.AppendFormat(b, dateLayout)
	return append(b, "\r\n"...)
}

// appendMissing are the fields that RFC 6409 §8 lets us add, and a Subject that
// was there without a value.
func (h *header) appendMissing(b []byte) []byte {
	if !h.once.has(fromField) && h.sender != "" {
		b = append(b, "From: "...)
		b = append(b, h.sender...)
		b = append(b, "\r\n"...)
	}
	if !h.once.has(dateField) {
		b = append(b, "Date: "...)
		b = h.now.AppendFormat(b, dateLayout)
		b = append(b, "\r\n"...)
	}
	if !h.once.has(idField) {
		h.msgID = append(h.msgID[:0], '<')
		h.msgID = append(h.msgID, h.id...)
		h.msgID = append(h.msgID, '@')
		h.msgID = append(h.msgID, h.host...)
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
