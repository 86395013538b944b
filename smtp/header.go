package smtp

import (
	"bytes"
	"time"
)

// header is what a submission server does to the header section of a message
// (RFC 6409 §8): it adds Received, Date and Message-ID, takes Bcc away, and
// makes sure that a blank line follows.
type header struct {
	host  string    // our name
	with  string    // protocol (RFC 3848, RFC 6531 §4.3)
	id    string    // of the message
	now   time.Time // in the zone to be shown
	limit int64     // octets

	open    bool  // still in the header section
	count   int   // lines
	seen    int64 // octets
	state   fieldState
	hops    int // Received fields
	hasDate bool
	hasID   bool
	msgID   []byte // value of Message-ID, unfolded
}

// fieldState says what the lines that continue a field belong to.
type fieldState uint8

const (
	noField fieldState = iota
	keptField
	droppedField
	idField
)

// verdict on a line of the header section.
type verdict uint8

const (
	keep verdict = iota
	drop         // take it away
	ends         // it is the blank line, or no header line at all
)

const maxMsgID = 998

// field judges one line without its end; n counts it with its end.
func (p *content) field(text []byte, n int) verdict {
	h := &p.header
	h.seen += int64(n)
	if h.seen > h.limit {
		p.refuse(errHeaderSize)
	}
	v := h.line(text)
	if h.hops > maxHops {
		p.refuse(errLoop)
	}
	if v == ends {
		h.open = false
	}
	return v
}

func (h *header) line(text []byte) verdict {
	h.count++
	if len(text) == 0 {
		return ends
	}
	if text[0] == ' ' || text[0] == '\t' {
		return h.continued(text)
	}
	name, value, ok := bytes.Cut(text, colon)
	name = bytes.TrimRight(name, " \t") // obsolete, but seen (RFC 5322 §4.5)
	if h.count == 1 && bytes.HasPrefix(text, mboxFrom) {
		h.state = droppedField
		return drop
	}
	if !ok || !isFieldName(name) {
		return ends
	}
	h.state = keptField
	switch {
	case is(name, "bcc"), is(name, "resent-bcc"):
		h.state = droppedField
		return drop
	case is(name, "date"):
		h.hasDate = true
	case is(name, "message-id"):
		h.hasID = true
		h.state = idField
		h.msgID = append(h.msgID[:0], bytes.TrimSpace(value)...)
	case is(name, "received"):
		h.hops++
	}
	return keep
}

func (h *header) continued(text []byte) verdict {
	switch h.state {
	case noField:
		return ends
	case droppedField:
		return drop
	case idField:
		if v := bytes.TrimSpace(text); len(h.msgID)+len(v) < maxMsgID {
			h.msgID = append(h.msgID, v...)
		}
	}
	return keep
}

var (
	colon    = []byte(":")
	mboxFrom = []byte("From ")
)

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

// appendMissing are the fields that RFC 6409 §8.2 and §8.3 let us add.
func (h *header) appendMissing(b []byte) []byte {
	if !h.hasDate {
		b = append(b, "Date: "...)
		b = h.now.AppendFormat(b, dateLayout)
		b = append(b, "\r\n"...)
	}
	if !h.hasID {
		h.msgID = append(h.msgID[:0], '<')
		h.msgID = append(h.msgID, h.id...)
		h.msgID = append(h.msgID, '@')
		h.msgID = append(h.msgID, h.host...)
		h.msgID = append(h.msgID, '>')
		b = append(b, "Message-ID: "...)
		b = append(b, h.msgID...)
		b = append(b, "\r\n"...)
	}
	return b
}
