package cli

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/cli/exit"
	"relay/cli/sandbox/sink"
)

// What goes in and must not come out.
const (
	wrongSecret = "Tr0ub4dor&3-wrong"
	marker      = "the-content-of-the-message"
)

// logSession runs a relay with that shape of log at debug level, and a session
// through a balancer: failed logins, then mail that is delivered, bounced and put
// off, then mail that is refused. It returns the log and the right password.
func logSession(t *testing.T, format string) (log, secret string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	hop := sink.New(sink.Config{})
	ended := make(chan struct{})
	go func() { defer close(ended); _ = hop.Run(ctx, ln) }()
	defer func() { cancel(); <-ended }()
	e := newEnv(t, fmt.Sprintf(`
hostname = "relay.test"
timezone = "Europe/Rome"
proxies = ["127.0.0.1"]
[[listen]]
addr = "127.0.0.1:0"
tls = "starttls"
[delivery]
smarthost = %q
allow_private = true
[log]
level = "debug"
format = %q
`, ln.Addr(), format))
	var made struct{ Password string }
	if err := json.Unmarshal([]byte(e.must(t, "account", "add", "acme", "--plan", "entry", "--json")), &made); err != nil {
		t.Fatal(err)
	}
	s := serveTest(t, e)
	addr, err := listener(s.dir, "starttls")
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"192.0.2.77", "2001:db8::77"} {
		if err := tryLogin(addr, from, "acme", wrongSecret); err == nil || !strings.HasPrefix(err.Error(), "535") {
			t.Errorf("wrong login from %s: %v", from, err)
		}
	}
	if err := sendThrough(addr, made.Password); err != nil {
		t.Fatalf("%v\n%s", err, s.log)
	}
	sent := regexp.MustCompile(`(?s)(delivered.*){2}|(status=sent.*){2}`) // the message, and the DSN about it
	later := regexp.MustCompile(`deferred`)
	for end := time.Now().Add(soon); !(sent.MatchString(s.log.String()) && later.MatchString(s.log.String())) && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	if code := s.stop(); code != exit.Done {
		t.Errorf("exit code %d", code)
	}
	return s.log.String(), made.Password
}

// sendThrough logs in with AUTH LOGIN and hands over mail from 192.0.2.78.
func sendThrough(addr, password string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	fmt.Fprint(conn, "PROXY TCP4 192.0.2.78 127.0.0.1 40000 587\r\n")
	c, err := smtp.NewClient(conn, "relay.test")
	if err != nil {
		return err
	}
	if err := c.StartTLS(&tls.Config{InsecureSkipVerify: true}); err != nil {
		return err
	}
	code := base64.StdEncoding.EncodeToString
	for _, step := range []struct {
		say  string
		want int
	}{
		{"AUTH LOGIN", 334}, {code([]byte("acme")), 334}, {code([]byte(password)), 235},
		{"MAIL FROM:<news@b.example>", 250}, {"RCPT TO:<carol@d.example>", 250}, {"RCPT TO:<bounce@d.example>", 250},
		{"DATA", 354}, {"Message-ID: <one@b.example>\r\nSubject: " + marker + "\r\n\r\n" + marker + "\r\n.", 250},
		{"MAIL FROM:<news@b.example>", 250}, {"RCPT TO:<defer@d.example>", 250}, {"DATA", 354}, {"Subject: " + marker + "\r\n\r\n" + marker + "\r\n.", 250},
		{"MAIL FROM:<news@b.example>", 250}, {"RCPT TO:<dave@d.example>", 250}, {"DATA", 354}, {"\r\n" + marker + "\rbare\r\n.", 550},
		{"MAIL FROM:<news@b.example>", 250}, {"RCPT TO:<<bad", 501}, {"RSET", 250},
		{"QUIT", 221},
	} {
		id, err := c.Text.Cmd("%s", step.say)
		if err != nil {
			return err
		}
		c.Text.StartResponse(id)
		if _, _, err := c.Text.ReadResponse(step.want); err != nil {
			return fmt.Errorf("after %.30q: %w", step.say, err)
		}
		c.Text.EndResponse(id)
	}
	return nil
}

var shapes = []string{"text", "json", "postfix"}

// The log of a whole session, at debug level, has no password in any form and
// nothing of what was sent.
func TestLog_tellsNoSecret(t *testing.T) {
	t.Parallel()
	for _, format := range shapes {
		t.Run(format, func(t *testing.T) {
			log, secret := logSession(t, format)
			for _, s := range []string{secret, wrongSecret, marker} {
				for _, form := range []string{s, base64.StdEncoding.EncodeToString([]byte(s)),
					base64.StdEncoding.EncodeToString([]byte("\x00acme\x00" + s)), fmt.Sprintf("%x", s)} {
					if strings.Contains(log, form) {
						t.Errorf("%q is in the log as %q", s, form)
					}
				}
			}
			if !strings.Contains(log, "192.0.2.78") || len(log) < 1000 {
				t.Errorf("that is no log of a session:\n%s", log)
			}
			failedLogins(t, format, log)
		})
	}
}

