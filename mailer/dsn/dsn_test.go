package dsn

import (
	"bufio"
	"bytes"
	"flag"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"relay/store/mailsyntax"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var (
	arrived = time.Date(2026, 11, 23, 10, 15, 0, 0, time.FixedZone("", 3600))
	built   = arrived.Add(5 * time.Hour)
)

const original = "Received: by smtp.example.org with ESMTPSA id 01X; Mon, 23 Nov 2026 10:15:00 +0100\r\n" +
	"From: Ann <ann@sender.example>\r\n" +
	"To: Bob <bob@there.example>\r\n" +
	"Subject: Minutes of\r\n the meeting\r\n" +
	"Message-ID: <m1@sender.example>\r\n"

const body = "\r\nHello Bob.\r\n\r\n--=_looks-like-a-boundary--\r\nBye\r\n"

// base is what all cases share.
func base(rcpts ...Recipient) Params {
	return Params{
		Hostname: "smtp.example.org", Date: built, MessageID: "<n1@smtp.example.org>", To: "ann@sender.example",
		Arrived: arrived, OriginalID: "<m1@sender.example>", Original: []byte(original), Recipients: rcpts,
	}
}

var noUser = Recipient{Address: "bob@there.example", Action: Failed, Status: "5.1.1", RemoteMTA: "mx.there.example",
	Reply: "550 5.1.1 <bob@there.example>: Recipient address rejected: User unknown in local recipient table; see https://there.example/help for what to do about it", LastAttempt: built}

func cases() map[string]Params {
	full := base(noUser)
	full.Original, full.Full = []byte(original+body), true

	options := base(noUser)
	options.EnvID = "QQ314159+x"
	options.Recipients[0].ORCPT = "rfc822;robert@there.example"

	mixed := base(noUser,
		Recipient{Address: "carl@there.example", Action: Delivered, RemoteMTA: "mx.there.example", Reply: "250 2.0.0 queued as 1"},
		Recipient{Address: "dora@other.example", Action: Relayed, Status: "2.0.0", RemoteMTA: "mx.other.example", Reply: "250 ok"},
		Recipient{Address: "eve@gone.example", Action: Failed, Status: "5.1.2", Reply: "the domain gone.example does not exist"})

	global := base(Recipient{Address: "jörg@there.example", Action: Failed, Status: "5.6.7", Reply: "553 5.6.7 the next hop does not accept the recipient's non-ASCII address", ORCPT: "utf-8;jörg@there.example"})
	global.Original = []byte("Subject: Grüße\r\nFrom: ann@sender.example\r\n")

	globalPath := global
	globalPath.To = "änn@sender.example"

	eight := base(noUser)
	eight.Full, eight.Original = true, []byte(original+"\r\nGr\xfc\xdfe\r\n")

	encoded := base(noUser)
	encoded.Original = []byte("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= aus =?iso-8859-1?q?M=FCnchen?=\r\n")

	return map[string]Params{
		"failed":  base(noUser),
		"full":    full,
		"options": options,
		"mixed":   mixed,
		"expired": base(Recipient{Address: "bob@there.example", Action: Failed, Status: "4.4.1", Expired: true, Reply: "connect: connection refused", LastAttempt: built}),
		"delayed": base(Recipient{Address: "bob@there.example", Action: Delayed, Status: "4.7.1", RemoteMTA: "mx.there.example", Reply: "450 4.7.1 greylisted", LastAttempt: built, RetryUntil: arrived.Add(96 * time.Hour)}),
		"success": base(Recipient{Address: "bob@there.example", Action: Relayed, RemoteMTA: "mx.there.example", Reply: "250 ok", LastAttempt: built}),
		"utf8":    global, "utf8path": globalPath, "eightbit": eight, "encoded-subject": encoded,
	}
}

func TestBuild_golden(t *testing.T) {
	for name, p := range cases() {
		t.Run(name, func(t *testing.T) {
			n := Build(p)
			check(t, p, n)
			path := filepath.Join("testdata", name+".eml")
			if *update {
				if err := os.WriteFile(path, n.Content, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(n.Content, want) {
				t.Errorf("Build differs from %s:\n%s", path, n.Content)
			}
		})
	}
}

// report is a notification parsed back.
type report struct {
	header mail.Header
	kinds  []string
	bodies [][]byte
	groups []textproto.MIMEHeader // of the delivery-status
}

func parse(content []byte) (*report, error) {
	m, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	r := &report{header: m.Header}
	mr := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := mr.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		var body io.Reader = p
		if p.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(p)
		}
		b, err := io.ReadAll(body)
		if err != nil {
			return nil, err
		}
		r.kinds = append(r.kinds, p.Header.Get("Content-Type"))
		r.bodies = append(r.bodies, b)
	}
	if len(r.bodies) < 2 {
		return r, nil
	}
	tr := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(r.bodies[1], "\r\n"...))))
	for {
		g, err := tr.ReadMIMEHeader()
		if len(g) == 0 {
			return r, nil
		}
		if err != nil {
			return nil, err
		}
		r.groups = append(r.groups, g)
	}
}

