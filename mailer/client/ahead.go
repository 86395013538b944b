package client

import (
	"errors"
	"io"
	"os"
	"time"
)

// Ahead is where DeliverBefore gets the transaction that follows; the zero value:
// there is none.
type Ahead struct {
	Next func() *Envelope // nil: none after all

	// Sent is told when the end of the content has left with the commands of the
	// transaction from Next behind it: the time until they are answered can be used.
	Sent func()

	// Late is told once when the reply to the end of the content keeps the transaction
	// from Next waiting: the connection will be closed, it does better on another one.
	Late func()
}

const (
	prompt = time.Second      // within which a next hop answers that is worth to be sent commands ahead
	late   = 10 * time.Second // what they wait for
)

// DeliverBefore is Deliver, and begins the transaction that follows: where the next hop
// offers PIPELINING, and has answered the content before this one promptly, ahead is
// asked for it when the end of content is about to be sent, and its commands leave
// behind that end, in the same flight (RFC 2920 §3.1). So its replies come with the one
// to the content, and each message costs one round trip. DeliverBefore returns when the
// content is answered; the call of Deliver or DeliverBefore that follows must be for the
// envelope from ahead, with its content: nothing of that is sent before. Any other call,
// and Quit, closes the connection.
//
// Ahead is not asked when it would be in vain, and what it gave is not always begun:
// Deliver is called for it in any case.
func (c *Client) DeliverBefore(e *Envelope, content io.Reader, ahead Ahead) Result {
	t := c.transaction(e)
	t.ahead = ahead
	if err := t.run(content); err != nil {
		t.lost(err)
	}
	if t.short() {
		t.res.Dialogue = t.dialogue()
	}
	return t.res
}

// transaction is the one for e: that which is begun, or a new one.
func (c *Client) transaction(e *Envelope) *transaction {
	t := c.next
	c.next = nil
	if t != nil && t.e == e {
		return t
	}
	if t != nil {
		_ = c.Close() // the next hop waits for something else
	}
	return &transaction{c: c, e: e, res: Result{Rcpts: make([]Outcome, len(e.Rcpts)), Told: -1}}
}

// begin is what to send behind the end of the content: the commands of the next
// transaction as far as they may leave before they are answered; nil: there is none.
// Where a recipient was put off, another host is asked next.
func (t *transaction) begin() []byte {
	c := t.c
	if t.ahead.Next == nil || !c.ext.Pipelining || !c.prompt || t.putOff() {
		return nil
	}
	e := t.ahead.Next()
	if e == nil {
		return nil
	}
	n := c.transaction(e)
	n.check()
	if n.undecided() < len(e.Rcpts) || n.mayHaveUTF8() || len(e.Rcpts) == 0 {
		return nil // it needs more thought
	}
	n.commands()
	if len(c.behind) > maxFlight/2 {
		c.waiting = c.waiting[:0]
		return nil // too much to be read at once
	}
	n.begun, t.leads = true, true
	c.next = n
	c.count++
	return c.behind
}

// commands writes MAIL, RCPT and, where it may be in the same flight, DATA.
func (t *transaction) commands() {
	c := t.c
	c.waiting = append(c.waiting[:0], awaited{StageMail, 0})
	c.behind = appendMail(c.behind[:0], t.e, &c.ext, t.sender, t.utf8)
	for i := range t.e.Rcpts {
		c.waiting = append(c.waiting, awaited{StageRcpt, i})
		c.behind = appendRcpt(c.behind, &t.e.Rcpts[i], &c.ext, t.address(i))
	}
	if !t.chunk && !t.e.Whole {
		c.waiting = append(c.waiting, awaited{StageData, 0})
		c.behind = append(c.behind, "DATA\r\n"...)
	}
}

// putOff reports whether a recipient was refused for now.
func (t *transaction) putOff() bool {
	for i := range t.res.Rcpts {
		if r := t.res.Rcpts[i].Reply; r.Code != 0 && r.Temporary() {
			return true
		}
	}
	return false
}

// misled reports whether nobody was accepted, and by replies that may be about the
// way the commands came: such as say so, or a refusal of the first MAIL that came so.
func (t *transaction) misled() bool {
	switch {
	case !t.mail.Delivered():
		return baffled(t.mail) || t.mail.Permanent() && !t.c.steady
	case t.anyAccepted():
		return t.data.Permanent()
	}
	for i := range t.res.Rcpts {
		if r := t.res.Rcpts[i].Reply; r.Code != 0 && !baffled(r) {
			return false
		}
	}
	return true
}

// baffled reports whether a reply says that a command is not known, or not here.
func baffled(r Reply) bool { return r.Code >= 500 && r.Code <= 504 && r.Code != 501 }

// forget takes back refusals that may be about the way the commands came.
func (t *transaction) forget() {
	for i := range t.res.Rcpts {
		if o := &t.res.Rcpts[i]; o.Stage < StageEnd && baffled(o.Reply) {
			*o = Outcome{}
		}
	}
}

// doubtful reports whether a connection that was lost at a stage may have been for the
// way the transaction was sent: something was tried that the connection had not
// answered before.
func (t *transaction) doubtful(lost Stage) bool {
	c := t.c
	switch {
	case lost == StageEnd:
		return t.leads && !c.steady || t.chunk && !c.chunked
	case lost >= StageMail && lost <= StageData:
		return t.begun && !c.steady
	}
	return false
}

// waitForEnd waits for the first octet of the reply to the end of the content, and
// gives the transaction that was begun behind it up when that is late.
func (t *transaction) waitForEnd() {
	c := t.c
	if c.next == nil {
		return
	}
	_ = c.raw.SetReadDeadline(time.Now().Add(late)) // an error will come again
	if _, err := c.in.br.Peek(1); errors.Is(err, os.ErrDeadlineExceeded) {
		c.next = nil
		if t.ahead.Late != nil {
			t.ahead.Late()
		}
	}
}
