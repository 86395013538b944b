package client

import (
	"bufio"
	"errors"
	"io"
	"net"
	"time"
)

// maxFlight is how many octets of commands go out before replies are read. It
// is below what any connection holds in both directions (RFC 2920 §3.1), so that
// nobody waits for the other.
const maxFlight = 4000

// Deliver does one transaction. content is read once, through its WriteTo where
// it has one, and only if a recipient was accepted; its lines end in CRLF and its
// dots are not doubled. It has Close, not a context, to be stopped by.
func (c *Client) Deliver(e *Envelope, content io.Reader) Result {
	t := transaction{c: c, e: e, res: Result{Rcpts: make([]Outcome, len(e.Rcpts)), Told: -1}}
	if err := t.run(content); err != nil {
		t.lost(err)
	}
	return t.res
}

// transaction is one run of Deliver. A recipient is undecided as long as its
// reply has no code.
type transaction struct {
	c         *Client
	e         *Envelope
	res       Result
	sender    string   // as it is sent
	addresses []string // recipients as they are sent, where that is not as in e
	utf8      bool     // MAIL says SMTPUTF8

	mail Reply // to MAIL
	data Reply // to DATA
	deaf bool  // a recipient was accepted though MAIL was refused
}

// awaited is a reply to the flight that is still to come.
type awaited struct {
	stage Stage
	rcpt  int
}

func (t *transaction) run(content io.Reader) *ConnError {
	c := t.c
	if !c.Usable() {
		return &ConnError{Stage: StageMail, Err: net.ErrClosed}
	}
	content = t.check(content)
	if t.undecided() == 0 || t.stopped() {
		c.until = time.Time{} // the next transaction may be hours away
		return nil
	}
	c.reach(len(t.e.Rcpts))
	if err := c.quiet(); err != nil {
		return err
	}
	if !c.enter(phaseTalk) {
		return c.fail(StageMail, Reply{}, ErrInterrupted)
	}
	c.count++
	if err := t.envelope(); err != nil {
		return err
	}
	c.until = time.Time{}
	switch {
	case t.data.Code/100 != 3:
		c.reset = t.mail.Delivered()
		return nil
	case !t.anyAccepted() && t.deaf: // a lone dot would be an empty message to those
		return c.fail(StageData, Reply{}, ErrProtocol)
	case !t.anyAccepted():
		return t.loneDot()
	}
	return t.content(content)
}

// quiet looks for replies that nobody has asked for: a 421 of a next hop that
// has had enough, or the sign that the two of us are out of step.
func (c *Client) quiet() *ConnError {
	if c.in.br.Buffered() == 0 {
		return nil
	}
	if _, err := c.receive(StageMail, c.times.Mail, true, nil); err != nil {
		return err
	}
	return c.fail(StageMail, Reply{}, ErrProtocol)
}

// envelope sends RSET where it is needed, MAIL, RCPT and DATA: in one flight
// where PIPELINING is offered, else one by one.
func (t *transaction) envelope() *ConnError {
	c := t.c
	c.out = c.out[:0]
	c.accepted = append(c.accepted[:0], make([]bool, len(t.e.Rcpts))...)
	if c.reset {
		c.out = append(c.out, "RSET\r\n"...)
		if err := t.sent(StageReset, 0); err != nil {
			return err
		}
	}
	c.out = appendMail(c.out, t.e, &c.ext, t.sender, t.utf8)
	if err := t.sent(StageMail, 0); err != nil {
		return err
	}
	for i := range t.e.Rcpts {
		if t.res.Rcpts[i].Reply.Code != 0 { // refused by us, or MAIL was
			continue
		}
		c.out = appendRcpt(c.out, &t.e.Rcpts[i], &c.ext, t.address(i))
		if err := t.sent(StageRcpt, i); err != nil {
			return err
		}
	}
	if len(t.c.waiting) == 0 && !t.anyAccepted() {
		return nil // all refused, and DATA not said yet
	}
	if t.e.Whole {
		if err := t.flight(); err != nil || t.stopped() {
			return err
		}
	}
	c.out = append(c.out, "DATA\r\n"...)
	if err := t.sent(StageData, 0); err != nil {
		return err
	}
	return t.flight()
}

