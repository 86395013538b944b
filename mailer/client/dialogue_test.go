package client

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
)

// The dialogue is kept where not all were reached, without credentials and without the
// content; of a delivery that went well nothing is kept.
func TestClient_Dialogue(t *testing.T) {
	const hello = `
		S: 220 mx.y.example ESMTP
		C: EHLO relay.example
		S: 250-mx.y.example
		S: 250-AUTH PLAIN
		S: 250 PIPELINING
		C: AUTH PLAIN AHVzZXIAc2VjcmV0
		S: 235 2.7.0 welcome
	`
	const opened = `S: 220 mx.y.example ESMTP
C: EHLO relay.example
S: 250 mx.y.example AUTH PLAIN PIPELINING
C: AUTH PLAIN ****
S: 235 2.7.0 welcome
`
	for name, c := range map[string]struct{ script, want string }{
		"all reached": {hello + sentTwo + `
			S: 250 ok
			S: 250 ok
			S: 250 ok
			S: 354 go on
			` + contentLines + `
			S: 250 ok`, ""},
		"one refused": {hello + sentTwo + `
			S: 250 ok
			S: 550 5.1.1 no such user
			S: 250 ok
			S: 354 go on
			` + contentLines + `
			S: 250 2.0.0 ok`, opened + `C: MAIL FROM:<a@x.example>
S: 250
C: RCPT TO:<b@y.example>
S: 550 5.1.1 no such user
C: RCPT TO:<c@y.example>
S: 250
C: DATA
S: 354
C: 31 octets of content
S: 250 2.0.0 ok
`},
		"lost at RCPT": {hello + sentTwo + `
			S: 250 ok
			S: 421 4.7.0 too many`, opened + `C: MAIL FROM:<a@x.example>
S: 250
C: RCPT TO:<b@y.example>
S: 421 4.7.0 too many
`},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, c.script, func(conn net.Conn) {
				cl, err := New(conn, Options{Hostname: "relay.example", Auth: &Auth{Username: "user", Password: "secret"}})
				if err != nil {
					t.Fatal(err)
				}
				res := cl.Deliver(&Envelope{Sender: "a@x.example", Rcpts: []Rcpt{{Address: "b@y.example"}, {Address: "c@y.example"}}}, strings.NewReader(message))
				if res.Dialogue != c.want {
					t.Errorf("got\n%swant\n%s", res.Dialogue, c.want)
				}
				_ = cl.Close()
			})
		})
	}
}

// A refusal before the first transaction is told with the error. The login is struck out
// in each of its forms.
func TestNew_dialogue(t *testing.T) {
	play(t, `
		S: 220 mx ESMTP
		C: EHLO relay.example
		S: 250-mx
		S: 250 AUTH LOGIN
		C: AUTH LOGIN
		S: 334 VXNlcm5hbWU6
		C: dXNlcg==
		S: 334 UGFzc3dvcmQ6
		C: c2VjcmV0
		S: 535 5.7.8 no`, func(conn net.Conn) {
		_, err := New(conn, Options{Hostname: "relay.example", Auth: &Auth{Username: "user", Password: "secret"}})
		ce, ok := errors.AsType[*ConnError](err)
		want := "S: 220 mx ESMTP\nC: EHLO relay.example\nS: 250 mx AUTH LOGIN\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: ****\nS: 334 UGFzc3dvcmQ6\nC: ****\nS: 535 5.7.8 no\n"
		if !ok || ce.Dialogue != want {
			t.Errorf("%v: got\n%swant\n%s", err, ce.Dialogue, want)
		}
	})
}

// A dialogue stays within its bound, whatever the next hop says.
func TestDialogue_bound(t *testing.T) {
	var d dialogue
	for i := range 200 {
		d.line("S:", fmt.Sprintf("550 %d %s", i, strings.Repeat("x", 100)))
	}
	if n := len(d.String()); n > MaxDialogue || !strings.HasSuffix(d.String(), cutDialogue) || strings.Count(d.String(), cutDialogue) != 1 {
		t.Errorf("%d octets: …%s", n, d.String()[n-200:])
	}
}
