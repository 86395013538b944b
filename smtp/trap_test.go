package smtp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"relay/quota"
	"relay/smtp/wire"
	"relay/store"
	"relay/store/ledger"
	"relay/store/spooled"
)

// What go-smtp does otherwise than a relay needs, each with the test that shows
// it cured. Those not here are dialogues: bdat-truncated, data-slow, size
// (SIZE of 2^32, exactly the maximum), order (nested MAIL), bare-cr-hang,
// starttls-pipelined, utf8, errors, smuggling-addresses.

func bubble(t *testing.T, s setup, fn func(t *testing.T, f *fixture)) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, s)
		defer f.stop()
		fn(t, f)
	})
}

const envelope = "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"

func (c *client) envelope() {
	c.t.Helper()
	c.send(envelope)
	c.want("250 2.1.0")
	c.want("250 2.1.5")
	c.want("354 ")
}

// go-smtp reads what is left of a message whose DATA timed out as commands.
func TestTrap_contentAfterTimeout(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		c := f.dial(Implicit, "192.0.2.1")
		c.login()
		c.envelope()
		c.send("Subject: x\r\n\r\n")
		time.Sleep(6 * time.Minute)
		go c.send("RSET\r\n" + envelope + "evil\r\n.\r\n") // the pipe may be closed
		c.want("421 4.4.2")
		c.want("<close>")
		_ = c.conn.Close()
		synctest.Wait()
		if ms, _ := f.spooled(); len(ms) != 0 {
			t.Errorf("%d messages", len(ms))
		}
	})
}

// go-smtp writes every reply line on its own: 9 writes for greeting and EHLO, 5
// for a message.
func TestTrap_writes(t *testing.T) {
	bubble(t, setup{network: "192.0.2.0/24"}, func(t *testing.T, f *fixture) {
		c := f.dial(None, "192.0.2.1")
		c.want("220 ")
		c.do("EHLO me", "250 ")
		if n := c.server.count(); n != 2 {
			t.Errorf("%d writes for greeting and EHLO, want 2", n)
		}
		c.envelope()
		if n := c.server.count(); n != 3 {
			t.Errorf("%d writes, want one for a pipelined flight", n-2)
		}
		c.send(".\r\n" + envelope)
		for _, want := range []string{"250 2.0.0", "250 2.1.0", "250 2.1.5", "354 "} {
			c.want(want)
		}
		if n := c.server.count(); n != 4 {
			t.Errorf("%d writes, want one for the end of data and the next flight", n-3)
		}
		_ = c.conn.Close()
	})
}

// go-smtp gives local parts without their quotes to the session.
func TestTrap_quotes(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		c := f.dial(Implicit, "192.0.2.1")
		c.login()
		c.do(`MAIL FROM:<"x> NOTIFY=NEVER foo"@b.example> RET=FULL ENVID=e+2B`, "250 ",
			`RCPT TO:<"a@b"@C.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;q+2Bq@c.example`, "250 ",
			"DATA", "354 ", ".", "250 ", "QUIT", "221 ")
		ms, _ := f.spooled()
		m := ms[0]
		r := m.Recipients[0]
		if m.Sender != `"x> NOTIFY=NEVER foo"@b.example` || m.Ret != "FULL" || m.EnvID != "e+" {
			t.Errorf("message %+v", m)
		}
		if r.Address != `"a@b"@C.example` || r.Domain != "c.example" ||
			r.Notify != spooled.NotifySuccess|spooled.NotifyDelay || r.ORCPT != "rfc822;q+q@c.example" {
			t.Errorf("recipient %+v", r)
		}
	})
}

// go-smtp sends a wrapped or foreign error's text to the client, as 554.
func TestTrap_errors(t *testing.T) {
	for _, c := range []struct {
		err  error
		want *reply
	}{
		{fmt.Errorf("accept: %w", errSender), errSender},
		{fmt.Errorf("stage body: %w", store.ErrFull), wire.ErrFull},
		{errors.New("open /var/lib/relay: no such file"), wire.ErrLocal},
		{nil, wire.ErrLocal},
	} {
		if got := replyTo(c.err); got != c.want {
			t.Errorf("replyTo(%v) = %v, want %v", c.err, got, c.want)
		}
	}
}

