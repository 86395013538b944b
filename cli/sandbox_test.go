package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"relay/cli/exit"
	"relay/cli/sandbox"
	"relay/cli/term"
	mailapi "relay/report/api/mail"
	"relay/report/words"
	"relay/store/spooled"
	"relay/store/trace"
)

// stream is one that a test reads while it is being written.
type stream struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *stream) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// box is a sandbox that runs in this process.
type box struct {
	t       *testing.T
	tmp     string // its TMPDIR
	out     *stream
	err     *stream
	signals chan os.Signal
	exit    chan int
	view    sandbox.View // with --json
	leaks   []goleak.Option
}

// newBox starts relay sandbox without waiting for anything. When the test ends
// nothing of it may be left.
func newBox(t *testing.T, args ...string) *box {
	t.Helper()
	b := &box{t: t, leaks: []goleak.Option{goleak.IgnoreCurrent()}, tmp: filepath.Dir(newEnv(t, "")["RELAY_CONFIG"]), out: &stream{}, err: &stream{},
		signals: make(chan os.Signal, 2), exit: make(chan int, 1)}
	b.tmp = filepath.Join(b.tmp, "tmp")
	if err := os.Mkdir(b.tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", b.tmp)
	app := &App{Name: "./relay", Stdin: strings.NewReader(""), Stdout: b.out, Stderr: b.err, Listen: net.Listen,
		Getenv:  func(string) string { return "" },
		Signals: func() (<-chan os.Signal, func()) { return b.signals, func() {} }}
	go func() { b.exit <- app.Run(context.Background(), append([]string{"sandbox"}, args...)) }()
	t.Cleanup(func() {
		b.stop()
		if list, err := os.ReadDir(b.tmp); len(list) > 0 || err != nil {
			t.Errorf("left over: %v, %v", list, err)
		}
		if b.leaks != nil {
			goleak.VerifyNone(t, b.leaks...)
		}
	})
	return b
}

// startBox waits for the document of one with --json.
func startBox(t *testing.T, args ...string) *box {
	t.Helper()
	b := newBox(t, append([]string{"--json", "--port", "0"}, args...)...)
	b.until("the document", func() bool { return json.Unmarshal([]byte(b.out.String()), &b.view) == nil })
	return b
}

func (b *box) until(what string, ok func() bool) {
	b.t.Helper()
	for end := time.Now().Add(soon); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("not there: %s\n%s%s", what, b.out, b.err)
		}
	}
}

// says waits for a line of the sink's.
func (b *box) says(text string) {
	b.t.Helper()
	b.until(text, func() bool { return strings.Contains(b.err.String(), text) })
}

// stop sends SIGTERM, unless it has ended, and returns the exit code.
func (b *box) stop() int {
	b.signals <- syscall.SIGTERM
	return b.wait()
}

func (b *box) wait() int {
	select {
	case code := <-b.exit:
		b.exit <- code // for who asks again
		return code
	case <-time.After(soon):
		b.t.Errorf("it does not end\n%s%s", b.out, b.err)
		return -1
	}
}

// trust takes the sandbox's certificate, and no other.
func (b *box) trust() *tls.Config {
	b.t.Helper()
	text, err := os.ReadFile(b.view.Certificate)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(text) {
		b.t.Fatalf("no certificate: %v", err)
	}
	return &tls.Config{RootCAs: pool, ServerName: "localhost"}
}

// send hands a message over by STARTTLS, with a login.
func (b *box) send(subject, to string) {
	b.t.Helper()
	c, err := smtp.Dial(b.view.StartTLS)
	if err == nil {
		err = c.StartTLS(b.trust())
	}
	if err == nil {
		err = b.submit(c, "127.0.0.1", subject, to)
	}
	if err != nil {
		b.t.Fatalf("send to %s: %v", to, err)
	}
}

func (b *box) submit(c *smtp.Client, host, subject, to string) error {
	defer c.Close()
	if err := c.Auth(smtp.PlainAuth("", b.view.Login, b.view.Password, host)); err != nil {
		return err
	}
	if err := c.Mail("me@demo.example"); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "Subject: %s\r\n\r\nhello\r\n", subject); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}

