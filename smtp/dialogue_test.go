package smtp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"relay/quota"
	"relay/smtp/backmail"
	"relay/store/books"
	"relay/store/ledger"
)

// TestDialogues plays testdata/dialogue/*.txt. The first line of a file says
// what it proves; then, a line each:
//
//	@ key value   set-up: mode, from, network, emails, bandwidth, recipients, max,
//	              errors, messages, senders, state, reason, login (do it first),
//	              rate, recipient-rate, failed-per-login, proxies, credit, term,
//	              unpaid, invoices, asks
//	C: text       the client sends text and CRLF; <tls>, <close>, <wait 1m> act
//	C= "text"     the client sends exactly this, written as a Go string
//	S: text       the server says this line; * at the end stands for anything
//	              <close> is the end of the connection
//	S# n text     the same, n times
//	S~ text       one of the lines of the server's next reply
//	Q: n          so many messages are stored
//	A: text       a question was handed over so; the next one in order
//	U: n b        so many e-mails and bytes are charged
//	B= "text"     the body of the last message has this, B! "text" has it not
func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("testdata/dialogue/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogues", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
			if !strings.HasPrefix(lines[0], "# ") {
				t.Fatal("the first line does not say what is proved")
			}
			synctest.Test(t, func(t *testing.T) { (&play{t: t, file: file}).run(lines[1:]) })
		})
	}
}

type play struct {
	t     *testing.T
	file  string
	mode  Mode
	from  string
	login bool
	setup setup
	f     *fixture
	c     *client
	asked []string // questions that were handed over
}

func (p *play) run(lines []string) {
	p.mode, p.from = StartTLS, "192.0.2.1"
	defer func() {
		_ = p.c.conn.Close()
		p.f.stop()
	}()
	for i, line := range lines {
		at := fmt.Sprintf("%s:%d", p.file, i+2)
		op, arg, _ := strings.Cut(line, " ")
		switch {
		case line == "" || op == "#":
		case op == "@":
			p.set(arg)
		default:
			p.begin()
			p.step(at, op, arg)
		}
	}
	p.begin()
}

func (p *play) set(arg string) {
	key, value, _ := strings.Cut(arg, " ")
	n, _ := strconv.Atoi(value)
	was := p.setup.account
	change := func(fn func(a *books.Account)) {
		p.setup.account = func(a *books.Account) {
			if was != nil {
				was(a)
			}
			fn(a)
		}
	}
	switch key {
	case "mode":
		p.mode = Mode(value)
	case "from":
		p.from = value
	case "network":
		p.setup.network = value
	case "login":
		p.mode, p.login = Implicit, true
	case "emails":
		p.setup.plan.Emails = int64(n)
	case "bandwidth":
		p.setup.plan.Bandwidth = int64(n)
	case "recipients":
		p.setup.plan.Recipients = n
	case "max":
		p.setup.cfg.MaxMessage = int64(n)
	case "errors":
		p.setup.cfg.Errors = n
	case "messages":
		p.setup.cfg.MessagesPerConnection = n
	case "asks": // relay answers test@ and errors@ of this domain
		p.setup.cfg.Addresses = backmail.Names{Domain: value, Host: value}
		p.setup.cfg.Answer = func(_ context.Context, in *backmail.Incoming) error {
			p.asked = append(p.asked, fmt.Sprintf("%s from <%s>, login %q of %q, %d octets, %t", in.Recipient, in.Sender, in.Login, in.Account, in.Size, in.TLS != ""))
			if in.Sender == "silent@acme.test" {
				return errors.New("the DNS does not answer")
			}
			return nil
		}
	case "rate":
		p.setup.cfg.MessagesPerMinute = n
	case "recipient-rate":
		p.setup.cfg.RecipientsPerMinute = n
	case "failed-per-login":
		p.setup.cfg.FailedLoginsPerLogin = n
	case "proxies":
		p.setup.cfg.Proxies = append(p.setup.cfg.Proxies, netip.MustParsePrefix(value))
	case "senders":
		change(func(a *books.Account) { a.Senders = strings.Fields(value) })
	case "state":
		p.setup.state = ledger.AccountState(value)
	case "reason":
		p.setup.reason = value
	case "term":
		p.setup.plan.Term = quota.Term(value)
	case "ends":
		p.setup.plan.Ends = true
	case "credit":
		p.setup.credit = int64(n)
	case "over-max":
		change(func(a *books.Account) { a.AtLimit, a.OverMax = quota.Continue, int64(n) })
	case "unpaid":
		p.setup.unpaid = true
	case "invoices":
		p.setup.cfg.Invoice = func(i *ledger.Invoice) string { return fmt.Sprintf(value, i.Number) }
	case "activated":
		p.setup.started = -n
	default:
		p.t.Fatalf("%s: unknown setting %q", p.file, key)
	}
}