// sent notes that a command is in the buffer, and sends it where it cannot
// wait for others.
func (t *transaction) sent(st Stage, rcpt int) *ConnError {
	t.c.waiting = append(t.c.waiting, awaited{st, rcpt})
	if !t.c.ext.Pipelining || len(t.c.out) > maxFlight {
		return t.flight()
	}
	return nil
}

// flight sends the commands in the buffer and reads their replies.
func (t *transaction) flight() *ConnError {
	if len(t.c.waiting) == 0 {
		return nil
	}
	c := t.c
	if err := c.send(c.waiting[0].stage, c.times.Mail, c.out); err != nil {
		return err
	}
	c.out = c.out[:0]
	for _, w := range c.waiting {
		r, err := c.receive(w.stage, c.timeout(w.stage), false, nil)
		if err != nil {
			t.res.Pipelined = len(c.waiting) > 1 && err.Reply.Code == 0
			if w.stage == StageRcpt {
				t.res.Told = w.rcpt
			}
			return err
		}
		if err := t.answer(w, r); err != nil {
			return err
		}
	}
	c.waiting = c.waiting[:0]
	return nil
}

func (c *Client) timeout(st Stage) time.Duration {
	switch st {
	case StageMail:
		return c.times.Mail
	case StageRcpt:
		return c.times.Rcpt
	case StageData:
		return c.times.Data
	}
	return c.times.Hello
}

// answer takes the reply to one command of the envelope.
func (t *transaction) answer(w awaited, r Reply) *ConnError {
	if is3 := r.Code/100 == 3; is3 != (w.stage == StageData) && r.Code < 400 {
		return t.c.fail(w.stage, Reply{}, ErrProtocol)
	}
	switch w.stage {
	case StageReset:
		if !r.Delivered() {
			return t.c.fail(w.stage, Reply{}, ErrProtocol)
		}
		t.c.reset = false
	case StageMail:
		t.mail = r
		if !r.Delivered() {
			t.decide(r, StageMail, false)
		}
	case StageRcpt:
		switch {
		case !t.mail.Delivered():
			t.deaf = t.deaf || r.Delivered()
		case r.Delivered():
			t.c.accepted[w.rcpt] = true
		default:
			t.res.Rcpts[w.rcpt] = Outcome{Reply: r, Stage: StageRcpt}
		}
	case StageData:
		t.data = r
		if r.Code >= 400 {
			t.decide(r, StageData, false)
		}
	}
	return nil
}

// loneDot ends a DATA that was taken though every recipient was refused (RFC
// 2920 §3.1). What comes back is about nothing.
func (t *transaction) loneDot() *ConnError {
	c := t.c
	if err := c.send(StageContent, c.times.Block, []byte(".\r\n")); err != nil {
		return err
	}
	_, err := c.receive(StageEnd, c.times.End, false, nil)
	c.reset = true
	return err
}

// content sends the content; the reply to its end is that of every recipient
// accepted.
func (t *transaction) content(content io.Reader) *ConnError {
	c := t.c
	c.moves()
	if !c.enter(phaseContent) {
		return c.fail(StageContent, Reply{}, ErrInterrupted)
	}
	n, err := c.content(content)
	t.res.Octets = n
	if err != nil {
		return t.broken(err)
	}
	r, lost := c.receive(StageEnd, c.times.End, true, nil)
	if lost != nil {
		t.res.Uncertain = lost.Reply.Code == 0
		return lost
	}
	if r.Code < 400 && !r.Delivered() {
		t.res.Uncertain = true
		return c.fail(StageEnd, Reply{}, ErrProtocol)
	}
	t.decide(r, StageEnd, false)
	c.reset = !r.Delivered()
	return nil
}

