package backmail

import (
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// A stranger that brings nothing loses its place in a while, whatever it says, and at once where
// places are scarce; one that brings mail keeps it.
func TestServer_patience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Config{Connections: 8})
		defer w.stop()
		busy := w.dial("192.0.2.1")
		busy.do("", "220", "EHLO mx.example", "250")
		var slow []*client
		hold := func(n int) {
			for range n {
				c := w.dial(fmt.Sprintf("2001:db8:%x::1", len(slow)))
				c.do("", "220", "EHLO mx.example", "250")
				slow = append(slow, c)
			}
		}
		hold(4)
		for range 3 {
			time.Sleep(4 * time.Minute)
			busy.do("MAIL FROM:<>", "250", "RCPT TO:<test@back.example>", "250", "DATA", "354", "Subject: x\r\n\r\nx\r\n.", "250")
			for _, c := range slow {
				c.send("NOOP\r\n")
			}
		}
		synctest.Wait()
		n := w.srv.gate.Open()
		if leave(slow); n != 1 {
			t.Errorf("%d connections after twelve minutes, want that which brings mail", n)
		}
		slow = nil
		hold(7)
		late := w.dial("192.0.2.2")
		late.do("", "421 4.7.0 too many connections")
		time.Sleep(30 * time.Second)
		late = w.dial("192.0.2.2")
		late.do("", "220", "EHLO mx.example", "250", "QUIT", "221")
		leave(append(slow, busy, late))
	})
}

// Content that comes by drops has less time where places are scarce.
func TestServer_patienceOfContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Config{Connections: 4})
		defer w.stop()
		var all []*client
		for i := range 4 {
			c := w.dial(fmt.Sprintf("2001:db8:%x::1", i))
			c.do("", "220", "EHLO mx.example", "250", "MAIL FROM:<>", "250", "RCPT TO:<test@back.example>", "250", "DATA", "354")
			all = append(all, c)
		}
		for range 12 {
			time.Sleep(time.Minute)
			for _, c := range all {
				c.send("x\r\n")
			}
		}
		synctest.Wait()
		n := w.srv.gate.Open()
		if leave(all); n != 3 {
			t.Errorf("%d connections, want those that began while there were places", n)
		}
	})
}

// leave ends connections, and reads what was still said.
func leave(list []*client) {
	for _, c := range list {
		_ = c.conn.Close()
		_, _ = c.r.WriteTo(io.Discard)
	}
	synctest.Wait()
}
