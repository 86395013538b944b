package letter

import (
	"bytes"
	"flag"
	"mime"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"relay/store/mailsyntax"
)

var update = flag.Bool("update", false, "write the golden files")

var rome = time.FixedZone("CET", 3600)

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), -update writes it:\n%s", path, diff)
	}
}

func sample() *Letter {
	return &Letter{Host: "smtp.example.org", Name: "Posta Sicura S.r.l.", ReplyTo: "billing@example.org", To: "boss@acme.example",
		ID: "01ARZ3", Date: time.Date(2027, 10, 17, 8, 30, 0, 0, rome), Subject: "Your account ends on 31 October 2027", Text: "It ends.\n", HTML: "<p>It ends.</p>\n"}
}

func TestLetter_Build(t *testing.T) {
	l := sample()
	m, err := l.Build()
	if err != nil {
		t.Fatal(err)
	}
	h, tree := read(t, m.Content)
	for name, want := range map[string]string{
		"From": `"Posta Sicura S.r.l." <postmaster@smtp.example.org>`, "Reply-To": "<billing@example.org>", "To": "<boss@acme.example>",
		"Subject": "Your account ends on 31 October 2027", "Date": "Sun, 17 Oct 2027 08:30:00 +0100",
		"Message-Id": "<01ARZ3@smtp.example.org>", "Auto-Submitted": "auto-generated", "Mime-Version": "1.0",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if len(h) != 9 {
		t.Errorf("%d fields: %v", len(h), h)
	}
	if tree.String() != "alternative[text/plain, text/html]" || tree.Parts[0].Text != "It ends.\r\n" || tree.Parts[1].Text != "<p>It ends.</p>\r\n" {
		t.Errorf("parts %s: the last one is the best\n%+v", tree, tree)
	}
	if m.SMTPUTF8 || m.MessageID != h.Get("Message-Id") {
		t.Errorf("SMTPUTF8 %v, Message-ID %s", m.SMTPUTF8, m.MessageID)
	}
	again, err := l.Build()
	if err != nil || !bytes.Equal(again.Content, m.Content) {
		t.Error("built again it is another one")
	}
}

func TestLetter_Build_utf8(t *testing.T) {
	l := sample()
	l.Name, l.Subject, l.ReplyTo, l.Text = "Ünïcode Søller, \"Zwölf\" "+strings.Repeat("ä", 200), "Größe", "", "Grüße, 100 €\n.\nFrom me\n"
	m, err := l.Build()
	if err != nil || m.SMTPUTF8 || !mailsyntax.IsASCII(string(m.Content)) {
		t.Fatalf("SMTPUTF8 %v, %v\n%s", m.SMTPUTF8, err, m.Content)
	}
	h, tree := read(t, m.Content)
	from, err := h.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Name != l.Name || from[0].Address != "postmaster@smtp.example.org" {
		t.Errorf("From %v, %v", from, err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
	if err != nil || subject != "Größe" || h.Get("Reply-To") != "" {
		t.Errorf("Subject %q, %v", subject, err)
	}
	if tree.Parts[0].Text != "Grüße, 100 €\r\n.\r\nFrom me\r\n" {
		t.Errorf("text %q", tree.Parts[0].Text)
	}
	for _, change := range []func(){func() { l.To = "jörg@acme.example" }, func() { l.To, l.From = "jo@acme.example", "büro@rossi.example" }} {
		change()
		m, err := l.Build()
		if err != nil || !m.SMTPUTF8 || !bytes.Contains(m.Content, []byte("<"+l.To+">")) || !bytes.Contains(m.Content, []byte("<"+l.From)) {
			t.Errorf("from %s to %s: SMTPUTF8 %v, %v\n%s", l.From, l.To, m.SMTPUTF8, err, m.Content)
		}
	}
}

// Whatever names and subjects are, they end no field and open no part.
func TestLetter_Build_nothingBreaksOut(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		any := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"x\r\nBcc: all@evil.example", "\r\n\r\n--=_", "a\nb", "=?utf-8?q?=0ABcc:?="}))
		l := sample()
		l.Name, l.Subject, l.Text = any.Draw(r, "name"), any.Draw(r, "subject"), any.Draw(r, "text")
		m, err := l.Build()
		if err != nil {
			r.Fatal(err)
		}
		h, tree := read(t, m.Content)
		if len(h) != 9 || tree.String() != "alternative[text/plain, text/html]" {
			r.Fatalf("%d fields, %s\n%s", len(h), tree, m.Content)
		}
	})
	for _, to := range []string{"", "boss", "a@b.example\r\nBcc: all@evil.example", "a@b.example, c@d.example", "<a@b.example>", "a@b.example>", "A <a@b.example>", "a@b.example (me)"} {
		for _, change := range []func(*Letter){func(l *Letter) { l.To = to }, func(l *Letter) { l.From = to }, func(l *Letter) { l.ReplyTo = to }} {
			l := sample()
			change(l)
			if _, err := l.Build(); err == nil && (to != "" || l.To == "") {
				t.Errorf("%q: no error: %+v", to, l)
			}
		}
	}
}

// A letter can be built to each Recipient: a contact that is none must not hold up the mail to
// others.
func TestRecipient_canBeWrittenTo(t *testing.T) {
	for _, address := range []string{"a@x.org", "a@X.org.", "\u00fc@x\u00fc.org", "a'b@x.org", "a@[192.0.2.1]", "", "@x.org", "a@", "a..b@x.org", ".a@x.org", `"a b"@x.org`, "a,b@x.org", "Ring us: <help@x.org", "a b@x.org"} {
		to, _, ok := Recipient(address)
		if _, err := (&Letter{Host: "smtp.example.org", To: to, ReplyTo: to}).Build(); ok != (err == nil) {
			t.Errorf("%q: recipient %q, %v; letter %v", address, to, ok, err)
		}
	}
}
