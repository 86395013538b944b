package visit

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const host = "smtp.example.org"

// The doubles' time begins when synctest's does.
var begin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// authority is what this test's machine trusts.
var authority = newAuthority("Example CA")

type issuerOf struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	return key
}

func newAuthority(name string) *issuerOf {
	a := &issuerOf{&x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: begin.AddDate(-1, 0, 0), NotAfter: begin.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, newKey()}
	a.cert = a.sign(a.cert, a.key)
	return a
}

func (a *issuerOf) sign(c *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, a.key)
	if err == nil {
		c, err = x509.ParseCertificate(der)
	}
	if err != nil {
		log.Fatal(err)
	}
	return c
}

// leaf for a name that ends after so many days.
func (a *issuerOf) leaf(name string, days int) tls.Certificate {
	key := newKey()
	c := a.sign(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: begin.AddDate(0, -1, 0), NotAfter: begin.AddDate(0, 0, days)}, key)
	return tls.Certificate{Certificate: [][]byte{c.Raw, a.cert.Raw}, PrivateKey: key}
}

func selfSigned() tls.Certificate {
	key := newKey()
	own := &issuerOf{&x509.Certificate{SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: begin.AddDate(0, -1, 0), NotAfter: begin.AddDate(1, 0, 0)}, key}
	c := own.sign(own.cert, key)
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key}
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "visit")
	if err != nil {
		log.Fatal(err)
	}
	file := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.cert.Raw}), 0o600); err != nil {
		log.Fatal(err)
	}
	os.Setenv("SSL_CERT_FILE", file)
	os.Setenv("SSL_CERT_DIR", dir)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// double is a server, or what stands in its place. The zero value, with a certificate, is good.
type double struct {
	dial     error  // of the connection; nil: it is taken
	silent   bool   // says nothing, and waits
	cut      bool   // closes at once
	greeting string // "": that of a mail server
	stripped string // in place of STARTTLS; "": it is offered
	noAuth   bool
	cert     tls.Certificate
	most     uint16            // version of TLS; 0: any
	replies  map[string]string // to a command, by its first word; others: yes
	password string
	got      *strings.Builder // content
	after    func()           // once a connection has ended; nil: nothing
}

func (d *double) serve(conn net.Conn, implicit bool) {
	defer conn.Close()
	switch {
	case d.silent:
		_, _ = io.Copy(io.Discard, conn)
		return
	case d.cut:
		return
	}
	secure := false
	turn := func() bool {
		c := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{d.cert}, MinVersion: tls.VersionTLS10, MaxVersion: d.most})
		conn, secure = c, true
		return c.Handshake() == nil
	}
	if implicit && d.greeting == "" && !turn() {
		return
	}
	say := func(text string) { _, _ = conn.Write([]byte(text + "\r\n")) }
	if d.greeting != "" && implicit { // a pipe holds nothing: both sides speak first
		go say(d.greeting)
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	if d.greeting != "" {
		say(d.greeting)
	} else {
		say("220 " + host + " ESMTP relay")
	}
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		word, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " ")
		reply := d.replies[word]
		switch {
		case word == "EHLO":
			offers := "250-" + host + "\r\n"
			if !secure {
				offers += "250-" + or(d.stripped, "STARTTLS") + "\r\n"
			} else if !d.noAuth {
				offers += "250-AUTH PLAIN LOGIN\r\n"
			}
			say(or(reply, offers+"250 8BITMIME"))
		case word == "STARTTLS":
			if say(or(reply, "220 go")); reply != "" {
				continue
			}
			if !turn() {
				return
			}
			in = bufio.NewReader(conn)
		case word == "AUTH":
			if reply == "" && !strings.Contains(line, base64.StdEncoding.EncodeToString([]byte("\x00acme\x00"+d.password))) {
				reply = "535 5.7.8 wrong login or password"
			}
			say(or(reply, "235 2.7.0 welcome"))
		case word == "DATA" && reply == "":
			say("354 go ahead")
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				d.got.WriteString(line)
			}
			say(or(d.replies["END"], "250 2.0.0 queued as 01KBA2V3W4X5Y6Z7A8B9CADBEC"))
		case word == "QUIT":
			if d.after != nil {
				d.after()
			}
			say("221 bye")
			return
		default:
			say(or(reply, "250 2.1.0 ok"))
		}
	}
}

func or(text, otherwise string) string {
	if text != "" {
		return text
	}
	return otherwise
}

// world is the network of a test: doubles by port, or by address and port.
type world map[string]*double

func (w world) dial(ctx context.Context, _, address string) (net.Conn, error) {
	at := netip.MustParseAddrPort(address)
	d := w[address]
	if d == nil {
		d = w[Port{at.Port(), false}.String()]
	}
	if d.dial != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(at), Err: d.dial}
	}
	ours, theirs := net.Pipe()
	go d.serve(theirs, at.Port() == 465)
	return ours, nil
}
