package content

import (
	"bytes"

	"relay/smtp/wire"
	"relay/store/mailsyntax"
)

// Fields that may stand once (RFC 5322 §3.6, RFC 2045). Many programs write one of them
// twice, with the same value. Receivers refuse a message that has one of the first four twice;
// those are judged by value.
const (
	fromField = iota
	dateField
	subjectField
	idField
	judged // the number of those
)

var onceNames = [...]string{fromField: "from", dateField: "date", subjectField: "subject", idField: "message-id",
	judged: "sender", "reply-to", "to", "cc", "in-reply-to", "references", "mime-version", "content-type", "content-transfer-encoding"}

var errDiffer = [judged]*wire.Reply{errTwice.With("From"), errTwice.With("Date"), errTwice.With("Subject"), errTwice.With("Message-ID")}

// onceIndex is the index of a field that may stand once in onceNames; -1 for others.
func onceIndex(name []byte) int {
	for i, n := range onceNames {
		if mailsyntax.FieldIs(name, n) {
			return i
		}
	}
	return -1
}

// maxWait octets are kept of a field that is held back.
const maxWait = 8 << 10

// once is the state of the fields that may stand once.
type once struct {
	sums         [len(onceNames)]uint64 // checksum of the first one with a value; 0: there is none
	at           int                    // the field that is being read
	sum          valueSum               // of its value so far
	wait         []byte                 // its lines, while they are held back
	blankSubject bool                   // a Subject without a value was removed
	differs      *wire.Reply            // why the header is refused
}

func (o *once) has(i int) bool { return o.sums[i] != 0 }

// beginsOnce judges the first line of a field that may stand once.
func (h *header) beginsOnce(i int, text, value []byte) verdict {
	o := &h.once
	o.at, o.sum, o.wait = i, valueSum{}, o.wait[:0]
	o.sum.add(value)
	switch {
	case o.has(i):
		h.state = repeatField
	case i < judged && isBlank(i, value):
		h.state = blankField
	default:
		h.state = onceField
		h.note(value)
		return keep
	}
	o.wait = appendLine(o.wait, text)
	return drop
}

// continuesOnce judges a line that continues such a field.
func (h *header) continuesOnce(text []byte) verdict {
	o := &h.once
	o.sum.add(text)
	release := false
	switch h.state {
	case onceField:
		h.note(text)
		return keep
	case blankField:
		release = !isBlank(o.at, text)
	case repeatField:
		release = o.at >= judged && len(o.wait) > maxWait // too long to wait for its end
	}
	if release {
		h.before = append(h.before, o.wait...)
		if h.state = keptField; !o.has(o.at) {
			h.state = onceField
			h.note(text)
		}
		return keep
	}
	if len(o.wait) <= maxWait {
		o.wait = appendLine(o.wait, text)
	}
	return drop
}

// fieldEnds judges a field at its end.
func (h *header) fieldEnds() {
	o := &h.once
	switch h.state {
	case onceField:
		if o.sum.some {
			o.sums[o.at] = o.sum.value()
		}
	case blankField:
		o.blankSubject = o.blankSubject || o.at == subjectField
	case repeatField:
		if !o.sum.some || o.sum.value() == o.sums[o.at] {
			break
		}
		if o.at >= judged {
			h.before = append(h.before, o.wait...)
		} else if o.differs == nil && !isBlank(o.at, o.wait[bytes.IndexByte(o.wait, ':')+1:]) {
			o.differs = errDiffer[o.at]
		}
	}
	h.state = noField
}

// note keeps the value of a Message-ID, and of a From for the judge.
func (h *header) note(text []byte) {
	if h.once.at == fromField {
		h.claims.note(text)
	}
	if h.once.at != idField {
		return
	}
	if v := bytes.TrimSpace(text); len(h.msgID)+len(v) < maxMsgID {
		h.msgID = append(h.msgID, v...)
	}
}

// isBlank reports whether a value counts as missing. Empty brackets do in From and Message-ID.
func isBlank(i int, value []byte) bool {
	if i == fromField || i == idField {
		return len(bytes.Trim(value, " \t\r\n<>")) == 0
	}
	return len(bytes.TrimSpace(value)) == 0
}

// valueSum is a checksum (FNV-1a) of an unfolded value: a run of white space counts as one
// space, and as nothing at both ends.
type valueSum struct {
	sum  uint64
	gap  bool // white space came
	some bool // something else came
}

func (v *valueSum) add(text []byte) {
	const offset, prime = 14695981039346656037, 1099511628211
	sum := v.sum
	for _, c := range text {
		if c == ' ' || c == '\t' {
			v.gap = v.some
			continue
		}
		if !v.some {
			sum, v.some = offset, true
		}
		if v.gap {
			sum, v.gap = (sum^' ')*prime, false
		}
		sum = (sum ^ uint64(c)) * prime
	}
	v.sum = sum
}

// value is never 0.
func (v *valueSum) value() uint64 { return v.sum | 1 }
