package sign

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"relay/store/bodyhash"
)

var testRSA = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// record is the text under which a key is published.
func record(t *testing.T, k crypto.Signer) string {
	t.Helper()
	if p, ok := k.Public().(ed25519.PublicKey); ok {
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(p)
	}
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
}

// messages that try what canonical forms differ in.
var messages = map[string]string{
	"plain": "Received: by relay.example with ESMTP id ID; Thu, 1 Jan 1970 00:00:00 +0000\r\nFrom: Ann <ann@sender.example>\r\nTo: bob@rcpt.example\r\n" +
		"Subject: hello\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@sender.example>\r\n\r\nHi Bob,\r\n\r\nbye.\r\n",
	"folds and white space": "FROM:\tAnn\r\n <ann@sender.example>\r\nTo: a@rcpt.example,\r\n\tb@rcpt.example  ,  c@rcpt.example\r\nsubject:  two   words \t\r\n" +
		"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-id: <2@sender.example>\r\nTo: other@rcpt.example\r\nList-Unsubscribe: <https://sender.example/u?1>\r\n" +
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nContent-Type: text/plain;\r\n charset=utf-8\r\n\r\n  leading \t and trailing\t \r\n\r\n \t\r\nlast\r\n\r\n\r\n",
	"no body":       "From: ann@sender.example\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <3@sender.example>\r\nFeedback-ID: a:b:c\r\n\r\n",
	"8-bit":         "From: =?utf-8?q?J=C3=BCrgen?= <j@sender.example>\r\nSubject: Grüße\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <4@sender.example>\r\n\r\nschöne Grüße\r\n..\r\n",
	"a long header": "From: ann@sender.example\r\nCc: " + strings.Repeat("someone@rcpt.example,\r\n ", 200) + "last@rcpt.example\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n\r\n" + strings.Repeat("text\r\n", 3000),
}

func signed(t testing.TB, message string, k *Key, now time.Time) string {
	t.Helper()
	head, _, _ := strings.Cut(message, "\r\n\r\n")
	p, err := Prepare(&Message{Header: []byte(head + "\r\n"), BodyHash: bodyhash.Of([]byte(message))}, k, now)
	if err != nil {
		t.Fatal(err)
	}
	f, err := p.Field()
	if err != nil || len(f) != p.Len() {
		t.Fatalf("a field of %d octets, %v; want %d", len(f), err, p.Len())
	}
	return string(f) + message
}

func keys(t *testing.T) []*Key {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return []*Key{{"sender.example", "s1", testRSA()}, {"sender.example", "e1", ed}}
}

// verify with each implementation that this machine has. A message that is spoilt must fail.
func verify(t *testing.T, message string, k *Key, want bool) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "message")
	if err := os.WriteFile(name, []byte(message), 0o600); err != nil {
		t.Fatal(err)
	}
	public, err := json.Marshal(map[string]string{k.Selector + "._domainkey." + k.Domain + ".": record(t, k.Private)})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("/usr/bin/python3", "-c", pythonVerify, name, string(public)).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != map[bool]string{true: "True", false: "False"}[want] {
		t.Errorf("python3-dkim says %s, %v; want %v", out, err, want)
	}
	if _, ok := k.Private.(ed25519.PrivateKey); ok {
		return // which Debian's opendkim does not know
	}
	if got := openDKIM(t, name, k); got != want {
		t.Errorf("opendkim says %v, want %v", got, want)
	}
}

const pythonVerify = `
import dkim, json, sys
keys = json.loads(sys.argv[2])
def look(name, timeout=5):
    name = name.decode() if isinstance(name, bytes) else name
    text = keys.get(name) or keys.get(name + ".")
    return text.encode() if text else None
print(dkim.verify(open(sys.argv[1], "rb").read(), dnsfunc=look))
`

