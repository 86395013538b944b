package wire

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Times and lengths that are not worth a setting.
const (
	HandshakeTime = 30 * time.Second
	FaultTime     = 5 * time.Second // how long the end of a refused DATA is waited for
	LingerOctets  = 1 << 20
	lingerTime    = 300 * time.Millisecond
)

// Stream is a client's connection: its lines and content, deadlines, TLS, and replies,
// which are written together when the client has to be waited for.
//
// Only the connection's own goroutine uses it; Poke and Kill are for others.
type Stream struct {
	Raw      net.Conn // the socket
	Cur      net.Conn // Raw, or TLS over it
	TLS      *tls.Config
	Implicit bool // TLS begins before the first reply
	Secure   bool // TLS is on

	Idle     time.Duration        // between two commands
	Left     func() time.Duration // that the client has in all; nil: no end
	Stopping func() bool          // the listener ends: no command is waited for; nil: never
	Failed   func(error)          // tells a handshake that failed; nil: nobody asks

	Out  []byte // replies that wait for the next read
	Dead bool   // nothing is read any more
	Lost bool   // nothing can be written any more

	buf      []byte             // backing of in
	lent     *[firstBuffer]byte // the first buf, given back at the end; nil: not needed yet
	in       []byte             // read, not used yet
	tail     bool               // in is the rest of a line that is refused
	deadline time.Time
	idle     atomic.Bool // waits for a command, may be poked
}

func (s *Stream) left() time.Duration {
	if s.Left == nil {
		return s.Idle
	}
	return s.Left()
}

func (s *Stream) stopping() bool { return s.Stopping != nil && s.Stopping() }

// Buffered is how many octets were read and not used.
func (s *Stream) Buffered() int { return len(s.in) }

// firstBuffer is what commands are read into. Most connections need no more.
const firstBuffer = 4 << 10

var buffers = sync.Pool{New: func() any { return new([firstBuffer]byte) }}

// fill reads more behind what is there. A line has to be complete within one
// idle time: only its first octets set the deadline. Where the client has less left, it
// has to be complete within that, even if its beginning was read with the line before.
func (s *Stream) fill(idle, first bool) error {
	if err := s.Flush(); err != nil {
		return err
	}
	switch {
	case s.buf == nil:
		s.lent = buffers.Get().(*[firstBuffer]byte)
		s.buf = s.lent[:]
	case len(s.buf)-len(s.in) < 1024:
		s.buf = make([]byte, max(firstBuffer, 2*len(s.in)))
	}
	if len(s.in) == 0 || &s.in[0] != &s.buf[0] {
		s.in = s.buf[:copy(s.buf, s.in)]
	}
	if left := s.left(); first || left < s.Idle {
		s.arm(min(s.Idle, left))
	}
	if idle {
		defer s.Busy()
		if !s.Await() {
			return os.ErrDeadlineExceeded
		}
	}
	n, err := s.Cur.Read(s.buf[len(s.in):])
	s.in = s.buf[:len(s.in)+n]
	if n > 0 {
		return nil
	}
	return err
}

// Await begins a wait that Poke ends, until Busy. It reports false where the listener ends
// already.
func (s *Stream) Await() bool {
	s.idle.Store(true)
	return !s.stopping()
}

// Busy ends such a wait.
func (s *Stream) Busy() { s.idle.Store(false) }

// Content reads octets of a message: first those that are here already.
func (s *Stream) Content(b []byte, wait time.Duration) (int, error) {
	if len(s.in) > 0 {
		n := copy(b, s.in)
		s.in = s.in[n:]
		return n, nil
	}
	if err := s.Flush(); err != nil {
		return 0, err
	}
	s.arm(wait)
	return s.Cur.Read(b)
}

// Unread puts back what was read beyond a message. Nothing else is read and not used.
func (s *Stream) Unread(rest []byte) {
	if len(rest) > len(s.buf) {
		s.buf = make([]byte, len(rest))
	}
	s.in = s.buf[:copy(s.buf, rest)]
}