// broken ends a transaction whose content could not be sent whole. There is no
// way to take back a DATA but to close. A next hop that closed first may have
// said why.
func (t *transaction) broken(err error) *ConnError {
	if we, ok := errors.AsType[*writeError](err); ok {
		r := t.c.farewell(we.err)
		if r.Code == 421 {
			return t.c.fail(StageContent, r, nil)
		}
		if r.Code >= 400 {
			t.decide(r, StageContent, false)
		}
		err = we.err
	}
	return t.c.fail(StageContent, Reply{}, err)
}

// lost ends a transaction with its connection.
func (t *transaction) lost(err *ConnError) {
	t.res.Err = err
	t.decide(err.Status(), err.Stage, err.Reply.Code == 0)
}

// decide gives a reply to everyone who has none yet.
func (t *transaction) decide(r Reply, st Stage, local bool) {
	for i := range t.res.Rcpts {
		if o := &t.res.Rcpts[i]; o.Reply.Code == 0 {
			*o = Outcome{Reply: r, Stage: st, Local: local}
		}
	}
}

// stopped reports that one recipient's refusal is everybody's.
func (t *transaction) stopped() bool {
	return t.e.Whole && t.undecided() < len(t.res.Rcpts)
}

func (t *transaction) undecided() int {
	n := 0
	for i := range t.res.Rcpts {
		if t.res.Rcpts[i].Reply.Code == 0 {
			n++
		}
	}
	return n
}

func (t *transaction) anyAccepted() bool {
	for _, ok := range t.c.accepted {
		if ok {
			return true
		}
	}
	return false
}

// address is recipient i as it is sent.
func (t *transaction) address(i int) string {
	if t.addresses != nil {
		return t.addresses[i]
	}
	return t.e.Rcpts[i].Address
}

// headerBuffer is how far check looks for UTF-8 in a header.
const headerBuffer = 64 << 10

// check refuses what the next hop cannot take, before it is sent. The content it
// returns is the one to send.
func (t *transaction) check(content io.Reader) io.Reader {
	e, x := t.e, &t.c.ext
	t.sender = e.Sender
	refuse := func(code, subject, detail int, text string) {
		t.decide(t.c.doubt(local(code, 5, subject, detail, text)), StageMail, true)
	}
	switch {
	case e.RequireTLS && (!x.RequireTLS || t.c.tls == nil): // RFC 8689 §4.2.1
		refuse(550, 7, 30, "the next hop does not support REQUIRETLS, which the message asks for")
	case x.Size > 0 && e.Size > x.Size:
		refuse(552, 3, 4, "the message is larger than the next hop accepts")
	case e.EightBit && !x.EightBitMIME:
		refuse(554, 6, 3, "the message has 8-bit content, which the next hop does not accept")
	case e.Sender != "" && !wellFormed(e.Sender):
		t.decide(local(553, 5, 1, 7, "the sender's address is not well-formed"), StageMail, true)
	}
	for i := range e.Rcpts {
		if o := &t.res.Rcpts[i]; o.Reply.Code == 0 && !wellFormed(e.Rcpts[i].Address) {
			*o = Outcome{Reply: local(553, 5, 1, 3, "the recipient's address is not well-formed"), Stage: StageRcpt, Local: true}
		}
	}
	if x.SMTPUTF8 {
		t.utf8 = e.SMTPUTF8 || !t.ascii()
		return content
	}
	t.downgrade()
	if e.SMTPUTF8 && e.EightBit && t.undecided() > 0 {
		br := bufio.NewReaderSize(content, headerBuffer)
		if b, _ := br.Peek(headerBuffer); !isASCII(string(b[:headerEnd(b)])) {
			refuse(554, 6, 9, "the message has UTF-8 in its header, which the next hop does not accept")
		}
		return br
	}
	return content
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
	ok := isASCII(t.e.Sender)
	for i := range t.e.Rcpts {
		ok = ok && isASCII(t.e.Rcpts[i].Address)
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
