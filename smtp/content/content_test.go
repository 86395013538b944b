package content

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"relay/smtp/wire"
)

var testOptions = Options{Dots: true, Max: 1 << 30, Sender: "a@b.example", Host: "relay.example", With: "ESMTP", ID: "ID", Now: time.Unix(0, 0).UTC(), MaxHeader: 4096}

// chunkOptions are those of content that comes with BDAT.
func chunkOptions() Options {
	o := testOptions
	o.Dots = false
	return o
}

// result of a pass.
type result struct {
	out, rest, msgID string
	size             int64
	eight            bool
	fault            error
	done             bool
}

// passDots runs content through as DATA does, in the pieces that r gives.
func passDots(r io.Reader) result {
	var out bytes.Buffer
	p := Submit(&out, testOptions)
	defer p.Free()
	done := false
	for !done {
		n, err := r.Read(p.Space())
		done = p.Filled(n)
		if err != nil {
			break
		}
	}
	rest, _ := io.ReadAll(r)
	res := result{rest: string(p.Rest()) + string(rest), done: done}
	if done {
		res.fault = p.Finish()
		res.msgID, res.size, res.eight = p.MessageID(), p.Size, p.Eight
	}
	if res.fault == nil {
		res.out = out.String()
	}
	return res
}

// pieces reads s in pieces of random lengths.
type pieces struct {
	s   string
	rnd *rand.Rand
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.s == "" {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), 1+p.rnd.IntN(7))], p.s)
	p.s = p.s[n:]
	return n, nil
}

// content drawn from what matters to the pass.
var drawContent = rapid.Custom(func(t *rapid.T) string {
	parts := rapid.SliceOfN(rapid.SampledFrom([]string{"\r", "\n", "\r\n", ".", "..", "\r\n.\r\n", "\r\n.", "Bcc: x", "Subject: y", " z", "Message-ID: <m@d>",
		"Date: d", "a", "", "é", "\x00", strings.Repeat("l", 998), strings.Repeat("l", 40_000), "\r\n\r\n", "From x", ">From x", "From: a", "From: b", "Subject:", "To: t", "Content-Type: c", "junk", "X-a: b", "Return-Path: <r>", strings.Repeat("junk\r\n", 4000)}), 0, 30).Draw(t, "parts")
	return strings.Join(parts, "") + "\r\n.\r\nrest"
})

// What the pass does must not depend on how the message arrives.
func TestContent_independentOfPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawContent.Draw(t, "content")
		whole := passDots(strings.NewReader(s))
		if got := passDots(iotest.OneByteReader(strings.NewReader(s))); got != whole {
			t.Fatalf("octet by octet %+v\nat once %+v", got, whole)
		}
		seed := rapid.Uint64().Draw(t, "seed")
		if got := passDots(&pieces{s, rand.New(rand.NewPCG(seed, 0))}); got != whole {
			t.Fatalf("in pieces %+v\nat once %+v", got, whole)
		}
		check(t, s, whole)
	})
}

type fataler interface{ Fatalf(string, ...any) }

// check compares a pass with what it promises, computed the slow way.
func check(t fataler, s string, got result) {
	if !got.done {
		t.Fatalf("not ended: %.300q", s)
	}
	end := strings.Index("\r\n"+s, "\r\n.\r\n")
	raw, rest := s[:end], s[end+3:]
	if got.rest != rest {
		t.Fatalf("rest %.100q, want %.100q", got.rest, rest)
	}
	handed := strings.TrimPrefix(strings.ReplaceAll("\n"+raw, "\n.", "\n"), "\n")
	if got.fault == nil && got.size != int64(len(handed)) {
		t.Fatalf("size %d, want %d: %.300q", got.size, len(handed), s)
	}
	if got.fault == nil && got.eight != strings.ContainsFunc(raw, func(r rune) bool { return r > 0x7f }) {
		t.Fatalf("8-bit %v: %.300q", got.eight, s)
	}
	norm := strings.ReplaceAll(handed, "\r\n", "\n")
	long := false
	for _, l := range strings.Split(norm, "\n") {
		long = long || len(l) > MaxText
	}
	bad := strings.Contains(norm, "\r") || strings.Contains(norm, "\x00") || long
	if bad != (got.fault != nil) && !isOfHeader(got.fault) {
		t.Fatalf("fault %v: %.300q", got.fault, s)
	}
	if got.fault != nil {
		return
	}
	if strings.Contains(strings.ReplaceAll(got.out, "\r\n", ""), "\n") || strings.Contains(strings.ReplaceAll(got.out, "\r\n", ""), "\r") {
		t.Fatalf("bare CR or LF goes out: %.300q", got.out)
	}
	if !strings.HasPrefix(got.out, "Received: by relay.example") || !strings.Contains(got.out, "\r\n\r\n") || !strings.HasSuffix(got.out, "\r\n") {
		t.Fatalf("not a message: %.300q", got.out)
	}
}

