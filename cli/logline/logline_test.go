package logline

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 3, 12, 4, 5, 0, time.UTC)

// logged is what the handler writes of one event; %d stands for the process.
func logged(o Options, level slog.Level, text string, with []any, attrs ...any) string {
	var b bytes.Buffer
	o.Host, o.Zone = "mx.test", time.UTC
	h := NewPostfix(&b, o)
	r := slog.NewRecord(noon, level, text, 0)
	r.Add(attrs...)
	_ = slog.New(h).With(with...).Handler().Handle(context.Background(), r)
	return strings.ReplaceAll(b.String(), "["+strconv.Itoa(os.Getpid())+"]", "[%d]")
}

var component = []any{"component", "smtp"}

func TestPostfix(t *testing.T) {
	sent := []any{"spool_id", "01X", "from", "a@b.example", "to", "c@d.example", "next_hop", "mx.d.example[192.0.2.1]:25",
		"code", 250, "enhanced", "2.0.0", "stage", "end", "local", false, "reply", "Ok: queued as 7F", "delay", 3210 * time.Millisecond,
		"connect_ms", 200, "ms", 1010}
	change := func(pairs ...any) []any { return append(append([]any{}, sent...), pairs...) }
	for _, c := range []struct {
		name  string
		level slog.Level
		text  string
		attrs []any
		want  []string
	}{
		{"accepted after a login", slog.LevelInfo, "message accepted",
			[]any{"spool_id", "01X", "account", "acme", "login", "acme-2", "auth", "PLAIN", "from", "a@b.example", "size", 1234, "rcpt", 2, "message_id", "<m@b.example>", "remote", "2001:db8::1"},
			[]string{
				"postfix/smtpd[%d]: 01X: client=unknown[2001:db8::1], sasl_method=PLAIN, sasl_username=acme-2",
				"postfix/cleanup[%d]: 01X: message-id=<m@b.example>",
				"postfix/qmgr[%d]: 01X: from=<a@b.example>, size=1234, nrcpt=2 (queue active)"}},
		{"accepted from a known network, null sender", slog.LevelInfo, "message accepted",
			[]any{"spool_id", "01X", "login", "", "auth", "", "from", "", "size", 1, "rcpt", 1, "message_id", "<m@b>", "remote", "192.0.2.1"},
			[]string{
				"postfix/smtpd[%d]: 01X: client=unknown[192.0.2.1]",
				"postfix/cleanup[%d]: 01X: message-id=<m@b>",
				"postfix/qmgr[%d]: 01X: from=<>, size=1, nrcpt=1 (queue active)"}},
		{"delivered", slog.LevelInfo, "message delivered", sent, []string{
			"postfix/smtp[%d]: 01X: to=<c@d.example>, relay=mx.d.example[192.0.2.1]:25, delay=3.21, delays=0/2.2/0.2/0.81, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 7F)"}},
		{"deferred by the next hop", slog.LevelInfo, "message deferred", change("code", 450, "enhanced", "4.2.1", "stage", "RCPT", "reply", "busy"), []string{
			"postfix/smtp[%d]: 01X: to=<c@d.example>, relay=mx.d.example[192.0.2.1]:25, delay=3.21, delays=0/2.2/0.2/0.81, dsn=4.2.1, status=deferred (host mx.d.example[192.0.2.1] said: 450 4.2.1 busy (in reply to RCPT TO command))"}},
		{"deferred for a refusal of us", slog.LevelInfo, "message deferred", change("code", 554, "enhanced", "5.7.1", "stage", "greeting", "reply", "go away"), []string{
			"postfix/smtp[%d]: 01X: to=<c@d.example>, relay=mx.d.example[192.0.2.1]:25, delay=3.21, delays=0/2.2/0.2/0.81, dsn=4.7.1, status=deferred (host mx.d.example[192.0.2.1] said: 554 5.7.1 go away (in reply to greeting command))"}},
		{"no next hop reached", slog.LevelInfo, "message deferred", change("next_hop", "", "code", 451, "enhanced", "4.4.1", "local", true, "reply", "connect: refused"), []string{
			"postfix/smtp[%d]: 01X: to=<c@d.example>, relay=none, delay=3.21, delays=0/2.2/0.2/0.81, dsn=4.4.1, status=deferred (connect: refused)"}},
		{"next hop refuses to connect", slog.LevelInfo, "message deferred", change("code", 451, "enhanced", "4.4.1", "stage", "connect", "local", true, "reply", "connect: refused"), []string{
			"postfix/smtp[%d]: 01X: to=<c@d.example>, relay=none, delay=3.21, delays=0/2.2/0.2/0.81, dsn=4.4.1, status=deferred (connect to mx.d.example[192.0.2.1]:25: refused)"}},
		{"bounced", slog.LevelInfo, "message bounced", change("code", 550, "enhanced", "5.1.1", "reply", "no\nsuch user"), []string{
			"postfix/smtp[%d]: 01X: to=<c@d.example>, relay=mx.d.example[192.0.2.1]:25, delay=3.21, delays=0/2.2/0.2/0.81, dsn=5.1.1, status=bounced (host mx.d.example[192.0.2.1] said: 550 5.1.1 no?such user (in reply to end of DATA command))"}},
		{"expired in an attempt", slog.LevelInfo, "message expired", change("code", 450, "enhanced", "4.2.1", "stage", "MAIL", "reply", "busy"), []string{
			"postfix/smtp[%d]: 01X: to=<c@d.example>, relay=mx.d.example[192.0.2.1]:25, delay=3.21, delays=0/2.2/0.2/0.81, dsn=4.2.1, status=deferred (host mx.d.example[192.0.2.1] said: 450 4.2.1 busy (in reply to MAIL FROM command))",
			"postfix/qmgr[%d]: 01X: from=<a@b.example>, status=expired, returned to sender"}},
		{"expired without one", slog.LevelInfo, "message expired", []any{"spool_id", "01X", "from", "", "to", "c@d.example", "reply", "451 4.4.1 down"}, []string{
			"postfix/qmgr[%d]: 01X: from=<>, status=expired, returned to sender"}},
		{"DSN", slog.LevelInfo, "DSN queued", []any{"spool_id", "01Y", "about", "01X", "to", "a@b.example", "size", 900, "rcpt", 1, "message_id", "<n@relay>"}, []string{
			"postfix/bounce[%d]: 01X: sender delivery status notification: 01Y",
			"postfix/cleanup[%d]: 01Y: message-id=<n@relay>",
			"postfix/qmgr[%d]: 01Y: from=<>, size=900, nrcpt=1 (queue active)"}},
		{"removed", slog.LevelInfo, "message removed", []any{"spool_id", "01X"}, []string{"postfix/qmgr[%d]: 01X: removed"}},
		{"dropped", slog.LevelInfo, "message dropped", []any{"spool_id", "01X"}, []string{"postfix/postsuper[%d]: 01X: removed"}},
		{"refused", slog.LevelInfo, "message refused", []any{"account", "acme", "from", "a@b", "to", "c@d", "remote", "192.0.2.1", "stage", "RCPT", "code", 552, "enhanced", "5.7.1", "reply", "allowance"}, []string{
			"postfix/smtpd[%d]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 552 5.7.1 <c@d>: Recipient address rejected: allowance; from=<a@b> to=<c@d> proto=ESMTP"}},
		{"refused at MAIL", slog.LevelInfo, "account over its rate", []any{"account", "acme", "from", "", "remote", "192.0.2.1", "stage", "MAIL", "code", 450, "enhanced", "4.7.1", "reply", "slow"}, []string{
			"postfix/smtpd[%d]: NOQUEUE: reject: MAIL from unknown[192.0.2.1]: 450 4.7.1 <>: Sender address rejected: slow; from=<> proto=ESMTP"}},
		{"refused at the end", slog.LevelInfo, "message refused", []any{"from", "a@b", "remote", "192.0.2.1", "stage", "end", "code", 550, "enhanced", "5.6.0", "reply", "NUL"}, []string{
			"postfix/smtpd[%d]: NOQUEUE: reject: DATA from unknown[192.0.2.1]: 550 5.6.0 <DATA>: NUL; from=<a@b> proto=ESMTP"}},
		{"turned away", slog.LevelWarn, "connection turned away", []any{"remote", "192.0.2.1", "code", 421, "enhanced", "4.7.0", "reply", "too many"}, []string{
			"postfix/smtpd[%d]: NOQUEUE: reject: CONNECT from unknown[192.0.2.1]: 421 4.7.0 <unknown[192.0.2.1]>: Client host rejected: too many; proto=SMTP"}},
		{"login failed", slog.LevelWarn, "login failed", []any{"remote", "192.0.2.1", "login", "root", "auth", "LOGIN", "banned", false}, []string{
			"postfix/smtpd[%d]: warning: unknown[192.0.2.1]: SASL LOGIN authentication failed: wrong user name or password, sasl_username=root"}},
		{"handshake", slog.LevelInfo, "TLS handshake failed", []any{"remote", "192.0.2.1", "err", errors.New("no cipher")}, []string{
			"postfix/smtpd[%d]: SSL_accept error from unknown[192.0.2.1]: no cipher"}},
		{"anything else", slog.LevelWarn, "next hop down", []any{"next_hop", "d.example", "until", noon, "err", errors.New("a \"b\" c"), slog.Group("g", "a", 1), "empty", ""}, []string{
			`relay/smtp[%d]: warning: next hop down next_hop=d.example until=2026-11-03T12:04:05Z err="a \"b\" c" g.a=1 empty=""`}},
		{"an error", slog.LevelError, "store", []any{"op", "settle\nfake"}, []string{`relay/smtp[%d]: error: store op="settle\nfake"`}},
	} {
		got := logged(Options{}, c.level, c.text, component, c.attrs...)
		want := ""
		for _, line := range c.want {
			want += "Nov  3 12:04:05 mx.test " + line + "\n"
		}
		if got != want {
			t.Errorf("%s:\n%swant\n%s", c.name, got, want)
		}
	}
}

