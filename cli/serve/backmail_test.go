package serve

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"relay/cli/sandbox/sink"
	"relay/mailer"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/mailer/suppress"
	"relay/mailer/verdict"
	"relay/quota"
	"relay/report/jobs"
	"relay/smtp/backmail"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/spooled"
)

// pipe is a listener, and a dialer to it.
type pipe struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipe() *pipe { return &pipe{conns: make(chan net.Conn), done: make(chan struct{})} }

// Accept implements net.Listener.
func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipe) Close() error { p.once.Do(func() { close(p.done) }); return nil }

// Addr implements net.Listener.
func (p *pipe) Addr() net.Addr { return &net.TCPAddr{} }

// Dial implements mailer.Dialer.
func (p *pipe) Dial(context.Context, netip.Addr, netip.AddrPort) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours, nil
}

// chain is a relay, as far as mail goes out and comes back, and the world that it goes to.
type chain struct {
	*testing.T
	st   *store.Store
	in   *pipe          // to the listener for what comes back
	came []sink.Message // what arrived in the world
	stop func()
}

// inChain runs fn in a bubble, for mail of an account with VERP.
func inChain(t *testing.T, fn func(*chain)) {
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		c := &chain{T: t, st: st}
		c.start()
		_, err = st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme", VERP: true, Senders: []string{"@customer.test"}, Contact: "admin@customer.test"},
			Plan: quota.Plan{Name: "p", Term: quota.Year}})
		if err != nil {
			t.Fatal(err)
		}
		fn(c)
		c.stop()
		if _, err := st.Verify(context.Background(), func(p string) { t.Error(p) }); err != nil {
			t.Error(err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
}

// start runs the parts, until stop.
func (c *chain) start() {
	log := slog.New(slog.DiscardHandler)
	r := &Relay{store: c.st}
	r.verdicts.Store(verdict.Default())
	r.suppress.Store(suppress.Default())
	out := newPipe()
	c.in = newPipe()
	world := sink.New(sink.Config{Taken: func(m *sink.Message) { c.came = append(c.came, *m) }})
	mail, err := mailer.New(c.st.Spool, settings.Config{Hostname: "relay.test", Dialer: out, Smarthost: route.Route{Host: "192.0.2.9"}, Returns: "back.test", NoticesPerHour: 100}, log)
	if err != nil {
		c.Fatal(err)
	}
	back, err := backmail.New(c.st, backmail.Config{Names: backmail.NamesOf("back.test", "relay.test"), Judge: r.judgeReturn}, log)
	if err != nil {
		c.Fatal(err)
	}
	ctx, stop := context.WithCancel(c.Context())
	ended := make(chan error, 3)
	go func() { ended <- world.Run(ctx, out) }()
	go func() { ended <- mail.Run(ctx) }()
	go func() { ended <- back.Run(ctx, []net.Listener{c.in}) }()
	c.stop = func() {
		stop()
		for range 3 {
			if err := <-ended; err != nil {
				c.Error(err)
			}
		}
	}
}

// forget lets days pass while the relay stands still, and starts it again, without the trace.
func (c *chain) forget(days int) {
	c.Helper()
	c.stop()
	time.Sleep(time.Duration(days) * 24 * time.Hour)
	c.start()
	prune := jobs.New(c.st, slog.New(slog.DiscardHandler), func() jobs.Config { return jobs.Config{TraceKeep: time.Hour} })
	if is, err := prune.Prune(c.Context()); err != nil || is.Events == 0 {
		c.Fatalf("prune: %+v, %v", is, err)
	}
}

// pass lets time pass.
func (c *chain) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// send has a message go out, and returns its reverse-path.
func (c *chain) send(to string) string {
	c.Helper()
	n := len(c.came)
	accept(c.T, c.st, to)
	c.pass(time.Minute)
	if len(c.came) != n+1 || !strings.HasPrefix(c.came[n].From, "b+") || !strings.HasSuffix(c.came[n].From, "@back.test") {
		c.Fatalf("came: %+v", c.came[n:])
	}
	return c.came[n].From
}

// wantBack checks that one of so many e-mails came back, and that it changed what it is to.
func (c *chain) wantBack(delivered int64) {
	c.Helper()
	list, err := c.st.Standings.Usages("acme")
	if err != nil || len(list) != 1 {
		c.Fatalf("uses: %+v, %v", list, err)
	}
	if u := list[0]; u.Bounced != 1 || u.Delivered != delivered || u.Charged.Messages != delivered {
		c.Errorf("use: %+v", u)
	}
	if is, ok, err := c.st.Refusals.RefusedAs("acme", "ann@dst.test"); err != nil || !ok {
		c.Errorf("list of errors: %+v, %v, %v", is, ok, err)
	}
	if is, ok, err := c.st.Refusals.Suppressed("acme", "ann@dst.test"); err != nil || !ok || is.Reason != "InvalidRecipient" {
		c.Errorf("suppressed: %+v, %v, %v", is, ok, err)
	}
}

// What the world sends back of a mail finds its way: the mail goes out with a reverse-path of
// its own, the report comes in there, counts, is listed and suppresses the recipient, and the
// customer gets it as it came.
func TestBackMail_chain(t *testing.T) {
	inChain(t, func(c *chain) {
		report(t, c.in, c.send("ann@dst.test"))
		c.pass(time.Minute)
		if len(c.came) != 2 || c.came[1].From != "" || !slices.Equal(c.came[1].To, []string{"shop@customer.test"}) || c.came[1].Subject != "Undelivered" {
			t.Errorf("passed on: %+v", c.came[1:])
		}
		c.wantBack(1)
		accept(t, c.st, "ann@dst.test") // it is not tried again
		c.pass(time.Minute)
		if n := slices.IndexFunc(c.came, func(m sink.Message) bool {
			return slices.Contains(m.To, "ann@dst.test") && m.Time.After(c.came[1].Time)
		}); n >= 0 {
			t.Errorf("a suppressed recipient got mail: %+v", c.came[n])
		}
	})
}

// A report that comes long after the trace is gone does the same. The sender is not known any
// more, so it goes to the account's contact. After 90 days it changes nothing.
func TestBackMail_chain_withoutTrace(t *testing.T) {
	inChain(t, func(c *chain) {
		ann, bob := c.send("ann@dst.test"), c.send("bob@dst.test")
		c.forget(89)
		report(t, c.in, ann)
		c.pass(time.Minute)
		if len(c.came) != 3 || c.came[2].From != "" || !slices.Equal(c.came[2].To, []string{"admin@customer.test"}) || c.came[2].Subject != "Undelivered" {
			t.Errorf("passed on: %+v", c.came[2:])
		}
		c.wantBack(2)
		c.forget(2)
		report(t, c.in, bob)
		c.pass(time.Minute)
		if len(c.came) != 3 {
			t.Errorf("passed on after 91 days: %+v", c.came[3:])
		}
		c.wantBack(2)
	})
}

// accept takes a message of acme's.
func accept(t *testing.T, st *store.Store, to string) {
	t.Helper()
	b := st.Bodies.New()
	_, _ = b.Write([]byte("Message-ID: <1@customer.test>\r\nSubject: hello\r\n\r\nhello\r\n"))
	m := &spooled.Message{Account: "acme", Sender: "shop@customer.test", MessageID: "<1@customer.test>", Size: b.Size(), Expires: st.Now().Add(96 * time.Hour),
		Recipients: []spooled.Recipient{{Address: to, Domain: to[strings.IndexByte(to, '@')+1:]}}}
	if no, err := st.Accept(store.Intake{Message: m, Body: b}); err != nil || no != nil {
		t.Fatal(no, err)
	}
}

// report hands a report over to an address.
func report(t *testing.T, in *pipe, to string) {
	t.Helper()
	ours, err := in.Dial(t.Context(), netip.Addr{}, netip.AddrPort{})
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	lines := bufio.NewReader(ours)
	for _, step := range []string{"220", "250 EHLO dst.test", "250 MAIL FROM:<>", "250 RCPT TO:<" + to + ">", "354 DATA",
		"250 Subject: Undelivered\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nIt failed.\r\n" +
			"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; dst.test\r\n\r\nFinal-Recipient: rfc822; ann@dst.test\r\n" +
			"Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n--b--\r\n."} {
		code, line, said := strings.Cut(step, " ")
		if said {
			go fmt.Fprintf(ours, "%s\r\n", line)
		}
		for {
			got, err := lines.ReadString('\n')
			if err != nil || !strings.HasPrefix(got, code) {
				t.Fatalf("to %.40q: %q, %v", line, got, err)
			}
			if got[3] == ' ' {
				break
			}
		}
	}
}
