package client

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

const message = "Subject: x\r\n\r\nhello\r\n.dot\r\n"

// sentTwo is MAIL, two RCPT and DATA, all accepted.
const sentTwo = `
	FLIGHT DATA
	C: MAIL FROM:<a@x.example>
	C: RCPT TO:<b@y.example>
	C: RCPT TO:<c@y.example>
	C: DATA
`

const contentLines = `
	FLIGHT .
	C: Subject: x
	C: 
	C: hello
	C: ..dot
	C: .
`

func TestClient_Deliver(t *testing.T) {
	tests := []struct {
		name, script string
		want         []string
		err          string
		uncertain    bool
	}{
		{"all accepted, in two writes", sentTwo + `
			S: 250 2.1.0 ok
			S: 250 2.1.5 ok
			S: 251 2.1.5 will forward
			S: 354 go on
			` + contentLines + `
			S: 250 2.0.0 ok queued as 1
			C: QUIT
			S: 221 bye`,
			[]string{"end 250 2.0.0 ok queued as 1", "end 250 2.0.0 ok queued as 1"}, "", false},
		{"one refused", sentTwo + `
			S: 250 ok
			S: 550-5.1.1 no such user,
			S: 550 5.1.1 sorry
			S: 250 ok
			S: 354 go on
			` + contentLines + `
			S: 250 ok
			C: QUIT
			S: 221 bye`,
			[]string{"RCPT 550 5.1.1 no such user, sorry", "end 250 ok"}, "", false},
		{"reply of several classes: taken", sentTwo + `
			S: 250 ok
			S: 250 ok
			S: 250 ok
			S: 354 go on
			` + contentLines + `
			S: 450-4.2.0 one moment
			S: 250 2.0.0 ok
			C: QUIT
			S: 221 bye`,
			[]string{"end 250 2.0.0 one moment ok", "end 250 2.0.0 one moment ok"}, "", false},
		{"reply of several classes: not taken", sentTwo + `
			S: 250 ok
			S: 250 ok
			S: 250-ok so far
			S: 550 5.1.1 no, not really
			S: 354 go on
			` + contentLines + `
			S: 250-2.0.0 ok
			S: 452 4.3.1 out of space
			C: QUIT
			S: 221 bye`,
			[]string{"end 452 4.3.1 ok out of space", "RCPT 550 5.1.1 ok so far no, not really"}, "", false},
		{"all refused, DATA too", sentTwo + `
			S: 250 ok
			S: 550 5.1.1 no
			S: 450 4.2.1 later
			S: 503 5.5.1 no recipients
			C: QUIT
			S: 221 bye`,
			[]string{"RCPT 550 5.1.1 no", "RCPT 450 4.2.1 later"}, "", false},
		{"all refused, DATA taken: lone dot", sentTwo + `
			S: 250 ok
			S: 550 5.1.1 no
			S: 550 5.1.1 no
			S: 354 go on
			C: .
			S: 250 ok, taken
			C: QUIT
			S: 221 bye`,
			[]string{"RCPT 550 5.1.1 no", "RCPT 550 5.1.1 no"}, "", false},
		{"MAIL refused", sentTwo + `
			S: 552 5.2.2 sender too fat
			S: 503 no
			S: 503 no
			S: 503 no
			C: QUIT
			S: 221 bye`,
			[]string{"MAIL 552 5.2.2 sender too fat", "MAIL 552 5.2.2 sender too fat"}, "", false},
		{"MAIL refused, the rest taken: no empty message", sentTwo + `
			S: 451 4.3.0 later
			S: 250 ok
			S: 250 ok
			S: 354 go on`,
			[]string{"MAIL 451 4.3.0 later", "MAIL 451 4.3.0 later"}, "DATA: not an SMTP reply", false},
		{"DATA refused", sentTwo + `
			S: 250 ok
			S: 550 5.1.1 no
			S: 250 ok
			S: 451 4.3.0 not now
			C: QUIT
			S: 221 bye`,
			[]string{"RCPT 550 5.1.1 no", "DATA 451 4.3.0 not now"}, "", false},
		{"content refused, wrong enhanced code repaired", sentTwo + `
			S: 250 ok
			S: 250 ok
			S: 250 ok
			S: 354 go on
			` + contentLines + `
			S: 550 4.7.1 spam
			C: QUIT
			S: 221 bye`,
			[]string{"end 550 5.7.1 spam", "end 550 5.7.1 spam"}, "", false},
		{"421 at MAIL", sentTwo + `
			S: 421 4.4.2 idle for too long
			CLOSE`,
			[]string{"MAIL 421 4.4.2 idle for too long", "MAIL 421 4.4.2 idle for too long"}, "MAIL: 421 4.4.2 idle for too long", false},
		{"421 in the middle", sentTwo + `
			S: 250 ok
			S: 550 5.1.1 no
			S: 421 4.7.0 too much
			CLOSE`,
			[]string{"RCPT 550 5.1.1 no", "RCPT 421 4.7.0 too much"}, "RCPT: 421 4.7.0 too much", false},
		{"421 at the end", sentTwo + `
			S: 250 ok
			S: 250 ok
			S: 250 ok
			S: 354 go on
			` + contentLines + `
			S: 421 4.3.2 going down
			CLOSE`,
			[]string{"end 421 4.3.2 going down", "end 421 4.3.2 going down"}, "end: 421 4.3.2 going down", false},
		{"closed before a reply", sentTwo + `
			CLOSE`,
			[]string{"local MAIL 451 4.4.2 MAIL: connection closed", "local MAIL 451 4.4.2 MAIL: connection closed"}, "MAIL: connection closed", false},
		{"closed after the dot", sentTwo + `
			S: 250 ok
			S: 550 5.1.1 no
			S: 250 ok
			S: 354 go on
			` + contentLines + `
			CLOSE`,
			[]string{"RCPT 550 5.1.1 no", "local end 451 4.4.2 end: connection closed"}, "end: connection closed", true},
		{"cut in the last reply", sentTwo + `
			S: 250 ok
			S: 250 ok
			S: 250 ok
			S: 354 go on
			` + contentLines + `
			S| 250 o
			CLOSE`,
			[]string{"local end 451 4.4.2 end: connection closed", "local end 451 4.4.2 end: connection closed"}, "end: connection closed", true},
		{"nonsense after the dot", sentTwo + `
			S: 250 ok
			S: 250 ok
			S: 250 ok
			S: 354 go on
			` + contentLines + `
			S: 354 what`,
			[]string{"local end 451 4.5.0 end: not an SMTP reply", "local end 451 4.5.0 end: not an SMTP reply"}, "end: not an SMTP reply", true},
		{"354 at RCPT", sentTwo + `
			S: 250 ok
			S: 354 ok`,
			[]string{"local RCPT 451 4.5.0 RCPT: not an SMTP reply", "local RCPT 451 4.5.0 RCPT: not an SMTP reply"}, "RCPT: not an SMTP reply", false},
		{"250 at DATA", sentTwo + `
			S: 250 ok
			S: 250 ok
			S: 250 ok
			S: 250 ok`,
			[]string{"local DATA 451 4.5.0 DATA: not an SMTP reply", "local DATA 451 4.5.0 DATA: not an SMTP reply"}, "DATA: not an SMTP reply", false},
		{"silence at MAIL", sentTwo + `
			WAIT 6m`,
			[]string{"local MAIL 451 4.4.2 MAIL: no answer in time", "local MAIL 451 4.4.2 MAIL: no answer in time"}, "MAIL: no answer in time", false},
		{"drips a reply", sentTwo + `
			S| 2
			WAIT 4m
			S| 5
			WAIT 2m
			S| 0`,
			[]string{"local MAIL 451 4.4.2 MAIL: no answer in time", "local MAIL 451 4.4.2 MAIL: no answer in time"}, "MAIL: no answer in time", false},
		{"silence after the dot", sentTwo + `
			S: 250 ok
			S: 250 ok
			S: 250 ok
			S: 354 go on
			` + contentLines + `
			WAIT 11m`,
			[]string{"local end 451 4.4.2 end: no answer in time", "local end 451 4.4.2 end: no answer in time"}, "end: no answer in time", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			play(t, hello("PIPELINING")+tt.script, func(conn net.Conn) {
				c := open(t, conn)
				r := c.Deliver(envelope("b@y.example", "c@y.example"), strings.NewReader(message))
				wantOutcomes(t, r, tt.want...)
				checkEnd(t, c, r, tt.err)
				if r.Uncertain != tt.uncertain {
					t.Errorf("Uncertain = %v", r.Uncertain)
				}
				_ = c.Quit()
			})
		})
	}
}