// isOfHeader reports whether it is a fault that check does not judge.
func isOfHeader(err error) bool {
	return errors.Is(err, wire.ErrHeaderSize) || errors.Is(err, wire.ErrLoop) || slices.ContainsFunc(errDiffer[:], func(r *wire.Reply) bool { return err == r })
}

// What goes out has a header that any receiver takes: each field that may stand once
// does, those that a message needs are there, and what was secret is nowhere.
func TestContent_headerIsWhole(t *testing.T) {
	lines := []string{"From: me@b.example", "From:", "From: <>", "Date: Mon, 23 Nov 2026 12:00:00 +0000", "Date:", "Message-ID: <i@b.example>",
		"Message-ID:", " \t", "Subject: s", "Subject:", "subject:  s ", "To: x@y.example", "To: z@y.example", "MIME-Version: 1.0",
		"Bcc: secret@x.example", "bcc :\r\n secret@x.example", "BCC:a,\r\nsecret,\r\n\tsecret", "Bcc: a\r\nsecret@x.example", "Resent-Bcc: secret@x.example",
		"Return-Path: <secret@x.example>",
		">From secret", "From secret", "secret", "X-Other: x", " more"}
	rapid.Check(t, func(t *rapid.T) {
		head := rapid.SliceOfN(rapid.SampledFrom(lines), 0, 12).Draw(t, "lines")
		head = append(head, "X-Last: x", "", "text")
		got := passDots(strings.NewReader(strings.Join(head, "\r\n") + "\r\n.\r\n"))
		if isOfHeader(got.fault) {
			t.Skip("fields that differ")
		}
		if strings.Contains(got.out, "secret") || got.fault != nil {
			t.Fatalf("%q gives %q", head, got.out)
		}
		m, err := mail.ReadMessage(strings.NewReader(got.out))
		if err != nil {
			t.Fatalf("%v: %q gives %q", err, head, got.out)
		}
		for name, most := range map[string]int{"From": 1, "Date": 1, "Message-Id": 1, "Subject": 1, "Mime-Version": 12, "To": 12, "Bcc": 0, "Resent-Bcc": 0, "Return-Path": 0} {
			n := len(m.Header[name])
			if n > most || n == 0 && (name == "From" || name == "Date" || name == "Message-Id") {
				t.Fatalf("%d fields %s: %q gives %q", n, name, head, got.out)
			}
		}
		if m.Header.Get("From") == "" || m.Header.Get("Date") == "" || m.Header.Get("Message-Id") == "" || m.Header.Get("X-Last") != "x" {
			t.Fatalf("%q gives %q", head, got.out)
		}
		if text, _ := io.ReadAll(m.Body); string(text) != "text\r\n" {
			t.Fatalf("%q has the text %q", head, text)
		}
	})
}

