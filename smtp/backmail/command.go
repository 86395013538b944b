package backmail

import (
	"strings"

	"relay/smtp/wire"
	"relay/store/maildomain"
	"relay/store/mailsyntax"
)

// command runs one line.
func (c *conn) command(line []byte) {
	if !c.inBounds() {
		return
	}
	if wire.HasControl(line) {
		c.reply(wire.ErrOctets)
		return
	}
	verb, arg := wire.SplitCommand(line)
	switch verb {
	case "EHLO", "HELO":
		c.hello(verb, arg)
	case "MAIL":
		c.answer(c.from(arg), wire.OkMail)
	case "RCPT":
		c.answer(c.to(arg), wire.OkRcpt)
	case "DATA":
		c.data(arg)
	case "BDAT":
		c.bdat(arg)
	case "STARTTLS":
		c.startTLS(arg)
	case "RSET":
		c.forget()
		c.reply(wire.OkReset)
	case "QUIT":
		c.end(wire.OkQuit)
	case "NOOP":
		c.reply(wire.OkNoop)
	case "VRFY":
		c.reply(wire.OkVrfy)
	case "AUTH", "EXPN", "HELP", "TURN", "ETRN", "SEND", "SOML", "SAML":
		c.reply(wire.ErrNotHere)
	default:
		if wire.IsHTTP(line) {
			c.end(wire.ErrHTTP)
			return
		}
		c.reply(wire.ErrUnknown)
	}
}

// answer says why not, or ok.
func (c *conn) answer(no, ok *wire.Reply) {
	if no == nil {
		no = ok
	}
	c.reply(no)
}

func (c *conn) hello(verb, name string) {
	name, _, _ = strings.Cut(name, " ")
	if name == "" || len(name) > maildomain.MaxLength {
		c.reply(wire.ErrSyntax.With("%s needs a domain or address", verb))
		return
	}
	c.forget()
	c.helo, c.esmtp, c.code = name, verb == "EHLO", 250
	switch {
	case !c.esmtp:
		c.Out = append(c.Out, "250 "+c.cfg.Names.Host+"\r\n"...)
	case c.Secure:
		c.Out = append(c.Out, c.cfg.ehlo[1]...)
	default:
		c.Out = append(c.Out, c.cfg.ehlo[0]...)
	}
}

// startTLS does the handshake. Nothing the client said before it counts
// (RFC 3207 §4.2), and nothing may have come after the command: that would be
// plaintext read as if it were protected.
func (c *conn) startTLS(arg string) {
	switch {
	case c.Secure || c.TLS == nil:
		c.reply(wire.ErrNotHere)
	case arg != "":
		c.reply(wire.ErrSyntax.With("STARTTLS has no parameters"))
	case c.open:
		c.reply(wire.ErrOrder.With("not in the middle of a message"))
	case c.Buffered() > 0:
		c.end(wire.ErrPipelined)
	default:
		c.reply(wire.OkTLS)
		if c.Flush() == nil && c.Handshake() == nil {
			c.helo = ""
		}
	}
}

// from begins a message. Any sender may report: its address proves nothing.
func (c *conn) from(arg string) *wire.Reply {
	switch {
	case c.helo == "":
		return wire.ErrOrder.With("EHLO first")
	case c.open:
		return wire.ErrOrder.With("one message at a time, RSET to begin anew")
	}
	a, bad := wire.ParseMail(arg)
	switch {
	case bad != nil:
		return bad
	case a.RequireTLS:
		return wire.ErrNoParam.With("REQUIRETLS of MAIL")
	case a.Size > c.cfg.MaxMessage:
		return wire.ErrTooLarge
	case c.srv.draining.Load():
		return wire.ErrDrain
	case c.messages >= maxMessages:
		return wire.ErrMessages
	case !c.exempt && !c.srv.pace.take(c.site, c.cfg.MessagesPerMinute):
		return errTooFast
	}
	c.mail, c.open = a, true
	return nil
}

// to takes the one recipient of a message: a report is to one address.
func (c *conn) to(arg string) *wire.Reply {
	switch {
	case !c.open:
		return wire.ErrOrder.With("MAIL first")
	case c.msg != nil && c.msg.begun:
		return wire.ErrOrder.With("BDAT or RSET expected")
	}
	address, bad := c.address(arg)
	if bad != nil {
		return bad
	}
	m := &message{conn: c, to: address}
	m.kind, m.token = c.cfg.Names.Find(address)
	if bad := c.admits(m); bad != nil {
		c.srv.events.refused(c, address, bad)
		return bad
	}
	if c.msg != nil && c.msg.to != address {
		return errOneRcpt
	}
	if c.msg == nil {
		c.msg = m
	}
	return nil
}

// address reads a forward-path. That of postmaster may have no domain (RFC 5321 §4.5.1).
// A source route asks for relaying, which is refused.
func (c *conn) address(arg string) (string, *wire.Reply) {
	path, ok := mailsyntax.CutPrefix(arg, "TO:")
	path = strings.TrimLeft(path, " \t")
	if rest, is := mailsyntax.CutPrefix(path, "<postmaster>"); ok && is {
		arg = "TO:<postmaster@" + c.cfg.Names.Host + ">" + rest
	}
	if strings.HasPrefix(path, "<@") {
		return "", errRelay
	}
	a, bad := wire.ParseRcpt(arg, c.mail.SMTPUTF8)
	return a.To.Addr, bad
}

// admits says why there is no such address here; nil: there is.
func (c *conn) admits(m *message) *wire.Reply {
	names := &c.cfg.Names
	switch m.kind {
	case None:
		if names.isDomain(m.to) {
			return errNobody
		}
		return errRelay
	case Token:
		if !c.srv.st.Delivered.KnowsToken(m.token) {
			return errNobody
		}
	case Test, Errors:
		if c.cfg.Answer == nil {
			return errNobody
		}
	case Postmaster:
		if !c.srv.floods.may(m.kind, c.site, c.srv.st.Now()) {
			return errFlood
		}
	}
	return nil
}

// forget ends the message that is open.
func (c *conn) forget() {
	if c.msg != nil {
		c.msg.discard()
	}
	c.open, c.msg = false, nil
}
