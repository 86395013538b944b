package backmail

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"time"

	"relay/smtp/wire"
)

// Limits that are not worth a setting.
const (
	maxCommands  = 500 // between two accepted messages
	maxMessages  = 1000
	maxHops      = 50               // Received fields (RFC 5321 §6.3)
	maxHeader    = 256 << 10        // octets of a header section
	maxTextLine  = 16 << 10         // octets of a line of content: reports quote what no host should have sent
	transferTime = 30 * time.Minute // for one message: strangers must not hold connections for ever
	bringTime    = 10 * time.Minute // without a message that is taken
)

// The same where three of four connections are open: those who bring nothing make room.
const (
	scarceTransfer = 5 * time.Minute
	scarceBring    = 20 * time.Second
	scarceData     = 20 * time.Second // between two pieces of content
)

// conn is one client. Only its own goroutine uses it.
type conn struct {
	wire.Stream
	srv    *Server
	cfg    *settings
	remote netip.AddrPort
	port   uint16 // of this machine
	site   netip.Prefix
	exempt bool // from limits by address: loopback, or a proxy itself

	proxied bool        // a PROXY header is still to come
	counted bool        // for its address
	away    *wire.Reply // said instead of a greeting

	helo     string
	esmtp    bool
	mail     wire.MailArgs
	open     bool      // MAIL was said
	msg      *message  // its recipient was said; nil: it was not
	code     int       // of the last reply
	errors   int       // since the last accepted message
	commands int       // likewise
	messages int       // accepted
	since    time.Time // of the last accepted message, or of the beginning
}

func newConn(s *Server, raw net.Conn) *conn {
	c := &conn{srv: s, cfg: s.set.Load(), since: time.Now(), port: addrOf(raw.LocalAddr()).Port()}
	c.comesFrom(addrOf(raw.RemoteAddr()))
	c.proxied = c.cfg.Proxies.Has(c.remote.Addr())
	c.Raw, c.Cur, c.TLS, c.Idle = raw, raw, c.cfg.tls, c.cfg.IdleTimeout
	c.Left, c.Stopping, c.Failed = c.untilMessage, s.draining.Load, func(err error) { s.events.handshakeFailed(c, err) }
	return c
}

// comesFrom takes note of the client's address.
func (c *conn) comesFrom(a netip.AddrPort) {
	c.remote, c.site = a, wire.Site(a.Addr())
	c.exempt = a.Addr().IsLoopback() || c.cfg.Proxies.Has(a.Addr())
}

func addrOf(a net.Addr) netip.AddrPort {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
}

// scarce reports whether connections are about to run out. Loopback always has time.
func (c *conn) scarce() bool {
	return !c.exempt && c.srv.gate.Crowded(c.cfg.Connections-c.cfg.Connections/4)
}

// untilMessage is how long the client has left until a message must have been taken.
func (c *conn) untilMessage() time.Duration {
	switch {
	case c.exempt:
		return wire.NoLimit
	case c.scarce():
		return time.Until(c.since.Add(scarceBring))
	}
	return time.Until(c.since.Add(bringTime))
}

// dataTime is how long a piece of content may take.
func (c *conn) dataTime() time.Duration {
	if c.scarce() {
		return min(c.cfg.DataTimeout, scarceData)
	}
	return c.cfg.DataTimeout
}

// counts is the network for which the connection is counted; zero: none.
func (c *conn) counts() netip.Prefix {
	if !c.counted {
		return netip.Prefix{}
	}
	return c.site
}

// serve runs from the greeting to the end.
func (c *conn) serve() {
	defer c.close()
	defer func() {
		if v := recover(); v != nil {
			c.srv.events.panicked(c, v, debug.Stack())
			c.Dead = true
		}
	}()
	if c.proxied && !c.introduce() {
		return
	}
	if c.away != nil {
		c.srv.events.turnedAway(c, c.away)
		c.end(c.away)
		return
	}
	c.Out = append(c.Out, "220 "+c.cfg.Names.Host+" ESMTP for mail that comes back\r\n"...)
	for !c.Dead {
		line, err := c.Line(wire.MaxLine, true)
		if err != nil {
			c.refuse(err)
			continue
		}
		c.command(line)
	}
}

// introduce takes the client's address from the PROXY header of a listed proxy, and counts the
// connection for it. false ends the connection without a word.
func (c *conn) introduce() bool {
	client, err := c.Introduce()
	switch {
	case err == nil && client.IsValid():
		c.comesFrom(client)
	case err != nil && !errors.Is(err, wire.ErrGone):
		c.srv.events.proxyBroken(c, err)
	}
	if err != nil || c.away == nil && !c.admit() {
		c.Dead, c.Lost = true, true
		return false
	}
	return true
}

// admit counts the connection for its address, or has it turned away. It reports false when
// there is no time even for that.
func (c *conn) admit() bool {
	switch {
	case c.exempt:
	case c.srv.gate.EnterAddress(c.site, c.cfg.ConnectionsPerAddress):
		c.counted = true
	default:
		c.away = wire.ErrBusyAddr
		return c.srv.gate.TurnAway()
	}
	return true
}

func (c *conn) close() {
	c.forget()
	_ = c.End(c.Dead)
	c.srv.remove(c)
}

// refuse answers a line that cannot be read as a command, or ends the session if there is no
// line. A BDAT that cannot be read ends it too: its chunk cannot be told from commands.
func (c *conn) refuse(err error) {
	u, unfit := errors.AsType[*wire.Unfit](err)
	r, isReply := errors.AsType[*wire.Reply](err)
	switch {
	case isReply:
		c.end(r)
	case !unfit:
		c.stop(err)
	case wire.IsHTTP(u.Text):
		c.end(wire.ErrHTTP)
	case u.Verb() == "BDAT":
		c.end(wire.ErrChunkLost)
	case u.Seen || !c.inBounds():
	case u.BareLF:
		c.reply(wire.ErrBareLF)
	default:
		c.reply(wire.ErrLineLimit)
	}
}

// stop ends the session for an error of reading.
func (c *conn) stop(err error) {
	switch {
	case c.srv.draining.Load():
		c.end(wire.ErrDrain)
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.end(wire.ErrIdle)
	default:
		c.Dead, c.Lost = true, true
	}
}

// end says a last reply. Nothing that still comes is read as a command.
func (c *conn) end(r *wire.Reply) {
	if !c.Dead {
		c.Out = r.AppendTo(c.Out)
		c.srv.meters.said(r)
	}
	c.Dead, c.code = true, r.Code
}

// reply says one line. A permanent refusal counts as a mistake of the client; too many end the
// connection.
func (c *conn) reply(r *wire.Reply) {
	c.Out = r.AppendTo(c.Out)
	c.srv.meters.said(r)
	if c.code = r.Code; r.Code >= 500 {
		if c.errors++; c.errors >= c.cfg.Errors {
			c.end(wire.ErrErrors)
		}
	}
	if r.Code == 421 {
		c.Dead = true
	}
}

// inBounds counts a command, and reports false when that was one too many, which ends
// the session.
func (c *conn) inBounds() bool {
	if c.commands++; c.commands > maxCommands {
		c.end(wire.ErrCommands)
		return false
	}
	return true
}