// relay runs a command on the sandbox.
func (b *box) relay(args ...string) string {
	b.t.Helper()
	return env{}.must(b.t, append(args, "--data", b.view.Data)...)
}

func (b *box) usage() (u mailapi.Usage) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(b.relay("usage", "demo", "--json")), &u); err != nil {
		b.t.Fatal(err)
	}
	return u
}

// The first screen fits a terminal, and says what is in the store.
func TestSandbox_firstScreen(t *testing.T) {
	b := newBox(t)
	b.until("the first message at the sink", func() bool { return strings.HasSuffix(b.out.String(), "First message\n") })
	screenText := b.out.String()
	lines := strings.Split(strings.TrimSuffix(screenText, "\n"), "\n")
	if len(lines) > 26 {
		t.Errorf("%d lines", len(lines))
	}
	for _, l := range lines {
		if n := len([]rune(l)); n > term.Columns {
			t.Errorf("%d characters: %s", n, l)
		}
	}
	for _, pattern := range []string{
		`(?m)^server +localhost, port \d+ with STARTTLS, port \d+ with TLS$`,
		`(?m)^password +[A-Z2-7]{32}$`,
		`(?m)^accepted +[0-9A-Z]{26}, me@demo.example → you@example.org, 192 B$`,
		`(?m)^charged +e-mails 0 → 1 of 9,000, bandwidth 0 B → 192 B of 90 MB$`,
		`(?m)^delivered +250 2.0.0 OK: queued, in \d+ ms$`,
		`(?m)^  \./relay usage demo --data ` + b.tmp + `/relay-\d+$`,
		`(?m)^\d\d:\d\d:\d\d  me@demo.example → you@example.org +\d+ B  First message$`,
	} {
		mustMatch(t, "screen", screenText, pattern)
	}
	if text := b.err.String(); text != "" {
		t.Errorf("on standard error: %s", text)
	}
	if code := b.stop(); code != exit.Done {
		t.Errorf("exit code %d\n%s", code, b.err)
	}
	mustMatch(t, "the end", b.out.String(), `\n\nAccepted 1 e-mail, 192 B: 1 delivered, 0 failed, 0 waiting.\nRemoved `+b.tmp+`/relay-\d+\n$`)
}

// Mail goes the whole way, in each way it can go.
func TestSandbox_mail(t *testing.T) {
	keep := filepath.Join(t.TempDir(), "mail")
	b := startBox(t, "--keep", keep)
	b.send("by STARTTLS", "you@there.example")
	b.says("by STARTTLS")
	conn, err := tls.Dial("tcp", b.view.Implicit, b.trust())
	if err != nil {
		t.Fatal(err)
	}
	c, err := smtp.NewClient(conn, "localhost")
	if err == nil {
		err = b.submit(c, "localhost", "by implicit TLS", "you@there.example")
	}
	if err != nil {
		t.Fatal(err)
	}
	b.says("by implicit TLS")
	b.send("refused", "bounce@there.example")
	b.says("550 5.1.1 no such user here")
	b.says("<> → me@demo.example") // the DSN
	b.send("put off", "defer.me@there.example")
	b.says("451 4.2.1 mailbox busy, try")
	b.until("all outcomes in the store", func() bool { return b.usage().Deferred == 1 })
	if u := b.usage(); u.Messages != 5 || u.Delivered != 3 || u.Failed != 1 || u.Queued != 1 {
		t.Errorf("usage %+v", u)
	}
	mustMatch(t, "trace", b.relay("trace", b.view.First), "250 2.0.0 OK: queued")
	if code := b.stop(); code != exit.Done {
		t.Errorf("exit code %d\n%s", code, b.err)
	}
	mustMatch(t, "the end", b.err.String(), `\nAccepted 5 e-mails, \d+ B: 3 delivered, 1 failed, 1 waiting.\nRemoved `)
	list, err := filepath.Glob(filepath.Join(keep, "*.eml"))
	list = slices.DeleteFunc(list, func(name string) bool { return strings.Contains(name, "owner@") }) // about its invoices
	if len(list) != 4 || err != nil {
		t.Errorf("kept %q, %v; want 4 files", list, err)
	}
	var doc sandbox.View
	if err := json.Unmarshal([]byte(b.out.String()), &doc); err != nil {
		t.Errorf("standard output is not one document: %v", err)
	}
}