// A store that fails says 45z, charges nothing and tells nothing about itself.
func TestTrap_storeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, setup{})
		c := f.dial(Implicit, "192.0.2.1")
		c.login()
		c.envelope()
		_ = f.st.Close()
		c.send("a: b\r\n\r\n.\r\n")
		if got := c.want("452 4.3.1"); strings.Contains(got, "/") {
			t.Errorf("reply %q", got)
		}
		c.do("MAIL FROM:<a@b.example>", "451 4.3.0")
		_ = c.conn.Close()
		f.stop()
	})
}

// A full disk is 452 4.3.1 for a message in memory and for one that is staged;
// nothing is charged, and the session goes on.
func TestTrap_diskFull(t *testing.T) {
	bubble(t, setup{reserve: 1 << 60}, func(t *testing.T, f *fixture) {
		c := f.dial(Implicit, "192.0.2.1")
		c.login()
		for _, size := range []int{100, 3 << 20} {
			c.envelope()
			c.send("a: b\r\n\r\n" + strings.Repeat("0123456789\r\n", size/12) + ".\r\n")
			c.want("452 4.3.1")
		}
		c.do("QUIT", "221 ")
		if ms, _ := f.spooled(); len(ms) != 0 || f.charged() != (quota.Charge{}) {
			t.Errorf("%d messages, charged %v", len(ms), f.charged())
		}
		if n := strings.Count(f.log.String(), `msg="store failed"`); n != 1 {
			t.Errorf("logged %d times in a minute: %s", n, f.log)
		}
	})
}

// The limit of commands is none of content: a message may come in any number of chunks.
func TestTrap_manyChunks(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		c := f.dial(Implicit, "192.0.2.1")
		c.login()
		c.do("MAIL FROM:<a@b.example>", "250 ", "RCPT TO:<c@d.example>", "250 ", "BDAT 5\r\n\r\na", "250 ")
		for range maxCommands {
			c.send("BDAT 2\r\n\r\n")
			c.want("250 2.0.0 chunk")
		}
		c.send("BDAT 0 LAST\r\n")
		c.want("250 2.0.0 queued")
		_ = c.conn.Close()
	})
}

// Chunks without content are limited: they could go on for ever.
func TestTrap_emptyChunks(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		c := f.dial(Implicit, "192.0.2.1")
		c.login()
		c.do("MAIL FROM:<a@b.example>", "250 ", "RCPT TO:<c@d.example>", "250 ")
		said := ""
		for range maxCommands {
			c.send("BDAT 0\r\n")
			if said = c.line(); !strings.HasPrefix(said, "250 ") {
				break
			}
		}
		if !strings.HasPrefix(said, "421 4.7.0") {
			t.Errorf("server says %q", said)
		}
		if said = c.line(); said != "<close>" {
			t.Errorf("server says %q", said)
		}
		_ = c.conn.Close()
	})
}

// go-smtp's Shutdown leaves idle clients alone and its Close then ends nothing.
func TestTrap_drain(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		idle, busy, fresh := f.dial(Implicit, "192.0.2.1"), f.dial(Implicit, "192.0.2.1"), f.dial(StartTLS, "192.0.2.1")
		idle.login()
		busy.login()
		busy.envelope()
		busy.send("Subject: x\r\n")
		fresh.want("220 ")
		synctest.Wait()
		begin := time.Now()
		f.halt()
		idle.want("421 4.3.2")
		idle.want("<close>")
		fresh.want("421 4.3.2")
		time.Sleep(10 * time.Second)
		busy.send("\r\ntext\r\n.\r\n")
		busy.want("250 2.0.0 queued")
		busy.want("421 4.3.2")
		busy.want("<close>")
		if d := time.Since(begin); d > 11*time.Second {
			t.Errorf("took %v", d)
		}
		if ms, _ := f.spooled(); len(ms) != 1 {
			t.Errorf("%d messages, want 1", len(ms))
		}
		for _, c := range []*client{idle, busy, fresh} {
			_ = c.conn.Close()
		}
	})
}

