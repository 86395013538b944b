package client

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gosmtp "github.com/emersion/go-smtp"
)

// hop is a next hop that keeps what it was given.
type hop struct {
	mu   sync.Mutex
	mail []string
	rcpt []string
	data [][]byte
}

func (h *hop) NewSession(*gosmtp.Conn) (gosmtp.Session, error) { return h, nil }
func (h *hop) Reset()                                          {}
func (h *hop) Logout() error                                   { return nil }

func (h *hop) Mail(from string, o *gosmtp.MailOptions) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mail = append(h.mail, from+" "+string(o.Body)+" "+string(o.Return)+" "+o.EnvelopeID)
	return nil
}

func (h *hop) Rcpt(to string, o *gosmtp.RcptOptions) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := to + " " + string(o.OriginalRecipientType) + ";" + o.OriginalRecipient
	for _, n := range o.Notify {
		s += " " + string(n)
	}
	h.rcpt = append(h.rcpt, s)
	if strings.HasPrefix(to, "no") {
		return &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	return nil
}

func (h *hop) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.data = append(h.data, b)
	return err
}

// one hands a single connection to a server.
type one struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *one) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *one) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *one) Addr() net.Addr { return &net.TCPAddr{} }

// writes counts the writes on a connection.
type writes struct {
	net.Conn
	n int
}

func (w *writes) Write(p []byte) (int, error) { w.n++; return w.Conn.Write(p) }

func TestClient_withGoSMTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hop{}
		s := gosmtp.NewServer(h)
		s.ErrorLog = log.New(io.Discard, "", 0)
		s.Domain, s.TLSConfig, s.EnableSMTPUTF8, s.EnableDSN = "mx.example", serverTLS(), true, true
		near, far := net.Pipe()
		l := &one{conns: make(chan net.Conn, 1), done: make(chan struct{})}
		l.conns <- far
		served := make(chan error)
		go func() { served <- s.Serve(l) }()

		conn := &writes{Conn: near}
		c, err := New(conn, Options{Hostname: "relay.example", TLS: TLSRequired, ServerName: "mx.example", TLSConfig: &tls.Config{RootCAs: serverRoots()}})
		if err != nil {
			t.Fatal(err)
		}
		content := []byte("Subject: ü\r\n\r\n" + strings.Repeat(".a line\r\n", 1100))
		for range 3 {
			conn.n = 0
			e := &Envelope{Sender: "ann@x.example", Size: int64(len(content)), EightBit: true, Ret: "FULL", EnvID: "a b",
				Rcpts: []Rcpt{{Address: "jörg@y.example", Notify: NotifySuccess | NotifyDelay, ORCPT: "rfc822;jörg@y.example"}, {Address: "nobody@y.example"}}}
			r := c.Deliver(e, bytes.NewReader(content))
			if r.Delivered() != 1 || r.Rcpts[1].Reply.String() != "550 5.1.1 no such user" || r.Err != nil {
				t.Fatalf("Deliver = %+v", r)
			}
			if conn.n != 2 {
				t.Errorf("%d writes, want 2: the envelope, the content", conn.n)
			}
		}
		if err := c.Quit(); err != nil {
			t.Errorf("Quit = %v", err)
		}
		_ = s.Close()
		<-served
		time.Sleep(time.Second) // virtual: sessions end
		if len(h.data) != 3 || !bytes.Equal(h.data[2], content) {
			t.Errorf("content arrived %d times, or changed", len(h.data))
		}
		if h.mail[0] != "ann@x.example 8BITMIME FULL a b" || h.rcpt[0] != "jörg@y.example UTF-8;jörg@y.example SUCCESS DELAY" {
			t.Errorf("envelope arrived as %q, %q", h.mail[0], h.rcpt[0])
		}
	})
}

// Messages in turn, each begun behind the end of the one before, of sizes that go in
// one write and in several, by BDAT and by DATA.
func TestClient_DeliverBefore_withGoSMTP(t *testing.T) {
	for _, mode := range []TLSMode{TLSNone, TLSRequired} {
		t.Run(fmt.Sprint("TLS mode ", mode), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { deliverInTurn(t, mode) })
		})
	}
}

func deliverInTurn(t *testing.T, mode TLSMode) {
	h := &hop{}
	s := gosmtp.NewServer(h)
	s.ErrorLog = log.New(io.Discard, "", 0)
	s.Domain, s.TLSConfig = "mx.example", serverTLS()
	near, far := net.Pipe()
	l := &one{conns: make(chan net.Conn, 1), done: make(chan struct{})}
	l.conns <- far
	served := make(chan error)
	go func() { served <- s.Serve(l) }()
	c, err := New(near, Options{Hostname: "relay.example", TLS: mode, TLSConfig: &tls.Config{RootCAs: serverRoots(), ServerName: "mx.example"}})
	if err != nil {
		t.Fatal(err)
	}
	var sent []string
	var list []*Envelope
	for _, lines := range []int{1, 300, 340, 350, 400, 440, 1000, 2790, 2800, 2900, 3276, 3277, 5000, 20000, 1} {
		sent = append(sent, strings.Repeat(".a line\r\n", lines)+strings.Repeat("x", lines%97)+"\r\n")
		e := envelope("b@y.example", "nobody@y.example")
		e.Size = int64(len(sent[len(sent)-1]))
		list = append(list, e)
	}
	c.prompt = true // as if others had gone before
	for i, e := range list {
		r := c.DeliverBefore(e, strings.NewReader(sent[i]), Ahead{Next: func() *Envelope {
			if i+1 < len(list) {
				return list[i+1]
			}
			return nil
		}})
		if r.Err != nil || r.Delivered() != 1 || r.Rcpts[1].Reply.Code != 550 {
			t.Fatalf("message %d of %d octets: %s %v", i, len(sent[i]), outcomes(r), r.Err)
		}
		if want := c.next != nil; want != (i+1 < len(list)) {
			t.Errorf("message %d: the next is begun: %v", i, want)
		}
	}
	_ = c.Quit()
	_ = s.Close()
	<-served
	time.Sleep(time.Second) // virtual: sessions end
	for i := range sent {
		if i >= len(h.data) || string(h.data[i]) != sent[i] {
			t.Fatalf("content %d changed", i)
		}
	}
	if c.Transactions() != len(sent) {
		t.Errorf("Transactions() = %d", c.Transactions())
	}
}
