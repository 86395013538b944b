package sendmail

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	gosmtp "github.com/emersion/go-smtp"

	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/shell"
)

// inbox is a server that sendmail hands over to: it keeps the last message, and
// refuses what it is told to.
type inbox struct {
	addr   string
	refuse map[string]*gosmtp.SMTPError // by "MAIL", "DATA" or the recipient

	mu      sync.Mutex
	from    string
	mail    gosmtp.MailOptions
	rcpts   []string
	notify  [][]gosmtp.DSNNotify
	content string
	taken   int
}

func newInbox(t *testing.T) *inbox {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &inbox{addr: l.Addr().String(), refuse: map[string]*gosmtp.SMTPError{}}
	s := gosmtp.NewServer(gosmtp.BackendFunc(func(*gosmtp.Conn) (gosmtp.Session, error) { return &inboxSession{b}, nil }))
	s.EnableDSN, s.EnableSMTPUTF8, s.Domain = true, true, "inbox.test"
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return b
}

type inboxSession struct{ *inbox }

func (s *inboxSession) no(key string) error {
	if err := s.refuse[key]; err != nil {
		return err
	}
	return nil
}

func (s *inboxSession) Mail(from string, o *gosmtp.MailOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from, s.mail, s.rcpts, s.notify, s.content = from, *o, nil, nil, ""
	return s.no("MAIL")
}

func (s *inboxSession) Rcpt(to string, o *gosmtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rcpts, s.notify = append(s.rcpts, to), append(s.notify, o.Notify)
	return s.no(to)
}

func (s *inboxSession) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.no("DATA"); err != nil {
		return err
	}
	s.content = string(b)
	s.taken++
	return &gosmtp.SMTPError{Code: 250, EnhancedCode: gosmtp.EnhancedCode{2, 0, 0}, Message: "queued as 42"}
}

func (s *inboxSession) Reset()        {}
func (s *inboxSession) Logout() error { return nil }

// env is the environment of a user who calls sendmail.
type env map[string]string

// newEnv has a configuration and no relay. The path of a socket must be short, so the test's
// own directory will not do.
func newEnv(t *testing.T, config string) env {
	t.Helper()
	dir, err := os.MkdirTemp("", "relay")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	e := env{"RELAY_CONFIG": filepath.Join(dir, "relay.toml"), "RELAY_DATA": filepath.Join(dir, "data")}
	if err := os.WriteFile(e["RELAY_CONFIG"], []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return e
}

// run runs a command line with the word sendmail, and returns what it wrote and its exit code.
func (e env) run(stdin string, args ...string) (stdout, stderr string, code int) {
	var out, errs strings.Builder
	own, rest, _ := Split("relay", args)
	p := Program{Env: &shell.Env{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs},
		Where: &place.Flags{Getenv: func(name string) string { return e[name] }}}
	code = exit.Report(&errs, p.Run(context.Background(), own, rest))
	return out.String(), errs.String(), code
}

func mustMatch(t *testing.T, what, text, pattern string) {
	t.Helper()
	if !regexp.MustCompile(pattern).MatchString(text) {
		t.Errorf("%s does not match %q:\n%s", what, pattern, text)
	}
}

// env leads sendmail to the inbox.
func (b *inbox) env(t *testing.T, more string) env {
	return newEnv(t, fmt.Sprintf("hostname = \"host.example\"\n[sendmail]\nserver = %q\n%s", b.addr, more))
}

// me is what this user's mail comes from.
func me(t *testing.T) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return u.Username + "@host.example"
}

