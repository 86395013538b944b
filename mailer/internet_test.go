package mailer

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"relay/mailer/client"
	"relay/mailer/settings"
	"relay/store"
	"relay/store/spooled"
)

// internet is DNS and MX servers on loopback that misbehave in all ways.
type internet struct {
	t    *testing.T
	port int // of all MX servers
	next byte
	dns  string // address of the name server

	mu      sync.Mutex
	records map[string][]dns.RR
	rcode   map[string]int
	signed  []string      // ends of names whose answers are proved by DNSSEC
	servers []func()      // to be started when all is prepared
	changed chan struct{} // something was logged
}

func newInternet(t *testing.T) *internet {
	n := &internet{t: t, next: 9, records: map[string][]dns.RR{}, rcode: map[string]int{},
		changed: make(chan struct{}, 1)}
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.dns = udp.LocalAddr().String()
	tcp, err := net.Listen("tcp", n.dns)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*dns.Server{{PacketConn: udp, Handler: n}, {Listener: tcp, Handler: n}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() { _ = s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return n
}

// ServeDNS answers with what is recorded, following no CNAME: that is the
// resolver's business, as with a server that has only a part of the answer.
func (n *internet) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := new(dns.Msg).SetReply(q)
	name := q.Question[0].Name
	all, known := n.records[name]
	for _, rr := range all {
		if rr.Header().Rrtype == q.Question[0].Qtype || rr.Header().Rrtype == dns.TypeCNAME {
			a.Answer = append(a.Answer, rr)
		}
	}
	if !known {
		a.Rcode = dns.RcodeNameError
	}
	if code, ok := n.rcode[name]; ok {
		a.Rcode, a.Answer = code, nil
	}
	a.AuthenticatedData = q.AuthenticatedData && slices.ContainsFunc(n.signed, func(end string) bool { return strings.HasSuffix(name, end) })
	_ = w.WriteMsg(a)
}

func (n *internet) record(format string, args ...any) {
	n.t.Helper()
	rr, err := dns.NewRR(fmt.Sprintf(format, args...))
	if err != nil {
		n.t.Fatal(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	name := rr.Header().Name
	n.records[name] = append(n.records[name], rr)
}

// address is a loopback address of a name's own.
func (n *internet) address(name string) string {
	n.next++
	a := fmt.Sprintf("127.0.0.%d", n.next)
	n.record("%s. 60 IN A %s", name, a)
	return a
}

// host is a domain with an MX server.
func (n *internet) host(domain string) *mx {
	n.t.Helper()
	a := n.address("mx." + domain)
	n.record("%s. 60 IN MX 10 mx.%s.", domain, domain)
	l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", a, n.port))
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = l.Close() })
	if n.port == 0 {
		n.port = l.Addr().(*net.TCPAddr).Port
	}
	h := &mx{name: "mx." + domain}
	n.servers = append(n.servers, func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go h.serve(c)
		}
	})
	return h
}

// Write takes the log, and wakes who waits for a change.
func (n *internet) Write(p []byte) (int, error) {
	select {
	case n.changed <- struct{}{}:
	default:
	}
	return len(p), nil
}

// fate is what is expected of a recipient.
type fate struct {
	address  string
	state    spooled.State
	reply    string
	attempts int // negative: or more
	dsn      bool
}

