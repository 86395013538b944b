package mailer

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"relay/mailer/dialer"
	"relay/mailer/settings"
	"relay/store/spooled"
)

// The ways in which a tarpit keeps a connection.
var tarpits = []*mx{
	{name: "greeting", say: func(*exchange) string { return hang }},
	{name: "EHLO", say: hangAt("EHLO")},
	{name: "RCPT", say: hangAt("RCPT")},
	{name: "DATA", say: hangAt("DATA")},
	{name: "content", slow: time.Hour},
	{name: "end", say: hangAt("content")},
	{name: "drip", say: func(*exchange) string { time.Sleep(80 * time.Second); return "" }},
}

func hangAt(verb string) func(*exchange) string {
	return func(x *exchange) string {
		if x.verb == verb {
			return hang
		}
		return ""
	}
}

// tar makes n domains of a tarpit each, and mail of an account to them, whose name
// may have a letter behind.
func (w *world) tar(account string, n int, kinds ...*mx) []*spooled.Message {
	w.t.Helper()
	for _, h := range kinds {
		w.set(w.address(h.name+".of."+account), h)
	}
	list := make([]*spooled.Message, n)
	for i := range list {
		domain := fmt.Sprintf("d%d.%s.test", i, account)
		host := "mx." + domain
		w.point(domain, host)
		w.dns.mu.Lock()
		w.dns.addrs[host] = w.dns.addrs[kinds[i%len(kinds)].name+".of."+account]
		w.dns.mu.Unlock()
		list[i] = message("you@" + domain)
		list[i].Account = strings.TrimRight(account, "ab")
	}
	return list
}

// outlive stops the mailer, and waits for the tarpits to notice.
func (w *world) outlive() {
	w.halt()
	w.pass(2 * time.Hour)
}

// acceptAll takes messages from many sessions at once.
func (w *world) acceptAll(list []*spooled.Message) {
	var wg sync.WaitGroup
	for _, m := range list {
		wg.Go(func() { w.accept(m) })
	}
	wg.Wait()
}

// within checks that each account's message to a healthy host leaves in that time.
func (w *world) within(limit time.Duration, domain string, accounts ...string) {
	w.t.Helper()
	began := time.Now()
	ids := map[string]spooled.ID{}
	for _, a := range accounts {
		m := message(a + "@" + domain)
		m.Account = a
		ids[a] = w.accept(m)
	}
	w.pass(limit - time.Since(began))
	for a, id := range ids {
		if !w.gone(id) {
			w.t.Errorf("%s: its mail has waited for %v", a, limit)
		}
	}
}

// Of 20 accounts one sends to 2,000 tarpits: the others' mail to a host that is well
// leaves within ten seconds, at any time.
func TestShare_othersMailLeavesInTenSeconds(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.account("slow")
		var others []string
		for i := range 19 {
			others = append(others, fmt.Sprint("other", i))
			w.account(others[i])
		}
		w.host("example.test")
		w.acceptAll(w.tar("slow", 2000, tarpits...))
		w.run(time.Second)
		for range 8 {
			w.within(10*time.Second, "example.test", others...)
			w.pass(30 * time.Second)
		}
		w.outlive()
	})
}

// The same when 19 accounts do so, and all connections are in use: attempts that are
// slow give way, and count. Never one whose message may have been taken. A third of the
// connections are held by attempts that may not be cut: if all were, others would wait.
func TestShare_slowAttemptsGiveWay(t *testing.T) {
	inWorld(t, settings.Config{Connections: 60}, func(w *world) {
		w.account("other")
		w.host("example.test")
		var slow []*spooled.Message
		for i := range 19 {
			name := fmt.Sprint("slow", i)
			w.account(name)
			slow = append(slow, w.tar(name+"a", 1, tarpits[4+i%2])...) // content, or the reply to it
			slow = append(slow, w.tar(name+"b", 25, tarpits[0], tarpits[1], tarpits[2], tarpits[3], tarpits[6])...)
		}
		w.acceptAll(slow)
		w.run(10 * time.Second)
		for range 5 {
			w.within(10*time.Second, "example.test", "other")
			w.pass(20 * time.Second)
		}
		gaveWay := 0
		for _, m := range slow {
			kind := w.kindOf(m)
			for _, e := range w.attempts(m.ID) {
				if !strings.Contains(e.Recipients[0].Reply, "gave way") {
					continue
				}
				gaveWay++
				if kind.name == "end" {
					t.Errorf("cut off after the final dot: %s", e.Recipients[0].Reply)
				}
				if r := w.rcpt(m.ID, 0); r.State != spooled.Deferred || r.Tries < 1 || !strings.HasPrefix(r.Reply, "451 4.4.5") {
					t.Errorf("gave way: %+v, want it deferred, and an attempt", r)
				}
			}
		}
		if gaveWay == 0 {
			t.Error("no attempt gave way")
		}
		if !strings.Contains(w.logged(), "all connections are in use") {
			t.Error("the log does not say that all connections are in use")
		}
		w.outlive()
	})
}

