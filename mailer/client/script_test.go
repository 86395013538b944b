package client

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// script plays a next hop: lines "C: ..." are what the client has to say,
// "S: ..." what it is told, all lines in a row in one write. "S| ..." is sent as
// it is, with \r and \n spelled out. "TLS" does the server's side of a
// handshake, "WAIT 1m" sleeps, "READ" reads a
// piece of whatever comes, "FLIGHT" fails unless all C lines that follow
// came in one write, "CLOSE" closes. At the end the connection is read until the
// client closes it; nothing more may come.
type script struct {
	t    *testing.T
	conn net.Conn
	br   *bufio.Reader
	out  strings.Builder
}

// play runs client against a script in a bubble.
func play(t *testing.T, text string, client func(net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			s := &script{t: t, conn: far, br: bufio.NewReader(far)}
			s.run(text)
		}()
		client(addressed{near})
		_ = near.Close()
		<-done
	})
}

// addressed is a pipe that seems to lead to loopback.
type addressed struct{ net.Conn }

func (addressed) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 25} }

func (s *script) run(text string) {
	defer s.conn.Close()
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		line = strings.TrimLeft(line, "\t ")
		verb, arg, _ := strings.Cut(line, " ")
		if verb != "S:" && verb != "S|" && !s.flush() {
			return
		}
		switch verb {
		case "S:":
			s.out.WriteString(arg + "\r\n")
		case "S|":
			s.out.WriteString(strings.NewReplacer(`\r`, "\r", `\n`, "\n", `\x00`, "\x00", `\xff`, "\xff").Replace(arg))
		case "C:":
			got, err := s.br.ReadString('\n')
			if err != nil || got != arg+"\r\n" {
				s.t.Errorf("client said %q (%v), want %q", got, err, arg)
				return
			}
		case "FLIGHT":
			if s.br.Buffered() != 0 {
				s.t.Errorf("before %s: client was ahead", arg)
			}
			if _, err := s.br.Peek(1); err != nil {
				s.t.Errorf("flight: %v", err)
				return
			}
			all, _ := s.br.Peek(s.br.Buffered())
			if !strings.HasSuffix(string(all), arg+"\r\n") {
				s.t.Errorf("flight %q does not end in %q", all, arg)
			}
		case "TLS":
			conn := tls.Server(s.conn, serverTLS())
			if err := conn.Handshake(); err != nil {
				return
			}
			s.conn, s.br = conn, bufio.NewReader(conn)
		case "WAIT":
			d, err := time.ParseDuration(arg)
			if err != nil {
				s.t.Error(err)
			}
			time.Sleep(d)
		case "READ":
			_, _ = s.conn.Read(make([]byte, 4096))
		case "CLOSE":
			return
		case "":
		default:
			s.t.Errorf("script: %q", line)
		}
	}
	if s.flush() {
		if rest, _ := io.ReadAll(s.br); len(rest) > 0 {
			s.t.Errorf("client said more: %q", rest)
		}
	}
}

func (s *script) flush() bool {
	if s.out.Len() == 0 {
		return true
	}
	_, err := io.WriteString(s.conn, s.out.String())
	s.out.Reset()
	return err == nil
}

var serverTLS = sync.OnceValue(func() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"mx.example"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
})

// serverRoots trust serverTLS.
func serverRoots() *x509.CertPool {
	leaf, err := x509.ParseCertificate(serverTLS().Certificates[0].Certificate[0])
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return pool
}

// hello is the start of a session with the given extensions.
func hello(extensions ...string) string {
	s := "S: 220 mx.example ESMTP\nC: EHLO relay.example\nS: 250-mx.example\n"
	for _, x := range extensions {
		s += "S: 250-" + x + "\n"
	}
	return s + "S: 250 HELP\n"
}

// open is New with the usual options; it fails the test on an error.
func open(t *testing.T, conn net.Conn) *Client {
	t.Helper()
	c, err := New(conn, Options{Hostname: "relay.example", TLS: TLSNone})
	if err != nil {
		t.Fatalf("New = %v", err)
	}
	return c
}

// envelope to the recipients.
func envelope(to ...string) *Envelope {
	e := &Envelope{Sender: "a@x.example"}
	for _, r := range to {
		e.Rcpts = append(e.Rcpts, Rcpt{Address: r})
	}
	return e
}

// outcomes in one line each: "RCPT 550 5.1.1 no such user", "local" where it is.
func outcomes(r Result) string {
	var lines []string
	for _, o := range r.Rcpts {
		s := o.Stage.String() + " " + o.Reply.String()
		if o.Local {
			s = "local " + s
		}
		lines = append(lines, s)
	}
	return strings.Join(lines, "\n")
}

func wantOutcomes(t *testing.T, r Result, want ...string) {
	t.Helper()
	if got := outcomes(r); got != strings.Join(want, "\n") {
		t.Errorf("outcomes:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

// Delivered counts the recipients that the next hop took.
func (r *Result) Delivered() int {
	n := 0
	for i := range r.Rcpts {
		if r.Rcpts[i].Reply.Delivered() {
			n++
		}
	}
	return n
}
