package smtp

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"
)

// Conn stands between a client and go-smtp. It owns what go-smtp leaves open:
// TLS, deadlines, limits, when to write, and what a command line may look like.
//
// Only the connection's own goroutine uses it; poke and kill are for others.
type Conn struct {
	srv    *Server
	cfg    *settings
	raw    net.Conn // the socket
	cur    net.Conn // raw, or TLS over it
	mode   Mode
	secure bool // TLS is on

	addr    netip.Addr
	client  string       // addr as text
	exempt  bool         // from what is counted by address: loopback, or a proxy itself
	site    netip.Prefix // for which the connection is counted; zero: none
	proxied bool         // a PROXY header is still to come

	session session
	begun   time.Time // the connection
	known   bool      // who sends here: logged in, or known by its network

	buf      []byte // backing of in
	in       []byte // read, not used yet
	out      []byte // replies that wait for the next read
	give     []byte // what go-smtp reads next
	tail     bool   // in is the rest of a line that is refused
	deadline time.Time

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

	dead   bool // nothing is read any more
	lost   bool // nothing can be written any more
	closed bool
	idle   atomic.Bool // waits for a command, may be poked
}

// from takes note of the client's address.
func (c *Conn) from(a netip.Addr) {
	c.addr, c.client = a, a.String()
	c.exempt = a.IsLoopback() || c.cfg.isProxy(a)
}

// admit counts the connection for its address, or has it turned away: banned, or
// too many from there. late: the connection was counted before its address was
// known. It reports false when there is no time even for that.
func (c *Conn) admit(late bool) bool {
	if c.exempt {
		return true
	}
	s := site(c.addr)
	ban := c.srv.guard.banned(s)
	switch {
	case ban.Network.IsValid():
		c.away = bannedReply(ban)
	case late && c.srv.gate.crowded(room(c.cfg.Connections, c.srv.knows(c.addr))):
		c.away = errBusy
	case !c.srv.gate.enterAddress(s, c.cfg.ConnectionsPerAddress):
		c.away = errBusyAddr
	default:
		c.site = s
		return true
	}
	c.srv.events.turnedAway(c, c.away)
	return c.srv.gate.turnAway()
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
		if c.dead {
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
		c.dead = true
		then()
	}
}

// stop ends the session for an error of reading.
func (c *Conn) stop(err error) {
	switch {
	case c.srv.draining.Load():
		c.end(errDrain)
	case !errors.Is(err, os.ErrDeadlineExceeded):
		c.dead, c.lost = true, true
	case c.untilLogin() <= 0:
		c.end(errNoLogin)
	default:
		c.end(errIdle)
	}
}

// end says a last reply. Nothing that still comes is read as a command.
func (c *Conn) end(r *reply) {
	if !c.dead {
		c.out = r.appendTo(c.out)
	}
	c.dead = true
	c.give = nil
}

// fill reads more behind what is there. A line has to be complete within one
// idle time: only its first octets set the deadline. Before login it has to be
// complete within what is left of that time, even if its beginning was read with the
// line before.
func (c *Conn) fill(idle, first bool) error {
	if err := c.flush(); err != nil {
		return err
	}
	if len(c.buf)-len(c.in) < 1024 {
		c.buf = make([]byte, max(4<<10, 2*len(c.in)))
	}
	if len(c.in) == 0 || &c.in[0] != &c.buf[0] {
		c.in = c.buf[:copy(c.buf, c.in)]
	}
	if left := c.untilLogin(); first || left < c.cfg.IdleTimeout {
		c.arm(min(c.cfg.IdleTimeout, left))
	}
	if idle {
		c.idle.Store(true)
		defer c.idle.Store(false)
		if c.srv.draining.Load() {
			return os.ErrDeadlineExceeded
		}
	}
	n, err := c.cur.Read(c.buf[len(c.in):])
	c.in = c.buf[:len(c.in)+n]
	if n > 0 {
		return nil
	}
	return err
}

// content reads octets of a message: first those that are here already.
func (c *Conn) content(b []byte, wait time.Duration) (int, error) {
	if len(c.in) > 0 {
		n := copy(b, c.in)
		c.in = c.in[n:]
		return n, nil
	}
	if err := c.flush(); err != nil {
		return 0, err
	}
	c.arm(wait)
	return c.cur.Read(b)
}