// PutBack makes line the next one to be read.
func (s *Stream) PutBack(line []byte) {
	rest := append(append([]byte(nil), line...), '\r', '\n')
	s.Unread(append(rest, s.in...))
}

// arm gives the client that much time from now, for reading and writing. A
// deadline that has an eighth less left is left alone: it costs a tenth of what
// setting it does to look.
func (s *Stream) arm(wait time.Duration) {
	want := time.Now().Add(wait)
	if d := want.Sub(s.deadline); d < 0 || d > wait/8 {
		_ = s.Raw.SetDeadline(want)
		s.deadline = want
	}
}

// Rearm forgets the deadline, which another hand has moved.
func (s *Stream) Rearm() { s.deadline = time.Time{} }

// Flush writes what was said.
func (s *Stream) Flush() error {
	if s.Lost {
		return net.ErrClosed
	}
	if s.Implicit && !s.Secure {
		if err := s.Handshake(); err != nil {
			return err
		}
	}
	if len(s.Out) == 0 {
		return nil
	}
	s.arm(s.Idle)
	_, err := s.Cur.Write(s.Out)
	if s.Out = s.Out[:0]; cap(s.Out) > 4<<10 {
		s.Out = nil
	}
	if err != nil {
		s.Lost, s.Dead = true, true
	}
	return err
}

// Handshake makes Cur a TLS connection. It may be interrupted like a wait for a
// command.
func (s *Stream) Handshake() error {
	_ = s.Raw.SetDeadline(time.Now().Add(min(HandshakeTime, s.left())))
	s.Rearm()
	t := tls.Server(s.Cur, s.TLS)
	defer s.Busy()
	err := net.ErrClosed
	if s.Await() {
		err = t.Handshake()
	}
	if err != nil {
		if s.Failed != nil {
			s.Failed(err)
		}
		s.Dead, s.Lost = true, true
		return err
	}
	s.Cur, s.Secure = t, true
	if !s.Implicit {
		ackNow(s.Raw)
	}
	return nil
}

// End says what is still to be said and closes the socket. A client that is cut off may
// still be sending, and is given a moment to read the last reply. No line that was read may be
// used after that.
func (s *Stream) End(cut bool) error {
	if !s.Lost {
		_ = s.Raw.SetDeadline(time.Now().Add(HandshakeTime))
		if s.Flush() == nil && cut {
			s.linger()
		}
	}
	err := s.Cur.Close()
	if s.lent != nil {
		buffers.Put(s.lent)
		s.lent, s.buf, s.in = nil, nil, nil // nothing may look at what another connection reads
	}
	return err
}

// linger reads away what the client still sends for a moment: closing a socket
// with unread octets would reset it, and the client might not see the reply.
func (s *Stream) linger() {
	w, ok := s.Raw.(interface{ CloseWrite() error })
	if !ok {
		return
	}
	if t, ok := s.Cur.(*tls.Conn); ok {
		_ = t.CloseWrite()
	}
	if w.CloseWrite() != nil {
		return
	}
	_ = s.Raw.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.CopyN(io.Discard, s.Raw, LingerOctets)
}

// Poke interrupts the wait for a command. Any goroutine may call it.
func (s *Stream) Poke() {
	if s.idle.Load() {
		_ = s.Raw.SetReadDeadline(time.Unix(1, 0))
	}
}

// Kill ends the connection at once. Any goroutine may call it.
func (s *Stream) Kill() { _ = s.Raw.Close() }

// TLSName is the version and cipher of the connection, as "TLS 1.3, TLS_AES_128_GCM_SHA256";
// "": it is in clear.
func (s *Stream) TLSName() string {
	t, ok := s.Cur.(*tls.Conn)
	if !ok {
		return ""
	}
	state := t.ConnectionState()
	return tls.VersionName(state.Version) + ", " + tls.CipherSuiteName(state.CipherSuite)
}
