package mailer

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/mailer/settings"
	"relay/mailer/sign"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/signing"
)

// publish makes the DNS show all keys, and lets the next of each pair sign when it is due.
// It returns what the DNS has then.
func (w *world) publish() signing.Rotation {
	w.t.Helper()
	shown := func(*signing.Key) (bool, error) { return true, nil }
	r, err := w.store.Signing.RotateKeys([][2]string{signing.RSASelectors}, shown)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// delegate lets acme sign for a domain.
func (w *world) delegate(domain string) {
	w.t.Helper()
	w.publish()
	if _, err := w.store.Signing.AddDomain(behalf.Order{}, "acme", domain); err != nil {
		w.t.Fatal(err)
	}
	w.look("acme", domain, "s1", "s2")
}

func (w *world) look(account, domain string, selectors ...string) {
	w.t.Helper()
	if _, err := w.store.Signing.LookedAt(account, domain, signing.Look{Selectors: selectors}); err != nil {
		w.t.Fatal(err)
	}
}

// records are those that the DNS has under selectors of a domain.
func (w *world) records(domain string) map[string]string {
	keys, err := w.store.Signing.Keys()
	if err != nil {
		w.t.Fatal(err)
	}
	list := map[string]string{}
	for _, k := range keys {
		list[k.Selector+"._domainkey."+domain] = k.Record()
	}
	return list
}

var signatureField = regexp.MustCompile(`(?s)^DKIM-Signature: .*?\r\n(?:[^\t])`)

// signatureOf is the field in front of a message; "": there is none.
func signatureOf(r received) string { return signatureField.FindString(r.content) }

// tag of a signature.
func tag(field, name string) string {
	m := regexp.MustCompile(`[;\s]` + name + `=([^;\s]*)`).FindStringSubmatch(field)
	if m == nil {
		return ""
	}
	return m[1]
}

const verifySignatures = `
import dkim, json, re, sys, time
keys = json.load(open(sys.argv[1]))
def look(name, timeout=5):
    name = name.decode() if isinstance(name, bytes) else name
    return keys.get(name.rstrip("."), "").encode() or None
for name in sys.argv[2:]:
    text = open(name, "rb").read()
    made = int(re.search(rb"\bt=(\d+)", text).group(1))
    time.time = lambda: made + 3 * 24 * 3600
    n = sum(1 for h in dkim.DKIM(text).headers if h[0].lower() == b"dkim-signature")
    print(n > 0 and all(dkim.DKIM(text).verify(idx=i, dnsfunc=look) for i in range(n)))
`

// wantVerified has a second implementation verify all signatures of the messages.
func wantVerified(t *testing.T, records map[string]string, list []received) {
	t.Helper()
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import dkim, nacl").Run(); err != nil {
		t.Skip("python3-dkim and python3-nacl are not installed")
	}
	dir := t.TempDir()
	keys, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-c", verifySignatures, filepath.Join(dir, "keys")}
	files := map[string][]byte{args[2]: keys}
	for i, r := range list {
		name := filepath.Join(dir, string(rune('a'+i)))
		files[name] = []byte(r.content)
		args = append(args, name)
	}
	for name, text := range files {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(python, args...).CombinedOutput()
	if want := strings.Repeat("True\n", len(list)); err != nil || string(out) != want {
		t.Errorf("verified: %s, %v", out, err)
	}
}

// One signature goes to all sites and in all attempts of three days, and then another one,
// also when the relay was started again and keys changed meanwhile.
func TestSignature_onceAMessage(t *testing.T) {
	var all []received
	var records map[string]string
	inWorld(t, settings.Config{}, func(w *world) {
		w.delegate("src.test")
		w.host("one.test")
		late := w.host("late.test")
		w.host("two.test").say = func(x *exchange) string {
			if x.verb == "RCPT" {
				return "451 4.7.1 later"
			}
			return ""
		}
		until := time.Now().Add(2 * time.Hour)
		slow := func(x *exchange) string {
			if x.verb == "RCPT" && time.Now().Before(until) {
				return "451 4.7.1 later"
			}
			return ""
		}
		late.becomes(slow)
		id := w.send("you@one.test", "you@late.test", "you@two.test")
		w.run(time.Hour)
		first := signatureOf(w.hopOf("one.test").messages()[0])
		if tag(first, "d") != "src.test" || tag(first, "s") != "s1" || tag(first, "a") != "rsa-sha256" {
			t.Fatalf("signature %q", first)
		}
		w.halt()
		mail, err := New(w.store.Spool, w.cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.mail = mail
		w.run(5 * time.Hour)
		if got := signatureOf(late.messages()[0]); got != first {
			t.Errorf("the second attempt has %q, the first %q", got, first)
		}
		m, err := w.store.Spool.QueueMessage(id)
		if err != nil || !strings.HasPrefix(first, m.Signature.Fields) || m.Signature.Fields == "" {
			t.Fatalf("stored %+v, %v", m.Signature, err)
		}
		w.pass(75 * time.Hour) // it is older than three days
		w.hopOf("two.test").becomes(nil)
		w.pass(8 * time.Hour)
		again := signatureOf(w.hopOf("two.test").messages()[0])
		if a, b := tag(first, "t"), tag(again, "t"); a == b || b == "" {
			t.Errorf("the last attempt has a signature of %s, the first of %s", b, a)
		}
		records = w.records("src.test")
		for _, domain := range []string{"one.test", "late.test", "two.test"} {
			all = append(all, w.hopOf(domain).messages()...)
		}
	})
	wantVerified(t, records, all)
}

// A rotation in the middle of a queue: what was signed before it is sent with the old key's
// signature, whose key is still published; what is signed after it has the new one's.
func TestSignature_rotation(t *testing.T) {
	var all []received
	var records map[string]string
	inWorld(t, settings.Config{}, func(w *world) {
		w.delegate("src.test")
		h := w.host("slow.test")
		w.pass(signing.RotateAfter - 10*time.Minute)
		h.say = func(x *exchange) string {
			if x.verb == "RCPT" {
				return "451 4.7.1 later"
			}
			return ""
		}
		w.send("you@slow.test")
		w.run(11 * time.Minute)
		r := w.publish()
		if !slices.Equal(r.Began, []string{"s2"}) || !slices.Equal(r.Ended, []string{"s1"}) {
			t.Fatalf("rotation %+v", r)
		}
		h.becomes(nil)
		w.pass(time.Hour)
		w.send("again@slow.test")
		w.pass(time.Minute)
		all, records = h.messages(), w.records("src.test")
		if len(all) != 2 || tag(signatureOf(all[0]), "s") != "s1" || tag(signatureOf(all[1]), "s") != "s2" {
			t.Fatalf("%d messages: %v", len(all), all)
		}
	})
	wantVerified(t, records, all)
}

// Only mail of delegated domains is signed, by the domain or one above it.
func TestSignature_whose(t *testing.T) {
	var all []received
	records := map[string]string{}
	inWorld(t, settings.Config{}, func(w *world) {
		w.delegate("src.test")
		h := w.host("dst.test")
		w.run(0)
		send := func(from string) string {
			w.acceptBody(message("you@dst.test"), strings.Replace(content, "a@src.test", from, 1))
			w.pass(time.Minute)
			list := h.messages()
			all = append(all, list[len(list)-1])
			return tag(signatureOf(list[len(list)-1]), "d")
		}
		for from, want := range map[string]string{
			"a@src.test": "src.test", "A <b@News.SRC.test>": "src.test", "x@other.test": "", "x@xsrc.test": "", "a@src.test.other": "",
			`"a@src.test" <x@other.test>`: "",
		} {
			if got := send(from); got != want {
				t.Errorf("mail from %s is signed by %q, want %q", from, got, want)
			}
		}
		w.look("acme", "src.test", "s2") // whose key does not sign yet
		if got := send("a@src.test"); got != "" {
			t.Errorf("mail of a domain that is not delegated any more is signed by %q", got)
		}
		if err := w.store.Signing.RemoveDomain(behalf.Order{}, "acme", "src.test"); err != nil {
			t.Fatal(err)
		}
		if got := send("a@src.test"); got != "" {
			t.Errorf("mail of a domain that was removed is signed by %q", got)
		}
		records = w.records("src.test")
	})
	wantVerified(t, records, slices.DeleteFunc(all, func(r received) bool { return signatureOf(r) == "" }))
}

// The host signs DSNs, and other mail for the accounts that ask for it, but never what
// claims to be from the operator.
func TestSignature_host(t *testing.T) {
	var all []received
	records := map[string]string{}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	host := &sign.Key{Domain: "relay.test", Selector: "own", Private: private}
	inWorld(t, settings.Config{HostKey: host}, func(w *world) {
		w.delegate("src.test")
		w.host("src.test")
		h := w.host("dst.test")
		h.becomes(refuseAll)
		w.send("you@dst.test")
		w.run(5 * time.Minute)
		dsns := w.notices()
		if len(dsns) != 1 || tag(signatureOf(dsns[0]), "d") != "relay.test" {
			t.Fatalf("DSNs %+v", dsns)
		}
		all = append(all, dsns...)
		h.becomes(nil)
		w.change("acme", func(a *books.Account) { a.ServiceSignature = true })
		for from, want := range map[string][]string{"a@src.test": {"src.test", "relay.test"}, "x@other.test": {"relay.test"},
			"boss@relay.test": nil, "boss@mail.relay.test": nil} {
			w.acceptBody(message("me@dst.test"), strings.Replace(content, "a@src.test", from, 1))
			w.pass(time.Minute)
			list := h.messages()
			m := list[len(list)-1]
			var got []string
			for _, f := range strings.Split(m.content, "DKIM-Signature:")[1:] {
				got = append(got, tag(f, "d"))
			}
			if !slices.Equal(got, want) {
				t.Errorf("mail from %s is signed by %v, want %v", from, got, want)
			}
			if got != nil {
				all = append(all, m)
			}
		}
		records = w.records("src.test")
		records["own._domainkey.relay.test"] = "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(private.Public().(ed25519.PublicKey))
	})
	wantVerified(t, records, all)
}

// A fault in signing ends neither the process nor the message, which goes unsigned.
func TestSignature_fault(t *testing.T) {
	inWorld(t, settings.Config{HostKey: &sign.Key{Domain: "relay.test", Selector: "own", Private: faultyKey{}}}, func(w *world) {
		h := w.host("dst.test")
		w.change("acme", func(a *books.Account) { a.ServiceSignature = true })
		w.send("me@dst.test")
		w.run(time.Minute)
		if list := h.messages(); len(list) != 1 || signatureOf(list[0]) != "" {
			t.Errorf("arrived: %+v", list)
		}
		if text := w.logged(); !strings.Contains(text, "message not signed") || !strings.Contains(text, "a fault in relay") || !strings.Contains(text, "faultyKey") {
			t.Errorf("the log has no stack:\n%s", text)
		}
	})
}

// faultyKey panics like code that reads beyond what a stranger wrote.
type faultyKey struct{}

func (faultyKey) Public() crypto.PublicKey {
	return ed25519.PublicKey(make([]byte, ed25519.PublicKeySize))
}

func (faultyKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	var none []byte
	return none[1:2], nil
}

// The outcomes of signed mail are counted for its domain, by provider.
func TestSignature_tallies(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.delegate("src.test")
		w.host("dst.test").say = func(x *exchange) string {
			if x.verb == "RCPT" && x.rcpt == 2 {
				return "550 5.7.1 spam"
			}
			return ""
		}
		w.send("you@dst.test", "me@dst.test")
		w.run(time.Minute)
		list, err := w.store.Signing.Tallies("acme", "src.test")
		if err != nil || len(list) != 1 || list[0].Provider != "any other" || list[0].Delivered != 1 || list[0].Failed != 1 || len(list[0].Refusals) != 1 {
			t.Errorf("%+v, %v", list, err)
		}
	})
}
