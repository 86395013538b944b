package backmail

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"relay/smtp/content"
	"relay/smtp/returned"
	"relay/smtp/wire"
	"relay/store/bodies"
	"relay/store/maildomain"
	"relay/store/spooled"
)

// message is one on its way in, to one address.
type message struct {
	conn    *conn
	to      string
	kind    Kind
	token   string // of VERP
	begun   bool   // content comes
	chunked bool   // by BDAT

	content *content.Pass
	header  header
	body    *bodies.Body // nil: nothing of it is kept
	reader  *reading     // nil: nobody reads it
	id      spooled.ID
	stop    *time.Timer // ends a transfer that takes too long
}

var contents = sync.Pool{New: func() any { return &content.Pass{} }}

// faults of content; of several the first in this order is told.
var faults = []error{wire.ErrBareCR, wire.ErrNUL, wire.ErrLongLine, wire.ErrHeaderSize, wire.ErrLoop, wire.ErrTooLarge}

// begin makes ready for content: where it is kept, and who reads it meanwhile.
func (m *message) begin(chunked bool) {
	c := m.conn
	var sinks []io.Writer
	switch m.kind {
	case Token, Bounce, Complaint, Abuse:
		m.reader = read(func(v any, stack []byte) { c.srv.events.panicked(c, v, stack) })
		sinks = append(sinks, m.reader)
	}
	if m.kind == Bounce || m.kind == Complaint || m.kind == Token && !c.srv.st.Returns.BringsMore(m.token) {
		m.id = c.srv.st.NewID()
	} else {
		m.body = c.srv.st.Bodies.NewOf(bodies.Sender{Staged: 10 * c.cfg.MaxMessage})
		m.id = m.body.ID()
		sinks = append(sinks, m.body)
	}
	p := contents.Get().(*content.Pass)
	m.content, m.header = p, header{content: p}
	p.W, p.Max, p.MaxLine, p.Dots, p.Header, p.Order = io.MultiWriter(sinks...), c.cfg.MaxMessage, maxTextLine, !chunked, &m.header, faults
	p.Discard = func() {
		if m.body != nil {
			m.body.Discard()
		}
	}
	p.Begin(m.trace)
	m.begun, m.chunked = true, chunked
	most := transferTime
	if c.scarce() {
		most = scarceTransfer
	}
	m.stop = time.AfterFunc(most, c.Kill)
}

// discard gives everything back.
func (m *message) discard() {
	if !m.begun {
		return
	}
	m.begun = false
	m.stop.Stop()
	if m.reader != nil {
		_, _ = m.reader.end(os.ErrClosed)
	}
	if m.body != nil {
		m.body.Discard()
	}
	m.content.Release()
	contents.Put(m.content)
	m.content = nil
}

// trace is the field that stands before all others (RFC 5321 §4.4).
func (m *message) trace(b []byte) []byte {
	c := m.conn
	b = append(b, "Received: from "...)
	b = append(b, strings.Map(plainName, c.helo)...)
	b = append(b, " ("...)
	b = append(b, maildomain.AddressLiteral(c.remote.Addr())...)
	b = append(b, ")\r\n\tby "...)
	b = append(b, c.cfg.Names.Host...)
	b = append(b, " with "...)
	b = append(b, m.protocol()...)
	b = append(b, " id "...)
	b = append(b, m.id.String()...)
	b = append(b, ";\r\n\t"...)
	b = c.srv.st.Now().In(c.srv.zone).AppendFormat(b, "Mon, 2 Jan 2006 15:04:05 -0700")
	return append(b, "\r\n"...)
}

// plainName keeps what a client calls itself from being syntax.
func plainName(r rune) rune {
	if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune(".-_:[]", r) {
		return r
	}
	return '?'
}

// protocol for the Received field (RFC 3848, RFC 6531 §4.3).
func (m *message) protocol() string {
	c := m.conn
	switch {
	case !c.esmtp:
		return "SMTP"
	case c.mail.SMTPUTF8 && c.Secure:
		return "UTF8SMTPS"
	case c.mail.SMTPUTF8:
		return "UTF8SMTP"
	case c.Secure:
		return "ESMTPS"
	}
	return "ESMTP"
}

// header counts what it sees of the header section: a message in a loop is refused.
type header struct {
	content *content.Pass
	seen    int64
	hops    int
}

var receivedField = []byte("received:")

// Field implements content.Header.
func (h *header) Field(text []byte, n int) (before []byte, drop, open bool) {
	if len(text) == 0 {
		return nil, false, false
	}
	if h.seen += int64(n); h.seen > maxHeader {
		h.content.Refuse(wire.ErrHeaderSize)
	}
	if len(text) >= len(receivedField) && bytes.EqualFold(text[:len(receivedField)], receivedField) {
		if h.hops++; h.hops > maxHops {
			h.content.Refuse(wire.ErrLoop)
		}
	}
	return nil, false, true
}