// Retries come by the business's clock, and the month turns.
func TestSandbox_fastClock(t *testing.T) {
	b := startBox(t, "--at", "2026-11-30 23:59", "--speed", "3600")
	b.says("2026-11 is over: demo used ")
	b.says("2026-12 begins")
	b.send("greylisted", "later@b.example")
	b.says("  greylisted") // taken at last, and not after five minutes of ours
	b.until("delivered", func() bool { return b.usage().Queued == 0 })
	var life []trace.Event
	if err := json.Unmarshal([]byte(b.relay("trace", "later@b.example", "--json")), &life); err != nil {
		t.Fatal(err)
	}
	if len(life) != 3 || life[1].Recipients[0].State != spooled.Deferred || life[2].Recipients[0].State != spooled.Delivered {
		t.Fatalf("trace %+v", life)
	}
	// The wait counts from the first try's beginning, and life[1] is its end.
	if wait := life[2].Time.Sub(life[0].Time); wait < 4*time.Minute || life[0].Time.In(time.Local).Month() != time.December {
		t.Errorf("tried again after %v, accepted %v", wait, life[0].Time)
	}
	mustMatch(t, "line", b.err.String(), `(?m)^2026-12-\d\d \d\d:\d\d  me@demo.example → later@b.example +451 4.7.1 grey`)
}

// A month ends: overage is invoiced, who does not pay is suspended, and goes on
// with the command that the sandbox shows. It is November; where a machine is so
// slow that it sends too little before that turns, it is December.
func TestSandbox_books(t *testing.T) {
	b := startBox(t, "--at", "2026-11-30 12:00", "--speed", "100000", "--traffic", "120MB")
	b.says("MB over the allowance, covered by 1 × 1 GB")
	b.says("500 MB of the rest is credited until 2027-11-29")
	b.says("demo is suspended: invoice 2, EUR 12.00, is unpaid. To pay it:")
	mustMatch(t, "invoice", b.err.String(), `invoice 2 to demo: EUR 12.00, due on 202\d-\d\d-04. To pay it:`)
	b.says("refused: 550 5.7.1 account demo: suspended")
	m := regexp.MustCompile(`(?m)^  \./relay (payment record .*) \\\n    --data (\S+)$`).FindStringSubmatch(b.err.String())
	if m == nil || m[2] != b.view.Data {
		t.Fatalf("no command to pay with: %q", m)
	}
	b.relay(strings.Fields(m[1])...)
	b.says("demo paid EUR 12.00 by card demo-2, for invoice 2")
	b.says("demo is active again")
	b.says("mail is accepted again")
	mustMatch(t, "jobs", b.relay("job", "list"), `(?m)^dun +35 3 \* \* \* +20\d\d-`)
	if code := b.stop(); code != exit.Done {
		t.Errorf("exit code %d\n%s", code, b.err)
	}
}

// The first screen says what is sold, what is sent by itself and when it is, in the
// width of a terminal.
func TestSandbox_booksScreen(t *testing.T) {
	for beyond, args := range map[string][]string{
		"invoiced, up to 5 GB of overage a month": {"--traffic", "1200MB", "--at", "2026-11-02", "--speed", "100000"},
		"refused": {"--traffic", "1200MB", "--at", "2026-11-02", "--speed", "100000", "--at-limit", "suspend"},
	} {
		t.Run(beyond, func(t *testing.T) {
			b := newBox(t, args...)
			b.until("the screen", func() bool { return strings.Contains(b.out.String(), "First message\n") })
			text := b.out.String()
			for l := range strings.Lines(text) {
				if n := len([]rune(l)) - 1; n > term.Columns {
					t.Errorf("%d characters: %s", n, l)
				}
			}
			for _, pattern := range []string{
				`(?m)^plan +entry, one year, paid: 90 MB a month; mail beyond that is ` + strings.ReplaceAll(beyond, " ", `\s+`) + `$`,
				`(?m)^traffic +1.2 GB a month, generated; starts with this month's mail up to now$`,
				`(?m)^clock +set to 2026-11-02 00:00:00, 100,000 times as fast as real time$`,
			} {
				mustMatch(t, "screen", text, pattern)
			}
			if code := b.stop(); code != exit.Done {
				t.Errorf("exit code %d\n%s", code, b.err)
			}
		})
	}
}

