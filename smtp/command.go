package smtp

import (
	"encoding/base64"
	"strings"
	"time"

	"relay/smtp/content"
	"relay/smtp/wire"
	"relay/store/maildomain"
	"relay/store/mailsyntax"
)

// What go-smtp is given in place of a command that is parsed already: it keeps
// the order of the session, the session looks at what was parsed.
var (
	giveMail = []byte("MAIL FROM:<>\r\n")
	giveRcpt = []byte("RCPT TO:<a@b>\r\n")
	giveData = []byte("DATA\r\n")
	giveDot  = []byte(".\r\n")
	giveQuit = []byte("QUIT\r\n")
	giveRset = []byte("RSET\r\n")
)

// command handles one line. What it returns is for go-smtp; nil: it is answered.
func (c *Conn) command(line []byte) []byte {
	if c.code == 334 {
		return c.response(line)
	}
	if !c.counts() {
		return nil
	}
	if wire.HasControl(line) {
		c.reply(wire.ErrOctets)
		return nil
	}
	verb, arg := wire.SplitCommand(line)
	switch verb {
	case "EHLO", "HELO":
		return c.hello(verb, arg)
	case "MAIL":
		return c.mail(arg)
	case "RCPT":
		return c.rcpt(arg)
	case "DATA":
		return c.data(arg)
	case "BDAT":
		return c.bdat(arg)
	case "AUTH":
		return c.auth(arg)
	case "STARTTLS":
		c.startTLS(arg)
	case "RSET":
		return c.rset(arg)
	case "QUIT":
		c.say = wire.OkQuit
		return giveQuit
	case "NOOP":
		c.reply(wire.OkNoop)
	case "VRFY":
		c.reply(wire.OkVrfy)
	case "EXPN", "HELP", "TURN", "ETRN", "SEND", "SOML", "SAML":
		c.reply(wire.ErrNotHere)
	default:
		if wire.IsHTTP(line) {
			c.srv.events.notMail(c)
			c.end(wire.ErrHTTP)
			return nil
		}
		c.reply(wire.ErrUnknown)
	}
	return nil
}

// counts counts a command, and reports false when that was one too many, which ends
// the session.
func (c *Conn) counts() bool {
	c.commands++
	switch {
	case c.commands > maxCommands:
		c.end(wire.ErrCommands)
	case c.commands > maxBeforeLogin && !c.isKnown():
		c.end(errNoLogin)
	default:
		return true
	}
	return false
}

// isKnown reports whether somebody is logged in, or known by the network.
func (c *Conn) isKnown() bool {
	if !c.known {
		c.known = c.session.login.Login != ""
	}
	if !c.known {
		_, c.known = c.srv.st.People.NetworkAccount(c.addr)
	}
	return c.known
}

// untilLogin is how long the client has left to log in: no limit once it has, or where
// its network is known.
func (c *Conn) untilLogin() time.Duration {
	if c.isKnown() {
		return wire.NoLimit
	}
	return time.Until(c.begun.Add(timeToLogin))
}

// hello answers EHLO and HELO; go-smtp takes note of it.
func (c *Conn) hello(verb, name string) []byte {
	name, _, _ = strings.Cut(name, " ")
	if name == "" || len(name) > maildomain.MaxLength {
		c.reply(wire.ErrSyntax.With("%s needs a domain or address", verb))
		return nil
	}
	c.session.helo, c.session.esmtp, c.session.program = true, verb == "EHLO", ofProgram(name)
	if c.session.esmtp {
		c.sayBytes = c.cfg.hello(c.mode, c.Secure)
	} else {
		c.sayBytes = c.cfg.helo
	}
	return []byte(verb + " client\r\n") // its name is nothing that we use
}

// ofProgram shortens the name that a program gives itself.
func ofProgram(text string) string {
	text = mailsyntax.ASCII(strings.TrimSpace(text))
	return text[:min(len(text), content.MaxProgram)]
}

// inOrder checks what needs a greeting first.
func (c *Conn) inOrder() bool {
	if !c.session.helo {
		c.reply(wire.ErrOrder.With("EHLO first"))
	}
	return c.session.helo
}

func (c *Conn) mail(arg string) []byte {
	if !c.inOrder() {
		return nil
	}
	if c.session.open {
		c.reply(wire.ErrOrder.With("one message at a time, RSET to begin anew"))
		return nil
	}
	a, bad := wire.ParseMail(arg)
	if bad != nil {
		c.reply(bad)
		return nil
	}
	c.session.mail = a
	return giveMail
}