// check proves what holds for every notification.
func check(t *testing.T, p Params, n Notice) *report {
	t.Helper()
	for line := range strings.SplitSeq(strings.TrimSuffix(string(n.Content), "\r\n"), "\r\n") {
		if len(line) > 998 {
			t.Errorf("a line has %d octets", len(line))
		}
		if strings.ContainsAny(line, "\r\n") {
			t.Errorf("bare CR or LF in %q", line)
		}
	}
	if !bytes.HasSuffix(n.Content, []byte("--\r\n")) {
		t.Error("no end")
	}
	r, err := parse(n.Content)
	if err != nil {
		t.Fatalf("parse: %v\n%s", err, n.Content)
	}
	if len(r.kinds) != 3 || len(r.groups) != 1+len(p.Recipients) {
		t.Fatalf("%d parts %q, %d groups\n%s", len(r.kinds), r.kinds, len(r.groups), n.Content)
	}
	head, _, _ := strings.Cut(string(n.Content), "\r\n\r\n")
	if n.SMTPUTF8 == mailsyntax.IsASCII(head) || n.EightBit == mailsyntax.IsASCII(n.Content) {
		t.Errorf("SMTPUTF8 %v, EightBit %v", n.SMTPUTF8, n.EightBit)
	}
	for i := range p.Recipients {
		want := &p.Recipients[i]
		if got := r.groups[i+1]; got.Get("Action") != string(want.Action) || got.Get("Status") == "" {
			t.Errorf("group %d: %v", i, got)
		}
	}
	return r
}

