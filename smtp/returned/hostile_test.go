package returned

import (
	"bytes"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"relay/store/mailsyntax"
)

const mib = 1 << 20

// endless repeats a text until so many octets have been read, and notes at three quarters of
// them how much memory is in use.
type endless struct {
	text  string
	at    int
	left  int
	note  int
	inUse uint64
}

func (e *endless) Read(b []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	if e.left <= e.note && e.inUse == 0 {
		e.inUse = inUse()
	}
	n := 0
	for n < len(b) && n < e.left {
		c := copy(b[n:min(len(b), e.left)], e.text[e.at:])
		e.at = (e.at + c) % len(e.text)
		n += c
	}
	e.left -= n
	return n, nil
}

func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

const (
	reportHead = "From: MAILER-DAEMON@mx.example.net\nSubject: Undelivered\nContent-Type: multipart/report; boundary=b\n\n"
	statusHead = reportHead + "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n"
)

// A mail of any size and shape costs bounded memory.
func TestRead_memory(t *testing.T) {
	for name, c := range map[string]struct{ head, text string }{
		"a line":                  {reportHead, "x"},
		"a line in a header":      {"Subject: ", "x"},
		"a header":                {"", "To: you@example.com\n"},
		"a folded header":         {"Subject: x\n", " x\n"},
		"fields without an end":   {"", "X: y\n"},
		"the returned message":    {reportHead + "--b\nContent-Type: message/rfc822\n\nMessage-ID: <1@x>\n\n", "0123456789\n"},
		"groups":                  {statusHead, "Final-Recipient: rfc822; you@example.com\nAction: failed\nDiagnostic-Code: smtp; " + strings.Repeat("x", 900) + "\n\n"},
		"fields of a group":       {statusHead, "Diagnostic-Code: smtp; 550 no\n"},
		"continuations":           {statusHead + "Diagnostic-Code: x\n", " x\n"},
		"parts":                   {reportHead, "--b\nContent-Type: text/plain\n\nx\n"},
		"reports":                 {reportHead, "--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@example.com\n\n"},
		"messages":                {reportHead, "--b\nContent-Type: message/rfc822\n\nMessage-ID: <1@x>\n\nx\n"},
		"messages in messages":    {"", "Content-Type: message/rfc822\n\n"},
		"nested multiparts":       {"Content-Type: multipart/mixed; boundary=a\n\n", "--a\nContent-Type: multipart/mixed; boundary=a\n\n"},
		"what looks like an end":  {reportHead, "--b-\n"},
		"dashes":                  {reportHead, "-"},
		"boundaries without ends": {"Content-Type: multipart/mixed; boundary=\"", "b"},
		"text":                    {"From: MAILER-DAEMON@x\nSubject: failure\n\n", "Hi. This is the x\n<a@example.com>:\n"},
		"base64":                  {reportHead + "--b\nContent-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n", "QUJD"},
		"quoted-printable":        {reportHead + "--b\nContent-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n", "=41="},
		"soft breaks":             {reportHead + "--b\nContent-Type: message/delivery-status\nContent-Transfer-Encoding: quoted-printable\n\n", "a=\n"},
		"encoded words":           {"Subject: ", "=?utf-8?q?=41?=\n "},
		"NUL":                     {"", "\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			size := 5 * mib
			e := &endless{text: c.text, left: size, note: size / 4}
			before := inUse()
			if _, err := Read(io.MultiReader(strings.NewReader(c.head), e)); err != nil {
				t.Fatal(err)
			}
			if e.inUse > before+128<<10 {
				t.Errorf("%d KB in use", (e.inUse-before)>>10)
			}
		})
	}
}

// nested are multiparts within each other, each with a boundary of its own.
func nested(depth int, text string) string {
	var s strings.Builder
	for i := range depth {
		b := strings.Repeat("b", 1+i%9) + string(rune('0'+i%10))
		s.WriteString("Content-Type: multipart/mixed; boundary=" + b + "\n\n--" + b + "\n")
	}
	return s.String() + "\n" + text
}