func (c *Conn) rcpt(arg string) []byte {
	if !c.inOrder() {
		return nil
	}
	if !c.session.open {
		c.reply(wire.ErrOrder.With("MAIL first"))
		return nil
	}
	a, bad := wire.ParseRcpt(arg, c.session.mail.SMTPUTF8)
	if bad != nil {
		c.reply(bad)
		return nil
	}
	c.session.rcpt = a
	return giveRcpt
}

// ready reports whether content may come, or why not.
func (c *Conn) ready() *reply {
	s := &c.session
	switch {
	case !s.helo:
		return wire.ErrOrder.With("EHLO first")
	case !s.open:
		return wire.ErrOrder.With("MAIL first")
	case s.refused != nil:
		return s.refused
	case len(s.msg.Recipients) == 0:
		return wire.ErrOrder.With("no valid recipients, RCPT first")
	}
	return nil
}

func (c *Conn) data(arg string) []byte {
	bad := c.ready()
	if bad == nil && arg != "" {
		bad = wire.ErrSyntax.With("DATA has no parameters")
	}
	if bad != nil {
		c.reply(bad)
		return nil
	}
	c.session.chunked = false
	return giveData
}

// bdat turns a first BDAT into a DATA whose content Session.Data takes by chunks.
func (c *Conn) bdat(arg string) []byte {
	ch, bad := wire.ParseChunk(arg)
	if bad != nil { // nobody knows where the chunk ends
		c.reply(bad)
		c.Dead = true
		return nil
	}
	if bad := c.ready(); bad != nil { // the chunk comes all the same (RFC 3030 §2)
		if err := c.Skip(ch.Size, c.cfg.MaxMessage, c.cfg.DataTimeout); err != nil {
			c.Dead, c.Lost = true, true
			return nil
		}
		c.reply(bad)
		return nil
	}
	c.session.chunked, c.session.chunk = true, ch
	c.mute = true // no 354
	return giveData
}

func (c *Conn) rset(arg string) []byte {
	if arg != "" {
		c.reply(wire.ErrSyntax.With("RSET has no parameters"))
		return nil
	}
	c.say = wire.OkReset
	return giveRset
}

// auth lets an AUTH command through when it may be one (RFC 4954 §4).
func (c *Conn) auth(arg string) []byte {
	mech, initial := arg, ""
	if i := strings.IndexAny(arg, " \t"); i >= 0 {
		mech, initial = arg[:i], strings.TrimLeft(arg[i:], " \t")
	}
	initial, isBase64 := padded(initial)
	var bad *reply
	switch s := &c.session; {
	case !s.helo:
		bad = wire.ErrOrder.With("EHLO first")
	case !c.Secure:
		bad = errEncryptFirst
	case s.login.Login != "":
		bad = errAgain
	case s.open:
		bad = wire.ErrOrder.With("not in the middle of a message")
	case mech == "":
		bad = wire.ErrSyntax.With("AUTH mechanism expected")
	case !isBase64:
		bad = errBase64
	}
	if bad != nil {
		c.reply(bad)
		return nil
	}
	return []byte("AUTH " + mech + " " + initial + "\r\n")
}

// response lets a SASL response through; go-smtp's words for a bad one are not
// the RFC's.
func (c *Conn) response(line []byte) []byte {
	s := strings.Trim(string(line), " \t")
	if s == "*" {
		c.say = errAuthCancelled
	} else if in, ok := padded(s); ok {
		s = in
	} else {
		c.say, s = errBase64, "!"
	}
	return []byte(s + "\r\n")
}

// padded is base64 with its padding, which some programs leave out; "=" stands for
// nothing (RFC 4954 §4).
func padded(s string) (string, bool) {
	if s == "" || s == "=" {
		return s, true
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	return base64.StdEncoding.EncodeToString(raw), err == nil && len(raw) > 0
}

// startTLS does the handshake. Nothing the client said before it counts
// (RFC 3207 §4.2), and nothing may have come after the command: that would be
// plaintext read as if it were protected.
func (c *Conn) startTLS(arg string) {
	switch {
	case c.Secure || c.mode != StartTLS:
		c.reply(wire.ErrNotHere)
		return
	case arg != "":
		c.reply(wire.ErrSyntax.With("STARTTLS has no parameters"))
		return
	case c.session.open:
		c.reply(wire.ErrOrder.With("not in the middle of a message"))
		return
	case c.Buffered() > 0:
		c.end(wire.ErrPipelined)
		c.code = wire.ErrPipelined.Code
		return
	}
	c.reply(wire.OkTLS)
	if c.Flush() != nil || c.Handshake() != nil {
		return
	}
	c.session.helo = false
}