func TestInternet(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	src := n.host("src.test")
	type letter struct {
		name    string
		prepare func() *spooled.Message
		body    string
		fates   []fate
	}
	letters := []letter{
		{"greylisting", func() *spooled.Message {
			h := n.host("grey.test")
			h.say = func(x *exchange) string {
				if x.verb == "RCPT" && h.tries(x.arg) == 1 {
					return "451 4.7.1 greylisted, come back"
				}
				return ""
			}
			return message("you@grey.test")
		}, content, []fate{{"you@grey.test", spooled.Delivered, "250", 2, false}}},

		{"421 in the middle", func() *spooled.Message {
			h := n.host("closing.test")
			h.say = func(x *exchange) string {
				if x.verb == "RCPT" && x.rcpt == 2 && h.tries(x.arg) == 1 {
					return "421 4.3.2 shutting down"
				}
				return ""
			}
			return message("a@closing.test", "b@closing.test")
		}, content, []fate{{"a@closing.test", spooled.Delivered, "250", 2, false}, {"b@closing.test", spooled.Delivered, "250", 2, false}}},

		{"close after the dot", func() *spooled.Message {
			n.host("dot.test").say = func(x *exchange) string {
				if x.verb == "content" && x.conn == 1 {
					return cut
				}
				return ""
			}
			return message("you@dot.test")
		}, content, []fate{{"you@dot.test", spooled.Delivered, "250", 2, false}}},

		{"tarpit", func() *spooled.Message {
			n.host("tar.test").say = func(x *exchange) string {
				if x.verb == "RCPT" && x.conn == 1 {
					return hang
				}
				return ""
			}
			return message("you@tar.test")
		}, content, []fate{{"you@tar.test", spooled.Delivered, "250", 1, false}}},

		{"broken STARTTLS", func() *spooled.Message {
			n.host("brokentls.test").tls = &tls.Config{}
			return message("you@brokentls.test")
		}, content, []fate{{"you@brokentls.test", spooled.Delivered, "250", 1, false}}},

		{"null MX", func() *spooled.Message {
			n.record("null.test. 60 IN MX 0 .")
			return message("you@null.test")
		}, content, []fate{{"you@null.test", spooled.Failed, "550 5.1.10", 1, true}}},

		{"dead first MX", func() *spooled.Message {
			n.host("second.test")
			n.address("dead.second.test")
			n.record("second.test. 60 IN MX 5 dead.second.test.")
			return message("you@second.test")
		}, content, []fate{{"you@second.test", spooled.Delivered, "250", 1, false}}},

		{"first MX fails at DATA", func() *spooled.Message {
			n.host("atdata.test")
			n.host("bad.atdata.test").say = at("DATA", "421 4.3.2 busy")
			n.record("atdata.test. 60 IN MX 5 mx.bad.atdata.test.")
			return message("you@atdata.test")
		}, content, []fate{{"you@atdata.test", spooled.Delivered, "250", 1, false}}},

		{"first address fails after the dot", func() *spooled.Message {
			n.host("twice.test")
			n.host("bad.twice.test").say = at("content", "451 4.3.0 no")
			n.record("mx.twice.test. 60 IN A %s", n.records["mx.bad.twice.test."][0].(*dns.A).A)
			return message("you@twice.test")
		}, content, []fate{{"you@twice.test", spooled.Delivered, "250", 1, false}}},

		{"closes at EHLO", func() *spooled.Message {
			n.host("helo.test").say = at("EHLO", cut)
			return message("you@helo.test")
		}, content, []fate{{"you@helo.test", spooled.Delivered, "250", 1, false}}},

		{"loses pipelined commands", func() *spooled.Message {
			n.host("lossy.test").loses = cut
			return message("you@lossy.test", "me@lossy.test")
		}, content, []fate{{"you@lossy.test", spooled.Delivered, "250", 1, false}, {"me@lossy.test", spooled.Delivered, "250", 1, false}}},

		{"reply of two classes after the dot", func() *spooled.Message {
			n.host("classes.test").say = at("content", "450-4.2.0 one moment\r\n250 2.0.0 ok")
			return message("you@classes.test")
		}, content, []fate{{"you@classes.test", spooled.Delivered, "250 2.0.0 one moment ok", 1, false}}},

		{"CNAME", func() *spooled.Message {
			n.host("target.test")
			n.record("alias.test. 60 IN CNAME target.test.")
			return message("you@alias.test")
		}, content, []fate{{"you@alias.test", spooled.Delivered, "250", 1, false}}},

		{"SERVFAIL", func() *spooled.Message {
			n.host("servfail.test")
			n.rcode["servfail.test."] = dns.RcodeServerFailure
			return message("you@servfail.test")
		}, content, []fate{{"you@servfail.test", spooled.Delivered, "250", -2, false}}},

		{"NXDOMAIN", func() *spooled.Message { return message("you@nowhere.test") },
			content, []fate{{"you@nowhere.test", spooled.Failed, "550 5.1.2", 2, true}}},

		{"no SMTPUTF8", func() *spooled.Message {
			n.host("ascii.test").ext = []string{"PIPELINING", "8BITMIME"}
			m := message("pelé@ascii.test", "pele@ascii.test")
			m.SMTPUTF8 = true
			return m
		}, content, []fate{{"pelé@ascii.test", spooled.Failed, "5.6.7", 1, true}}},

		{"no 8BITMIME", func() *spooled.Message {
			n.host("seven.test").ext = []string{"PIPELINING", "SMTPUTF8"}
			m := message("you@seven.test")
			m.EightBit = true
			return m
		}, strings.Replace(content, "Hello", "Grüße", 1), []fate{{"you@seven.test", spooled.Failed, "5.6.3", 1, true}}},

		{"small SIZE", func() *spooled.Message {
			n.host("small.test").ext = []string{"PIPELINING", "SIZE 50"}
			return message("you@small.test")
		}, content, []fate{{"you@small.test", spooled.Failed, "5.3.4", 1, true}}},

		{"mixed recipient replies", func() *spooled.Message {
			h := n.host("mixed.test")
			h.say = func(x *exchange) string {
				switch {
				case x.verb == "RCPT" && x.arg == "bad@mixed.test":
					return "550 5.1.1 unknown"
				case x.verb == "RCPT" && x.arg == "full@mixed.test" && h.tries(x.arg) == 1:
					return "452 4.2.2 full for now"
				}
				return ""
			}
			return message("good@mixed.test", "bad@mixed.test", "full@mixed.test")
		}, content, []fate{{"good@mixed.test", spooled.Delivered, "250", 1, false},
			{"bad@mixed.test", spooled.Failed, "550 5.1.1", 1, true}, {"full@mixed.test", spooled.Delivered, "250", 2, false}}},

		{"odd multi-line replies", func() *spooled.Message {
			n.host("odd.test").say = func(x *exchange) string {
				switch x.verb {
				case "greeting":
					return "220-odd.test\r\n220-\r\n220 " + strings.Repeat("welcome ", 60)
				case "MAIL":
					return "250"
				case "RCPT":
					return "250-2.1.5 \tquite\x07 ok\r\n250 2.1.5"
				case "content":
					return "554-5.7.1 " + strings.Repeat("\r\n554-5.7.1 go away", 20) + "\r\n554 5.7.1"
				}
				return ""
			}
			return message("you@odd.test")
		}, content, []fate{{"you@odd.test", spooled.Failed, "554 5.7.1 go away go away", 1, true}}},
	}

	log := slog.New(slog.NewTextHandler(n, nil))
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: st}
	w.account("acme")
	ids := make([]spooled.ID, len(letters))
	for i, l := range letters {
		m := l.prepare()
		if l.body == "" {
			t.Fatal(l.name)
		}
		ids[i] = w.acceptBody(m, l.body)
	}
	second := 200 * time.Millisecond
	w.mail, err = New(st.Spool, settings.Config{
		Hostname: "relay.test", Resolver: n.dns, Port: n.port, AllowPrivate: true,
		Self:  []netip.Addr{netip.MustParseAddr("192.0.2.1")},
		Retry: []time.Duration{second, 2 * second},
		Timeouts: client.Timeouts{Greeting: 5 * time.Second, Hello: 5 * time.Second, Mail: 5 * time.Second,
			Rcpt: second, Data: 5 * time.Second, End: 5 * time.Second},
	}, log)
	if err != nil {
		t.Fatal(err)
	}
	for _, serve := range n.servers {
		go serve()
	}
	w.start()
	n.settle(w, ids)
	w.halt()

	for i, l := range letters {
		t.Run(l.name, func(t *testing.T) {
			w := &world{t: t, store: st}
			for _, f := range l.fates {
				w.wantFinal(ids[i], f.address, f.state, f.reply)
				attempts := 0
				for _, e := range w.attempts(ids[i]) {
					for _, o := range e.Recipients {
						if o.Address == f.address {
							attempts++
						}
					}
				}
				if attempts < max(f.attempts, -f.attempts) || f.attempts > 0 && attempts > f.attempts {
					t.Errorf("%s: %d attempts, want %d", f.address, attempts, f.attempts)
				}
				if told := toldOf(src.messages(), f.address); told != f.dsn {
					t.Errorf("%s: DSN %v, want %v", f.address, told, f.dsn)
				}
			}
		})
	}
	if _, err := st.Verify(context.Background(), func(p string) { t.Errorf("Verify: %s", p) }); err != nil {
		t.Errorf("Verify: %v", err)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}