func TestContent_header(t *testing.T) {
	const trace = "Received: by relay.example with ESMTP id ID; Thu, 1 Jan 1970 00:00:00 +0000\r\n"
	const from = "From: a@b.example\r\n"
	const date = "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n"
	const id = "Message-ID: <ID@relay.example>\r\n"
	const own = "From: me\r\nDate: d\r\nMessage-ID: <i>\r\n" // of a message that has all
	for _, c := range []struct{ name, in, want, msgID string }{
		{"empty", "", from + date + id + "\r\n", "<ID@relay.example>"},
		{"complete", "FROM: me\r\nDATE: d\r\nmessage-id: <a@b>\r\n\r\nx\r\n", "FROM: me\r\nDATE: d\r\nmessage-id: <a@b>\r\n\r\nx\r\n", "<a@b>"},
		{"folded Message-ID", "From: me\r\nDate: d\r\nMessage-ID:\r\n <a@b>\r\n\r\n", "From: me\r\nDate: d\r\nMessage-ID:\r\n <a@b>\r\n\r\n", "<a@b>"},
		{"header only", "Subject: s\r\n", "Subject: s\r\n" + from + date + id + "\r\n", "<ID@relay.example>"},
		{"no blank line", "Subject: s\r\ntext here\r\nmore: x\r\n", "Subject: s\r\n" + from + date + id + "\r\ntext here\r\nmore: x\r\n", "<ID@relay.example>"},
		{"only Bcc", "Bcc: a\r\n\tb\r\n\r\nx\r\n", from + date + id + "\r\nx\r\n", "<ID@relay.example>"},
		{"Bcc last", own + "BCC: a\r\n b\r\n", own + "\r\n", "<i>"},
		{"continuation first", " x\r\n", from + date + id + "\r\n x\r\n", "<ID@relay.example>"},
		{"dot at a field", "..x: y\r\n\r\n", ".x: y\r\n" + from + date + id + "\r\n", "<ID@relay.example>"},

		{"Return-Path", "Return-Path: <x@y>\r\n\t(z)\r\n" + own + "\r\n", own + "\r\n", "<i>"},
		{"empty fields", "From:\r\nDate:\r\n \t\r\nMessage-ID: <>\r\nSubject: \r\nTo:\r\n\r\nx\r\n", "To:\r\n" + from + date + id + "Subject:\r\n\r\nx\r\n", "<ID@relay.example>"},
		{"empty and another", "From: <>\r\nSubject:\r\nDate:\r\n" + own + "Message-ID:\r\nSubject: s\r\n\r\n", own + "Subject: s\r\n\r\n", "<i>"},
		{"a value on the second line", "From:\r\n <\r\n a@b>\r\nDate:\r\n d\r\nMessage-ID: <i>\r\n\r\n", "From:\r\n <\r\n a@b>\r\nDate:\r\n d\r\nMessage-ID: <i>\r\n\r\n", "<i>"},
		{"repeats", own + "date:  d \r\nfrom:\r\n\tme\r\nSubject: a  b\r\nSubject:\r\n a\r\n b\r\nMessage-ID: <i>\r\n\r\n", own + "Subject: a  b\r\n\r\n", "<i>"},
		{"repeats of others", own + "To: x\r\nTo: x\r\nTo: y\r\n z\r\nMIME-Version: 1.0\r\nX: 1\r\nX: 1\r\nMIME-Version: 1.0\r\nBcc: b\r\n\r\n", own + "To: x\r\nTo: y\r\n z\r\nMIME-Version: 1.0\r\nX: 1\r\nX: 1\r\n\r\n", "<i>"},
		{"a differing field last", own + "To: x\r\nTo: y\r\n", own + "To: x\r\nTo: y\r\n\r\n", "<i>"},

		{"mbox line", "From me Mon Nov 23 12:00:00 2026\r\nSubject: s\r\nBcc: b\r\n\r\n", "Subject: s\r\n" + from + date + id + "\r\n", "<ID@relay.example>"},
		{"quoted mbox line", ">From me Mon Nov 23 12:00:00 2026\r\n" + own + "Bcc: b\r\n\r\nx\r\n", own + "\r\nx\r\n", "<i>"},
		{"mbox line within", "From: me\r\n>From me Mon Nov 23 12:00:00 2026\r\nBcc: b\r\nDate: d\r\nMessage-ID: <i>\r\n\r\n", own + "\r\n", "<i>"},
		{"junk at the head", "junk\r\n more\r\nPrice: 5\r\n a\r\njunk\r\n b\r\nSubject: s\r\nBcc: b\r\n" + own + "\r\n", "Price: 5\r\n a\r\nSubject: s\r\n" + own + "\r\n", "<i>"},
		{"text with a colon", "Hello there,\r\nPrice: 5\r\n\r\nSubject: text\r\n", from + date + id + "\r\nHello there,\r\nPrice: 5\r\n\r\nSubject: text\r\n", "<ID@relay.example>"},
		{"text that begins with From", "From now on\r\nall is well\r\n", from + date + id + "\r\nFrom now on\r\nall is well\r\n", "<ID@relay.example>"},
		{"a fold that was lost", own + "Subject: long\r\nsubject\r\nBcc: b\r\n\r\nx\r\n", own + "Subject: long\r\n\r\nx\r\n", "<i>"},
		{"a fold of Bcc that was lost", own + "Bcc: b,\r\nsecret\r\n <c@x>,\r\nd@x\r\nSubject: s\r\nBcc: e\r\nf@x\r\n\r\nx\r\n", own + "Subject: s\r\n\r\nx\r\n", "<i>"},
		{"text after Bcc", own + "Bcc: b\r\nDear all,\r\nbye\r\n", own + "\r\nDear all,\r\nbye\r\n", "<i>"},
		{"a long text without header", strings.Repeat("text\r\n", 4000) + "Subject: s\r\n", from + date + id + "\r\n" + strings.Repeat("text\r\n", 4000) + "Subject: s\r\n", "<ID@relay.example>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := passDots(strings.NewReader(c.in + ".\r\n"))
			if got.fault != nil || got.out != trace+c.want || got.msgID != c.msgID {
				t.Errorf("%v\n%.1000q %s\nwant\n%.1000q %s", got.fault, got.out, got.msgID, trace+c.want, c.msgID)
			}
		})
	}
}

