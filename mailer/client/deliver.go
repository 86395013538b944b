package client

import (
	"errors"
	"io"
	"net"
	"time"
)

// maxFlight is how many octets of commands go out before replies are read. It
// is below what any connection holds in both directions (RFC 2920 §3.1), so that
// nobody waits for the other.
const maxFlight = 4000

// Deliver does one transaction. content is read once, and only if a recipient was
// accepted; its lines end in CRLF and its dots are not doubled. It has Close, not a
// context, to be stopped by.
func (c *Client) Deliver(e *Envelope, content io.Reader) Result {
	return c.DeliverBefore(e, content, Ahead{})
}

// transaction is one run of Deliver. A recipient is undecided as long as its
// reply has no code.
type transaction struct {
	c         *Client
	e         *Envelope
	ahead     Ahead
	res       Result
	sender    string   // as it is sent
	addresses []string // recipients as they are sent, where that is not as in e
	utf8      bool     // MAIL says SMTPUTF8
	chunk     bool     // the content goes by BDAT, if it is what the envelope says
	begun     bool     // its commands left behind the end of the one before
	leads     bool     // those of another one left behind its end

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
	if !t.begun {
		t.check()
		content = t.checkHeader(content)
	}
	if t.undecided() == 0 || t.stopped() {
		c.until = time.Time{} // the next transaction may be hours away
		return nil
	}
	c.reach(len(t.e.Rcpts))
	if err := t.talk(); err != nil {
		return err
	}
	c.until = time.Time{}
	if t.chunk && t.anyAccepted() && !t.stopped() {
		return t.sendChunk(content)
	}
	return t.afterData(content)
}

// talk has the envelope answered.
func (t *transaction) talk() *ConnError {
	c := t.c
	c.accepted = append(c.accepted[:0], make([]bool, len(t.e.Rcpts))...)
	if !t.begun {
		if err := c.quiet(); err != nil {
			return err
		}
	}
	if !c.enter(phaseTalk) {
		return c.fail(StageMail, Reply{}, ErrInterrupted)
	}
	if !t.begun {
		c.count++
		return t.envelope()
	}
	if err := t.replies(); err != nil {
		return err
	}
	t.res.Odd = t.misled()
	c.steady = c.steady || !t.res.Odd
	if t.e.Whole && !t.chunk && t.anyAccepted() && !t.stopped() {
		return t.sayData()
	}
	return nil
}

// afterData goes on when DATA was answered, or not said.
func (t *transaction) afterData(content io.Reader) *ConnError {
	c := t.c
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
	if t.chunk || t.e.Whole {
		if err := t.flight(); err != nil || t.chunk || t.stopped() {
			return err
		}
	}
	return t.sayData()
}

// sayData sends DATA, with the commands that are in the buffer.
func (t *transaction) sayData() *ConnError {
	t.c.out = append(t.c.out, "DATA\r\n"...)
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
	return t.replies()
}

// replies reads those that are to come.
func (t *transaction) replies() *ConnError {
	c := t.c
	for _, w := range c.waiting {
		r, err := c.receive(w.stage, c.timeout(w.stage), false, nil)
		if err != nil {
			t.res.Pipelined = len(c.waiting) > 1 && err.Reply.Code == 0 && !t.begun
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
	n, err := t.sendContent(content)
	t.res.Octets = n
	if err != nil {
		return t.broken(err)
	}
	return t.end()
}

// end reads the reply to the end of the content.
func (t *transaction) end() *ConnError {
	c := t.c
	sent := time.Now()
	t.waitForEnd()
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
	if t.chunk {
		t.judgeChunk(r)
	}
	if t.leads && c.next == nil {
		_ = c.Close()
	}
	c.reset = !r.Delivered() && c.next == nil
	c.prompt = time.Since(sent) < prompt
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
	if t.begun {
		t.forget()
	}
	t.res.Odd = err.Reply.Code == 0 && t.doubtful(err.Stage)
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