func TestSendmail(t *testing.T) {
	b := newInbox(t)
	for _, c := range []struct {
		name, config, args, input string
		from                      string // "": this user
		rcpts                     string
		content                   string // "FROM" stands for this user's address in the From that is added
	}{
		{"as PHP calls it", "", "-t -i -f web@example.org",
			"To: Ann <ann@a.example>\r\nSubject: hello\r\nFrom: shop@example.org\r\nX-Mailer: PHP\r\n\r\nfirst\nlast\n",
			"web@example.org", "ann@a.example",
			"To: Ann <ann@a.example>\nSubject: hello\nFrom: shop@example.org\nX-Mailer: PHP\n\nfirst\nlast\n"},
		{"as cron calls it", "", "-FCronDaemon -i -B8BITMIME -oem root",
			"From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@web1> run\n\n.\nout\n",
			"", "root@host.example",
			"From: root@host.example (Cron Daemon)\nTo: root@host.example\nSubject: Cron <root@web1> run\n\n.\nout\n"},
		{"root's mail goes to a person", "local = \"ann@a.example\"\n", "root www@LOCALHOST bob@b.example",
			"Subject: x\nTo: root\n\n\n", "", "ann@a.example bob@b.example", "Subject: x\nTo: root@host.example\nFrom: FROM\n\n\n"},
		{"recipients of all fields, once each; Bcc and Return-Path go", "", "-t -f me@a.example c@d.example",
			"To: a@b.example, (x) \"B, C\" <b@b.example>\nCc: team: c@d.example, d@d.example;\nBcc: e@e.example,\n f@f.example\nReturn-Path: <x@y>\nFrom: me@a.example\n\nx\n",
			"me@a.example", "c@d.example a@b.example b@b.example d@d.example e@e.example f@f.example",
			"To: a@b.example, (x) \"B, C\" <b@b.example>\nCc: team: c@d.example, d@d.example;\nFrom: me@a.example\n\nx\n"},
		{"Resent fields, where there are any", "", "-t -f me@a.example",
			"Resent-To: r@r.example\nResent-Bcc: s@s.example\nTo: a@b.example\nFrom: x@y.example\n\n",
			"me@a.example", "r@r.example s@s.example", "Resent-To: r@r.example\nTo: a@b.example\nFrom: x@y.example\n\n"},
		{"a lone dot ends it", "", "-f me@a.example a@b.example", "From: me@a.example\n\none\n..\n. \n.\ntwo\n",
			"me@a.example", "a@b.example", "From: me@a.example\n\none\n..\n. \n"},
		{"and does not with -oi", "", "-oi -f me@a.example a@b.example", "From: me@a.example\n\none\n.\ntwo",
			"me@a.example", "a@b.example", "From: me@a.example\n\none\n.\ntwo\n"},
		{"no From: the sender, and the name that was given", "", "-i -F Jürgen -f me@a.example a@b.example", "From: \nSubject: x\n\n",
			"me@a.example", "a@b.example", "Subject: x\nFrom: =?utf-8?q?J=C3=BCrgen?= <me@a.example>\n\n"},
		{"a quoted sender", "", `-i -F Ann -f "a:b"@c.example a@b.example`, "Subject: x\n\n",
			"a:b@c.example", "a@b.example", "Subject: x\nFrom: \"Ann\" <\"a:b\"@c.example>\n\n"},
		{"the null sender", "", "-f <> a@b.example", "Subject: x\nFrom: MAILER-DAEMON\n\n",
			"<>", "a@b.example", "Subject: x\nFrom: MAILER-DAEMON@host.example\n\n"},
		{"text without a header", "", "-f me@a.example a@b.example", "hello\nyou: there\n",
			"me@a.example", "a@b.example", "From: me@a.example\n\nhello\nyou: there\n"},
		{"nothing", "", "-f me@a.example a@b.example", "", "me@a.example", "a@b.example", "From: me@a.example\n\n"},
		{"out of a mailbox file", "", "-f me@a.example a@b.example", "From ann Mon Nov 23\nFrom: me@a.example\n\nFrom x\n",
			"me@a.example", "a@b.example", "From: me@a.example\n\nFrom x\n"},
		{"a line that is no field hides none", "", "-t -f me@a.example", ">From ann Mon Nov 23\nTo: a@b.example,\nb@b.example\njunk\n more\nOdd: 1\n 2\nlost\n fold\nBcc: c@c.example,\nd@c.example\nFrom: me@a.example\n\nx\n",
			"me@a.example", "a@b.example b@b.example c@c.example d@c.example", "To: a@b.example,\n b@b.example\nOdd: 1\n 2\nFrom: me@a.example\n\nx\n"},
		{"text without the blank line before it", "", "-f me@a.example a@b.example", "From: me@a.example\nhello\n there\n\nTo: you\n",
			"me@a.example", "a@b.example", "From: me@a.example\n\nhello\n there\n\nTo: you\n"},
		{"line ends of all kinds, and NUL", "", "-f me@a.example a@b.example", "From: me@a.example\r\n\r\n1\r\r\n2\r3\x00\n\r\n10%\r20%\r100%",
			"me@a.example", "a@b.example", "From: me@a.example\n\n1\n2\n3\n\n10%\n20%\n100%\n"},
		{"a lone CR in the header makes no field, and no text", "", "-t -f me@a.example", "From: me@a.example\rBcc: x@evil.example\nTo: a@b.example\nSubject: x\r\r\rBcc: y@evil.example\r\r\n\r\n1\r2\n",
			"me@a.example", "a@b.example", "From: me@a.example Bcc: x@evil.example\nTo: a@b.example\nSubject: x Bcc: y@evil.example\n\n1\n2\n"},
		{"8-bit text and addresses", "", "-f me@a.example jürgen@bücher.example", "From: me@a.example\nSubject: grün\n\n\xfcber\n",
			"me@a.example", "jürgen@bücher.example", "From: me@a.example\nSubject: grün\n\n\xfcber\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, stderr, code := b.env(t, c.config).run(c.input, append([]string{"sendmail"}, strings.Fields(c.args)...)...)
			if code != exit.Done || stderr != "" {
				t.Fatalf("exit code %d\n%s", code, stderr)
			}
			from := map[string]string{"": me(t), "<>": ""}
			if want, ok := from[c.from]; ok {
				c.from = want
			}
			if b.from != c.from || strings.Join(b.rcpts, " ") != c.rcpts {
				t.Errorf("from %q to %q, want %q to %q", b.from, b.rcpts, c.from, c.rcpts)
			}
			got := strings.ReplaceAll(b.content, "\r\n", "\n")
			want := c.content
			if strings.Contains(want, "From: FROM") {
				want = strings.Replace(want, "FROM", fromLine(t), 1)
			}
			if got != want || strings.Count(b.content, "\r\n") != strings.Count(b.content, "\n") {
				t.Errorf("content %q, want %q", b.content, want)
			}
		})
	}
}