// failedLogins applies the fail2ban filter's expressions to the log.
func failedLogins(t *testing.T, format, log string) {
	t.Helper()
	all := failRegexes(t)
	var hosts []string
	for line := range strings.Lines(log) {
		line = strings.TrimSuffix(line, "\n")
		for _, head := range []string{"", "mx relay[7]: "} { // from a file, from the journal
			for _, re := range all {
				if m := re.FindStringSubmatch(head + line); m != nil {
					hosts = append(hosts, m[1])
				}
			}
		}
	}
	if want := []string{"192.0.2.77", "192.0.2.77", "2001:db8::77", "2001:db8::77"}; !slices.Equal(hosts, want) {
		t.Errorf("%s: the filter finds %q, want %q, in\n%s", format, hosts, want, log)
	}
}

// failRegexes are those of docs/fail2ban, as Go has them.
func failRegexes(t *testing.T) (list []*regexp.Regexp) {
	t.Helper()
	f, err := os.Open("../docs/fail2ban/filter.d/relay.conf")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	vars, key := map[string][]string{}, ""
	for in := bufio.NewScanner(f); in.Scan(); {
		line := in.Text()
		if name, value, ok := strings.Cut(line, " = "); ok && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, " ") {
			key, line = name, value
		} else if !strings.HasPrefix(line, " ") {
			key = ""
		}
		if key != "" {
			vars[key] = append(vars[key], strings.TrimSpace(line))
		}
	}
	for _, text := range vars["failregex"] {
		text = strings.ReplaceAll(text, "%(_head)s", vars["_head"][0])
		list = append(list, regexp.MustCompile(strings.ReplaceAll(text, "<HOST>", `([0-9a-f.:]+)`)))
	}
	if len(list) != 3 {
		t.Fatalf("%d expressions in the filter", len(list))
	}
	return list
}

// fail2ban itself finds the same, with the time of the line.
func TestLog_fail2ban(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("fail2ban-regex")
	if err != nil {
		t.Skip("fail2ban-regex is not installed")
	}
	for _, format := range shapes {
		t.Run(format, func(t *testing.T) {
			log, _ := logSession(t, format)
			file := filepath.Join(t.TempDir(), "relay.log")
			if err := os.WriteFile(file, []byte(log), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(path, "--print-all-matched", file, "../docs/fail2ban/filter.d/relay.conf").CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			mustMatch(t, "fail2ban-regex", string(out), `(?m)^Lines: \d+ lines, 0 ignored, 2 matched, \d+ missed`)
			mustMatch(t, "fail2ban-regex", string(out), `(?m)Failregex: 2 total`)
			if stock := "/etc/fail2ban/filter.d/postfix.conf"; format == "postfix" && exists(stock) { // what watches a Postfix does too
				own, err := exec.Command(path, file, stock+"[mode=aggressive]").CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, own)
				}
				mustMatch(t, "fail2ban's filter for Postfix", string(own), `(?m)^Lines: \d+ lines, 0 ignored, 2 matched`)
			}
			n := strings.Count(log, "\n")
			mustMatch(t, "the dates that it finds", string(out), fmt.Sprintf(`(?s)Date template hits:.*\[%d\]`, n))
		})
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// pflogsumm counts what really happened.
func TestLog_pflogsumm(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("pflogsumm")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/pflogsumm"); err != nil {
			t.Skip("pflogsumm is not installed")
		}
	}
	log, _ := logSession(t, "postfix")
	file := filepath.Join(t.TempDir(), "relay.log")
	if err := os.WriteFile(file, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	raw, err := exec.Command(path, "--problems-first", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	out := string(raw)
	for _, want := range []string{
		`(?m)^ +2 +received$`, `(?m)^ +2 +delivered$`, `(?m)^ +1 +deferred +\(1 +deferrals\)$`, `(?m)^ +1 +bounced$`,
		`(?m)^ +1 +rejected \(33%\)$`, `(?m)^ +1 +senders$`, `(?m)^ +2 +recipients$`, `(?m)^ +2 +recipient hosts/domains$`,
		`bare CR in the message`, `no such user here`, `mailbox busy`,
		`unknown\[192.0.2.77\]: SASL PLAIN authentication failed`,
	} {
		mustMatch(t, "pflogsumm's report", out, want)
	}
}

// Each line about a message has the one ID of it, from its acceptance to the end
// of its last recipient.
func TestLog_oneID(t *testing.T) {
	t.Parallel()
	log, _ := logSession(t, "json")
	type event struct {
		Msg, To, About string
		SpoolID        string `json:"spool_id"`
		MessageID      string `json:"message_id"`
		From           string
		Rcpt           int
	}
	story := map[string][]string{}
	first := ""
	for line := range strings.Lines(log) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		switch {
		case e.Msg == "message accepted" && first == "":
			first = e.SpoolID
			if e.MessageID != "<one@b.example>" || e.Rcpt != 2 || e.From != "news@b.example" {
				t.Errorf("accepted: %+v", e)
			}
		case e.Msg == "DSN queued" && e.About != first:
			t.Errorf("a DSN about %q", e.About)
		}
		if e.SpoolID != "" {
			story[e.SpoolID] = append(story[e.SpoolID], strings.TrimSpace(e.Msg+" "+e.To))
		}
	}
	if len(story) != 3 {
		t.Fatalf("%d messages in the log: %v", len(story), story)
	}
	for id, got := range story {
		want := []string{"DSN queued news@b.example", "message delivered news@b.example", "message removed"}
		switch {
		case id == first:
			want = []string{"message accepted", "message bounced bounce@d.example", "message delivered carol@d.example", "message removed"}
		case !slices.Contains(got, want[0]):
			want = []string{"message accepted", "message deferred defer@d.example"}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("message %s: %q, want %q", id, got, want)
		}
	}
}