func TestContent_limits(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     error
	}{
		{"header size", strings.Repeat("A: "+strings.Repeat("x", 95)+"\r\n", 41) + "\r\n", wire.ErrHeaderSize},
		{"hops", strings.Repeat("received: x\r\n", 51) + "\r\n", wire.ErrLoop},
		{"hops that are enough", strings.Repeat("received: x\r\n", 50) + "\r\n", nil},
		{"two senders", "From: a\r\nFrom: b\r\n\r\n", errDiffer[fromField]},
		{"two dates", "Date: a\r\nDate: a\r\n b\r\n\r\n", errDiffer[dateField]},
		{"two subjects", "Subject: a\r\nX: y\r\nSubject: A\r\n\r\n", errDiffer[subjectField]},
		{"two identifiers, at the end", "Message-ID: <a>\r\nMessage-ID: <b>\r\n", errDiffer[idField]},
		{"two subjects, the second after a line that is no field", "Subject: a\r\njunk\r\nSubject: b\r\n\r\n", errDiffer[subjectField]},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := passDots(strings.NewReader(c.in + ".\r\n")); !errors.Is(got.fault, c.want) {
				t.Errorf("fault %v, want %v", got.fault, c.want)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestContent_storeFails(t *testing.T) {
	p := Submit(failing{io.ErrShortWrite}, testOptions)
	defer p.Free()
	if done := p.Filled(copy(p.Space(), "a: b\r\n\r\n.\r\n")); !done {
		t.Fatal("not ended")
	}
	if err := p.Finish(); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("finish() = %v", err)
	}
}

func FuzzContent(f *testing.F) {
	for _, s := range []string{"", "a: b\r\n\r\n..c\r\n", "\r\r\n", "Bcc: x\n y\n\nz", "\r\n.\n.\r\n", "Message-ID: <a>\r\n b\r\n"} {
		f.Add(s, uint64(1))
	}
	f.Fuzz(func(t *testing.T, s string, seed uint64) {
		s += "\r\n.\r\nrest"
		whole := passDots(strings.NewReader(s))
		if got := passDots(&pieces{s, rand.New(rand.NewPCG(seed, 0))}); got != whole {
			t.Fatalf("in pieces %+v\nat once %+v", got, whole)
		}
		if errors.Is(whole.fault, wire.ErrLoop) || strings.ContainsRune(s, '\uFFFD') || strings.ToValidUTF8(s, "") != s {
			return // not judged by check
		}
		check(t, s, whole)
	})
}

// The same for BDAT, whose chunks may be cut anywhere.
func TestContent_chunks(t *testing.T) {
	pass := func(r io.Reader) result {
		var out bytes.Buffer
		p := Submit(&out, chunkOptions())
		defer p.Free()
		for {
			n, err := r.Read(p.Space())
			if p.Filled(n) {
				t.Fatal("ended by a dot")
			}
			if err != nil {
				break
			}
		}
		res := result{fault: p.Finish(), msgID: p.MessageID(), size: p.Size, eight: p.Eight}
		if res.fault == nil {
			res.out = out.String()
		}
		return res
	}
	rapid.Check(t, func(t *rapid.T) {
		s := strings.TrimSuffix(drawContent.Draw(t, "content"), rapid.SampledFrom([]string{"", "rest", "\r\n.\r\nrest"}).Draw(t, "end"))
		whole := pass(strings.NewReader(s))
		seed := rapid.Uint64().Draw(t, "seed")
		if got := pass(&pieces{s, rand.New(rand.NewPCG(seed, 0))}); got != whole {
			t.Fatalf("in pieces %+v\nat once %+v", got, whole)
		}
		if whole.fault == nil && (whole.size != int64(len(s)) || !strings.HasSuffix(whole.out, "\r\n")) {
			t.Fatalf("size %d of %d: %.300q", whole.size, len(s), whole.out)
		}
	})
}

// A sender may say that TLS does not matter (RFC 8689 §5).
func TestContent_tlsRequired(t *testing.T) {
	for field, want := range map[string]bool{"TLS-Required: No": true, "tls-required:no ": true, "TLS-Required: Yes": false, "X-TLS-Required: No": false, "Subject: x": false} {
		p := Submit(io.Discard, testOptions)
		text := field + "\r\n\r\nTLS-Required: No\r\n.\r\n"
		p.Filled(copy(p.Space(), text))
		if p.noTLS != want {
			t.Errorf("%q: %v", field, p.noTLS)
		}
		p.Free()
	}
}