// fromLine is the value of the From that is added for this user.
func fromLine(t *testing.T) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if u.Name == "" {
		return me(t)
	}
	return fmt.Sprintf("%q <%s>", u.Name, me(t))
}

func TestSendmail_options(t *testing.T) {
	b := newInbox(t)
	out, stderr, code := b.env(t, "").run("Subject: gr\xfcn\n\nx\n", "--json", "sendmail", "-v", "-N", "failure,success", "-R", "hdrs", "-V", "id=1", "-fa@b.example", "c@d.example")
	if code != exit.Done || stderr != "" {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	mustMatch(t, "stdout", out, `"id": "42",\n  "recipients": \[\n    "c@d.example"`)
	if b.mail.Return != gosmtp.DSNReturnHeaders || b.mail.EnvelopeID != "id=1" || b.mail.Body != gosmtp.Body8BitMIME || b.mail.Size != int64(len(b.content)) {
		t.Errorf("MAIL %+v for %d octets", b.mail, len(b.content))
	}
	if want := []gosmtp.DSNNotify{gosmtp.DSNNotifySuccess, gosmtp.DSNNotifyFailure}; !slices.Equal(b.notify[0], want) {
		t.Errorf("NOTIFY %v, want %v", b.notify[0], want)
	}
	_, stderr, _ = b.env(t, "").run("\n", "sendmail", "-v", "c@d.example")
	mustMatch(t, "stderr", stderr, "the relay said: 250 2.0.0 queued as 42")
}

// Lines that mail cannot carry are cut, not refused: the output of a job must
// arrive.
func TestSendmail_longLines(t *testing.T) {
	b := newInbox(t)
	words := strings.Repeat("word ", 400)
	solid := strings.Repeat("ü", 800)
	input := "Subject: " + words + "\nFrom: a@b.example\n\n" + words + "\n" + solid + "\n" + strings.Repeat("x", 998) + "\n"
	if _, stderr, code := b.env(t, "").run(input, "sendmail", "c@d.example"); code != exit.Done {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	for line := range strings.Lines(b.content) {
		if n := len(strings.TrimRight(line, "\r\n")); n > 998 {
			t.Errorf("a line of %d octets", n)
		}
	}
	head, body, _ := strings.Cut(b.content, "\r\n\r\n")
	if got := strings.Join(strings.Fields(head), " "); got != "Subject: "+strings.TrimSpace(words)+" From: a@b.example" {
		t.Errorf("header %q", head)
	}
	lines := strings.Split(strings.TrimSuffix(body, "\r\n"), "\r\n")
	if got := strings.Join(strings.Fields(strings.Join(lines[:3], " ")), " "); got != strings.TrimSpace(words) {
		t.Errorf("words %q", lines[:3])
	}
	if got := lines[3] + lines[4]; got != solid || !strings.HasSuffix(lines[3], "ü") {
		t.Errorf("%q", lines[3:5])
	}
	if len(lines) != 6 || len(lines[5]) != 998 {
		t.Errorf("%d lines, the last of %d octets", len(lines), len(lines[len(lines)-1]))
	}
}

// A long message waits in a file that nobody sees.
func TestSendmail_bigMessage(t *testing.T) {
	b := newInbox(t)
	e, dir := b.env(t, ""), t.TempDir()
	t.Setenv("TMPDIR", dir)
	line := strings.Repeat("x", 99) + "\n"
	input := "From: a@b.example\n\n" + strings.Repeat(line, 50_000)
	if _, stderr, code := e.run(input, "sendmail", "-i", "c@d.example"); code != exit.Done {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	if got := strings.ReplaceAll(b.content, "\r\n", "\n"); got != input {
		t.Errorf("%d octets arrived of %d", len(got), len(input))
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	t.Setenv("TMPDIR", filepath.Join(dir, "nowhere"))
	_, stderr, code := e.run(input, "sendmail", "-i", "c@d.example")
	if code != exit.TryAgain {
		t.Errorf("exit code %d without a place for it", code)
	}
	mustMatch(t, "stderr", stderr, "keep the message in .*nowhere.*\n.*hint: .*TMPDIR")
}

func TestSendmail_refused(t *testing.T) {
	reply := func(code, a, b, c int, text string) *gosmtp.SMTPError {
		return &gosmtp.SMTPError{Code: code, EnhancedCode: gosmtp.EnhancedCode{a, b, c}, Message: text}
	}
	for _, c := range []struct {
		name, at string
		reply    *gosmtp.SMTPError
		code     int
		want     string
	}{
		{"this machine is not known", "MAIL", reply(530, 5, 7, 0, "log in"), 77, `nothing was sent: 127.* said: 530 5.7.0 log in\n.*hint: .*account network add NAME 127.0.0.1`},
		{"the account is suspended", "MAIL", reply(550, 5, 7, 1, "suspended"), 69, "550 5.7.1 suspended"},
		{"the sender is no address", "MAIL", reply(501, 5, 1, 7, "malformed"), 65, "nothing was sent: .* 501 5.1.7 malformed\n.*hint: correct the sender"},
		{"no space", "MAIL", reply(452, 4, 3, 1, "full"), 75, "hint: try again later"},
		{"one recipient is no address", "b@b.example", reply(501, 5, 1, 3, "malformed"), 67, "nothing was sent because of b@b.example: .* 501 5.1.3 malformed"},
		{"too many recipients", "b@b.example", reply(452, 4, 5, 3, "at most 1"), 65, "hint: send the message in several parts"},
		{"the allowance", "b@b.example", reply(552, 5, 7, 1, "allowance"), 69, "552 5.7.1 allowance"},
		{"the text", "DATA", reply(550, 5, 6, 0, "NUL"), 65, "550 5.6.0 NUL"},
		{"not now", "DATA", reply(451, 4, 3, 0, "local error"), 75, "451 4.3.0"},
		{"shutting down", "DATA", reply(421, 4, 3, 2, "later"), 75, "421 4.3.2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newInbox(t)
			b.refuse[c.at] = c.reply
			out, stderr, code := b.env(t, "").run("Subject: x\n\n", "sendmail", "a@a.example", "b@b.example", "c@c.example")
			if code != c.code || out != "" || b.taken != 0 {
				t.Errorf("exit code %d, want %d; %d messages taken; %s", code, c.code, b.taken, out)
			}
			mustMatch(t, "stderr", stderr, c.want)
		})
	}
}

func TestSendmail_wrong(t *testing.T) {
	b := newInbox(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, config, args, input string
		code                      int
		want                      string
	}{
		{"no recipients", "", "", "x\n", 64, "no recipients\n.*hint: relay sendmail -t"},
		{"none in the header", "", "-t", "Subject: x\n\nTo: a@b.example\n", 65, "the message has no recipients\n.*hint: add a To field"},
		{"a bad field", "", "-t", "To: Ann Bee\n\n", 65, `the message's To: "Ann Bee" is not an address\n.*hint`},
		{"a header without end", "", "-t", "To: a@b.example\n" + strings.Repeat("X-A: b\n", 50_000), 65, "the header of the message is longer than 262 KB\n.*hint"},
		{"another configuration", "", "--config /tmp/x.toml a@b.example", "x\n", 64, "not taken from the arguments of sendmail\n.*hint"},
		{"another data directory", "", "a@b.example --data=/tmp", "x\n", 64, "not taken from the arguments of sendmail\n.*hint"},
		{"no login without TLS elsewhere, nor offered", "user = \"a\"\npassword_file = \"" + secret + "\"\n", "a@b.example", "x\n", 78, "offers neither PLAIN nor LOGIN\n.*hint: .*TLS"},
		{"no password", "user = \"a\"\npassword_file = \"/nowhere/secret\"\n", "a@b.example", "x\n", 78, "sendmail.password_file: .*no such file.*\n.*hint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, stderr, code := b.env(t, c.config).run(c.input, append([]string{"sendmail"}, strings.Fields(c.args)...)...)
			if code != c.code || b.taken != 0 {
				t.Errorf("exit code %d, want %d; %d messages taken", code, c.code, b.taken)
			}
			mustMatch(t, "stderr", stderr, c.want)
		})
	}
	t.Run("a broken configuration", func(t *testing.T) {
		_, stderr, code := newEnv(t, "[sendmail]\nserver = \"here\"\nlocal = \"root\"\n").run("x\n", "sendmail", "a@b.example")
		mustMatch(t, "stderr", stderr, `sendmail.server: "here" is not host:port; .*sendmail.local: "root" is not an address`)
		if code != exit.Config {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("it hangs up", func(t *testing.T) {
		go func() {
			if conn, err := closed.Accept(); err == nil {
				conn.Close()
			}
		}()
		_, stderr, code := newEnv(t, fmt.Sprintf("[sendmail]\nserver = %q\n", closed.Addr())).run("x\n", "sendmail", "a@b.example")
		closed.Close()
		mustMatch(t, "stderr", stderr, "connection closed")
		if code != exit.TryAgain {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("nobody is there", func(t *testing.T) {
		if testing.Short() {
			t.Skip("waits for a relay to come back")
		}
		_, stderr, code := newEnv(t, fmt.Sprintf("[sendmail]\nserver = %q\n", closed.Addr())).run("x\n", "sendmail", "a@b.example")
		mustMatch(t, "stderr", stderr, "no relay can be reached: .*connection refused\n.*hint: see .sendmail. server")
		if code != exit.TryAgain {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("no place that is known", func(t *testing.T) {
		_, stderr, code := newEnv(t, "[[listen]]\naddr = \"127.0.0.1:0\"\ntls = \"none\"\n").run("x\n", "sendmail", "a@b.example")
		mustMatch(t, "stderr", stderr, "no relay can be reached: it does not run, .*\n.*hint: start it with: relay serve")
		if code != exit.TryAgain {
			t.Errorf("exit code %d", code)
		}
	})
}
