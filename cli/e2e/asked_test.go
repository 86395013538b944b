package e2e

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/miekg/dns"
)

// TestAsked writes to test@ and errors@ of a relay as a customer and from outside, with a key
// that the DNS shows. Only who is proven is answered, and nothing is charged.
func TestAsked(t *testing.T) {
	t.Parallel()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	resolver := nameServer(t, map[string]string{
		"customer.test.":                "v=spf1 -all",
		"s1._domainkey.customer.test.":  "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)),
		"_dmarc.customer.test.":         "v=DMARC1; p=reject",
		"elsewhere.test.":               "v=spf1 -all",
		"_dmarc.elsewhere.test.":        "v=DMARC1; p=reject",
		"s1._domainkey.elsewhere.test.": "v=DKIM1; k=ed25519; p=",
	})
	s := newSink(t, behaviour{})
	r := newRelay(t, setup{smarthost: s.addr(), limits: "[bounce]\nlisten = [\"127.0.0.1:0\"]\n[report]\noperator = \"ops@relay.test\"", delivery: fmt.Sprintf("resolver = %q", resolver)})
	password := r.account("acme")
	r.cli("account", "set", "acme", "--contact", "boss@customer.test", "--language", "it")
	p := r.start()

	text := func(from, to, subject string) []byte {
		return fmt.Appendf(nil, "From: <%s>\r\nTo: <%s>\r\nSubject: %s\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\nMessage-ID: <q@customer.test>\r\n\r\nHello\r\n", from, to, subject)
	}
	sign := func(content []byte, domain string) []byte {
		var out bytes.Buffer
		if err := dkim.Sign(&out, bytes.NewReader(content), &dkim.SignOptions{Domain: domain, Selector: "s1", Signer: key, HeaderKeys: []string{"From", "To", "Subject"}}); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	test, list := "test@"+hostname, "errors@"+hostname
	c := r.open("acme", password)
	c.must(t, &mail{from: "me@customer.test", to: []string{test}, content: text("me@customer.test", test, "hi")})

	listening := p.log.kept(`msg="listening for what comes back"`)
	back, err := dial(field(listening[len(listening)-1], "addr"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(back.close)
	if err := back.expect(250, "EHLO mail.customer.test"); err != nil {
		t.Fatal(err)
	}
	for _, content := range [][]byte{
		sign(text("boss@customer.test", list, "acme"), "customer.test"),  // answered
		text("boss@customer.test", list, "forged"),                       // nothing proves it
		sign(text("boss@elsewhere.test", list, "acme"), "customer.test"), // somebody else
		sign(text("me@customer.test", list, "acme"), "customer.test"),    // no contact
	} {
		back.must(t, &mail{from: "x@customer.test", to: []string{list}, content: content})
	}
	r.drained()
	var got []string
	for _, d := range s.all() {
		if strings.Join(d.to, " ") != "boss@customer.test" || d.from != "" || d.field("Auto-Submitted") != "auto-replied" || d.field("In-Reply-To") != "<q@customer.test>" {
			t.Errorf("from %q to %q:\n%s", d.from, d.to, d.content)
		}
		kind := "test"
		if bytes.Contains(d.content, []byte("addresses.txt")) {
			kind = "list"
		}
		got = append(got, kind)
	}
	if len(got) != 2 || got[0] == got[1] {
		t.Errorf("answers %q", got)
	}
	if u := r.usage("acme"); u.Messages != 0 || u.Bytes != 0 {
		t.Errorf("charged %+v", u)
	}
	r.stop()
}

// all that the sink took.
func (s *sink) all() []*delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

// nameServer shows TXT records. A name without any is not there.
func nameServer(t *testing.T, texts map[string]string) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	srv := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(ready) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		name := strings.ToLower(q.Question[0].Name)
		switch text := texts[name]; {
		case text == "":
			m.Rcode = dns.RcodeNameError
		case q.Question[0].Qtype == dns.TypeTXT:
			m.Answer = append(m.Answer, &dns.TXT{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}, Txt: []string{text}})
		}
		_ = w.WriteMsg(m) // a client that is gone needs no answer
	})}
	go func() { _ = srv.ActivateAndServe() }()
	<-ready
	t.Cleanup(func() { _ = srv.Shutdown() })
	return conn.LocalAddr().String()
}
