package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// station is a relay with an account and a sink that takes everything, for mail
// programs to be tried on.
type station struct {
	*relay
	sink     *sink
	user     string
	password string
	dir      string
	expect   usage // what the account must have used
}

func newStation(t *testing.T) *station {
	t.Helper()
	s := &station{sink: newSink(t, behaviour{}), user: "office", dir: shortDir(t)}
	// A test logs in wrongly as often as it likes.
	s.relay = newRelay(t, setup{smarthost: s.sink.addr(), limits: "failed_logins = 100"})
	s.password = s.account(s.user)
	s.start()
	return s
}

// program is a real mail program.
type program struct {
	name   string
	wrong  int                                                     // exit code after a wrong password
	submit func(st *station, t *testing.T, w way, m letter) result // hands a message over
}

// way to the relay.
type way struct{ mode, mech string }

var ways = []way{{"starttls", "PLAIN"}, {"starttls", "LOGIN"}, {"implicit", "PLAIN"}, {"implicit", "LOGIN"}}

// letter is a message in a file, as a program is to hand it over.
type letter struct {
	from     string
	to       []string
	file     string
	password string
}

var programs = []program{
	{"swaks", 28, swaks},
	{"curl", 67, curl},
	{"msmtp", 77, msmtp},
	{"python3", 3, python},
}

func TestPrograms(t *testing.T) {
	t.Parallel()
	st := newStation(t)
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			need(t, p.name)
			for _, w := range ways {
				t.Run(w.mode+" "+w.mech, func(t *testing.T) { st.one(t, p, w) })
			}
			t.Run("50 recipients", func(t *testing.T) { st.many(t, p) })
			t.Run("wrong password", func(t *testing.T) { st.wrong(t, p) })
		})
	}
	st.proven()
	st.stop()
}

// one message with a UTF-8 subject and body and an attachment.
func (st *station) one(t *testing.T, p program, w way) {
	id := fmt.Sprintf("%s-%s-%s", p.name, w.mode, w.mech)
	content := withAttachment(id)
	st.send(t, p, w, content, []string{"one@there.test"})
	d := st.sink.arrived(id)
	wantSame(t, d, content)
	wantTrace(t, d)
	text, attached := openMail(t, d.content)
	if subject, err := new(mime.WordDecoder).DecodeHeader(d.field("Subject")); err != nil || subject != greeting {
		t.Errorf("subject %q, %v; want %q", subject, err, greeting)
	}
	if !strings.Contains(text, greeting) {
		t.Errorf("text %q does not hold %q", text, greeting)
	}
	if !bytes.Equal(attached, attachment()) {
		t.Errorf("the attachment has %d octets and is not the one sent", len(attached))
	}
}

func (st *station) many(t *testing.T, p program) {
	id := p.name + "-many"
	to := make([]string, 50)
	for i := range to {
		to[i] = fmt.Sprintf("r%d@there.test", i)
	}
	content := compose(id, "boss@office.test", to, 5000).content
	st.send(t, p, ways[0], content, to)
	d := st.sink.arrived(id)
	wantSame(t, d, content)
	if strings.Join(d.to, " ") != strings.Join(to, " ") {
		t.Errorf("arrived for %v", d.to)
	}
}

// send hands content over and wants the relay to take and charge it.
func (st *station) send(t *testing.T, p program, w way, content []byte, to []string) {
	t.Helper()
	m := letter{from: "boss@office.test", to: to, file: st.write(t, content), password: st.password}
	if res := p.submit(st, t, w, m); res.code != 0 {
		t.Fatalf("%s: exit code %d\n%s%s", p.name, res.code, res.out, res.err)
	}
	st.charged(t, len(to), int64(len(content)))
}

