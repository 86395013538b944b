package smtp

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"strconv"
	"time"

	"relay/smtp/wire"
)

// Conn stands between a client and go-smtp. It owns what go-smtp leaves open:
// limits, what a command line may look like and, in its Stream, TLS, deadlines and when
// to write.
//
// Only the connection's own goroutine uses it; Poke and Kill are for others.
type Conn struct {
	wire.Stream
	srv  *Server
	cfg  *settings
	mode Mode

	addr    netip.Addr
	client  string       // addr as text
	exempt  bool         // from what is counted by address: loopback, or a proxy itself
	site    netip.Prefix // for which the connection is counted; zero: none
	proxied bool         // a PROXY header is still to come

	session session
	begun   time.Time // the connection
	known   bool      // who sends here: logged in, or known by its network

	give []byte // what go-smtp reads next

	say      *reply // takes the place of go-smtp's next reply
	sayBytes []byte // the same, several lines
	mute     bool   // go-smtp's next reply is dropped
	bye      *reply // follows the next reply and ends the connection
	code     int    // of the last reply
	greeted  bool
	away     *reply // said instead of a greeting

	blame    bool // go-smtp's next reply counts as a mistake
	errors   int  // mistakes of the client since the last accepted message
	commands int  // since the last accepted message
	messages int  // accepted
	failed   int  // logins

	closed bool
}

// begin has the stream run on a socket.
func (c *Conn) begin(raw net.Conn) {
	c.Raw, c.Cur, c.TLS, c.Implicit = raw, raw, c.cfg.tls, c.mode == Implicit
	c.Idle, c.Left, c.Stopping = c.cfg.IdleTimeout, c.untilLogin, c.srv.draining.Load
	c.Failed = func(err error) { c.srv.events.handshakeFailed(c, err) }
}

// from takes note of the client's address.
func (c *Conn) from(a netip.Addr) {
	c.addr, c.client = a, a.String()
	c.exempt = a.IsLoopback() || c.cfg.Proxies.Has(a)
}

// admit counts the connection for its address, or has it turned away: banned, or
// too many from there. late: the connection was counted before its address was
// known. It reports false when there is no time even for that.
func (c *Conn) admit(late bool) bool {
	if c.exempt {
		return true
	}
	s := wire.Site(c.addr)
	ban := c.srv.guard.Banned(s)
	switch {
	case ban.Network.IsValid():
		c.away = bannedReply(ban)
	case late && c.srv.gate.Crowded(wire.Room(c.cfg.Connections, c.srv.knows(c.addr))):
		c.away = wire.ErrBusy
	case !c.srv.gate.EnterAddress(s, c.cfg.ConnectionsPerAddress):
		c.away = wire.ErrBusyAddr
	default:
		c.site = s
		return true
	}
	c.srv.events.turnedAway(c, c.away)
	return c.srv.gate.TurnAway()
}

// minutes that are left until then, rounded up.
func minutes(until time.Time) string {
	return strconv.Itoa(int(time.Until(until).Minutes())+1) + " min"
}

// Read gives go-smtp one command line, or what Data left for it. All that can be
// answered without go-smtp is answered here.
func (c *Conn) Read(b []byte) (n int, err error) {
	defer c.survive(func() { n, err = 0, io.EOF })
	for len(c.give) == 0 {
		if c.Dead {
			return 0, io.EOF
		}
		line, err := c.line(true)
		if err != nil {
			c.give = c.refuse(err)
			continue
		}
		c.give = c.command(line)
	}
	n = copy(b, c.give)
	c.give = c.give[n:]
	return n, nil
}

// survive ends the connection where a panic would end the relay: go-smtp recovers
// only inside commands.
func (c *Conn) survive(then func()) {
	if v := recover(); v != nil {
		c.srv.events.panicked(c, v, debug.Stack())
		c.Dead = true
		then()
	}
}

// stop ends the session for an error of reading.
func (c *Conn) stop(err error) {
	switch {
	case c.srv.draining.Load():
		c.end(wire.ErrDrain)
	case !errors.Is(err, os.ErrDeadlineExceeded):
		c.Dead, c.Lost = true, true
	case c.untilLogin() <= 0:
		c.end(errNoLogin)
	default:
		c.end(wire.ErrIdle)
	}
}

// end says a last reply. Nothing that still comes is read as a command.
func (c *Conn) end(r *reply) {
	if !c.Dead {
		c.Out = r.AppendTo(c.Out)
		c.srv.meters.said(r)
	}
	c.Dead = true
	c.give = nil
}

// Write takes a reply line of go-smtp. Lines wait until the client's next
// command has to be waited for, so that a pipelined flight is one write.
func (c *Conn) Write(b []byte) (int, error) {
	n := len(b)
	last := n > 3 && b[3] == ' '
	switch {
	case !c.greeted:
		c.greeted = true
		if c.proxied && !c.introduce() {
			return n, nil
		}
		if c.away != nil {
			c.end(c.away)
			return n, nil
		}
	case c.mute:
		c.mute = !last
		return n, nil
	case c.sayBytes != nil:
		if last {
			c.Out = append(c.Out, c.sayBytes...)
			c.sayBytes, c.code = nil, 250
		}
		return n, nil
	case c.say != nil:
		if r := c.say; last {
			c.say = nil
			c.reply(r)
		}
		return n, nil
	}
	c.Out = append(c.Out, b...)
	if last {
		c.srv.meters.saidLine(b)
		c.sent(int(b[0]-'0')*100 + int(b[1]-'0')*10 + int(b[2]-'0'))
	}
	return n, nil
}

// reply says one line of our own.
func (c *Conn) reply(r *reply) {
	c.Out = r.AppendTo(c.Out)
	c.srv.meters.said(r)
	c.sent(r.Code)
}

// sent counts a complete reply.
func (c *Conn) sent(code int) {
	c.code = code
	if isMistake(code) || c.blame {
		c.blame = false
		if c.errors++; c.errors >= c.cfg.Errors && c.bye == nil {
			c.bye = wire.ErrErrors
		}
	}
	if c.bye != nil {
		r := c.bye
		c.bye = nil
		c.end(r)
	}
}

// isMistake: the client does not speak the protocol. What policy refuses counts once
// a message (session.blame), and the many 503 that follow when MAIL is refused in a
// flight not at all.
func isMistake(code int) bool {
	switch code {
	case 500, 501, 502, 504, 530, 535, 538, 555:
		return true
	}
	return false
}

// Close says what is still to be said and ends the connection.
func (c *Conn) Close() error {
	if c.closed {
		return nil
	}
	cut := c.Dead // by us: the client may still be sending
	c.closed, c.Dead, c.give = true, true, nil
	err := c.End(cut)
	c.session.leave()
	c.srv.remove(c)
	return err
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.Raw.LocalAddr() }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.Raw.RemoteAddr() }

// SetDeadline implements net.Conn. Deadlines are Conn's own: this does nothing.
func (c *Conn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn and does nothing.
func (c *Conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn and does nothing.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }
