package authres

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/emersion/go-msgauth/dkim"
)

// zone answers from lines "NAME TYPE VALUE"; a name with the type DOWN does not answer.
type zone []string

func (z zone) find(name, kind string) (list []string, err error) {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	known := false
	for _, line := range z {
		n, rest, _ := strings.Cut(line, " ")
		k, value, _ := strings.Cut(rest, " ")
		switch {
		case n != name:
		case k == "DOWN":
			return nil, &net.DNSError{Err: "no answer", Name: name, IsTemporary: true}
		case k == kind:
			list = append(list, value)
		}
		known = known || n == name
	}
	if !known {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return list, nil
}

func (z zone) LookupTXT(_ context.Context, name string) ([]string, error) { return z.find(name, "TXT") }

func (z zone) LookupMX(_ context.Context, name string) (list []*net.MX, err error) {
	hosts, err := z.find(name, "MX")
	for _, h := range hosts {
		list = append(list, &net.MX{Host: h})
	}
	return list, err
}

func (z zone) LookupIPAddr(_ context.Context, host string) (list []net.IPAddr, err error) {
	addrs, err := z.find(host, "A")
	for _, a := range addrs {
		list = append(list, net.IPAddr{IP: net.ParseIP(a)})
	}
	return list, err
}

func (z zone) LookupAddr(_ context.Context, addr string) ([]string, error) {
	return z.find(addr, "PTR")
}

var key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

var keyRecord = "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))

const letter = "From: Shop <news@shop.example>\r\nTo: test@relay.example\r\nSubject: Hello\r\n\r\nHello.\r\n"

func signed(t testing.TB, text string, domains ...string) string {
	t.Helper()
	for _, d := range domains {
		var out bytes.Buffer
		if err := dkim.Sign(&out, strings.NewReader(text), &dkim.SignOptions{Domain: d, Selector: "s1", Signer: key, HeaderKeys: []string{"From", "Subject"}}); err != nil {
			t.Fatal(err)
		}
		text = out.String()
	}
	return text
}

var envelope = Envelope{Remote: netip.MustParseAddr("192.0.2.1"), Helo: "mail.shop.example", Sender: "bounce@shop.example"}

var base = zone{"shop.example TXT v=spf1 ip4:192.0.2.1 -all", "shop.example A 192.0.2.9", "s1._domainkey.shop.example TXT " + keyRecord, "_dmarc.shop.example TXT v=DMARC1; p=reject; sp=quarantine; np=reject"}

func TestCheck(t *testing.T) {
	other := envelope
	other.Sender = "x@other.example"
	null := Envelope{Remote: envelope.Remote, Helo: "mail.shop.example"}
	with := func(more ...string) zone { return append(more, base...) }
	strict := zone{"sub.shop.example TXT v=spf1 ip4:192.0.2.1 -all", "s1._domainkey.sub.shop.example TXT " + keyRecord, "shop.example A 192.0.2.9", "_dmarc.shop.example TXT v=DMARC1; p=reject; adkim=s; aspf=s"}
	added := Envelope{Sender: "x@other.example", Signs: func(author string) string { return author }}
	addedElse := Envelope{Sender: "x@other.example", Signs: func(string) string { return "" }}
	sub := envelope
	sub.Sender = "x@sub.shop.example"
	for name, c := range map[string]struct {
		zone zone
		env  Envelope
		text string
		want string
		ok   bool // proven
	}{
		"added":                        {base, added, letter, "spf=unknown (no domain) dkim=pass (shop.example) dmarc=pass (shop.example)", true},
		"added for another":            {base, addedElse, letter, "spf=unknown (no domain) dkim=none dmarc=fail (shop.example)", false},
		"both pass":                    {base, envelope, signed(t, letter, "shop.example"), "spf=pass (shop.example) dkim=pass (shop.example) dmarc=pass (shop.example)", true},
		"SPF alone":                    {base, envelope, letter, "spf=pass (shop.example) dkim=none dmarc=pass (shop.example)", true},
		"a signature alone":            {base, other, signed(t, letter, "shop.example"), "spf=none (other.example) dkim=pass (shop.example) dmarc=pass (shop.example)", true},
		"nothing":                      {base, other, letter, "spf=none (other.example) dkim=none dmarc=fail (shop.example)", false},
		"another address":              {base, Envelope{Remote: netip.MustParseAddr("2001:db8::1"), Helo: "x", Sender: "a@shop.example"}, letter, "spf=fail (shop.example) dkim=none dmarc=fail (shop.example)", false},
		"the null sender":              {with("mail.shop.example TXT v=spf1 ip4:192.0.2.1 -all"), null, letter, "spf=pass (mail.shop.example) dkim=none dmarc=pass (shop.example)", true},
		"a changed body":               {base, other, strings.Replace(signed(t, letter, "shop.example"), "Hello.", "Hallo.", 1), "spf=none (other.example) dkim=fail (shop.example) dmarc=fail (shop.example)", false},
		"another's signature":          {with("s1._domainkey.other.example TXT " + keyRecord), other, signed(t, letter, "other.example"), "spf=none (other.example) dkim=pass (other.example) dmarc=fail (shop.example)", false},
		"no key":                       {zone{"_dmarc.shop.example TXT v=DMARC1; p=reject", "shop.example A 192.0.2.9"}, other, signed(t, letter, "shop.example"), "spf=none (other.example) dkim=permerror (shop.example) dmarc=fail (shop.example)", false},
		"a silent DNS":                 {zone{"s1._domainkey.shop.example DOWN", "_dmarc.shop.example TXT v=DMARC1; p=reject"}, other, signed(t, letter, "shop.example"), "spf=none (other.example) dkim=temperror (shop.example) dmarc=temperror (shop.example)", false},
		"a silent policy":              {zone{"_dmarc.shop.example DOWN"}, other, letter, "spf=none (other.example) dkim=none dmarc=temperror (shop.example)", false},
		"no record":                    {zone{"shop.example TXT v=spf1 ip4:192.0.2.1 -all"}, envelope, letter, "spf=pass (shop.example) dkim=none dmarc=none (shop.example)", true},
		"two records":                  {with("_dmarc.shop.example TXT v=DMARC1; p=none"), envelope, letter, "spf=pass (shop.example) dkim=none dmarc=none (shop.example)", true},
		"a record without p":           {zone{"_dmarc.shop.example TXT v=DMARC1; rua=mailto:a@shop.example", "shop.example A 192.0.2.9"}, other, letter, "spf=none (other.example) dkim=none dmarc=fail (shop.example)", false},
		"relaxed":                      {with("s1._domainkey.sub.shop.example TXT " + keyRecord), other, signed(t, letter, "sub.shop.example"), "spf=none (other.example) dkim=pass (sub.shop.example) dmarc=pass (shop.example)", true},
		"strict":                       {strict, sub, signed(t, letter, "sub.shop.example"), "spf=pass (sub.shop.example) dkim=pass (sub.shop.example) dmarc=fail (shop.example)", false},
		"strict, the very domain":      {append(strict, base[2]), sub, signed(t, letter, "sub.shop.example", "shop.example"), "spf=pass (sub.shop.example) dkim=pass (shop.example) dkim=pass (sub.shop.example) dmarc=pass (shop.example)", true},
		"two authors":                  {base, envelope, strings.Replace(letter, "To:", "From: a@b.example\r\nTo:", 1), "spf=pass (shop.example) dkim=none dmarc=none (no author)", false},
		"two addresses":                {base, envelope, strings.Replace(letter, ">\r\n", ">, a@b.example\r\n", 1), "spf=pass (shop.example) dkim=none dmarc=none (no author)", false},
		"no author":                    {base, envelope, "Subject: x\r\n\r\n", "spf=pass (shop.example) dkim=none dmarc=none (no author)", false},
		"only a header":                {base, envelope, strings.TrimSuffix(letter, "\r\nHello.\r\n"), "spf=pass (shop.example) dkim=none dmarc=none (no author)", false},
		"a header beyond the limit":    {base, envelope, strings.Repeat("X: "+strings.Repeat("y", 900)+"\r\n", 400) + letter, "spf=pass (shop.example) dkim=none dmarc=none (no author)", false},
		"too many look-ups":            {zone{"shop.example TXT v=spf1" + strings.Repeat(" exists:shop.example include:shop.example", 6) + " -all"}, envelope, letter, "spf=permerror (shop.example) dkim=none dmarc=none (shop.example)", false},
		"an address literal as sender": {base, Envelope{Remote: envelope.Remote, Helo: "x", Sender: "a@[192.0.2.1]"}, letter, "spf=none (no domain) dkim=none dmarc=fail (shop.example)", false},
		"broken signature":             {base, other, "DKIM-Signature: v=1; nonsense\r\n" + letter, "spf=none (other.example) dkim=permerror () dmarc=fail (shop.example)", false},
		"signatures beyond the limit":  {base, other, strings.Repeat("DKIM-Signature: v=1; d=x.example\r\n", 4) + signed(t, letter, "shop.example"), "spf=none (other.example) dkim=permerror (x.example) dkim=permerror (x.example) dkim=permerror (x.example) dkim=permerror (x.example) dmarc=fail (shop.example)", false},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Check(t.Context(), c.zone, c.env, strings.NewReader(c.text))
			if err != nil || summary(r) != c.want || r.Proven != c.ok {
				t.Errorf("%s, proven %t, %v; want\n%s, %t", summary(r), r.Proven, err, c.want, c.ok)
			}
			if temporary := strings.Contains(name, "silent"); r.Temporary != temporary {
				t.Errorf("temporary %t", r.Temporary)
			}
		})
	}
}

func TestCheck_policy(t *testing.T) {
	for from, want := range map[string]string{"shop.example": "reject", "www.shop.example": "quarantine", "absent.shop.example": "reject"} {
		z := append(zone{"www.shop.example A 192.0.2.9"}, base...)
		r, err := Check(t.Context(), z, Envelope{Remote: envelope.Remote, Sender: "a@b.example"}, strings.NewReader(strings.Replace(letter, "news@shop.example", "a@"+from, 1)))
		if err != nil || r.DMARC.Policy != want || r.DMARC.At != "shop.example" || r.DMARC.Verdict != Fail || r.From != "a@"+from {
			t.Errorf("%s: %+v, %v", from, r.DMARC, err)
		}
	}
}

// Addresses count only where To and Cc stand once: others may have been put in front of
// signed ones.
func TestCheck_named(t *testing.T) {
	for add, want := range map[string]string{"": "[test@relay.example]", "Cc: a@b.example, C <c@d.example>\r\n": "[test@relay.example a@b.example c@d.example]",
		"To: x@y.example\r\n": "[]", "Cc: nonsense\r\n": "[test@relay.example]"} {
		r, err := Check(t.Context(), base, envelope, strings.NewReader(add+letter))
		if err != nil || fmt.Sprint(r.To) != want {
			t.Errorf("%q: %v, %v", add, r.To, err)
		}
	}
}

