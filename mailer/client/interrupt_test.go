package client

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// From the connection to the reply to DATA there is one deadline, however each
// reply keeps within its own time.
func TestClient_Reach(t *testing.T) {
	const drip = "WAIT 70s\n"
	t.Run("on a connection that is new", func(t *testing.T) {
		play(t, drip+"S: 220 mx\n"+drip+"C: EHLO relay.example\n"+drip+"S: 250 mx\n"+drip+
			"C: MAIL FROM:<a@x.example>\n"+drip+"S: 250 ok\n"+"WAIT 1h", func(conn net.Conn) {
			start := time.Now()
			r := open(t, conn).Deliver(envelope("b@y.example"), strings.NewReader("x"))
			if r.Err == nil || r.Err.Stage != StageMail || time.Since(start) != 5*time.Minute {
				t.Errorf("%v after %v, want an end after five minutes", r.Err, time.Since(start))
			}
		})
	})
	t.Run("on one that was used before", func(t *testing.T) {
		once := "C: MAIL FROM:<a@x.example>\nS: 250 ok\nC: RCPT TO:<b@y.example>\n"
		play(t, hello()+once+"S: 550 no\n"+"C: RSET\n"+drip+"S: 250 ok\n"+
			"C: MAIL FROM:<a@x.example>\n"+drip+"S: 250 ok\nC: RCPT TO:<b@y.example>\n"+drip+"S: 250 ok\nC: RCPT TO:<c@y.example>\n"+drip+"S: 250 ok\nC: DATA\n"+"WAIT 1h", func(conn net.Conn) {
			c := open(t, conn)
			if r := c.Deliver(envelope("b@y.example"), strings.NewReader("x")); r.Err != nil {
				t.Fatal(r.Err)
			}
			time.Sleep(time.Hour) // what was before does not count
			start := time.Now()
			r := c.Deliver(envelope("b@y.example", "c@y.example"), strings.NewReader("x"))
			if r.Err == nil || r.Err.Stage != StageData || time.Since(start) != 5*time.Minute+perRecipient {
				t.Errorf("%v after %v, want an end after five minutes and a recipient's time", r.Err, time.Since(start))
			}
		})
	})
	t.Run("on one whose message was refused here", func(t *testing.T) {
		play(t, hello()+"C: MAIL FROM:<a@x.example>\nS: 250 ok\nC: RCPT TO:<b@y.example>\nS: 550 no", func(conn net.Conn) {
			c := open(t, conn)
			refused := envelope("b@y.example")
			refused.EightBit = true
			if r := c.Deliver(refused, strings.NewReader("x")); r.Err != nil || !r.Rcpts[0].Local {
				t.Fatalf("%+v, want it refused without a word to the host", r)
			}
			time.Sleep(time.Hour)
			if r := c.Deliver(envelope("b@y.example"), strings.NewReader("x")); r.Err != nil {
				t.Errorf("an hour later: %v", r.Err)
			}
		})
	})
	t.Run("content has its own times", func(t *testing.T) {
		play(t, hello("PIPELINING")+"C: MAIL FROM:<a@x.example>\nC: RCPT TO:<b@y.example>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go on\nC: x\nC: .\nWAIT 9m\nS: 250 ok\nC: QUIT", func(conn net.Conn) {
			c := open(t, conn)
			if r := c.Deliver(envelope("b@y.example"), strings.NewReader("x\r\n")); r.Err != nil {
				t.Errorf("nine minutes after the final dot: %v", r.Err)
			}
			_ = c.Quit()
		})
	})
}

// Interrupt ends what is slow, but nothing that moves, and never a message that may
// have been taken.
func TestClient_Interrupt(t *testing.T) {
	const stall = 40 * time.Second
	start := hello("PIPELINING") + "C: MAIL FROM:<a@x.example>\nC: RCPT TO:<b@y.example>\nC: DATA\n"
	data := start + "S: 250 ok\nS: 250 ok\nS: 354 go on\n"
	big := strings.Repeat(strings.Repeat("x", 98)+"\r\n", 10_000)
	for _, tt := range []struct {
		name, script, content string
		after                 time.Duration
		want                  bool
	}{
		{"before DATA is answered", start + "S: 250 ok\nWAIT 1h", big, time.Second, true},
		{"content that moves", data + strings.Repeat("WAIT 4s\nREAD\n", 300), big, 10 * time.Minute, false},
		{"content that was taken a while ago", data + "WAIT 5s\nREAD\nWAIT 30s\n" + strings.Repeat("READ\n", 1000), big, 30 * time.Second, false},
		{"content that nobody takes", data + "WAIT 1h", big, 41 * time.Second, true},
		{"after the final dot", data + "C: x\nC: .\nWAIT 9m\nS: 250 ok\nC: QUIT", "x\r\n", 5 * time.Minute, false},
		{"while the end is being sent", data + "WAIT 2m\nC: x\nC: .\nS: 250 ok\nC: QUIT", "x\r\n", time.Minute, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			play(t, tt.script, func(conn net.Conn) {
				c := open(t, conn)
				answer := make(chan bool, 1)
				time.AfterFunc(tt.after, func() { answer <- c.Interrupt(stall) })
				r := c.Deliver(envelope("b@y.example"), strings.NewReader(tt.content))
				if got := <-answer; got != tt.want {
					t.Errorf("Interrupt = %v, want %v", got, tt.want)
				}
				if tt.want {
					if r.Err == nil || !errors.Is(r.Err, ErrInterrupted) || r.Uncertain || r.Rcpts[0].Reply.Code != 451 {
						t.Errorf("Deliver = %+v, want %v", r, ErrInterrupted)
					}
					if c.Interrupt(stall) {
						t.Error("interrupted twice")
					}
				} else if r.Err != nil && errors.Is(r.Err, ErrInterrupted) {
					t.Errorf("Deliver = %v", r.Err)
				}
				_ = c.Quit()
			})
		})
	}
}