// kindOf is the tarpit that a message is for.
func (w *world) kindOf(m *spooled.Message) *mx { return w.hopOf(m.Recipients[0].Domain) }

// What moves is not slow, however long it takes and whoever waits.
func TestShare_whatMovesIsNeverCut(t *testing.T) {
	inWorld(t, settings.Config{Connections: 2}, func(w *world) {
		w.account("other")
		w.host("example.test")
		big := strings.Repeat(strings.Repeat("0123456789", 7)+"\r\n", 20_000) // 1.4 MB
		var ids []spooled.ID
		var hosts []*mx
		for i := range 2 {
			domain := fmt.Sprintf("slow%d.test", i)
			h := w.host(domain)
			h.slow = 25 * time.Second // for each 32 KiB
			hosts = append(hosts, h)
			ids = append(ids, w.acceptBody(message("you@"+domain), "Subject: big\r\n\r\n"+big))
		}
		w.run(time.Second)
		m := message("you@example.test")
		m.Account = "other"
		id := w.accept(m)
		w.pass(30 * time.Minute)
		for i, h := range hosts {
			if n := len(w.attempts(ids[i])); len(h.messages()) != 1 || n != 1 {
				t.Errorf("a transfer that moved: %d taken after %d attempts, want one", len(h.messages()), n)
			}
		}
		if !w.gone(id) {
			t.Error("who waited has not got a connection")
		}
	})
}

// An account that is alone leaves some connections to others, which need not wait
// for anybody to be slow.
func TestShare_leavesAQuarter(t *testing.T) {
	inWorld(t, settings.Config{Connections: 100}, func(w *world) {
		w.account("slow")
		w.host("example.test")
		w.acceptAll(w.tar("slow", 300, tarpits[0]))
		w.run(time.Minute)
		pool, err := w.mail.Pool(context.Background())
		if err != nil || pool.Held[0].Connections < 70 || pool.Held[0].Connections > 76 {
			t.Errorf("Pool = %+v, %v, want three quarters of the connections held", pool, err)
		}
		w.within(time.Second, "example.test", "acme")
	})
}

// With sockets: who holds all that it may have at tarpits keeps nobody else's mail.
func TestShare_overSockets(t *testing.T) {
	tarpit, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tarpit.Close()
	port := tarpit.Addr().(*net.TCPAddr).Port
	well, err := net.Listen("tcp", fmt.Sprintf("127.0.0.2:%d", port))
	if err != nil {
		t.Skip(err) // this machine has one loopback address, or the port is taken there
	}
	defer well.Close()
	go func() {
		for {
			c, err := tarpit.Accept()
			if err != nil {
				return
			}
			defer c.Close() // until then it says nothing
		}
	}()
	h, taken := &mx{name: "well"}, make(chan struct{}, 100)
	h.say = func(x *exchange) string {
		if x.verb == "content" {
			taken <- struct{}{}
		}
		return ""
	}
	go func() {
		for {
			c, err := well.Accept()
			if err != nil {
				return
			}
			go h.serve(c)
		}
	}()

	w := newWorld(t, settings.Config{Connections: 40, Port: port, AllowPrivate: true})
	w.mail.config().Dialer = dialer.TCP{}
	w.account("slow")
	slow := w.tar("slow", 200, tarpits[0])
	w.dns.mu.Lock()
	for host := range w.dns.addrs {
		w.dns.addrs[host] = []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	}
	w.dns.addrs["mx.example.test"] = []netip.Addr{netip.MustParseAddr("127.0.0.2")}
	w.dns.mu.Unlock()
	w.point("example.test", "mx.example.test")
	w.acceptAll(slow)
	w.start()
	for full := false; !full; { // until its share is used up
		p, err := w.mail.Pool(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		full = len(p.Waiting) > 0 && len(p.Held) > 0 && p.Held[0].Connections >= 28
	}
	for i := range 19 {
		m := message("you@example.test")
		m.Account = fmt.Sprint("other", i)
		w.account(m.Account)
		w.accept(m)
		<-taken
	}
	w.halt()
	for _, m := range slow {
		if r := w.rcpt(m.ID, 0); r.State != spooled.Queued {
			t.Fatalf("an attempt at a tarpit was over before: %+v", r)
		}
	}
	if err := w.store.Close(); err != nil {
		t.Error(err)
	}
}