func TestBuild_fields(t *testing.T) {
	p := cases()["options"]
	r := check(t, p, Build(p))
	for name, want := range map[string]string{"Auto-Submitted": "auto-replied", "To": "<ann@sender.example>", "In-Reply-To": "<m1@sender.example>", "Message-Id": "<n1@smtp.example.org>",
		"From": "Mail Delivery System <MAILER-DAEMON@smtp.example.org>"} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if typ, params, _ := mime.ParseMediaType(r.header.Get("Content-Type")); typ != "multipart/report" || params["report-type"] != "delivery-status" {
		t.Errorf("Content-Type: %s", r.header.Get("Content-Type"))
	}
	for name, want := range map[string]string{"Reporting-Mta": "dns; smtp.example.org", "Original-Envelope-Id": "QQ314159+x", "Arrival-Date": "Mon, 23 Nov 2026 10:15:00 +0100"} {
		if got := r.groups[0].Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{"Original-Recipient": "rfc822;robert@there.example", "Final-Recipient": "rfc822; bob@there.example", "Status": "5.1.1", "Remote-Mta": "dns; mx.there.example",
		"Diagnostic-Code": "smtp; " + noUser.Reply, "Last-Attempt-Date": "Mon, 23 Nov 2026 15:15:00 +0100", "Will-Retry-Until": ""} {
		if got := r.groups[1].Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestBuild_returned(t *testing.T) {
	all := cases()
	for name, want := range map[string]struct{ kind, body string }{
		"failed":   {"text/rfc822-headers", original},
		"full":     {"message/rfc822", original + body},
		"utf8":     {"message/global-headers", string(all["utf8"].Original)},
		"utf8path": {"message/global-headers", string(all["utf8"].Original)},
		"eightbit": {"message/rfc822", string(all["eightbit"].Original)},
	} {
		r := check(t, all[name], Build(all[name]))
		if r.kinds[2] != want.kind || string(r.bodies[2]) != want.body {
			t.Errorf("%s: %s\n%q, want %s\n%q", name, r.kinds[2], r.bodies[2], want.kind, want.body)
		}
	}
	hdrs := all["full"]
	hdrs.Full = false
	if r := check(t, hdrs, Build(hdrs)); string(r.bodies[2]) != original {
		t.Errorf("header of a whole message: %q", r.bodies[2])
	}
}

func TestBuild_utf8(t *testing.T) {
	p := cases()["utf8"]
	n := Build(p)
	r := check(t, p, n)
	if n.SMTPUTF8 || n.EightBit {
		t.Errorf("to an ASCII address: SMTPUTF8 %v, EightBit %v", n.SMTPUTF8, n.EightBit)
	}
	if r.kinds[1] != "message/global-delivery-status" || r.groups[1].Get("Final-Recipient") != "utf-8; jörg@there.example" {
		t.Errorf("%s: %v", r.kinds[1], r.groups[1])
	}
	p = cases()["utf8path"]
	if n := Build(p); !n.SMTPUTF8 || !n.EightBit {
		t.Errorf("to a UTF-8 address: SMTPUTF8 %v, EightBit %v", n.SMTPUTF8, n.EightBit)
	}
}

func TestBuild_nothingBreaksOut(t *testing.T) {
	evil := "x\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<script>\r\nBcc: all@x.example"
	p := base(Recipient{Address: "a@b.example" + evil, ORCPT: "rfc822;" + evil, Action: Failed, Status: "5.0.0", RemoteMTA: evil, Reply: evil})
	p.EnvID, p.OriginalID, p.To = evil, "<"+evil+">", "ann@sender.example"+evil
	p.Original = []byte(evil)
	r := check(t, p, Build(p))
	if r.header.Get("Bcc") != "" || r.header.Get("In-Reply-To") != "" || r.groups[1].Get("Bcc") != "" {
		t.Errorf("%v\n%v", r.header, r.groups)
	}

	// A boundary that is known beforehand is not used.
	p = base(noUser)
	p.Full = true
	first := Build(p).Content
	_, params, _ := mime.ParseMediaType(mustParse(t, first).header.Get("Content-Type"))
	p.Original = []byte(original + "\r\n--" + params["boundary"] + "--\r\n")
	check(t, p, Build(p))
}

func mustParse(t *testing.T, content []byte) *report {
	t.Helper()
	r, err := parse(content)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBuild_longLines(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for _, full := range []bool{false, true} {
		p := base(noUser)
		p.Recipients[0].Reply = long
		p.EnvID, p.Full = long, full
		p.Original = []byte("Subject: " + long + strings.Repeat("ü", 2000) + "\r\nX: y\r\n\r\n" + long + "\r\n")
		r := check(t, p, Build(p))
		h, err := mail.ReadMessage(bytes.NewReader(append(r.bodies[2], "\r\n"...)))
		if err != nil || h.Header.Get("X") != "y" {
			t.Errorf("returned header: %v, %v", h, err)
		}
	}
}

func TestBuild_messageID(t *testing.T) {
	p := base(noUser)
	p.MessageID = ""
	a, b := Build(p), Build(p)
	if a.MessageID == b.MessageID || !isMessageID(a.MessageID) || !strings.HasSuffix(a.MessageID, "@smtp.example.org>") {
		t.Errorf("made up %q, %q", a.MessageID, b.MessageID)
	}
	check(t, p, a)
}

func TestRecipient_status(t *testing.T) {
	for _, tt := range []struct {
		r    Recipient
		want string
	}{
		{Recipient{Action: Failed}, "5.0.0"},
		{Recipient{Action: Failed, Expired: true}, "4.4.7"},
		{Recipient{Action: Delayed}, "4.0.0"},
		{Recipient{Action: Relayed}, "2.0.0"},
		{Recipient{Action: Failed, Status: "5.2.2"}, "5.2.2"},
	} {
		if got := tt.r.status(); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.r, got, tt.want)
		}
	}
}

func TestReadHeader(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{original + body, original},
		{original, original},
		{"", ""},
		{"A: b\r\n\r\n", "A: b\r\n"},
		{strings.Repeat("A: b\r\n", 20000), strings.Repeat("A: b\r\n", MaxHeader/6)},
	} {
		for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in)), iotest.DataErrReader(strings.NewReader(tt.in))} {
			if got, err := ReadHeader(r); string(got) != tt.want || err != nil {
				t.Errorf("ReadHeader(%.40q) = %.40q (%d), %v", tt.in, got, len(got), err)
			}
		}
	}
	if _, err := ReadHeader(iotest.ErrReader(io.ErrClosedPipe)); err != io.ErrClosedPipe {
		t.Errorf("ReadHeader = %v", err)
	}
}

func FuzzBuild(f *testing.F) {
	f.Add("a@b.example", "rfc822;a@b", "550 5.1.1 no", "mx.example", "id", original+body, true, "c@d.example")
	f.Add("ü@b.example", "utf-8;ü@b", "550 caf\xe9\r\n\r\n--x", "mx\r\n", "i\x00d", "Subject: ü\n\nx\r--", false, "ü@d.example")
	f.Fuzz(func(t *testing.T, address, orcpt, reply, host, envid, orig string, full bool, to string) {
		if !utf8.ValidString(to) || !mailsyntax.IsASCII(mailsyntax.Line(to)) != !mailsyntax.IsASCII(to) {
			t.Skip() // never was a reverse-path
		}
		p := base(Recipient{Address: address, ORCPT: orcpt, Action: Failed, RemoteMTA: host, Reply: reply}, noUser)
		p.EnvID, p.Original, p.Full, p.To = envid, []byte(orig), full, to
		check(t, p, Build(p))
	})
}