// checkEnd compares Result.Err, and that the Client knows.
func checkEnd(t *testing.T, c *Client, r Result, want string) {
	t.Helper()
	got := ""
	if r.Err != nil {
		got = r.Err.Error()
	}
	if !strings.HasSuffix(got, want) || want == "" && got != "" {
		t.Errorf("Err = %q, want %q", got, want)
	}
	if c.Usable() != (want == "") {
		t.Errorf("Usable() = %v", c.Usable())
	}
}

// What a lost connection says of where it was lost.
func TestClient_Deliver_lostWhere(t *testing.T) {
	for _, tt := range []struct {
		name, ext, script string
		pipelined         bool
		told              int
	}{
		{"no reply to the second of a flight", "PIPELINING", sentTwo + "S: 250 ok\nCLOSE", true, 0},
		{"no reply to the fourth", "PIPELINING", sentTwo + "S: 250 ok\nS: 250 ok\nS: 250 ok\nCLOSE", true, -1},
		{"silence", "PIPELINING", sentTwo + "S: 250 ok\nS: 250 ok\nWAIT 6m", true, 1},
		{"421 in a flight", "PIPELINING", sentTwo + "S: 250 ok\nS: 250 ok\nS: 421 bye", false, 1},
		{"one by one", "SIZE", "C: MAIL FROM:<a@x.example>\nS: 250 ok\nC: RCPT TO:<b@y.example>\nCLOSE", false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			play(t, hello(tt.ext)+tt.script, func(conn net.Conn) {
				r := open(t, conn).Deliver(envelope("b@y.example", "c@y.example"), strings.NewReader(message))
				if r.Err == nil || r.Pipelined != tt.pipelined || r.Told != tt.told {
					t.Errorf("%v: pipelined %v, told %d", r.Err, r.Pipelined, r.Told)
				}
			})
		})
	}
}