// A content that cannot be read is an error, whatever was read before; no goroutine is left.
func TestCheck_error(t *testing.T) {
	broken := errors.New("broken")
	text := signed(t, letter, "shop.example", "shop.example")
	for _, n := range []int{0, 40, len(text) - 3} {
		if r, err := Check(t.Context(), base, envelope, io.MultiReader(strings.NewReader(text[:n]), iotest.ErrReader(broken))); err != broken {
			t.Errorf("after %d octets: %+v, %v", n, r, err)
		}
	}
}

func TestCheck_cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := Check(ctx, ended{base}, envelope, strings.NewReader(signed(t, letter, "shop.example")))
	if err != nil || r.Proven || !r.Temporary {
		t.Errorf("%+v, %v", r, err)
	}
}

// ended answers nothing after its context.
type ended struct{ zone }

func (e ended) LookupTXT(ctx context.Context, name string) ([]string, error) {
	if ctx.Err() != nil {
		return nil, &net.DNSError{Err: ctx.Err().Error(), IsTemporary: true}
	}
	return e.zone.LookupTXT(ctx, name)
}

// A long body streams by.
func BenchmarkCheck(b *testing.B) {
	for _, size := range []int{1 << 10, 4 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			text := signed(b, letter+strings.Repeat("a line of a letter\r\n", size/20), "shop.example")
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if r, err := Check(b.Context(), base, envelope, strings.NewReader(text)); err != nil || !r.Proven {
					b.Fatal(r, err)
				}
			}
		})
	}
}

// summary is the result as an Authentication-Results field has it (RFC 8601), on one line.
func summary(r *Result) string {
	parts := []string{fmt.Sprintf("spf=%s (%s)", r.SPF.Verdict, cmp.Or(r.SPF.Domain, "no domain"))}
	for _, s := range r.Signatures {
		parts = append(parts, fmt.Sprintf("dkim=%s (%s)", s.Verdict, s.Domain))
	}
	if len(r.Signatures) == 0 {
		parts = append(parts, "dkim=none")
	}
	return strings.Join(append(parts, fmt.Sprintf("dmarc=%s (%s)", r.DMARC.Verdict, cmp.Or(r.DMARC.Domain, "no author"))), " ")
}