// Nothing that a stranger chooses makes a line of its own, or a recipient that
// is none.
func TestPostfix_forged(t *testing.T) {
	evil := "x>, relay=none, status=sent\nNov  3 12:04:05 h postfix/qmgr[1]: 01Z: removed\r\x1b[2J\u0085\u2028\u202e\ufeff"
	got := logged(Options{}, slog.LevelInfo, "message bounced", nil, "spool_id", "01X", "to", evil, "reply", evil, "stage", evil, "next_hop", evil)
	if strings.Count(got, "\n") != 1 || strings.ContainsAny(got, "\r\x1b\u0085\u2028\u202e\ufeff") || strings.Contains(got, "to=<x>") {
		t.Errorf("%q", got)
	}
	got = logged(Options{}, slog.LevelWarn, "text", []any{"component", evil}, evil, evil)
	if strings.Count(got, "\n") != 1 {
		t.Errorf("%q", got)
	}
}

// In the journal each line of an event carries its priority; the time stays.
func TestPostfix_journal(t *testing.T) {
	got := logged(Options{Journal: true}, slog.LevelInfo, "message accepted", nil, "spool_id", "01X")
	for line := range strings.Lines(got) {
		if !strings.HasPrefix(line, "<6>Nov  3 12:04:05 mx.test postfix/") {
			t.Errorf("line %q", line)
		}
	}
	if n := strings.Count(got, "\n"); n != 3 {
		t.Errorf("%d lines", n)
	}
}