// The account has a contact, so that the letters about it reach the sink.
func TestSandbox_contact(t *testing.T) {
	b := startBox(t)
	mustMatch(t, "account", b.relay("account", "show", "demo"), `(?m)^contact +owner@demo.example$`)
}

// With suspend what does not fit is refused, what fits is taken, and nothing is
// invoiced. No message of this traffic fits: so it does not matter in which month
// the first one comes.
func TestSandbox_atLimitSuspend(t *testing.T) {
	b := startBox(t, "--at", "2026-11-30 12:00", "--speed", "100000", "--traffic", "1GB", "--at-limit", "suspend")
	b.says("refused: 552 5.7.1 ")
	b.send("a small one", "you@there.example")
	b.says("a small one")
	b.says("2026-11 is over: demo used ")
	if text := b.err.String(); strings.Contains(text, "invoice 2") || strings.Contains(text, "over the allowance,") {
		t.Errorf("an invoice:\n%s", text)
	}
}

// Where a signal finds it does not matter: everything is gone afterwards.
func TestSandbox_endsAtAnyMoment(t *testing.T) {
	for _, after := range []time.Duration{0, 5 * time.Millisecond, 20 * time.Millisecond, 60 * time.Millisecond} {
		t.Run(after.String(), func(t *testing.T) {
			b := newBox(t, "--port", "0")
			time.Sleep(after) // a moment, whichever it is
			if code := b.stop(); code != exit.Done {
				t.Errorf("exit code %d\n%s%s", code, b.out, b.err)
			}
		})
	}
}

// A second signal does not wait for a client in mid-message.
func TestSandbox_secondSignal(t *testing.T) {
	b := startBox(t)
	b.leaks = nil // the process would end
	conn, err := tls.Dial("tcp", b.view.Implicit, b.trust())
	if err != nil {
		t.Fatal(err)
	}
	c, err := smtp.NewClient(conn, "localhost")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Auth(smtp.PlainAuth("", b.view.Login, b.view.Password, "localhost")); err != nil {
		t.Fatal(err)
	}
	_ = c.Mail("me@demo.example") // a refusal shows below
	_ = c.Rcpt("you@there.example")
	if _, err := c.Data(); err != nil {
		t.Fatal(err)
	}
	b.signals <- syscall.SIGTERM
	b.signals <- syscall.SIGTERM
	if code := b.wait(); code != exit.Failed {
		t.Errorf("exit code %d, want %d", code, exit.Failed)
	}
	if strings.Contains(b.err.String(), "Accepted") {
		t.Error("it sums up a store that may be open")
	}
}

// Nobody reads any more: the sandbox ends by itself.
func TestSandbox_brokenPipe(t *testing.T) {
	var text bytes.Buffer
	app := &App{Stdout: closedWriter{}, Stderr: &text, Listen: net.Listen, Getenv: func(string) string { return "" },
		Signals: func() (<-chan os.Signal, func()) { return nil, func() {} }}
	if code := app.Run(t.Context(), []string{"sandbox", "--port", "0"}); code != exit.Failed {
		t.Errorf("exit code %d", code)
	}
	mustMatch(t, "stderr", text.String(), "closed pipe")
}

type closedWriter struct{}

