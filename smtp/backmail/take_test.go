package backmail

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"relay/store/mailreply"
	"relay/store/refusals"
	"relay/store/returns"
	"relay/store/spool"
	"relay/store/standing"
)

// bounce is a report of RFC 3464 about a mail.
func bounce(messageID, recipient string) string {
	return "From: MAILER-DAEMON@mx.example.net\r\nTo: you\r\nSubject: Undelivered\r\nMessage-ID: <r@mx.example.net>\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nIt failed.\r\n" +
		"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n" +
		"Final-Recipient: rfc822; " + recipient + "\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.example.net\r\n" +
		"Diagnostic-Code: smtp; 550 5.1.1 user unknown\r\n\r\n" +
		"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: " + messageID + "\r\nSubject: hello\r\n\r\nhello\r\n--b--\r\n.\r\n"
}

// complaint is a report of RFC 5965 about a mail.
func complaint(messageID string) string {
	return "From: feedback@desk.example\r\nSubject: FW: hello\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n" +
		"--b\r\n\r\nA complaint.\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: Loop/1\r\nVersion: 1\r\n\r\n" +
		"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: " + messageID + "\r\nSubject: hello\r\n\r\nhello\r\n--b--\r\n.\r\n"
}

// hand hands one message over and wants it taken.
func (c *client) hand(from, to, content string) {
	c.t.Helper()
	c.do("MAIL FROM:<"+from+">", "250 ", "RCPT TO:<"+to+">", "250 ", "DATA", "354 ")
	c.send(content)
	c.do("", "250 2.0.0 taken as ")
}

func (w *world) usage() standing.Usage {
	w.t.Helper()
	st, err := w.st.Standings.Use("acme")
	if err != nil {
		w.t.Fatal(err)
	}
	return st.Usage
}

// Each report does what its address is for, once, and only those that are about mail of ours.
func TestServer_takes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Config{Judge: func(kind returns.Kind, reply string) (mailreply.Verdict, *refusals.Rule) {
			return mailreply.Verdict{Category: "InvalidRecipient"}, &refusals.Rule{Reason: "InvalidRecipient", Status: "5.1.1", Messages: 1}
		}})
		defer w.stop()
		c := w.dial("192.0.2.1")
		c.do("", "220 ", "EHLO mx.example.net", "250 ")
		hand := func(from, to, content string, bounced, complained int64, queued int) {
			t.Helper()
			c.hand(from, to, content)
			synctest.Wait()
			if u := w.usage(); u.Bounced != bounced || u.Complained != complained {
				t.Errorf("%d bounces and %d complaints, want %d and %d", u.Bounced, u.Complained, bounced, complained)
			}
			if got := w.queued(); len(got) != queued {
				t.Errorf("queued for %q, want %d", got, queued)
			}
		}
		back := w.st.Delivered.ReturnPath(w.sent, 0, "back.example")
		hand("", back, bounce("<forged@elsewhere.example>", "ann@example.net"), 1, 0, 1) // the token says which mail
		hand("", back, bounce("<1@customer.example>", "ann@example.net"), 1, 0, 2)       // once; passed on again
		hand("shop@customer.example", "bounce@back.example", bounce("<1@customer.example>", "bob@example.net"), 2, 0, 2)
		hand("", "bounce@back.example", bounce("<forged@elsewhere.example>", "bob@example.net"), 2, 0, 2)
		hand("loop@desk.example", "fbl@back.example", complaint("<1@customer.example>"), 2, 1, 2)
		hand("x@desk.example", "abuse@relay.example", complaint("<forged@elsewhere.example>"), 2, 1, 3)
		if len(w.cases) != 0 {
			t.Errorf("a desk is answered about mail of others: %+v", w.cases)
		}
		hand("x@desk.example", "abuse@relay.example", complaint("<1@customer.example>"), 2, 1, 4) // that desk had complained
		if len(w.cases) != 1 || w.cases[0].Desk != "x@desk.example" || w.cases[0].Account != "acme" || w.cases[0].Reporter != "desk.example" {
			t.Errorf("cases: %+v", w.cases)
		}
		if got := strings.Join(w.queued(), " "); got != "shop@customer.example shop@customer.example operator@example.org operator@example.org" {
			t.Errorf("queued for %s", got)
		}
		for _, a := range []string{"ann@example.net", "bob@example.net"} {
			if is, ok, err := w.st.Refusals.Suppressed("acme", a); err != nil || !ok || is.Reason != "InvalidRecipient" {
				t.Errorf("%s is suppressed: %+v, %v, %v", a, is, ok, err)
			}
		}
		_ = c.conn.Close()
	})
}