func TestClient_Deliver_withoutPipelining(t *testing.T) {
	t.Run("OneByOne", func(t *testing.T) {
		play(t, hello("PIPELINING")+`
			FLIGHT MAIL FROM:<a@x.example>
			C: MAIL FROM:<a@x.example>
			S: 250 ok
			FLIGHT RCPT TO:<b@y.example>
			C: RCPT TO:<b@y.example>
			S: 550 5.1.1 no`, func(conn net.Conn) {
			c, err := New(conn, Options{Hostname: "relay.example", OneByOne: true})
			if err != nil {
				t.Fatal(err)
			}
			wantOutcomes(t, c.Deliver(envelope("b@y.example"), strings.NewReader(message)), "RCPT 550 5.1.1 no")
		})
	})
	t.Run("one by one", func(t *testing.T) {
		play(t, hello()+`
			FLIGHT MAIL FROM:<a@x.example>
			C: MAIL FROM:<a@x.example>
			S: 250 ok
			FLIGHT RCPT TO:<b@y.example>
			C: RCPT TO:<b@y.example>
			S: 550 5.1.1 no
			C: RCPT TO:<c@y.example>
			S: 250 ok
			C: DATA
			S: 354 go on
			`+contentLines+`
			S: 250 ok`, func(conn net.Conn) {
			r := open(t, conn).Deliver(envelope("b@y.example", "c@y.example"), strings.NewReader(message))
			wantOutcomes(t, r, "RCPT 550 5.1.1 no", "end 250 ok")
		})
	})
	t.Run("whole: no DATA when one is refused", func(t *testing.T) {
		play(t, hello("PIPELINING")+`
			FLIGHT RCPT TO:<c@y.example>
			C: MAIL FROM:<a@x.example>
			C: RCPT TO:<b@y.example>
			C: RCPT TO:<c@y.example>
			S: 250 ok
			S: 250 ok
			S: 550 5.1.1 no
			FLIGHT RCPT TO:<b@y.example>
			C: RSET
			C: MAIL FROM:<a@x.example>
			C: RCPT TO:<b@y.example>
			S: 250 ok
			S: 250 ok
			S: 250 ok
			C: DATA
			S: 354 go on
			`+contentLines+`
			S: 250 ok`, func(conn net.Conn) {
			c := open(t, conn)
			e := envelope("b@y.example", "c@y.example")
			e.Whole = true
			content := strings.NewReader(message)
			r := c.Deliver(e, content)
			if got := r.Rcpts[0].Reply.Code; got != 0 || r.Err != nil || content.Len() != len(message) {
				t.Errorf("reply %d for who was not refused, Err %v, %d octets left", got, r.Err, content.Len())
			}
			wantOutcomes(t, Result{Rcpts: r.Rcpts[1:]}, "RCPT 550 5.1.1 no")
			e.Rcpts = e.Rcpts[:1]
			wantOutcomes(t, c.Deliver(e, content), "end 250 ok")
		})
	})
	t.Run("no DATA without recipients, RSET before the next", func(t *testing.T) {
		play(t, hello()+`
			C: MAIL FROM:<a@x.example>
			S: 250 ok
			C: RCPT TO:<b@y.example>
			S: 550 5.1.1 no
			C: RSET
			S: 250 ok
			C: MAIL FROM:<a@x.example>
			S: 250 ok
			C: RCPT TO:<c@y.example>
			S: 250 ok
			C: DATA
			S: 354 go on
			`+contentLines+`
			S: 250 ok`, func(conn net.Conn) {
			c := open(t, conn)
			wantOutcomes(t, c.Deliver(envelope("b@y.example"), strings.NewReader(message)), "RCPT 550 5.1.1 no")
			wantOutcomes(t, c.Deliver(envelope("c@y.example"), strings.NewReader(message)), "end 250 ok")
		})
	})
	t.Run("nothing after MAIL was refused", func(t *testing.T) {
		play(t, hello()+`
			C: MAIL FROM:<a@x.example>
			S: 550 5.7.1 no
			C: MAIL FROM:<a@x.example>
			S: 550 5.7.1 no`, func(conn net.Conn) {
			c := open(t, conn)
			wantOutcomes(t, c.Deliver(envelope("b@y.example"), nil), "MAIL 550 5.7.1 no")
			wantOutcomes(t, c.Deliver(envelope("b@y.example"), nil), "MAIL 550 5.7.1 no")
		})
	})
}

