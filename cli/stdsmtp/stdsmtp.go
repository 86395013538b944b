// Package stdsmtp speaks SMTP on a program's standard streams, as sendmail -bs does
// for programs that talk to a pipe instead of a port.
//
//  1. Serve answers the client's commands until QUIT, or the end of its input;
//  2. each message is handed to Take with its envelope; what that returns is the
//     answer to its content, and the only 250 that counts.
//
// Nothing is kept here: after a crash the client has no answer, and sends again.
package stdsmtp

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"sync"
	"time"

	gosmtp "github.com/emersion/go-smtp"
)

// Reply is an answer to a message.
type Reply struct {
	Code     int
	Enhanced [3]int
	Text     string
}

// Config of a conversation.
type Config struct {
	Hostname   string
	MaxMessage int64 // octets

	// Take gets a message. It must read content to its end, unless it refuses.
	Take func(from string, to []string, content io.Reader) Reply
}

// maxLine of what a program writes; longer ones are cut where the message is read.
const maxLine = 1 << 20

// Serve speaks with one client, and returns when it has gone.
func Serve(in io.Reader, out io.Writer, cfg Config) error {
	c := &conn{in: in, out: out, over: make(chan struct{})}
	s := gosmtp.NewServer(gosmtp.BackendFunc(func(*gosmtp.Conn) (gosmtp.Session, error) { return &session{cfg: &cfg}, nil }))
	s.Domain, s.MaxMessageBytes, s.MaxLineLength = cfg.Hostname, cfg.MaxMessage, maxLine
	s.ErrorLog = log.New(io.Discard, "", 0) // the client hears it
	if err := s.Serve(&listener{conn: c}); !errors.Is(err, io.EOF) {
		return err
	}
	return c.failed()
}

// session is the envelope that the client is about to send.
type session struct {
	cfg  *Config
	from string
	to   []string
}

func (s *session) Reset() { s.from, s.to = "", nil }

func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *gosmtp.MailOptions) error {
	s.from, s.to = from, nil
	return nil
}

func (s *session) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

// Data answers with what Take says, also with its 250.
func (s *session) Data(r io.Reader) error {
	said := s.cfg.Take(s.from, s.to, r)
	return &gosmtp.SMTPError{Code: said.Code, EnhancedCode: said.Enhanced, Message: said.Text}
}

// listener has one connection, and ends with it.
type listener struct {
	conn *conn
	once sync.Once
}

func (l *listener) Accept() (c net.Conn, err error) {
	l.once.Do(func() { c = l.conn })
	if c == nil {
		<-l.conn.over
		return nil, io.EOF
	}
	return c, nil
}

func (l *listener) Close() error   { return nil }
func (l *listener) Addr() net.Addr { return streams{} }

// conn is the two streams as one connection. They have no deadlines: who calls
// waits, and its end is the end of the input.
type conn struct {
	in   io.Reader
	out  io.Writer
	over chan struct{} // closed with it
	once sync.Once

	mu  sync.Mutex
	err error // of a stream, not its end
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.in.Read(b)
	return n, c.note(err)
}

func (c *conn) Write(b []byte) (int, error) {
	if _, err := c.out.Write(plain(b)); err != nil {
		return 0, c.note(err)
	}
	return len(b), nil
}

// plain says relay's words for an envelope in place of the library's, which are
// written in one piece each.
func plain(reply []byte) []byte {
	switch {
	case bytes.HasPrefix(reply, []byte("250 2.0.0 Roger, ")):
		return []byte("250 2.1.0 sender ok\r\n")
	case bytes.HasPrefix(reply, []byte("250 2.0.0 I'll make sure ")):
		return []byte("250 2.1.5 recipient ok\r\n")
	}
	return reply
}

func (c *conn) note(err error) error {
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.err = errors.Join(c.err, err)
	}
	return err
}

func (c *conn) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *conn) Close() error {
	c.once.Do(func() { close(c.over) })
	return nil
}

func (c *conn) LocalAddr() net.Addr              { return streams{} }
func (c *conn) RemoteAddr() net.Addr             { return streams{} }
func (c *conn) SetDeadline(time.Time) error      { return nil }
func (c *conn) SetReadDeadline(time.Time) error  { return nil }
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// streams is the address of both ends.
type streams struct{}

func (streams) Network() string { return "stdio" }
func (streams) String() string  { return "standard streams" }
