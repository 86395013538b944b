package letter

import (
	"bytes"
	"cmp"
	"flag"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	rome   = time.FixedZone("CET", 3600)
	sample = Ending{Seller: "Rossi Hosting S.r.l.", Host: "smtp.example.org", Account: "verdi-web", Plan: "bronze", Holds: "50,000 e-mails and 500 MB a month", LastDay: time.Date(2027, 10, 31, 23, 59, 59, 0, rome), Days: 14,
		Price: "EUR 146.40 a year, with 22% tax", Amount: "146.40"}
)

// samples are letters of every sort, by the name of their golden files.
func samples() map[string]*Ending {
	link, invoice, ask, answer, hostile, today := sample, sample, sample, sample, sample, sample
	link.RenewLink = "https://www.example.org/renew?account={account}&plan={plan}&until={end}&amount={amount}"
	link.RenewText = "By bank transfer of EUR {amount} to IT60 X054 2811 1010 0000 0123 456,\nwith the text {account} {end}."
	link.Credit = "500 MB"
	invoice.Renewal = &Renewal{Title: "Invoice R-17", For: "plan gold, a year from 2027-11-01", Left: "EUR 439.20",
		Link: "https://pay.example.org/R-17?a=439.20", Instructions: "By bank transfer, with the text R-17."}
	invoice.RenewLink, invoice.Days = link.RenewLink, 3
	ask.Contact, ask.Price, ask.Amount, ask.State = "billing@example.org", "", "", "suspended: complaints"
	answer.Days, answer.Price, answer.Seller, answer.Holds = 1, "free", "", ""
	today.Days, today.Renewal = 0, &Renewal{Title: "Invoice 9", For: "plan bronze, a year", Left: "EUR 1.00"}
	evil := "x</td><script>alert(1)</script>\r\nBcc: all@evil.example\r\n\r\n--=_\u202e\x00"
	hostile.Account, hostile.Plan, hostile.State, hostile.Price, hostile.Credit, hostile.Contact = evil, evil, evil, evil, evil, evil
	hostile.Seller, hostile.Holds = evil, evil
	hostile.RenewLink, hostile.RenewText = "javascript:alert('{account}')", "<b>{account}</b>\n{plan}"
	return map[string]*Ending{"link": &link, "invoice": &invoice, "ask": &ask, "answer": &answer, "today": &today, "hostile": &hostile}
}

func TestEnding_golden(t *testing.T) {
	for name, e := range samples() {
		html, err := e.HTML()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".txt", e.Text())
		golden(t, name+".html", html)
		for line := range strings.Lines(e.Text()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > columns && !strings.HasPrefix(line, "https://") {
				t.Errorf("%s: %d columns: %s", name, n, line)
			}
		}
	}
}

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
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), -update writes it:\n%s", path, diff)
	}
}

// Subject, heading and foot say who writes, of which service and account; the plan is
// described.
func TestEnding_names(t *testing.T) {
	for name, e := range samples() {
		if name == "hostile" {
			continue
		}
		html, err := e.HTML()
		if err != nil {
			t.Fatal(err)
		}
		who := cmp.Or(e.Seller, e.Host)
		for _, want := range []string{who, e.Account, "outgoing mail", "31 October 2027"} {
			if !strings.Contains(e.Subject(), want) {
				t.Errorf("%s: the subject %q does not say %q", name, e.Subject(), want)
			}
		}
		for kind, text := range map[string]string{"text": e.Text(), "HTML": html} {
			first, last := strings.Index(text, who), strings.LastIndex(text, who)
			if first < 0 || first > strings.LastIndex(text, "Your account") || last < strings.Index(text, "After the last day") {
				t.Errorf("%s: %s: %q is not above the heading and in the foot", name, kind, who)
			}
			if !strings.Contains(text, e.Holds) {
				t.Errorf("%s: %s does not describe the plan", name, kind)
			}
		}
	}
}

// A hostile name stays text: no tag of it is one, no address of it a link.
func TestEnding_HTML_hostile(t *testing.T) {
	e := samples()["hostile"]
	html, err := e.HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", "<b>", "href=\"javascript", "\x00", "\u202e"} {
		if strings.Contains(html, bad) || (bad[0] != '<' && strings.Contains(e.Text(), bad)) {
			t.Errorf("%q stands in it", bad)
		}
	}
	if strings.Contains(html, "<a ") {
		t.Error("what is no web address became a link")
	}
	for name, e := range samples() {
		html, _ := e.HTML()
		for _, outside := range []string{"<img", "<link", "src=", "url(", "@import", "<script"} {
			if strings.Contains(html, outside) {
				t.Errorf("%s: %s", name, outside)
			}
		}
	}
}

// parsed is a mail as a mail program reads it.
type parsed struct {
	header mail.Header
	parts  map[string]string // by type, decoded
	order  []string
}

func parse(t fataler, content []byte) (p parsed) {
	t.Helper()
	for line := range bytes.SplitSeq(content, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00") {
			t.Fatalf("line %q", line)
		}
	}
	m, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		t.Fatalf("%v\n%s", err, content)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s: %v", kind, err)
	}
	p = parsed{header: m.Header, parts: map[string]string{}}
	r := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := r.NextRawPart()
		if err == io.EOF {
			return p
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, content)
		}
		kind, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil || params["charset"] != "utf-8" || part.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
			t.Fatalf("%v: %v", part.Header, err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		p.parts[kind], p.order = string(text), append(p.order, kind)
	}
}

type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func letter(t fataler, e *Ending) *Letter {
	t.Helper()
	html, err := e.HTML()
	if err != nil {
		t.Fatal(err)
	}
	return &Letter{Host: "smtp.example.org", Name: "Posta Sicura S.r.l.", ReplyTo: "billing@example.org", To: "boss@acme.example",
		ID: "01ARZ3", Date: time.Date(2027, 10, 17, 8, 30, 0, 0, rome), Subject: e.Subject(), Text: e.Text(), HTML: html}
}