// Groups and the logger's own attributes come in order, and the level counts.
func TestPostfix_logger(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(NewPostfix(&b, Options{Host: "h", Level: slog.LevelWarn}))
	log.Info("not this")
	a := log.With("component", "mailer", "a", 1).WithGroup("g").With("b", 2)
	c, d := a.With("c", 3), a.With("d", 4) // of the same parent
	c.Error("one", "e", 5)
	d.Warn("two")
	text := b.String()
	for _, want := range []string{"relay/mailer[", "]: error: one a=1 g.b=2 g.c=3 g.e=5\n", "]: warning: two a=1 g.b=2 g.d=4\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %q", want, text)
		}
	}
	if strings.Contains(text, "not this") {
		t.Error("the level does not count")
	}
}

// Records of many goroutines do not mix.
func TestPostfix_concurrent(t *testing.T) {
	var mu sync.Mutex
	var writes []string
	log := slog.New(NewPostfix(writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		writes = append(writes, string(p))
		return len(p), nil
	}), Options{Host: "h"}))
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() { log.With("i", i).Info("message accepted", "spool_id", i) })
	}
	wg.Wait()
	for _, w := range writes {
		if strings.Count(w, "\n") != 3 {
			t.Errorf("a write is %q", w)
		}
	}
	if len(writes) != 50 {
		t.Errorf("%d writes", len(writes))
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func TestJournal(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(Journal(&b, slog.LevelDebug)).With("component", "smtp")
	log.Debug("a")
	log.Info("b")
	log.WithGroup("g").Warn("c", "k", "v")
	log.Error("d", "err", errors.New("x y"))
	want := `<7>level=DEBUG msg=a component=smtp
<6>level=INFO msg=b component=smtp
<4>level=WARN msg=c component=smtp g.k=v
<3>level=ERROR msg=d component=smtp err="x y"
`
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
	broken := slog.New(Journal(writer(func([]byte) (int, error) { return 0, io.ErrShortWrite }), slog.LevelInfo))
	broken.Info("does not panic")
}