func TestClient_Deliver_again(t *testing.T) {
	one := `C: MAIL FROM:<a@x.example>
			C: RCPT TO:<b@y.example>
			C: DATA
			`
	t.Run("nothing between two that went well", func(t *testing.T) {
		good := one + `S: 250 ok
			S: 250 ok
			S: 354 go on
			` + contentLines + `S: 250 ok
			`
		play(t, hello("PIPELINING")+"FLIGHT DATA\n"+good+"FLIGHT DATA\n"+good, func(conn net.Conn) {
			c := open(t, conn)
			for range 2 {
				wantOutcomes(t, c.Deliver(envelope("b@y.example"), strings.NewReader(message)), "end 250 ok")
			}
			if c.Transactions() != 2 {
				t.Errorf("Transactions() = %d", c.Transactions())
			}
		})
	})
	t.Run("RSET in the flight after a failure", func(t *testing.T) {
		play(t, hello("PIPELINING")+one+`
			S: 250 ok
			S: 550 no
			S: 554 no
			FLIGHT DATA
			C: RSET
			`+one+`
			S: 250 flushed
			S: 250 ok
			S: 250 ok
			S: 354 go on
			`+contentLines+`
			S: 250 ok`, func(conn net.Conn) {
			c := open(t, conn)
			wantOutcomes(t, c.Deliver(envelope("b@y.example"), strings.NewReader(message)), "RCPT 550 no")
			wantOutcomes(t, c.Deliver(envelope("b@y.example"), strings.NewReader(message)), "end 250 ok")
		})
	})
	t.Run("RSET refused is no refusal of the message", func(t *testing.T) {
		play(t, hello("PIPELINING")+one+`
			S: 250 ok
			S: 550 no
			S: 554 no
			C: RSET
			`+one+`
			S: 502 what?`, func(conn net.Conn) {
			c := open(t, conn)
			c.Deliver(envelope("b@y.example"), strings.NewReader(message))
			r := c.Deliver(envelope("b@y.example"), strings.NewReader(message))
			if r.Err == nil || !r.Rcpts[0].Reply.Temporary() || r.Err.Stage > StageMail {
				t.Errorf("Deliver = %+v", r)
			}
		})
	})
	t.Run("a reply nobody asked for ends it", func(t *testing.T) {
		play(t, hello("PIPELINING")+one+`
			S: 250 ok
			S: 250 ok
			S: 354 go on
			`+contentLines+`
			S: 250 ok
			S: 421 4.7.0 that was enough`, func(conn net.Conn) {
			c := open(t, conn)
			wantOutcomes(t, c.Deliver(envelope("b@y.example"), strings.NewReader(message)), "end 250 ok")
			wantOutcomes(t, c.Deliver(envelope("b@y.example"), strings.NewReader(message)), "MAIL 421 4.7.0 that was enough")
		})
	})
	t.Run("closed", func(t *testing.T) {
		play(t, hello(), func(conn net.Conn) {
			c := open(t, conn)
			_ = c.Close()
			if r := c.Deliver(envelope("b@y.example"), nil); r.Err == nil || !errors.Is(r.Err, net.ErrClosed) || !r.Rcpts[0].Reply.Temporary() {
				t.Errorf("Deliver = %+v", r)
			}
		})
	})
}