func TestLetter_Build(t *testing.T) {
	l := letter(t, samples()["link"])
	m, err := l.Build()
	if err != nil {
		t.Fatal(err)
	}
	p := parse(t, m.Content)
	for name, want := range map[string]string{
		"From": `"Posta Sicura S.r.l." <postmaster@smtp.example.org>`, "Reply-To": "<billing@example.org>", "To": "<boss@acme.example>",
		"Subject": "Rossi Hosting S.r.l.: account verdi-web for outgoing mail ends on 31 October 2027", "Date": "Sun, 17 Oct 2027 08:30:00 +0100",
		"Message-Id": "<01ARZ3@smtp.example.org>", "Auto-Submitted": "auto-generated", "Mime-Version": "1.0",
	} {
		if got := p.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if len(p.header) != 9 {
		t.Errorf("%d fields: %v", len(p.header), p.header)
	}
	if strings.Join(p.order, " ") != "text/plain text/html" {
		t.Errorf("parts %q: the last one is the best", p.order)
	}
	if p.parts["text/plain"] != strings.ReplaceAll(l.Text, "\n", "\r\n") || p.parts["text/html"] != strings.ReplaceAll(l.HTML, "\n", "\r\n") {
		t.Error("the parts are not what was handed over")
	}
	if m.SMTPUTF8 || !ascii(string(m.Content)) || m.MessageID != p.header.Get("Message-Id") {
		t.Errorf("SMTPUTF8 %v, Message-ID %s", m.SMTPUTF8, m.MessageID)
	}
	again, err := l.Build()
	if err != nil || !bytes.Equal(again.Content, m.Content) {
		t.Error("built again it is another one")
	}
}

func TestLetter_Build_utf8(t *testing.T) {
	l := letter(t, &sample)
	l.Name, l.Subject, l.ReplyTo, l.Text = "Ünïcode Søller, \"Zwölf\" "+strings.Repeat("ä", 200), "Größe", "", "Grüße, 100 €\n.\nFrom me\n"
	m, err := l.Build()
	if err != nil || m.SMTPUTF8 || !ascii(string(m.Content)) {
		t.Fatalf("SMTPUTF8 %v, %v\n%s", m.SMTPUTF8, err, m.Content)
	}
	p := parse(t, m.Content)
	from, err := p.header.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Name != l.Name || from[0].Address != "postmaster@smtp.example.org" {
		t.Errorf("From %v, %v", from, err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(p.header.Get("Subject"))
	if err != nil || subject != "Größe" || p.header.Get("Reply-To") != "" {
		t.Errorf("Subject %q, %v", subject, err)
	}
	if p.parts["text/plain"] != "Grüße, 100 €\r\n.\r\nFrom me\r\n" {
		t.Errorf("text %q", p.parts["text/plain"])
	}
	if l.To = "jörg@acme.example"; true {
		m, err := l.Build()
		if err != nil || !m.SMTPUTF8 || parse(t, m.Content).header.Get("To") != "<jörg@acme.example>" {
			t.Errorf("to %s: SMTPUTF8 %v, %v", l.To, m.SMTPUTF8, err)
		}
	}
}

// Whatever names and templates are, they end no field and open no part.
func TestLetter_Build_nothingBreaksOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		any := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"x\r\nBcc: all@evil.example", "\r\n\r\n--=_", "a\nb", "{account}{plan}", "=?utf-8?q?=0ABcc:?=", "</style><img src=x>"}))
		e := sample
		e.Account, e.Plan, e.State, e.Price, e.Credit, e.Contact = any.Draw(t, "account"), any.Draw(t, "plan"), any.Draw(t, "state"), any.Draw(t, "price"), any.Draw(t, "credit"), any.Draw(t, "contact")
		e.RenewLink, e.RenewText = "https://example.org/"+any.Draw(t, "link")+"?{account}", any.Draw(t, "text")+"{plan}"
		if rapid.Bool().Draw(t, "waits") {
			e.Renewal = &Renewal{any.Draw(t, "title"), any.Draw(t, "for"), any.Draw(t, "left"), any.Draw(t, "pay"), any.Draw(t, "how")}
		}
		l := letter(t, &e)
		l.Name, l.Subject = any.Draw(t, "name"), any.Draw(t, "subject")
		m, err := l.Build()
		if err != nil {
			t.Fatal(err)
		}
		p := parse(t, m.Content)
		if len(p.header) != 9 || len(p.order) != 2 || !ascii(string(m.Content)) {
			t.Fatalf("%d fields, %d parts\n%s", len(p.header), len(p.order), m.Content)
		}
		if p.parts["text/plain"] != strings.ReplaceAll(l.Text, "\n", "\r\n") {
			t.Fatalf("text %q, want %q", p.parts["text/plain"], l.Text)
		}
		if strings.Contains(p.parts["text/html"], "<img") {
			t.Fatal("a tag of a name stands in the HTML")
		}
	})
	for _, to := range []string{"", "boss", "a@b.example\r\nBcc: all@evil.example", "a@b.example, c@d.example", "<a@b.example>", "a@b.example>", "A <a@b.example>", "a@b.example (me)"} {
		l := letter(t, &sample)
		l.To = to
		if _, err := l.Build(); err == nil {
			t.Errorf("to %q: no error", to)
		}
		l.To, l.ReplyTo = "a@b.example", to
		if _, err := l.Build(); (err == nil) != (to == "") {
			t.Errorf("answers to %q: %v", to, err)
		}
	}
}