// What does not finish within Config.Drain is cut off.
func TestTrap_drainEnds(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		c := f.dial(Implicit, "192.0.2.1")
		c.login()
		c.envelope()
		synctest.Wait()
		begin := time.Now()
		f.halt()
		c.want("<close>")
		if d := time.Since(begin); d != f.srv.cfg().Drain {
			t.Errorf("took %v, want %v", d, f.srv.cfg().Drain)
		}
		if ms, _ := f.spooled(); len(ms) != 0 {
			t.Errorf("%d messages", len(ms))
		}
		_ = c.conn.Close()
	})
}

// A handshake that never comes does not hold up the end.
func TestTrap_drainHandshake(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		a, b := net.Pipe()
		f.ls[Implicit].ch <- &counted{Conn: b, from: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}}
		synctest.Wait()
		begin := time.Now()
		f.halt()
		_, _ = io.Copy(io.Discard, a) // until the server closes
		if d := time.Since(begin); d > time.Second {
			t.Errorf("took %v", d)
		}
	})
}

// A hundred connections race for the last e-mails of an allowance.
func TestRace_lastEmails(t *testing.T) {
	bubble(t, setup{plan: quota.Plan{Emails: 37}, cfg: Config{ConnectionsPerAddress: 100}}, func(t *testing.T, f *fixture) {
		taken := make(chan bool, 100)
		for range 100 {
			c := f.dial(Implicit, "192.0.2.1")
			go func() {
				defer func() { _ = c.conn.Close() }()
				c.login()
				c.send(envelope)
				for range 3 {
					_ = c.line()
				}
				_, _ = io.WriteString(c.conn, ".\r\n")
				taken <- strings.HasPrefix(c.line(), "250 2.0.0 queued")
			}()
		}
		n := 0
		for range 100 {
			if <-taken {
				n++
			}
		}
		ms, _ := f.spooled()
		if n != 37 || len(ms) != 37 || f.charged().Messages != 37 {
			t.Errorf("accepted %d, stored %d, charged %d, want 37", n, len(ms), f.charged().Messages)
		}
	})
}

// A panic ends one session, not the process, and nothing is read as a command
// after it.
func TestTrap_panic(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		c := f.dial(Implicit, "192.0.2.1")
		c.login()
		c.envelope()
		synctest.Wait()
		f.srv.each(func(c *Conn) { c.session.msg = nil })
		c.send("a: b\r\n\r\n.\r\nNOOP\r\n")
		c.want("451 4.3.0")
		c.want("<close>")
		_ = c.conn.Close()
	})
}

// MAIL commands that are refused without end end the connection, and fill no log.
func TestRefused_withoutEnd(t *testing.T) {
	bubble(t, setup{state: ledger.Suspended}, func(t *testing.T, f *fixture) {
		const rounds = 4
		for range rounds {
			c := f.dial(Implicit, "192.0.2.1")
			c.login()
			for n := range f.srv.cfg().Errors {
				c.do(fmt.Sprintf("MAIL FROM:<a%d@b.example>", n), "550 5.7.1 account acme: suspended")
			}
			c.want("421 4.7.0 too many errors")
			c.want("<close>")
			_ = c.conn.Close()
		}
		time.Sleep(2 * time.Minute) // of the bubble's clock
		synctest.Wait()
		log := f.log.String()
		if n := strings.Count(log, `msg="message refused"`); n != 2 {
			t.Errorf("logged %d times: %s", n, log)
		}
		if want := fmt.Sprintf("count=%d", rounds*f.srv.cfg().Errors-1); !strings.Contains(log, want) {
			t.Errorf("no %s in %s", want, log)
		}
	})
}