// charged wants that much more to be charged, and delivered soon.
func (st *station) charged(t *testing.T, recipients int, octets int64) {
	t.Helper()
	st.expect.Messages += int64(recipients)
	st.expect.Bytes += int64(recipients) * octets
	st.expect.Delivered += int64(recipients)
	u := st.usage(st.user)
	if u.Messages != st.expect.Messages || u.Bytes != st.expect.Bytes {
		t.Errorf("charged %d e-mails and %d octets in all, want %d and %d", u.Messages, u.Bytes, st.expect.Messages, st.expect.Bytes)
		st.expect.Messages, st.expect.Bytes = u.Messages, u.Bytes // one fault is told once
	}
	until(t, "the message is settled", func() bool { return st.usage(st.user).Queued == 0 })
	if u := st.usage(st.user); u.Delivered != st.expect.Delivered || u.Failed != 0 {
		t.Errorf("usage %+v, want %d delivered", u, st.expect.Delivered)
	}
}

func (st *station) wrong(t *testing.T, p program) {
	before := st.usage(st.user)
	content := compose(p.name+"-wrong", "boss@office.test", nil, 1000).content
	m := letter{from: "boss@office.test", to: []string{"one@there.test"}, file: st.write(t, content), password: "not the password"}
	res := p.submit(st, t, ways[0], m)
	if res.code != p.wrong {
		t.Errorf("%s: exit code %d, want %d\n%s%s", p.name, res.code, p.wrong, res.out, res.err)
	}
	if !strings.Contains(res.out+res.err, "535") && p.name != "curl" { // which keeps it to itself
		t.Errorf("%s does not tell of a reply 535:\n%s%s", p.name, res.out, res.err)
	}
	if u := st.usage(st.user); u != before {
		t.Errorf("usage %+v after a wrong password, was %+v", u, before)
	}
}