func (closedWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// Nobody reads, and the pipe stays open: mail goes on, and the sandbox ends.
func TestSandbox_stuckReader(t *testing.T) {
	stuck := &stuckWriter{begun: make(chan struct{}), free: make(chan struct{})}
	signals, ended, out := make(chan os.Signal, 1), make(chan int, 1), &stream{}
	t.Setenv("TMPDIR", t.TempDir())
	app := &App{Stdout: out, Stderr: stuck, Listen: net.Listen, Getenv: func(string) string { return "" },
		Signals: func() (<-chan os.Signal, func()) { return signals, func() {} }}
	go func() { ended <- app.Run(t.Context(), []string{"sandbox", "--port", "0", "--json"}) }()
	<-stuck.begun // the first message's line
	signals <- syscall.SIGTERM
	select {
	case code := <-ended:
		if code != exit.Done {
			t.Errorf("exit code %d\n%s", code, out)
		}
	case <-time.After(soon):
		t.Error("it does not end")
	}
	close(stuck.free)
	if list, err := os.ReadDir(os.TempDir()); len(list) > 0 || err != nil {
		t.Errorf("left over: %v, %v", list, err)
	}
}

// stuckWriter takes nothing until it is free.
type stuckWriter struct {
	begun, free chan struct{}
	once        sync.Once
	text        strings.Builder
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	w.once.Do(func() { close(w.begun) })
	<-w.free
	return w.text.Write(p)
}

// Two at once have ports of their own.
func TestSandbox_twice(t *testing.T) {
	a := startBox(t)
	other := newBox(t, "--json")
	other.until("the document", func() bool { return json.Unmarshal([]byte(other.out.String()), &other.view) == nil })
	third := newBox(t, "--json")
	third.until("the document", func() bool { return json.Unmarshal([]byte(third.out.String()), &third.view) == nil })
	other.leaks, third.leaks = nil, nil // the first one's mail about its invoices may begin after them
	seen := map[string]bool{}
	for _, b := range []*box{a, other, third} {
		for _, addr := range []string{b.view.StartTLS, b.view.Implicit, b.view.Sink} {
			if seen[addr] || !strings.HasPrefix(addr, "127.0.0.1:") {
				t.Errorf("listens on %s", addr)
			}
			seen[addr] = true
		}
	}
}

func TestParseMoment(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"2026-11-30":                "2026-11-29T23:00:00Z",
		"2026-11-30 23:58":          "2026-11-30T22:58:00Z",
		"2026-07-30 23:58:07":       "2026-07-30T21:58:07Z",
		"2026-11-30T23:58":          "2026-11-30T22:58:00Z",
		"2026-11-30T23:58:00Z":      "2026-11-30T23:58:00Z",
		"2026-11-30T23:58:00-05:00": "2026-12-01T04:58:00Z",
		"tomorrow":                  `"tomorrow" is no time such as`,
		"2026-02-30":                `"2026-02-30" is no time such as`,
		"":                          `"" is no time such as`,
		"1999-12-31":                "not in the years 2000 to 2999",
		"3000-01-01":                "not in the years 2000 to 2999",
	} {
		at, err := words.ParseMoment(text, zone)
		got := at.UTC().Format(time.RFC3339)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("words.ParseMoment(%q) = %s, want %s", text, got, want)
		}
	}
}

// sandbox ARGS...: start one, and make it the relay that commands go to; quit
// ends it.
func cmdSandbox(ts *testscript.TestScript, _ bool, args []string) {
	s := &served{log: &logBuffer{ready: make(chan struct{})}, signals: make(chan os.Signal, 2), exit: make(chan int, 1)}
	doc, out := io.Pipe()
	app := &App{Stdin: strings.NewReader(""), Stdout: out, Stderr: s.log, Getenv: ts.Getenv, Listen: net.Listen,
		Signals: func() (<-chan os.Signal, func()) { return s.signals, func() {} }}
	go func() {
		code := app.Run(context.Background(), append([]string{"sandbox", "--json", "--port", "0"}, args...))
		_ = out.CloseWithError(fmt.Errorf("exit code %d\n%s", code, s.log))
		s.exit <- code
	}()
	var v sandbox.View
	ts.Check(json.NewDecoder(doc).Decode(&v))
	ts.Setenv("RELAY_DATA", v.Data)
	ts.Setenv("FIRST", v.First)
	of(ts).relay = s
}
