package sendmail

import (
	"strings"
	"testing"

	gosmtp "github.com/emersion/go-smtp"

	"relay/cli/exit"
)

// speakTo runs sendmail -bs with these lines, and returns what it said.
func speakTo(t *testing.T, e env, lines ...string) string {
	t.Helper()
	out, errs, code := e.run(strings.Join(lines, "\r\n")+"\r\n", "sendmail", "-bs")
	if code != exit.Done {
		t.Errorf("exit code %d, %s", code, errs)
	}
	return out
}

// A program that speaks SMTP to a pipe sends for the host's account, several
// messages, and reads the relay's own answers.
func TestSendmail_bs(t *testing.T) {
	b := newInbox(t)
	e := b.env(t, "")
	b.refuse["no@a.example"] = &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	said := speakTo(t, e, "EHLO localhost", "MAIL FROM:<web@example.org>", "RCPT TO:<ann@a.example>", "DATA",
		"Subject: x", "", "..dot", ".", "MAIL FROM:<>", "RCPT TO:<no@a.example>", "DATA", "Subject: y", "", ".", "QUIT")
	for _, want := range []string{"220 host.example ", "250 2.1.0 sender ok\r\n", "250 2.1.5 recipient ok\r\n", "250 2.0.0 queued as 42\r\n", "550 5.1.1 no such user\r\n", "221 "} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in what it said:\n%s", want, said)
		}
	}
	if b.taken != 1 {
		t.Errorf("%d messages were taken", b.taken)
	}
}

// What is handed over is completed like any other, and the end of the input is the
// end, without a QUIT; nothing of a message that is cut off is sent.
func TestSendmail_bs_content(t *testing.T) {
	b := newInbox(t)
	e := b.env(t, "")
	speakTo(t, e, "HELO localhost", "MAIL FROM:<web@example.org>", "RCPT TO:<ann@a.example>", "DATA",
		"To: ann@a.example\rBcc: x@evil.example", "Bcc: b@b.example", "", "..dot", ".")
	want := "To: ann@a.example Bcc: x@evil.example\r\nFrom: web@example.org\r\n\r\n.dot\r\n"
	if b.content != want || b.from != "web@example.org" || strings.Join(b.rcpts, " ") != "ann@a.example" {
		t.Errorf("from %q to %q: %q, want %q", b.from, b.rcpts, b.content, want)
	}
	speakTo(t, e, "HELO localhost", "MAIL FROM:<web@example.org>", "RCPT TO:<ann@a.example>", "DATA", "To: ann@a.example", "", "cut")
	if b.taken != 1 {
		t.Errorf("%d messages were taken, one of them was cut off", b.taken)
	}
}

// Where no account knows the machine the answer says what to do: AUTH is not spoken
// on a pipe.
func TestSendmail_bs_unknown(t *testing.T) {
	b := newInbox(t)
	b.refuse["MAIL"] = &gosmtp.SMTPError{Code: 530, EnhancedCode: gosmtp.EnhancedCode{5, 7, 0}, Message: "authentication required: log in with AUTH"}
	said := speakTo(t, b.env(t, ""), "EHLO localhost", "MAIL FROM:<web@example.org>", "RCPT TO:<ann@a.example>", "DATA", "Subject: x", "", "x", ".", "QUIT")
	if want := "530 5.7.0 let an account know this machine: relay account network add "; !strings.Contains(said, want) || strings.Contains(said, "AUTH") {
		t.Errorf("%q is not in what it said, or AUTH is:\n%s", want, said)
	}
}