// unread puts back what was read beyond a message. in is empty.
func (c *Conn) unread(rest []byte) {
	if len(rest) > len(c.buf) {
		c.buf = make([]byte, len(rest))
	}
	c.in = c.buf[:copy(c.buf, rest)]
}

// arm gives the client that much time from now, for reading and writing. A
// deadline that has an eighth less left is left alone: it costs a tenth of what
// setting it does to look.
func (c *Conn) arm(wait time.Duration) {
	want := time.Now().Add(wait)
	if d := want.Sub(c.deadline); d < 0 || d > wait/8 {
		_ = c.raw.SetDeadline(want)
		c.deadline = want
	}
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
			c.out = append(c.out, c.sayBytes...)
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
	c.out = append(c.out, b...)
	if last {
		c.sent(int(b[0]-'0')*100 + int(b[1]-'0')*10 + int(b[2]-'0'))
	}
	return n, nil
}

// reply says one line of our own.
func (c *Conn) reply(r *reply) {
	c.out = r.appendTo(c.out)
	c.sent(r.code)
}

// sent counts a complete reply.
func (c *Conn) sent(code int) {
	c.code = code
	if isMistake(code) || c.blame {
		c.blame = false
		if c.errors++; c.errors >= c.cfg.Errors && c.bye == nil {
			c.bye = errErrors
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

// flush writes what was said.
func (c *Conn) flush() error {
	if c.lost {
		return net.ErrClosed
	}
	if c.mode == Implicit && !c.secure {
		if err := c.handshake(); err != nil {
			return err
		}
	}
	if len(c.out) == 0 {
		return nil
	}
	c.arm(c.cfg.IdleTimeout)
	_, err := c.cur.Write(c.out)
	if c.out = c.out[:0]; cap(c.out) > 4<<10 {
		c.out = nil
	}
	if err != nil {
		c.lost, c.dead = true, true
	}
	return err
}

// Close says what is still to be said and ends the connection.
func (c *Conn) Close() error {
	if c.closed {
		return nil
	}
	cut := c.dead // by us: the client may still be sending
	c.closed, c.dead = true, true
	if !c.lost {
		_ = c.raw.SetDeadline(time.Now().Add(handshakeTime))
		if c.flush() == nil && cut {
			c.linger()
		}
	}
	err := c.cur.Close()
	c.session.leave()
	c.srv.remove(c)
	return err
}

// linger reads away what the client still sends for a moment: closing a socket
// with unread octets would reset it, and the client might not see the reply.
func (c *Conn) linger() {
	w, ok := c.raw.(interface{ CloseWrite() error })
	if !ok {
		return
	}
	if t, ok := c.cur.(*tls.Conn); ok {
		_ = t.CloseWrite()
	}
	if w.CloseWrite() != nil {
		return
	}
	_ = c.raw.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.CopyN(io.Discard, c.raw, lingerOctets)
}

// poke interrupts the wait for a command. Any goroutine may call it.
func (c *Conn) poke() {
	if c.idle.Load() {
		_ = c.raw.SetReadDeadline(time.Unix(1, 0))
	}
}

// kill ends the connection at once. Any goroutine may call it.
func (c *Conn) kill() { _ = c.raw.Close() }

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.raw.LocalAddr() }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.raw.RemoteAddr() }

// SetDeadline implements net.Conn. Deadlines are Conn's own: this does nothing.
func (c *Conn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn and does nothing.
func (c *Conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn and does nothing.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }

// handshake makes cur a TLS connection. It may be interrupted like a wait for a
// command.
func (c *Conn) handshake() error {
	_ = c.raw.SetDeadline(time.Now().Add(min(handshakeTime, c.untilLogin())))
	c.deadline = time.Time{}
	c.idle.Store(true)
	defer c.idle.Store(false)
	t := tls.Server(c.cur, c.cfg.tls)
	err := net.ErrClosed
	if !c.srv.draining.Load() {
		err = t.Handshake()
	}
	if err != nil {
		c.srv.events.handshakeFailed(c, err)
		c.dead, c.lost = true, true
		return err
	}
	c.cur, c.secure = t, true
	if c.mode == StartTLS {
		ackNow(c.raw)
	}
	return nil
}