func TestRead_depth(t *testing.T) {
	deep := statusHead[strings.Index(statusHead, "Content-Type"):] + "Final-Recipient: rfc822; you@example.com\nAction: failed\nStatus: 5.1.1\n\n--b--\n"
	for depth, want := range map[int]Kind{3: Bounce, 10_000: Other} {
		m, err := Read(strings.NewReader(strings.TrimSuffix(nested(depth, ""), "\n") + deep))
		if err != nil || m.Kind != want {
			t.Errorf("%d: %v, %v", depth, m.Kind, err)
		}
	}
}

// What was read up to the limit counts; what comes after it is not looked at.
func TestRead_stops(t *testing.T) {
	e := &endless{text: "x", left: 2 * maxRead}
	if _, err := Read(io.MultiReader(strings.NewReader(reportHead), e)); err != nil || e.left < maxRead-mib {
		t.Errorf("%d octets are left, %v", e.left, err)
	}
	b := sample(t, "dsn-postfix")
	e = &endless{text: "x", left: mib}
	m, err := Read(io.MultiReader(bytes.NewReader(b[:len(b)-30]), e))
	if err != nil || m.Kind != Bounce || e.left < mib-2*chunk {
		t.Errorf("%v, %d octets are left of what follows the original's header, %v", m.Kind, e.left, err)
	}
}

func TestRead_error(t *testing.T) {
	if _, err := Read(iotest.TimeoutReader(strings.NewReader(strings.Repeat("Subject: x\n", 4000)))); err != iotest.ErrTimeout {
		t.Errorf("%v", err)
	}
}

// Nothing that a mail says breaks what follows from it, and how it arrives does not matter.
func FuzzRead(f *testing.F) {
	names, _ := samples(f)
	for _, name := range names {
		f.Add(sample(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Read(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		sound(t, m)
		if again, err := Read(iotest.HalfReader(bytes.NewReader(b))); err != nil || !reflect.DeepEqual(m, again) {
			t.Errorf("%+v in small pieces: %+v, %v", m, again, err)
		}
	})
}

// sound checks what holds for every mail.
func sound(t *testing.T, m *Mail) {
	t.Helper()
	switch {
	case len(m.Reports) > maxReports:
		t.Errorf("%d reports", len(m.Reports))
	case m.Kind == Other && len(m.Reports) > 0, (m.Kind == Complaint) != (m.Complaint != nil):
		t.Errorf("%+v", m)
	case m.Kind == Bounce && !slices.ContainsFunc(m.Reports, func(r Report) bool { return r.Action == "failed" }):
		t.Errorf("a bounce of nobody: %+v", m)
	}
	texts := []string{m.From, m.Subject, m.MessageID, m.OwnMessageID}
	for _, r := range m.Reports {
		if r.Hard && (r.Action != "failed" || r.Status != "" && r.Status[0] != '5') {
			t.Errorf("hard: %+v", r)
		}
		if r.Recipient != "" && address(r.Recipient) != r.Recipient || r.Original != "" && address(r.Original) != r.Original {
			t.Errorf("%q, %q are no addresses", r.Recipient, r.Original)
		}
		texts = append(texts, r.Recipient, r.Original, r.Status, r.Diagnostic, r.RemoteMTA)
	}
	if c := m.Complaint; c != nil {
		texts = append(texts, c.Type, c.UserAgent, c.OriginalMailFrom, c.OriginalRcptTo, c.SourceIP, c.ReportedDomain, c.Arrival)
	}
	for _, s := range texts {
		if !mailsyntax.IsText(s) || len(s) > 1100 {
			t.Errorf("%q", s)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for _, name := range []string{"dsn-postfix", "dsn-office365", "exim-old", "qmail", "arf-yahoo", "oof-en", "other-person"} {
		b.Run(name, func(b *testing.B) {
			mail := sample(b, name)
			b.SetBytes(int64(len(mail)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Read(bytes.NewReader(mail)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
