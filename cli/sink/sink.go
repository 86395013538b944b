// Package sink is the next hop of a sandbox: an SMTP server on loopback that
// takes what would have left the machine, and tells it.
//
//  1. MAIL, RCPT: taken, unless the local part asks for trouble (see trouble);
//  2. DATA: the content is counted, looked through for its subject and, where a
//     folder is given, written to a file there;
//  3. the file gets its name, Taken is called, and 250 is said.
//
// A message that cannot be written is put off with 451. What a crash leaves is a
// file whose name begins with a dot.
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
	Now    func() time.Time // stamps messages and names of files; nil: time.Now
	Folder *Folder          // where messages are kept; nil: nowhere

	// Taken and Refused are told what happens, one at a time.
	Taken   func(*Message)
	Refused func(*Refusal)
}

// Message is one that was taken.
type Message struct {
	Time    time.Time
	From    string // "" is the null reverse-path
	To      []string
	Size    int64  // octets of content
	Subject string // decoded; whatever the sender wrote, terminals beware
	File    string // where it is kept; "": nowhere
}

// Refusal is a recipient that was not taken, or a message that could not be kept.
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

// New is a sink that does not run yet.
func New(c Config) *Sink {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Sink{cfg: c}
}

// Run serves ln until ctx is done, and closes it. It returns when all
// connections have ended; they are cut off.
func (s *Sink) Run(ctx context.Context, ln net.Listener) error {
	open := &openConns{Listener: ln, conns: map[net.Conn]struct{}{}}
	srv := gosmtp.NewServer(gosmtp.BackendFunc(func(*gosmtp.Conn) (gosmtp.Session, error) {
		return &session{sink: s}, nil
	}))
	srv.Domain = "localhost"
	srv.EnableSMTPUTF8, srv.EnableDSN, srv.EnableBINARYMIME = true, true, true
	srv.ReadTimeout, srv.WriteTimeout = 10*time.Minute, time.Minute
	srv.ErrorLog = log.New(io.Discard, "", 0) // connections that broke off
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

// refuse tells that from's mail to those recipients is not taken, and returns
// the reply.
func (s *Sink) refuse(reply *gosmtp.SMTPError, from string, to ...string) error {
	s.tell.Lock()
	defer s.tell.Unlock()
	if s.cfg.Refused != nil {
		s.cfg.Refused(&Refusal{Time: s.cfg.Now(), From: from, To: to, Reply: replyText(reply)})
	}
	return reply
}

// session is a connection.
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
	if cannot, ok := errors.AsType[*cannotKeep](err); ok {
		reply := &gosmtp.SMTPError{Code: 451, EnhancedCode: gosmtp.EnhancedCode{4, 3, 0}, Message: "cannot keep it: " + cannot.err.Error()}
		return s.sink.refuse(reply, s.from, s.to...)
	}
	if err != nil {
		return err // the client is gone
	}
	s.sink.taken(m)
	return nil
}

// openConns knows the connections that it has accepted.
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