// openDKIM verifies the message in a file.
func openDKIM(t *testing.T, name string, k *Key) bool {
	t.Helper()
	dir := filepath.Dir(name)
	published := filepath.Join(dir, "keys")
	text := k.Selector + "._domainkey." + k.Domain + " " + record(t, k.Private) + "\n"
	conf := filepath.Join(dir, "conf")
	for file, text := range map[string]string{published: text, conf: "Mode v\nTestPublicKeys " + published + "\nSyslog no\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, _ := exec.Command("opendkim", "-x", conf, "-t", name, "-vv").CombinedOutput()
	return strings.Contains(string(out), "header.s="+k.Selector) && strings.Contains(string(out), "dkim=pass")
}

// others skips where a second implementation is missing, and names it.
func others(t *testing.T) {
	t.Helper()
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin")
	if _, err := exec.LookPath("opendkim"); err != nil {
		t.Skip("opendkim is not installed")
	}
	if err := exec.Command("/usr/bin/python3", "-c", "import dkim, nacl").Run(); err != nil {
		t.Skip("python3-dkim and python3-nacl are not installed")
	}
}

func TestField_verified(t *testing.T) {
	others(t)
	for _, k := range keys(t) {
		for name, message := range messages {
			t.Run(k.Selector+" "+name, func(t *testing.T) {
				s := signed(t, message, k, time.Now())
				verify(t, s, k, true)
				if name == "plain" {
					verify(t, strings.Replace(s, "Hi Bob", "Hi Eve", 1), k, false)
					verify(t, strings.Replace(s, "From: Ann", "From: Eve <eve@x.example>\r\nFrom: Ann", 1), k, false)
					verify(t, strings.Replace(s, "Subject:", "Reply-To: eve@x.example\r\nSubject:", 1), k, false)
				}
			})
		}
	}
}

// The fields of a signature say what DELIVERY wants.
func TestField_tags(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := signed(t, messages["folds and white space"], keys(t)[0], now)
	field, _, _ := strings.Cut(s, "\r\nFROM")
	for _, line := range strings.Split(field, "\r\n") {
		if len(line) > 78 {
			t.Errorf("a line of %d octets: %s", len(line), line)
		}
	}
	tags := map[string]string{}
	for tag := range strings.SplitSeq(strings.TrimPrefix(field, "DKIM-Signature:"), ";") {
		name, value, _ := strings.Cut(tag, "=")
		tags[strings.TrimSpace(name)] = strings.Join(strings.Fields(value), "")
	}
	want := map[string]string{"v": "1", "a": "rsa-sha256", "c": "relaxed/relaxed", "d": "sender.example", "s": "s1", "t": "1800000000", "x": "1800604800",
		"h": "From:From:To:To:To:Cc:Subject:Subject:Date:Date:Reply-To:Message-ID:Message-ID:Content-Type:Content-Type:" +
			"List-Unsubscribe:List-Unsubscribe:List-Unsubscribe-Post:List-Unsubscribe-Post"}
	for name, value := range want {
		if tags[name] != value {
			t.Errorf("%s=%s, want %s", name, tags[name], value)
		}
	}
	if len(tags) != len(want)+2 { // bh and b
		t.Errorf("tags %v", tags)
	}
}

// The canonical forms of RFC 6376 §3.4.5.
func TestCanonical(t *testing.T) {
	var got []byte
	for _, f := range split([]byte("A: X\r\nB : Y\t\r\n\tZ  \r\n\r\nbody")) {
		got = appendCanonical(got, f.text)
	}
	if want := "a:X\r\nb:Y Z\r\n"; string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// The example of RFC 8463 §A.3: its key, header and hashes give its Ed25519 signature.
func TestField_RFC8463(t *testing.T) {
	seed, err := base64.StdEncoding.DecodeString("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
	if err != nil {
		t.Fatal(err)
	}
	key := ed25519.NewKeyFromSeed(seed)
	message := "From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\nSubject: Is dinner ready?\r\n" +
		"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\nMessage-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
	unsigned := "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n" +
		" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : message-id : from : subject : date;\r\n" +
		" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b="
	var input []byte
	fields := split([]byte(message))
	for _, name := range []string{"from", "to", "subject", "date", "message-id"} {
		i := slices.IndexFunc(fields, func(f field) bool { return strings.EqualFold(f.name, name) })
		input = appendCanonical(input, fields[i].text)
	}
	input = append(input, bytes.TrimSuffix(appendCanonical(nil, []byte(unsigned)), crlf)...)
	sum := sha256.Sum256(input)
	got := base64.StdEncoding.EncodeToString(ed25519.Sign(key, sum[:]))
	if want := "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="; got != want {
		t.Errorf("b=%s, want %s", got, want)
	}
}

func TestField_noSuchKey(t *testing.T) {
	if _, err := Prepare(&Message{}, &Key{"d.example", "s1", strange{}}, time.Now()); err == nil {
		t.Error("a key of an unknown kind signs")
	}
}

type strange struct{ crypto.Signer }

func (strange) Public() crypto.PublicKey { return "" }

func TestValue(t *testing.T) {
	header := []byte("From : a,\r\n b\r\nX: y\r\nfrom: c\r\n\r\nTo: d\r\n")
	if v, ok := Value(header, "from"); v != "a, b" || !ok {
		t.Errorf("%q, %v", v, ok)
	}
	if v, ok := Value(header, "To"); ok {
		t.Errorf("%q from the body", v)
	}
}

// What a signature costs beside the one RSA operation in it.
func BenchmarkField(b *testing.B) {
	head, _, _ := strings.Cut(messages["folds and white space"], "\r\n\r\n")
	m := &Message{Header: []byte(head + "\r\n"), BodyHash: bodyhash.Of([]byte(messages["plain"]))}
	k := &Key{"sender.example", "s1", testRSA()}
	sum := sha256.Sum256(m.Header)
	b.Run("RSA alone", func(b *testing.B) {
		for b.Loop() {
			if _, err := k.Private.Sign(rand.Reader, sum[:], crypto.SHA256); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("signature", func(b *testing.B) {
		for b.Loop() {
			p, err := Prepare(m, k, time.Now())
			if err != nil {
				b.Fatal(err)
			}
			if _, err := p.Field(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