// A complaint that hides its recipient is about the one whose token the original's reverse-path
// has. A token that is none of ours says nothing.
func TestServer_complaintWithToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Config{Judge: func(returns.Kind, string) (mailreply.Verdict, *refusals.Rule) {
			return mailreply.Verdict{}, &refusals.Rule{Reason: spool.Complained, Status: "5.7.1", Messages: 1}
		}})
		defer w.stop()
		c := w.dial("192.0.2.1")
		c.do("", "220 ", "EHLO mx.example.net", "250 ")
		from := func(path string) string {
			return strings.Replace(complaint("<1@customer.example>"), "Version: 1\r\n", "Version: 1\r\nOriginal-Mail-From: <"+path+">\r\n", 1)
		}
		back := w.st.Delivered.ReturnPath(w.sent, 1, "back.example")
		for i, path := range []string{"b+aaaa@back.example", back} {
			c.hand("loop@desk.example", "fbl@back.example", from(path))
			if u := w.usage(); u.Complained != int64(i+1) {
				t.Errorf("%d complaints, want %d", u.Complained, i+1)
			}
			if _, ok, err := w.st.Refusals.Suppressed("acme", "bob@example.net"); err != nil || ok != (path == back) {
				t.Errorf("suppressed after %s: %v, %v", path, ok, err)
			}
		}
		_ = c.conn.Close()
	})
}

// However often a token is written to, the customer gets a few e-mails of it, and the disk no
// more than that.
func TestServer_tokenOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Config{})
		defer w.stop()
		c := w.dial("192.0.2.1")
		c.do("", "220 ", "EHLO mx.example.net", "250 ")
		back := w.st.Delivered.ReturnPath(w.sent, 0, "back.example")
		for range 30 {
			c.hand("", back, bounce("<1@customer.example>", "ann@example.net"))
		}
		if got := w.queued(); len(got) != 5 {
			t.Errorf("queued for %q", got)
		}
		if w.st.Returns.BringsMore(w.token()) || !w.st.Returns.BringsMore(w.st.Delivered.Token(w.sent, 1)) {
			t.Error("what is used up is another token, or none")
		}
		_ = c.conn.Close()
	})
}

// load runs over real sockets: so many clients hand over messages of content(i), each to an address.
func load(b *testing.B, clients int, to func(w *world, i int) string, content func(i int) string) {
	w := begin(b, Config{Connections: 500, Errors: -1})
	w.st.Spool.SetDSNs(spool.DSNs{})
	defer w.stop()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.in <- c
		}
	}()
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	start := time.Now()
	for range clients {
		all.Go(func() {
			var c *client
			for n := 0; ; n++ {
				i := int(next.Add(1)) - 1
				if i >= b.N {
					break
				}
				if n%900 == 0 { // a connection takes 1,000
					c = dialTCP(b, l.Addr().String())
					defer c.conn.Close()
				}
				c.hand("", to(w, i), content(i))
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "mails/s")
	_ = l.Close()
}

// dialTCP greets over a real socket.
func dialTCP(b *testing.B, addr string) *client {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	c := &client{t: b, conn: conn}
	c.listen()
	c.do("", "220 ", "EHLO mx.example.net", "250 ")
	return c
}

// BenchmarkServer measures reports that come in over real sockets, 50 clients at once: those
// with a token, which are counted and of which the first are passed on, those that find their mail by its Message-ID,
// and forged ones.
func BenchmarkServer(b *testing.B) {
	b.Run("token", func(b *testing.B) {
		load(b, 50, func(w *world, i int) string { return w.st.Delivered.ReturnPath(w.sent, i%2, "back.example") },
			func(i int) string { return bounce("<1@customer.example>", "ann@example.net") })
	})
	b.Run("message-id", func(b *testing.B) {
		load(b, 50, func(*world, int) string { return "bounce@back.example" },
			func(i int) string { return bounce("<1@customer.example>", fmt.Sprintf("u%d@example.net", i)) })
	})
	b.Run("forged", func(b *testing.B) {
		load(b, 50, func(*world, int) string { return "bounce@back.example" },
			func(i int) string { return bounce(fmt.Sprintf("<%d@forged.example>", i), "ann@example.net") })
	})
}
