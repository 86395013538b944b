package smtp

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"relay/store/maildomain"
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
	if bytes.IndexFunc(line, isControl) >= 0 {
		c.reply(errOctets)
		return nil
	}
	verb, arg := splitCommand(line)
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
		c.say = okQuit
		return giveQuit
	case "NOOP":
		c.reply(okNoop)
	case "VRFY":
		c.reply(okVrfy)
	case "EXPN", "HELP", "TURN", "ETRN", "SEND", "SOML", "SAML":
		c.reply(errNotHere)
	default:
		if isHTTP(line) {
			c.srv.events.notMail(c)
			c.end(errHTTP)
			return nil
		}
		c.reply(errUnknown)
	}
	return nil
}

// counts counts a command, and reports false when that was one too many, which ends
// the session.
func (c *Conn) counts() bool {
	c.commands++
	switch {
	case c.commands > maxCommands:
		c.end(errCommands)
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
		_, c.known = c.srv.st.NetworkAccount(c.addr)
	}
	return c.known
}

// untilLogin is how long the client has left to log in: no limit once it has, or where
// its network is known.
func (c *Conn) untilLogin() time.Duration {
	if c.isKnown() {
		return noLimit
	}
	return time.Until(c.begun.Add(timeToLogin))
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// splitCommand cuts the verb off, in upper case.
func splitCommand(line []byte) (verb, arg string) {
	v, a := line, []byte(nil)
	if i := bytes.IndexAny(line, " \t"); i >= 0 {
		v, a = line[:i], line[i+1:]
	}
	var up [8]byte
	if len(v) > len(up) {
		return "", ""
	}
	for i, b := range v {
		if 'a' <= b && b <= 'z' {
			b -= 'a' - 'A'
		}
		up[i] = b
	}
	switch s := up[:len(v)]; string(s) { // the usual ones without an allocation
	case "MAIL":
		verb = "MAIL"
	case "RCPT":
		verb = "RCPT"
	case "DATA":
		verb = "DATA"
	case "BDAT":
		verb = "BDAT"
	default:
		verb = string(s)
	}
	return verb, string(bytes.TrimSpace(a))
}

// hello answers EHLO and HELO; go-smtp takes note of it.
func (c *Conn) hello(verb, name string) []byte {
	name, _, _ = strings.Cut(name, " ")
	if name == "" || len(name) > maildomain.MaxLength {
		c.reply(errSyntax.with("%s needs a domain or address", verb))
		return nil
	}
	c.session.helo, c.session.esmtp = true, verb == "EHLO"
	if c.session.esmtp {
		c.sayBytes = c.cfg.hello(c.mode, c.secure)
	} else {
		c.sayBytes = c.cfg.helo
	}
	return []byte(verb + " client\r\n") // its name is nothing that we use
}

// inOrder checks what needs a greeting first.
func (c *Conn) inOrder() bool {
	if !c.session.helo {
		c.reply(errOrder.with("EHLO first"))
	}
	return c.session.helo
}

func (c *Conn) mail(arg string) []byte {
	if !c.inOrder() {
		return nil
	}
	if c.session.open {
		c.reply(errOrder.with("one message at a time, RSET to begin anew"))
		return nil
	}
	a, bad := parseMail(arg)
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
		c.reply(errOrder.with("MAIL first"))
		return nil
	}
	a, bad := parseRcpt(arg, c.session.mail.utf8)
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
		return errOrder.with("EHLO first")
	case !s.open:
		return errOrder.with("MAIL first")
	case s.refused != nil:
		return s.refused
	case len(s.msg.Recipients) == 0:
		return errOrder.with("no valid recipients, RCPT first")
	}
	return nil
}

func (c *Conn) data(arg string) []byte {
	bad := c.ready()
	if bad == nil && arg != "" {
		bad = errSyntax.with("DATA has no parameters")
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
	ch, bad := parseChunk(arg)
	if bad != nil { // nobody knows where the chunk ends
		c.reply(bad)
		c.dead = true
		return nil
	}
	if bad := c.ready(); bad != nil { // the chunk comes all the same (RFC 3030 §2)
		if err := c.skip(ch.size); err != nil {
			c.dead, c.lost = true, true
			return nil
		}
		c.reply(bad)
		return nil
	}
	c.session.chunked, c.session.chunk = true, ch
	c.mute = true // no 354
	return giveData
}

// chunk is what a BDAT command announces.
type chunk struct {
	size int64
	last bool
}

func parseChunk(arg string) (ch chunk, bad *reply) {
	size, last, _ := strings.Cut(arg, " ")
	n, err := strconv.ParseUint(size, 10, 62)
	if err != nil || last != "" && !strings.EqualFold(strings.TrimSpace(last), "LAST") {
		return ch, errSyntax.with("BDAT size [LAST] expected, closing")
	}
	return chunk{int64(n), last != ""}, nil
}

func (c *Conn) rset(arg string) []byte {
	if arg != "" {
		c.reply(errSyntax.with("RSET has no parameters"))
		return nil
	}
	c.say = okReset
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
		bad = errOrder.with("EHLO first")
	case !c.secure:
		bad = errEncryptFirst
	case s.login.Login != "":
		bad = errAgain
	case s.open:
		bad = errOrder.with("not in the middle of a message")
	case mech == "":
		bad = errSyntax.with("AUTH mechanism expected")
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
	case c.secure || c.mode != StartTLS:
		c.reply(errNotHere)
		return
	case arg != "":
		c.reply(errSyntax.with("STARTTLS has no parameters"))
		return
	case c.session.open:
		c.reply(errOrder.with("not in the middle of a message"))
		return
	case len(c.in) > 0:
		c.end(errPipelined)
		c.code = errPipelined.code
		return
	}
	c.reply(okTLS)
	if c.flush() != nil || c.handshake() != nil {
		return
	}
	c.session.helo = false
}
