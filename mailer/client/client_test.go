package client

import (
	"crypto/tls"
	"errors"
	"net"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestNew(t *testing.T) {
	starttls := "S: 220 mx.example\nC: EHLO relay.example\nS: 250-mx.example\nS: 250 StartTLS\n"
	tests := []struct {
		name, script string
		options      Options
		err          string // "": none
		tls          bool
	}{
		{"EHLO", hello(), Options{}, "", false},
		{"HELO for those who know nothing else", `
			S: 220 old
			C: EHLO relay.example
			S: 502 5.5.1 unknown
			C: HELO relay.example
			S: 250 old.example`, Options{}, "", false},
		{"HELO at once", `
			S: 220 old
			C: HELO relay.example
			S: 250 old.example`, Options{Helo: true}, "", false},
		{"HELO refused too", `
			S: 220 old
			C: EHLO relay.example
			S: 502 5.5.1 unknown
			C: HELO relay.example
			S: 550 5.7.1 bad name`, Options{}, "EHLO: 550 5.7.1 bad name", false},
		{"greeting 554", "S: 554-5.7.1 your address\nS: 554 5.7.1 is listed", Options{}, "greeting: 554 5.7.1 your address is listed", false},
		{"greeting 421", "S: 421 too many", Options{}, "greeting: 421 too many", false},
		{"greeting 250", "S: 250 what", Options{}, "greeting: not an SMTP reply", false},
		{"greeting of another protocol", "S: SSH-2.0-x", Options{}, "greeting: not an SMTP reply", false},
		{"greeting without end", strings.Repeat("S: 220-x\n", 101), Options{}, "greeting: reply is too long", false},
		{"greeting of one line without end", "S: 220 " + strings.Repeat("x", 70000), Options{}, "greeting: reply is too long", false},
		{"no greeting", "WAIT 6m", Options{}, "greeting: no answer in time", false},
		{"greeting drips", strings.Repeat("S: 220-x\nWAIT 1m\n", 7), Options{}, "greeting: no answer in time", false},
		{"closed at once", "CLOSE", Options{}, "greeting: connection closed", false},
		{"EHLO 421", "S: 220 x\nC: EHLO relay.example\nS: 421 4.3.2 no", Options{}, "EHLO: 421 4.3.2 no", false},
		{"EHLO 450", "S: 220 x\nC: EHLO relay.example\nS: 450 4.3.2 no", Options{}, "EHLO: 450 4.3.2 no", false},
		{"STARTTLS, and EHLO again; what was sent in the clear behind it is dropped", starttls + `
			C: STARTTLS
			S: 220 go
			S: 250-evil
			S: 250 AUTH PLAIN
			TLS
			C: EHLO relay.example
			S: 250 mx.example`, Options{}, "", true},
		{"STARTTLS not wanted", starttls, Options{TLS: TLSNone}, "", false},
		{"STARTTLS not offered", hello(), Options{TLS: TLSRequired}, "STARTTLS: the next hop does not offer STARTTLS", false},
		{"STARTTLS refused", starttls + "C: STARTTLS\nS: 454 4.7.0 later", Options{}, "", false},
		{"STARTTLS refused though required", starttls + "C: STARTTLS\nS: 454 4.7.0 later", Options{TLS: TLSRequired}, "STARTTLS: 454 4.7.0 later", false},
		{"STARTTLS 421", starttls + "C: STARTTLS\nS: 421 4.7.0 bye", Options{}, "STARTTLS: 421 4.7.0 bye", false},
		{"broken handshake", starttls + "C: STARTTLS\nS: 220 go\nREAD\nS: nonsense\nREAD", Options{}, "TLS handshake: tls: first record does not look like a TLS handshake", false},
		{"silent handshake", starttls + "C: STARTTLS\nS: 220 go\nWAIT 2m", Options{}, "TLS handshake: no answer in time", false},
		{"certificate verified", starttls + "C: STARTTLS\nS: 220 go\nTLS\nC: EHLO relay.example\nS: 250 mx.example",
			Options{TLS: TLSRequired, ServerName: "mx.example", TLSConfig: &tls.Config{RootCAs: serverRoots()}}, "", true},
		{"certificate of another", starttls + "C: STARTTLS\nS: 220 go\nTLS",
			Options{TLS: TLSRequired, ServerName: "other.example", TLSConfig: &tls.Config{RootCAs: serverRoots()}}, "TLS handshake: tls: failed to verify certificate: x509: certificate is valid for mx.example, not other.example", false},
		{"certificate not trusted", starttls + "C: STARTTLS\nS: 220 go\nTLS", Options{TLS: TLSRequired, ServerName: "mx.example"}, "certificate signed by unknown authority", false},
		{"implicit TLS", "TLS\n" + hello(), Options{TLS: TLSImplicit, TLSConfig: &tls.Config{InsecureSkipVerify: true}}, "", true},
		{"AUTH PLAIN", hello("AUTH LOGIN PLAIN") + "C: AUTH PLAIN AHUAcA==\nS: 235 2.7.0 ok", Options{Auth: &Auth{"u", "p"}}, "", false},
		{"AUTH PLAIN without initial response", hello("AUTH=PLAIN") + "C: AUTH PLAIN AHUAcA==\nS: 334\nC: AHUAcA==\nS: 235 2.7.0 ok", Options{Auth: &Auth{"u", "p"}}, "", false},
		{"AUTH LOGIN", hello("AUTH LOGIN") + "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dQ==\nS: 334 UGFzc3dvcmQ6\nC: cA==\nS: 235 ok", Options{Auth: &Auth{"u", "p"}}, "", false},
		{"AUTH refused", hello("AUTH PLAIN") + "C: AUTH PLAIN AHUAcA==\nS: 535 5.7.8 no", Options{Auth: &Auth{"u", "p"}}, "AUTH: 535 5.7.8 no", false},
		{"AUTH not offered", hello("AUTH CRAM-MD5"), Options{Auth: &Auth{"u", "p"}}, "AUTH: the next hop offers neither", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			play(t, tt.script, func(conn net.Conn) {
				tt.options.Hostname = "relay.example"
				c, err := New(conn, tt.options)
				if tt.err != "" {
					if err == nil || !strings.Contains(err.Error(), tt.err) {
						t.Errorf("New = %v, want %s", err, tt.err)
					}
					if ce, ok := errors.AsType[*ConnError](err); !ok || ce.Status().Delivered() {
						t.Errorf("New = %#v", err)
					}
					return
				}
				if err != nil {
					t.Fatalf("New = %v", err)
				}
				if (c.TLSName() != "") != tt.tls {
					t.Errorf("TLSName() = %q", c.TLSName())
				}
			})
		})
	}
}