func (p *play) begin() {
	if p.f != nil {
		return
	}
	p.f = start(p.t, p.setup)
	p.c = p.f.dial(p.mode, p.from)
	if p.login {
		p.c.login()
	}
}

func (p *play) step(at, op, arg string) {
	switch op {
	case "C:":
		p.client(at, arg)
	case "C=":
		p.c.send(p.unquote(at, arg))
	case "S:":
		p.server(at, arg)
	case "S#":
		count, text, _ := strings.Cut(arg, " ")
		n, _ := strconv.Atoi(count)
		for range n {
			p.server(at, text)
		}
	case "S~":
		p.reply(at, arg)
	case "Q:":
		synctest.Wait()
		if ms, _ := p.f.spooled(); fmt.Sprint(len(ms)) != arg {
			p.t.Errorf("%s: %d messages, want %s", at, len(ms), arg)
		}
	case "U:":
		if c := p.f.charged(); fmt.Sprint(c.Messages, " ", c.Bytes) != arg {
			p.t.Errorf("%s: charged %v, want %s", at, c, arg)
		}
	case "A:":
		if len(p.asked) == 0 || p.asked[0] != arg {
			p.t.Errorf("%s: asked %q", at, p.asked)
		}
		p.asked = p.asked[min(1, len(p.asked)):]
	case "B=", "B!":
		want := p.unquote(at, arg)
		_, bodies := p.f.spooled()
		if len(bodies) == 0 || strings.Contains(bodies[len(bodies)-1], want) != (op == "B=") {
			p.t.Errorf("%s: body is %q", at, bodies)
		}
	default:
		p.t.Fatalf("%s: unknown line %q", at, op)
	}
}

func (p *play) client(at, arg string) {
	switch {
	case arg == "<tls>":
		p.c.tls()
	case arg == "<close>":
		_ = p.c.conn.Close()
	case strings.HasPrefix(arg, "<wait "):
		d, err := time.ParseDuration(strings.TrimSuffix(arg[6:], ">"))
		if err != nil {
			p.t.Fatalf("%s: %v", at, err)
		}
		time.Sleep(d) // of the bubble's clock
	default:
		p.c.send(arg + "\r\n")
	}
}

func (p *play) server(at, text string) {
	got := p.c.line()
	want, open := strings.CutSuffix(text, "*")
	if got != want && !(open && strings.HasPrefix(got, want)) {
		p.t.Fatalf("%s: server says %q, want %q", at, got, text)
	}
}

// reply reads a whole reply and looks for one line in it.
func (p *play) reply(at, want string) {
	var all []string
	for {
		s := p.c.line()
		all = append(all, s)
		if len(s) < 4 || s[3] != '-' {
			break
		}
	}
	for _, s := range all {
		if s == want {
			return
		}
	}
	p.t.Fatalf("%s: %q is not in %q", at, want, all)
}

func (p *play) unquote(at, s string) string {
	in, count, isRepeat := strings.Cut(s, "\" x ")
	if isRepeat { // "text" x 1000
		s = in + "\""
	}
	out, err := strconv.Unquote(s)
	if err != nil {
		p.t.Fatalf("%s: %v", at, err)
	}
	if isRepeat {
		n, _ := strconv.Atoi(count)
		out = strings.Repeat(out, n)
	}
	return out
}