// settle waits until the spool is empty, and mends the DNS once it was seen to fail.
func (n *internet) settle(w *world, ids []spooled.ID) {
	n.t.Helper()
	limit := time.After(5 * time.Minute)
	for {
		sum, err := w.store.Spool.Totals()
		if err != nil {
			n.t.Fatal(err)
		}
		if sum.Messages == 0 {
			return
		}
		select {
		case <-n.changed:
		case <-limit:
			for _, id := range ids {
				if m, err := w.store.Spool.QueueMessage(id); err == nil {
					n.t.Logf("left: %+v", m)
				}
			}
			n.t.Fatal("the spool does not get empty")
		}
		for _, id := range ids {
			if m, err := w.store.Spool.QueueMessage(id); err == nil && m.Recipients[0].Domain == "servfail.test" &&
				m.Recipients[0].State == spooled.Deferred {
				n.mu.Lock()
				delete(n.rcode, "servfail.test.")
				n.mu.Unlock()
			}
		}
	}
}

// toldOf reports whether a DSN says that the address failed.
func toldOf(dsns []received, address string) bool {
	address = strings.ReplaceAll(address, "é", "=C3=A9") // as the DSN encodes it
	for _, d := range dsns {
		_, status, _ := strings.Cut(d.content, "delivery-status")
		if strings.Contains(d.content, "Action: failed") && strings.Contains(status, address) {
			return true
		}
	}
	return false
}
