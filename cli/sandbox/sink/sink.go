// Package sink is the next hop of a sandbox: an SMTP server on loopback that accepts the
// mail that would have left the machine, and reports it.
//
//  1. MAIL, RCPT: accepted, unless the local part asks for trouble (see trouble);
//  2. DATA: the content is counted, searched for its subject and, if there is a folder,
//     written to a file in it;
//  3. the file gets its name, Taken is called, and the reply is 250.
//
// A message that cannot be written gets 451. A crash leaves at most a file whose name
// begins with a dot.
package sink

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"sync"
	"time"

	gosmtp "github.com/emersion/go-smtp"
)

// Config of a Sink.
type Config struct {
	Now    func() time.Time // for the time of messages and the names of files; nil: time.Now
	Folder *Folder          // where messages are kept; nil: they are not

	// Taken and Refused are called for each message, one at a time.
	Taken   func(*Message)
	Refused func(*Refusal)
}

// Message is an accepted message.
type Message struct {
	Time    time.Time
	From    string // "" is the null reverse-path
	To      []string
	Size    int64  // octets of content
	Subject string // decoded; not safe for a terminal: the sender wrote it
	File    string // where it is kept; "": it is not
}

// Refusal is a refused recipient, or a message that could not be kept.
type Refusal struct {
	Time  time.Time
	From  string
	To    []string
	Reply string // "550 5.1.1 ..."
}

// Sink is the server.
type Sink struct {
	cfg     Config
	trouble trouble
	tell    sync.Mutex
}

// New returns a sink; Run starts it.
func New(c Config) *Sink {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Sink{cfg: c}
}

// Run serves ln until ctx is done, closes it and all connections, and returns when they
// have ended.
func (s *Sink) Run(ctx context.Context, ln net.Listener) error {
	open := &openConns{Listener: ln, conns: map[net.Conn]struct{}{}}
	srv := gosmtp.NewServer(gosmtp.BackendFunc(func(*gosmtp.Conn) (gosmtp.Session, error) {
		return &session{sink: s}, nil
	}))
	srv.Domain = "localhost"
	srv.EnableSMTPUTF8, srv.EnableDSN, srv.EnableBINARYMIME = true, true, true
	srv.ReadTimeout, srv.WriteTimeout = 10*time.Minute, time.Minute
	srv.ErrorLog = log.New(io.Discard, "", 0) // broken connections are no news
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	err := srv.Serve(open)
	open.closeAll()
	err = errors.Join(err, srv.Shutdown(context.Background()))
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *Sink) taken(m *Message) {
	s.tell.Lock()
	defer s.tell.Unlock()
	if s.cfg.Taken != nil {
		s.cfg.Taken(m)
	}
}

// refuse reports that mail from this sender to these recipients is refused, and returns
// the reply.
func (s *Sink) refuse(reply *gosmtp.SMTPError, from string, to ...string) error {
	s.tell.Lock()
	defer s.tell.Unlock()
	if s.cfg.Refused != nil {
		s.cfg.Refused(&Refusal{Time: s.cfg.Now(), From: from, To: to, Reply: replyText(reply)})
	}
	return reply
}

// session is one connection.
type session struct {
	sink *Sink
	from string
	to   []string
}

var _ gosmtp.Session = (*session)(nil)

// Reset implements gosmtp.Session.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout implements gosmtp.Session.
func (s *session) Logout() error { return nil }

// Mail implements gosmtp.Session.
func (s *session) Mail(from string, _ *gosmtp.MailOptions) error {
	s.from, s.to = from, nil
	return nil
}

// Rcpt implements gosmtp.Session.
func (s *session) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	if reply := s.sink.trouble.reply(s.from, to); reply != nil {
		return s.sink.refuse(reply, s.from, to)
	}
	s.to = append(s.to, to)
	return nil
}

// Data implements gosmtp.Session.
func (s *session) Data(r io.Reader) error {
	m := &Message{Time: s.sink.cfg.Now(), From: s.from, To: s.to}
	err := s.sink.receive(m, r)
	if k, ok := errors.AsType[*keepError](err); ok {
		reply := &gosmtp.SMTPError{Code: 451, EnhancedCode: gosmtp.EnhancedCode{4, 3, 0}, Message: "cannot keep it: " + k.err.Error()}
		return s.sink.refuse(reply, s.from, s.to...)
	}
	if err != nil {
		return err // the client is gone
	}
	s.sink.taken(m)
	return nil
}

// openConns is a listener that keeps the connections it has accepted, to close them.
type openConns struct {
	net.Listener
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// Accept implements net.Listener.
func (o *openConns) Accept() (net.Conn, error) {
	c, err := o.Listener.Accept()
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conns[c] = struct{}{}
	return &openConn{c, o}, nil
}

func (o *openConns) closeAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c := range o.conns {
		_ = c.Close()
	}
}

type openConn struct {
	net.Conn
	of *openConns
}

// Close implements net.Conn.
func (c *openConn) Close() error {
	c.of.mu.Lock()
	delete(c.of.conns, c.Conn)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