func (st *station) write(t *testing.T, content []byte) string {
	t.Helper()
	file := filepath.Join(st.dir, "message.eml")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// swaks puts a CRLF before the final dot whether the file ends in one or not: it
// gets it without.
func swaks(st *station, t *testing.T, w way, m letter) result {
	content, err := os.ReadFile(m.file)
	if err != nil {
		t.Fatal(err)
	}
	st.write(t, bytes.TrimSuffix(content, []byte("\r\n")))
	args := []string{"--server", "127.0.0.1", "--port", st.port(w.mode), "--ehlo", "client.test", "--auth", w.mech,
		"--auth-user", st.user, "--auth-password", m.password, "--from", m.from, "--to", strings.Join(m.to, ","),
		"--data", "@" + m.file, "--timeout", "20"}
	if w.mode == "implicit" {
		args = append(args, "--tlsc")
	} else {
		args = append(args, "--tls")
	}
	return finish(t, command("swaks", args...))
}

func curl(st *station, t *testing.T, w way, m letter) result {
	scheme := "smtp"
	if w.mode == "implicit" {
		scheme = "smtps"
	}
	args := []string{"--silent", "--show-error", "--max-time", "60", "--ssl-reqd", "--cacert", st.certificate(),
		"--resolve", hostname + ":" + st.port(w.mode) + ":127.0.0.1", "--user", st.user + ":" + m.password,
		"--login-options", "AUTH=" + w.mech, "--mail-from", m.from, "--upload-file", m.file}
	for _, to := range m.to {
		args = append(args, "--mail-rcpt", to)
	}
	return finish(t, command("curl", append(args, scheme+"://"+hostname+":"+st.port(w.mode)+"/client.test")...))
}

func msmtp(st *station, t *testing.T, w way, m letter) result {
	in, err := os.Open(m.file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	starttls := "on"
	if w.mode == "implicit" {
		starttls = "off"
	}
	password := filepath.Join(st.dir, "password")
	if err := os.WriteFile(password, []byte(m.password), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--file=/dev/null", "--host=127.0.0.1", "--port=" + st.port(w.mode), "--auth=" + strings.ToLower(w.mech),
		"--user=" + st.user, "--passwordeval=cat " + password, "--tls=on", "--tls-starttls=" + starttls,
		"--tls-certcheck=off", "--from=" + m.from, "--timeout=20", "--"}
	cmd := command("msmtp", append(args, m.to...)...)
	cmd.Stdin = in
	return finish(t, cmd)
}

// pythonScript hands a file over with smtplib.
const pythonScript = `
import smtplib, ssl, sys
mode, mech, port, user, password, sender, name = sys.argv[1:8]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
if mode == "implicit":
    s = smtplib.SMTP_SSL("127.0.0.1", int(port), "client.test", context=context, timeout=60)
else:
    s = smtplib.SMTP("127.0.0.1", int(port), "client.test", timeout=60)
    s.starttls(context=context)
s.ehlo()
s.user, s.password = user, password
try:
    s.auth(mech, getattr(s, "auth_" + mech.lower()))
except smtplib.SMTPAuthenticationError as e:
    print(e.smtp_code, e.smtp_error)
    sys.exit(3)
with open(name, "rb") as f:
    refused = s.sendmail(sender, sys.argv[8:], f.read(), ["BODY=8BITMIME"])
s.quit()
sys.exit(4 if refused else 0)
`

func python(st *station, t *testing.T, w way, m letter) result {
	args := []string{"-c", pythonScript, w.mode, w.mech, st.port(w.mode), st.user, m.password, m.from, m.file}
	return finish(t, command("python3", append(args, m.to...)...))
}

// pythonMessage writes a message with Python's own means, in UTF-8 throughout.
const pythonMessage = `
import smtplib, ssl, sys
from email.message import EmailMessage
from email.policy import SMTPUTF8
port, cafile, user, password, name = sys.argv[1:]
m = EmailMessage(policy=SMTPUTF8)
m["From"] = "Böss <böss@office.test>"
m["To"] = "grüße@there.test"
m["Subject"] = name
m["X-Test-Id"] = "python-utf8"
m.set_content(name, cte="8bit")
with open(cafile, "rb") as f:
    m.add_attachment(f.read(), maintype="application", subtype="octet-stream", filename="ä.bin")
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
with smtplib.SMTP("127.0.0.1", int(port), timeout=60) as s:
    s.starttls(context=context)
    s.login(user, password)
    s.send_message(m)
`

// TestPrograms_utf8 sends from and to addresses beyond ASCII (RFC 6531). Date and
// Message-ID are missing, so that the relay adds them.
func TestPrograms_utf8(t *testing.T) {
	t.Parallel()
	need(t, "python3")
	st := newStation(t)
	file := st.write(t, attachment())
	res := finish(t, command("python3", "-X", "utf8", "-c", pythonMessage, st.port("starttls"), file, st.user, st.password, greeting))
	if res.code != 0 {
		t.Fatalf("exit code %d\n%s", res.code, res.err)
	}
	d := st.sink.arrived("python-utf8")
	if d.from != "böss@office.test" || len(d.to) != 1 || d.to[0] != "grüße@there.test" {
		t.Errorf("from %s to %v", d.from, d.to)
	}
	text, attached := openMail(t, d.content)
	if d.field("Subject") != greeting || !strings.Contains(text, greeting) || !bytes.Equal(attached, attachment()) {
		t.Errorf("not the message that was sent:\n%.700s", d.content)
	}
	if d.field("Date") == "" || !strings.HasSuffix(d.field("Message-ID"), "@"+hostname+">") {
		t.Errorf("Date %q and Message-ID %q, want the relay's", d.field("Date"), d.field("Message-ID"))
	}
	if u := st.usage(st.user); u.Messages != 1 || u.Bytes >= d.size || u.Bytes < int64(len(attached)) {
		t.Errorf("usage %+v for a message that went out with %d octets, the relay's fields among them", u, d.size)
	}
	st.stop()
}

// TestPrograms_large sends messages near the limit of 100 MB.
func TestPrograms_large(t *testing.T) {
	t.Parallel()
	st := newStation(t)
	for _, p := range programs {
		if p.name != "curl" && p.name != "python3" {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			need(t, p.name)
			id := p.name + "-large"
			content := large(id, 90_000_000)
			began := time.Now()
			st.send(t, p, ways[0], content, []string{"one@there.test"})
			d := st.sink.arrived(id)
			t.Logf("%d octets handed over, delivered and settled in %v", len(content), time.Since(began).Round(time.Millisecond))
			wantSame(t, d, content)
		})
	}
	t.Run("more than the relay takes", func(t *testing.T) {
		need(t, "curl")
		before, arrived := st.usage(st.user), st.sink.total()
		m := letter{from: "boss@office.test", to: []string{"one@there.test"}, password: st.password,
			file: st.write(t, large("too-large", 100_100_000))}
		if res := curl(st, t, ways[0], m); res.code == 0 {
			t.Error("a message of over 100 MB was taken")
		}
		if u := st.usage(st.user); u != before || st.sink.total() != arrived {
			t.Errorf("usage %+v, was %+v; %d deliveries, were %d", u, before, st.sink.total(), arrived)
		}
	})
	st.proven()
	st.stop()
}

// large is a message of exactly size octets with an attachment's lines.
func large(id string, size int) []byte {
	head := fmt.Sprintf("From: <boss@office.test>\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\nMessage-ID: <%s@e2e.test>\r\n%s: %s\r\n\r\n",
		id, idField, id)
	content := append(make([]byte, 0, size), head...)
	for n := 0; len(content) < size-80; n++ {
		content = fmt.Appendf(content, "%076x\r\n", n)
	}
	content = append(content, bytes.Repeat([]byte("z"), size-len(content)-2)...)
	return append(content, "\r\n"...)
}

// greeting is text beyond ASCII.
const greeting = "Grüße aus Città di Castello ✓ 你好"

// attachment is every octet, in lines of no length.
func attachment() []byte {
	var b []byte
	for i := range 50_000 {
		b = append(b, byte(i*i>>3))
	}
	return b
}

// withAttachment is a message as a mail program writes it, in UTF-8.
func withAttachment(id string) []byte {
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	fmt.Fprintf(&b, "From: =?utf-8?q?B=C3=B6ss?= <boss@office.test>\r\nTo: <one@there.test>\r\nSubject: %s\r\n"+
		"Date: Mon, 02 Nov 2026 10:00:00 +0000\r\nMessage-ID: <%s@e2e.test>\r\n%s: %s\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: multipart/mixed; boundary=%s\r\n\r\n", mime.BEncoding.Encode("utf-8", greeting), id, idField, id, parts.Boundary())
	text, _ := parts.CreatePart(map[string][]string{"Content-Type": {"text/plain; charset=utf-8"}, "Content-Transfer-Encoding": {"8bit"}})
	fmt.Fprintf(text, "%s\r\n.\r\n.. a line with dots\r\nFrom here on\r\n", greeting)
	file, _ := parts.CreatePart(map[string][]string{"Content-Type": {"application/octet-stream"},
		"Content-Disposition": {`attachment; filename="a.bin"`}, "Content-Transfer-Encoding": {"base64"}})
	for code := base64.StdEncoding.EncodeToString(attachment()); code != ""; {
		n := min(76, len(code))
		fmt.Fprintf(file, "%s\r\n", code[:n])
		code = code[n:]
	}
	_ = parts.Close() // to memory
	return b.Bytes()
}

// openMail reads what withAttachment wrote.
func openMail(t *testing.T, content []byte) (text string, attached []byte) {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			return text, attached
		}
		if err != nil {
			t.Fatal(err)
		}
		var r io.Reader = p
		if p.Header.Get("Content-Transfer-Encoding") == "base64" {
			r = base64.NewDecoder(base64.StdEncoding, p)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if p.FileName() != "" {
			attached = b
		} else {
			text = string(b)
		}
	}
}

// wantSame wants what the sink got to be what was handed over, below the field
// that the relay put on top.
func wantSame(t *testing.T, d *delivery, content []byte) {
	t.Helper()
	sum := sha256.Sum256(content)
	if d.sum != hex.EncodeToString(sum[:]) {
		t.Errorf("what arrived (%d octets) is not what was handed over (%d); it starts\n%.700s", d.size, len(content), d.content)
	}
}

// wantTrace wants one Received field of the relay, without the client's address.
func wantTrace(t *testing.T, d *delivery) {
	t.Helper()
	received := d.field("Received")
	if !strings.Contains(received, hostname) || strings.Contains(received, "127.0.0.1") || strings.Contains(received, "client.test") {
		t.Errorf("Received: %s; want it to name %s and not the client", received, hostname)
	}
}