func TestClient_Deliver_parameters(t *testing.T) {
	full := &Envelope{
		Sender: "a@x.example", Size: 1234, EightBit: true, SMTPUTF8: true, Ret: "HDRS", EnvID: "id=1+2",
		Rcpts: []Rcpt{
			{Address: "b@y.example", Notify: NotifySuccess | NotifyFailure | NotifyDelay, ORCPT: "rfc822;b+c@z.example"},
			{Address: "c@y.example", Notify: NotifyNever, ORCPT: "utf-8;jörg@z.example"},
			{Address: `"<d> e"@y.example`},
		},
	}
	t.Run("all that are offered", func(t *testing.T) {
		play(t, hello("size 2000", "8bitMIME", "SmtpUtf8", "dsn")+`
			C: MAIL FROM:<a@x.example> SIZE=1234 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=id+3D1+2B2
			S: 250 ok
			C: RCPT TO:<b@y.example> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;b+2Bc@z.example
			S: 250 ok
			C: RCPT TO:<c@y.example> NOTIFY=NEVER ORCPT=utf-8;j\x{F6}rg@z.example
			S: 250 ok
			C: RCPT TO:<"<d> e"@y.example>
			S: 250 ok
			C: DATA
			S: 554 5.0.0 enough`, func(conn net.Conn) {
			wantOutcomes(t, open(t, conn).Deliver(full, nil), "DATA 554 5.0.0 enough", "DATA 554 5.0.0 enough", "DATA 554 5.0.0 enough")
		})
	})
	t.Run("none that is not", func(t *testing.T) {
		play(t, hello("8BITMIME")+`
			C: MAIL FROM:<a@x.example> BODY=8BITMIME
			S: 554 5.0.0 enough`, func(conn net.Conn) {
			r := open(t, conn).Deliver(full, strings.NewReader("Subject: x\r\n\r\nä\r\n"))
			wantOutcomes(t, r, "MAIL 554 5.0.0 enough", "MAIL 554 5.0.0 enough", "MAIL 554 5.0.0 enough")
		})
	})
	t.Run("null reverse-path", func(t *testing.T) {
		play(t, hello()+`
			C: MAIL FROM:<>
			S: 554 5.0.0 enough`, func(conn net.Conn) {
			open(t, conn).Deliver(&Envelope{Rcpts: []Rcpt{{Address: "b@y.example"}}}, nil)
		})
	})
	t.Run("REQUIRETLS under TLS", func(t *testing.T) {
		play(t, hello("STARTTLS")+`
			C: STARTTLS
			S: 220 go
			TLS
			C: EHLO relay.example
			S: 250-mx.example
			S: 250 REQUIRETLS
			C: MAIL FROM:<a@x.example> REQUIRETLS
			S: 554 5.0.0 enough`, func(conn net.Conn) {
			c, err := New(conn, Options{Hostname: "relay.example"})
			if err != nil {
				t.Fatal(err)
			}
			e := envelope("b@y.example")
			e.RequireTLS = true
			c.Deliver(e, nil)
		})
	})
}

