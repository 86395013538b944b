package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"relay/cli/config"
	"relay/cli/sandbox/sink"
	"relay/mailer"
	"relay/mailer/client"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/quota"
	"relay/report/words"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
)

// pipes is a listener whose connections are pipes, for a bubble.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error { p.once.Do(func() { close(p.done) }); return nil }

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// Dial implements mailer.Dialer.
func (p *pipes) Dial(ctx context.Context, _ netip.Addr, _ netip.AddrPort) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.done:
		return nil, errors.New("no such host")
	}
}

// postRun is a ledgerRun that delivers, to a sink.
type postRun struct {
	*ledgerRun
	hop  *pipes
	dir  string
	halt func() // the mailer
}

func newPostRun(t *testing.T, at string) *postRun {
	t.Helper()
	p := &postRun{ledgerRun: newLedgerRun(t, at, 1), hop: newPipes(), dir: t.TempDir()}
	folder, err := sink.OpenFolder(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- sink.New(sink.Config{Now: p.clock.Now, Folder: folder}).Run(ctx, p.hop) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return p
}

// up starts jobs and deliveries.
func (p *postRun) up() {
	p.t.Helper()
	p.setup = func(c *config.Config) {
		b := &c.Billing
		b.Seller, b.Contact, b.InvoicePrefix = []string{"Posta Sicura S.r.l."}, "billing@example.org", "R-"
		b.RenewLink, b.PaymentLink = "https://www.example.org/renew?account={account}&until={end}&amount={amount}", "https://pay.example.org/{invoice}"
	}
	p.start()
	m, err := mailer.New(p.r.store.Spool, settings.Config{Hostname: "relay.test", Dialer: p.hop, AllowPrivate: true,
		Smarthost: route.Route{Host: "192.0.2.1", Port: 25, TLS: client.TLSNone}}, p.r.Log)
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(p.t.Context())
	ended := make(chan error, 2)
	go func() { ended <- m.Run(ctx) }()
	go func() { ended <- p.r.jobs().RunNews(ctx) }()
	p.halt = func() {
		cancel()
		if err := errors.Join(<-ended, <-ended); err != nil {
			p.t.Error(err)
		}
	}
}

func (p *postRun) down() { p.halt(); p.stop() }

// came is what reached the sink of warnings and was not read yet: subject and text of each.
func (p *postRun) came() (list []string) {
	p.t.Helper()
	time.Sleep(time.Minute)
	synctest.Wait()
	names, err := filepath.Glob(filepath.Join(p.dir, "*.eml"))
	if err != nil {
		p.t.Fatal(err)
	}
	slices.Sort(names)
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			p.t.Fatal(err)
		}
		if text := readWarning(p.t, content); strings.Contains(text, " ends on ") {
			list = append(list, text)
		}
		if err := os.Remove(name); err != nil {
			p.t.Fatal(err)
		}
	}
	return list
}

// readWarning is a mail as a mail program shows it, in text.
func readWarning(t *testing.T, content []byte) string {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	part, err := multipart.NewReader(m.Body, params["boundary"]).NextRawPart()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(quotedprintable.NewReader(part))
	if err != nil {
		t.Fatal(err)
	}
	var head strings.Builder
	for _, name := range []string{"From", "Reply-To", "To", "Date", "Auto-Submitted", "Return-Path"} {
		if v := m.Header.Get(name); v != "" {
			head.WriteString(name + ": " + v + "\n")
		}
	}
	return head.String() + strings.Join(strings.Fields(string(text)), " ")
}

// wantMail compares what came with a regular expression for each.
func (p *postRun) wantMail(when string, want ...string) {
	p.t.Helper()
	got := p.came()
	if len(got) != len(want) {
		p.t.Fatalf("%s: %d mails came, want %d: %q", when, len(got), len(want), got)
	}
	for i := range want {
		mustMatch(p.t, when, got[i], want[i])
	}
}

// M19 through the real cron and the real queue, with the process down over the day,
// and over both days.
func TestWarn_arrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPostRun(t, "2026-11-01 10:00")
		p.up()
		pack := quota.Plan{Name: "pack", Term: quota.Month, Emails: 1000, Price: 12_00}
		if err := errors.Join(p.r.store.Books.AddPlan(small), p.r.store.Books.AddPlan(pack)); err != nil {
			t.Fatal(err)
		}
		a := books.Account{Name: "acme", Contact: "boss@acme.example", AtLimit: quota.Suspend}
		if _, err := p.r.store.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: a, Plan: small, Activate: true}); err != nil {
			t.Fatal(err)
		}
		p.pay(1)
		p.down()
		p.until("2027-09-30 10:00")
		p.up()
		p.until("2027-09-30 23:00")
		p.wantMail("31 days before")
		p.down()
		p.until("2027-10-19 07:00")
		p.up()
		p.wantMail("the relay was down on the day", `(?s)^From: "Posta Sicura S\.r\.l\." <postmaster@relay\.test>
Reply-To: <billing@example\.org>
To: <boss@acme\.example>
Date: Tue, 19 Oct 2027 07:00:00 \+0200
Auto-Submitted: auto-generated
Return-Path: <>
Posta Sicura S\.r\.l\. Your account acme for outgoing mail ends on 31 October 2027 .* in 12 days\. It does not renew by itself\. .* Plan small: 100,000 e-mails and 1 MB a month Last day 31 October 2027 Price EUR 120\.00 a year .*`+
			`https://www\.example\.org/renew\?account=acme&until=2027-10-31&amount=120\.00 .*is refused`)
		p.until("2027-10-20 09:00")
		p.wantMail("the next day")
		p.down()
		p.until("2027-10-20 12:00")
		p.up()
		p.wantMail("started again")
		if _, err := p.r.store.Orders.Renew(behalf.Order{}, "acme", "pack"); err != nil {
			t.Fatal(err)
		}
		p.until("2027-10-23 23:50")
		p.wantMail("before the hour")
		p.until("2027-10-24 08:31")
		p.wantMail("the second step, a renewal waits", `(?s)Date: Sun, 24 Oct 2027 08:30:00 \+0200\n.* in 7 days\. .*pay invoice R-2 .*plan pack, a month from 1 November 2027.* EUR 12\.00\. .*https://pay\.example\.org/R-2 `)
		p.until("2027-10-30 09:00")
		p.wantMail("the third", ` is 31 October 2027, tomorrow\. .*pay invoice R-2 `)
		p.pay(2)
		p.until("2027-11-02 12:00")
		p.wantMail("paid: it goes on")
		p.down()
		p.until("2027-11-30 07:00") // over both steps
		p.up()
		p.wantMail("the last day", `ends on 30 November 2027 .* 30 November 2027, today\. `)
		p.until("2027-12-05 09:00")
		p.wantMail("after the end")
		var told []string
		for _, e := range p.ledger("acme") {
			if e.Kind == ledger.KindWarned {
				told = append(told, e.Ref+words.English.Entry(&e)+e.By)
			}
		}
		want := []string{"30 days before the last day, 2027-10-31, to boss@acme.example",
			"27 days before the last day, 2027-10-31, to boss@acme.example", "2a day before the last day, 2027-10-31, to boss@acme.example", "a day before the last day, 2027-11-30, to boss@acme.example"}
		if !slices.Equal(told, want) {
			t.Errorf("ledger %q, want %q", told, want)
		}
		verifyBooks(t, p.r.store)
		p.down()
		if n := strings.Count(p.log.String(), `msg="the customer is told that the term ends" account=acme last_day=`); n != 4 {
			t.Errorf("%d lines of the log, want 4\n%s", n, p.log)
		}
	})
}
