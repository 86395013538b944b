package client

import "relay/store/mailsyntax"

// Ask says MAIL and RCPT for the first recipient of an envelope, and RSET: nothing is sent.
// The outcome is the reply that decided.
func (c *Client) Ask(e *Envelope) (Outcome, *ConnError) {
	utf8 := c.ext.SMTPUTF8 && (e.SMTPUTF8 || !mailsyntax.IsASCII(e.Rcpts[0].Address))
	line := func(b []byte) string { return string(b[:len(b)-2]) }
	out := Outcome{Stage: StageMail}
	r, err := c.command(StageMail, c.times.Mail, line(appendMail(nil, e, &c.ext, e.Sender, utf8)), nil)
	if err == nil && r.Delivered() {
		out.Stage = StageRcpt
		r, err = c.command(StageRcpt, c.times.Rcpt, line(appendRcpt(nil, &e.Rcpts[0], &c.ext, e.Rcpts[0].Address)), nil)
	}
	if err != nil {
		return out, err
	}
	out.Reply = r
	_, err = c.command(StageReset, c.times.Hello, "RSET", nil)
	return out, err
}