func TestNew_authOverNetworkNeedsTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe() // its address is not loopback
		go func() {
			s := script{t: t, conn: far}
			s.out.WriteString("220 x\r\n")
			s.flush()
			_, _ = far.Read(make([]byte, 100))
			s.out.WriteString("250-x\r\n250 AUTH PLAIN\r\n")
			s.flush()
		}()
		if _, err := New(near, Options{TLS: TLSNone, Auth: &Auth{"u", "p"}}); !errors.Is(err, ErrInsecure) {
			t.Errorf("New = %v", err)
		}
	})
}

func TestClient_Extensions(t *testing.T) {
	play(t, hello("pipelining", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", "SIZE 5000000000", "AUTH PLAIN", "auth=login", "LIMITS MAILMAX=7 RCPTMAX=50 X=1", "REQUIRETLS", "starttls", "", "X-Y Z"), func(conn net.Conn) {
		got := open(t, conn).Extensions()
		want := Extensions{true, false, true, true, true, true, true, true, true, 5_000_000_000, true, true, 50, 7}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("Extensions() = %+v, want %+v", got, want)
		}
	})
}

func TestClient_Quit_doesNotWaitLong(t *testing.T) {
	play(t, hello()+"C: QUIT\nWAIT 1h", func(conn net.Conn) {
		c := open(t, conn)
		start := time.Now()
		_ = c.Quit()
		if d := time.Since(start); d != 5*time.Second || c.Usable() {
			t.Errorf("Quit took %v", d)
		}
		if err := c.Quit(); err != nil {
			t.Errorf("second Quit = %v", err)
		}
	})
}