func TestClient_Deliver_refusedUnsent(t *testing.T) {
	tests := []struct {
		name     string
		offered  []string
		envelope Envelope
		content  string
		want     []string
	}{
		{"8-bit content", nil, Envelope{Sender: "a@x.example", EightBit: true, Rcpts: []Rcpt{{Address: "b@y.example"}}}, "",
			[]string{"local MAIL 554 5.6.3 the message has 8-bit content, which the next hop does not accept"}},
		{"above SIZE", []string{"SIZE 100"}, Envelope{Sender: "a@x.example", Size: 101, Rcpts: []Rcpt{{Address: "b@y.example"}}}, "",
			[]string{"local MAIL 552 5.3.4 the message is larger than the next hop accepts"}},
		{"REQUIRETLS", []string{"REQUIRETLS"}, Envelope{Sender: "a@x.example", RequireTLS: true, Rcpts: []Rcpt{{Address: "b@y.example"}}}, "",
			[]string{"local MAIL 550 5.7.30 the next hop does not support REQUIRETLS, which the message asks for"}},
		{"sender's local part in UTF-8", nil, Envelope{Sender: "ä@x.example", Rcpts: []Rcpt{{Address: "b@y.example"}}}, "",
			[]string{"local MAIL 550 5.6.7 the next hop does not accept the sender's non-ASCII address"}},
		{"UTF-8 in the header", []string{"8BITMIME"}, Envelope{EightBit: true, SMTPUTF8: true, Rcpts: []Rcpt{{Address: "b@y.example"}}}, "Subject: ä\r\n\r\nx\r\n",
			[]string{"local MAIL 554 5.6.9 the message has UTF-8 in its header, which the next hop does not accept"}},
		{"addresses that try to smuggle", nil, Envelope{Rcpts: []Rcpt{{Address: "x> NOTIFY=NEVER foo@y.example"}, {Address: "b@y.example\r\nRSET"}, {Address: `"a\` + "\r" + `"@b`}, {Address: ""}}}, "",
			[]string{"local RCPT 553 5.1.3 the recipient's address is not well-formed", "local RCPT 553 5.1.3 the recipient's address is not well-formed", "local RCPT 553 5.1.3 the recipient's address is not well-formed", "local RCPT 553 5.1.3 the recipient's address is not well-formed"}},
		{"sender that tries to smuggle", nil, Envelope{Sender: "a@x.example> SIZE=0", Rcpts: []Rcpt{{Address: "b@y.example"}}}, "",
			[]string{"local MAIL 553 5.1.7 the sender's address is not well-formed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			play(t, hello(tt.offered...), func(conn net.Conn) {
				c := open(t, conn)
				r := c.Deliver(&tt.envelope, strings.NewReader(tt.content))
				wantOutcomes(t, r, tt.want...)
				checkEnd(t, c, r, "")
			})
		})
	}
	t.Run("UTF-8 domain goes in A-labels, UTF-8 local part not at all", func(t *testing.T) {
		play(t, hello()+`
			C: MAIL FROM:<a@x.example>
			S: 250 ok
			C: RCPT TO:<b@xn--mnchen-3ya.example>
			S: 250 ok
			C: DATA
			S: 354 go on
			`+contentLines+`
			S: 250 ok`, func(conn net.Conn) {
			e := envelope("b@münchen.example", "ü@münchen.example")
			e.Rcpts[0].Domain, e.Rcpts[1].Domain = "xn--mnchen-3ya.example", "xn--mnchen-3ya.example"
			r := open(t, conn).Deliver(e, strings.NewReader(message))
			wantOutcomes(t, r, "end 250 ok", "local RCPT 553 5.6.7 the next hop does not accept the recipient's non-ASCII address")
		})
	})
}

func TestClient_Deliver_manyRecipients(t *testing.T) {
	var s strings.Builder
	e := envelope()
	s.WriteString(hello("PIPELINING") + "C: MAIL FROM:<a@x.example>\n")
	pending := 1
	size := len("MAIL FROM:<a@x.example>\r\n")
	for i := range 500 {
		a := fmt.Sprintf("user%d@y.example", i)
		e.Rcpts = append(e.Rcpts, Rcpt{Address: a})
		line := "RCPT TO:<" + a + ">"
		s.WriteString("C: " + line + "\n")
		pending++
		if size += len(line) + 2; size > maxFlight {
			s.WriteString(strings.Repeat("S: 250 ok\n", pending))
			size, pending = 0, 0
		}
	}
	s.WriteString("C: DATA\n" + strings.Repeat("S: 250 ok\n", pending) + "S: 354 go on\n" + contentLines + "S: 250 ok\n")
	play(t, s.String(), func(conn net.Conn) {
		r := open(t, conn).Deliver(e, strings.NewReader(message))
		if r.Delivered() != 500 {
			t.Errorf("Delivered() = %d, %v", r.Delivered(), r.Err)
		}
	})
}

func TestClient_Deliver_content(t *testing.T) {
	begin := hello("PIPELINING") + `
		C: MAIL FROM:<a@x.example>
		C: RCPT TO:<b@y.example>
		C: DATA
		S: 250 ok
		S: 250 ok
		S: 354 go on
		`
	deliver := func(t *testing.T, rest string, content io.Reader, check func(*Client, Result)) {
		play(t, begin+rest, func(conn net.Conn) {
			c := open(t, conn)
			check(c, c.Deliver(envelope("b@y.example"), content))
		})
	}
	t.Run("cannot be read", func(t *testing.T) {
		deliver(t, "", iotest.ErrReader(errors.New("disk")), func(c *Client, r Result) {
			wantOutcomes(t, r, "local content 451 4.3.0 local error")
			if !errors.Is(r.Err, ErrContent) || c.Usable() || r.Uncertain {
				t.Errorf("Deliver = %+v", r)
			}
		})
	})
	t.Run("bare CR", func(t *testing.T) {
		deliver(t, "", strings.NewReader("a\rb\r\n"), func(c *Client, r Result) {
			wantOutcomes(t, r, "local content 554 5.6.0 the message has a bare CR and cannot be sent")
			if !errors.Is(r.Err, ErrBareCR) || c.Usable() {
				t.Errorf("Deliver = %+v", r)
			}
		})
	})
	line := strings.Repeat("x", 62) + "\r\n"
	big := strings.Repeat(line, 2<<20/len(line))
	t.Run("next hop stops reading", func(t *testing.T) {
		deliver(t, "C: "+line[:62]+"\nWAIT 4m\nCLOSE", strings.NewReader(big), func(c *Client, r Result) {
			if r.Err == nil || r.Err.Stage != StageContent || !r.Rcpts[0].Reply.Temporary() || r.Uncertain {
				t.Errorf("Deliver = %+v", r)
			}
		})
	})
	t.Run("next hop reads too slowly", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			go func() {
				b := make([]byte, 4096)
				answer := []string{"220 hi\r\n", "250-hi\r\n250 PIPELINING\r\n", "250 ok\r\n250 ok\r\n354 ok\r\n"}
				for i, s := range answer {
					_, _ = io.WriteString(far, s)
					if i < len(answer)-1 {
						_, _ = far.Read(b)
					}
				}
				for {
					if _, err := far.Read(b[:400]); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			}()
			c := open(t, near)
			start := time.Now()
			r := c.Deliver(envelope("b@y.example"), strings.NewReader(big))
			if r.Err == nil || !errors.Is(r.Err, ErrSlow) {
				t.Errorf("Deliver = %v after %v", r.Err, time.Since(start))
			}
			if d := time.Since(start); d > 10*time.Minute {
				t.Errorf("took %v", d)
			}
			_ = far.Close()
		})
	})
	t.Run("refused in the middle, and closed", func(t *testing.T) {
		play(t, hello("PIPELINING")+`
			C: MAIL FROM:<a@x.example>
			C: RCPT TO:<b@y.example>
			C: DATA
			S: 250 ok
			S: 250 ok
			S: 354 go on
			S: 552 5.3.4 too big
			CLOSE`, func(conn net.Conn) {
			c := open(t, conn)
			r := c.Deliver(envelope("b@y.example"), strings.NewReader(big))
			wantOutcomes(t, r, "content 552 5.3.4 too big")
			checkEnd(t, c, r, "connection closed")
		})
	})
	t.Run("empty", func(t *testing.T) {
		deliver(t, "C: .\nS: 250 ok", strings.NewReader(""), func(c *Client, r Result) { wantOutcomes(t, r, "end 250 ok") })
	})
}

func TestClient_Close_endsDeliver(t *testing.T) {
	play(t, hello("PIPELINING")+`
		C: MAIL FROM:<a@x.example>
		C: RCPT TO:<b@y.example>
		C: DATA
		WAIT 1m`, func(conn net.Conn) {
		c := open(t, conn)
		start := time.Now()
		time.AfterFunc(time.Second, func() { _ = c.Close() })
		r := c.Deliver(envelope("b@y.example"), nil)
		if r.Err == nil || time.Since(start) != time.Second {
			t.Errorf("Deliver = %v after %v", r.Err, time.Since(start))
		}
	})
}