// End implements content.Header.
func (h *header) End() []byte { return []byte("\r\n") }

// reading reads a report while it comes in, in a goroutine of its own, which ends with end.
type reading struct {
	*io.PipeWriter
	done chan struct{}
	mail *returned.Mail
	err  error
}

// read begins. If the parser panics, the mail counts as no report.
func read(panicked func(v any, stack []byte)) *reading {
	r, w := io.Pipe()
	is := &reading{PipeWriter: w, done: make(chan struct{})}
	go func() {
		defer close(is.done)
		is.parse(r, panicked)
		_, _ = io.Copy(io.Discard, r)
	}()
	return is
}

// end says that no more comes, and returns what was read. why is nil if the content was
// complete.
func (is *reading) end(why error) (*returned.Mail, error) {
	_ = is.CloseWithError(why)
	<-is.done
	return is.mail, is.err
}

// incoming is the message as handlers get it.
func (m *message) incoming() *Incoming {
	c := m.conn
	return &Incoming{Remote: c.remote, Port: c.port, TLS: c.TLSName(), Helo: c.helo, Sender: c.mail.From.Addr, Recipient: m.to,
		Received: c.srv.st.Now(), Size: m.content.Size, Body: m.body}
}

// data takes the content by DATA.
func (c *conn) data(arg string) {
	bad := c.ready()
	switch {
	case bad == nil && arg != "":
		bad = wire.ErrSyntax.With("DATA has no parameters")
	case bad == nil && c.msg.begun:
		bad = wire.ErrOrder.With("BDAT or RSET expected")
	}
	if bad != nil {
		c.reply(bad)
		return
	}
	c.msg.begin(false)
	c.Out = append(c.Out, okData...)
	if err := c.msg.content.ReadDots(&c.Stream, c.dataTime()); err != nil {
		c.cut(err)
		return
	}
	c.finish()
}

// ready reports whether content may come, or why not.
func (c *conn) ready() *wire.Reply {
	switch {
	case c.helo == "":
		return wire.ErrOrder.With("EHLO first")
	case !c.open:
		return wire.ErrOrder.With("MAIL first")
	case c.msg == nil:
		return wire.ErrOrder.With("no valid recipients, RCPT first")
	}
	return nil
}

// bdat takes a chunk of the content (RFC 3030).
func (c *conn) bdat(arg string) {
	ch, bad := wire.ParseChunk(arg)
	if bad != nil { // nobody knows where the chunk ends
		c.end(bad)
		return
	}
	if bad := c.ready(); bad != nil { // the chunk comes all the same (RFC 3030 §2)
		if c.Skip(ch.Size, c.cfg.MaxMessage, c.dataTime()) != nil {
			c.Dead, c.Lost = true, true
			return
		}
		c.reply(bad)
		return
	}
	m := c.msg
	if !m.begun {
		m.begin(true)
	}
	if err := m.content.ReadChunk(&c.Stream, ch.Size, c.dataTime()); err != nil {
		c.cut(err)
		return
	}
	switch fault := m.content.Fault; {
	case ch.Last:
		c.finish()
	case fault != nil:
		c.forget()
		c.reply(replyTo(fault))
	default:
		if ch.Size > 0 { // content has a limit of its own
			c.commands = 0
		}
		c.reply(wire.OkChunk)
	}
}

// cut ends the connection in the middle of content.
func (c *conn) cut(err error) {
	fault := c.msg.content.Fault
	c.forget()
	switch {
	case fault != nil && (err == fault || errors.Is(err, os.ErrDeadlineExceeded)):
		c.Dead = false
		c.end(replyTo(fault))
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.end(wire.ErrSlow)
	default:
		c.Dead, c.Lost = true, true
	}
}

// finish ends the content, and answers it when what it asks for is done.
func (c *conn) finish() {
	m := c.msg
	err := m.content.Finish()
	if err == nil {
		if err = c.srv.take(m); err == nil {
			c.srv.meters.Messages.Add(m.kind, 1)
		}
	}
	id := m.id.String()
	c.forget()
	switch {
	case err == nil:
		c.messages++
		c.since = time.Now()
		c.errors, c.commands = 0, 0
		c.reply(okTaken.With("%s", id))
	case c.srv.st.Err() != nil: // it may be stored or not: only silence says so
		c.Dead, c.Lost = true, true
	default:
		r := replyTo(err)
		if r == wire.ErrLocal || r == wire.ErrFull {
			c.srv.events.failed(c, err)
		}
		c.reply(r)
	}
}
