package client

import (
	"bufio"
	"io"

	"relay/store/mailsyntax"
)

// headerBuffer is how far checkHeader looks for UTF-8 in a header.
const headerBuffer = 64 << 10

// refuse is our word for all recipients about what the next hop cannot take.
func (t *transaction) refuse(code, subject, detail int, text string) {
	t.decide(t.c.doubt(local(code, 5, subject, detail, text)), StageMail, true)
}

// check refuses what the next hop cannot take, before it is sent.
func (t *transaction) check() {
	e, x := t.e, &t.c.ext
	t.sender = e.Sender
	t.chunk = x.Chunking && x.Pipelining && e.Size > 0 && e.Size <= maxChunk
	switch {
	case e.RequireTLS && (!x.RequireTLS || t.c.tls == nil): // RFC 8689 §4.2.1
		t.refuse(550, 7, 30, "the next hop does not support REQUIRETLS, which the message asks for")
	case x.Size > 0 && e.Size > x.Size:
		t.refuse(552, 3, 4, "the message is larger than the next hop accepts")
	case e.EightBit && !x.EightBitMIME:
		t.refuse(554, 6, 3, "the message has 8-bit content, which the next hop does not accept")
	case e.Sender != "" && !mailsyntax.WellFormed(e.Sender):
		t.decide(local(553, 5, 1, 7, "the sender's address is not well-formed"), StageMail, true)
	}
	for i := range e.Rcpts {
		if o := &t.res.Rcpts[i]; o.Reply.Code == 0 && !mailsyntax.WellFormed(e.Rcpts[i].Address) {
			*o = Outcome{Reply: local(553, 5, 1, 3, "the recipient's address is not well-formed"), Stage: StageRcpt, Local: true}
		}
	}
	if x.SMTPUTF8 {
		t.utf8 = e.SMTPUTF8 || !t.ascii()
	} else {
		t.downgrade()
	}
}

// mayHaveUTF8 reports whether the header must be looked at before MAIL.
func (t *transaction) mayHaveUTF8() bool {
	return !t.c.ext.SMTPUTF8 && t.e.SMTPUTF8 && t.e.EightBit
}

// checkHeader refuses a header that the next hop cannot take. The content it returns
// is the one to send.
func (t *transaction) checkHeader(content io.Reader) io.Reader {
	if !t.mayHaveUTF8() || t.undecided() == 0 {
		return content
	}
	br := bufio.NewReaderSize(content, headerBuffer)
	if b, _ := br.Peek(headerBuffer); !mailsyntax.IsASCII(b[:headerEnd(b)]) {
		t.refuse(554, 6, 9, "the message has UTF-8 in its header, which the next hop does not accept")
	}
	return br
}

// doubt makes a refusal of ours temporary where we do not know what the next hop can
// take: it closed at EHLO, and another time it may not.
func (c *Client) doubt(r Reply) Reply {
	if c.helo {
		r.Code, r.Enhanced[0] = 451, 4
	}
	return r
}

// ascii reports whether all addresses are.
func (t *transaction) ascii() bool {
	ok := mailsyntax.IsASCII(t.e.Sender)
	for i := range t.e.Rcpts {
		ok = ok && mailsyntax.IsASCII(t.e.Rcpts[i].Address)
	}
	return ok
}

// downgrade makes addresses fit for a next hop without SMTPUTF8, and refuses
// those that cannot be (RFC 6531 §3.5).
func (t *transaction) downgrade() {
	if t.ascii() {
		return
	}
	var ok bool
	if t.sender, ok = asciiAddress(t.e.Sender, ""); !ok {
		t.decide(t.c.doubt(local(550, 5, 6, 7, "the next hop does not accept the sender's non-ASCII address")), StageMail, true)
		return
	}
	t.addresses = make([]string, len(t.e.Rcpts))
	for i := range t.e.Rcpts {
		if t.addresses[i], ok = asciiAddress(t.e.Rcpts[i].Address, t.e.Rcpts[i].Domain); !ok && t.res.Rcpts[i].Reply.Code == 0 {
			t.res.Rcpts[i] = Outcome{Reply: t.c.doubt(local(553, 5, 6, 7, "the next hop does not accept the recipient's non-ASCII address")), Stage: StageRcpt, Local: true}
		}
	}
}
