package jobs

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"regexp"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/report/tell"
	"relay/store"
)

// What a mail is made of, where names are hostile and addresses strange.
func TestLetters_write(t *testing.T) {
	now := time.Date(2026, 11, 15, 10, 0, 0, 0, time.UTC)
	l := Letters{Config: tell.Config{Host: "relay.test", Contact: "wir@bücher.example"}}
	evil := "x\r\nBcc: all@evil.example\r\n\r\n<b>"
	w := func(contact string) *store.Warning {
		return &store.Warning{Account: store.Account{Name: evil, Contact: contact, State: store.Suspended, Reason: evil},
			Contract: quota.Contract{Plan: quota.Plan{Name: evil, Term: quota.Month, Bandwidth: 1}, End: now.AddDate(0, 0, 3)},
			Sold:     &quota.Plan{Term: quota.Month, Price: 1}, Price: 1220, TaxRate: 22 * quota.Percent, Currency: "EUR", Credit: 1_500_000}
	}
	for contact, want := range map[string]struct {
		to, domain string
		utf8       bool
	}{
		"boss@Acme.example":   {"boss@acme.example", "acme.example", false},
		"boss@bücher.example": {"boss@xn--bcher-kva.example", "xn--bcher-kva.example", false},
		"jörg@acme.example":   {"jörg@acme.example", "acme.example", true},
		"boss@[192.0.2.7]":    {"boss@[192.0.2.7]", "[192.0.2.7]", false},
	} {
		n, err := l.write(w(contact), store.ID{1}, now, time.UTC)
		if err != nil {
			t.Errorf("%s: %v", contact, err)
			continue
		}
		m := n.Message
		if to := m.Recipients[0]; to.Address != want.to || to.Domain != want.domain || m.SMTPUTF8 != want.utf8 || m.EightBit != want.utf8 || m.Sender != "" {
			t.Errorf("%s: %+v", contact, m)
		}
		text := textOf(t, n.Body)
		mustMatch(t, contact, text, `(?s)State suspended: x Bcc: all@evil\.example <b> .*Price EUR 12\.20 for 30 days, with 22% tax Credit left 1\.5 MB`)
		if m, err := mail.ReadMessage(bytes.NewReader(n.Body)); err != nil || m.Header.Get("Bcc") != "" || m.Header.Get("Reply-To") != "<wir@xn--bcher-kva.example>" {
			t.Errorf("%s: %v\n%s", contact, err, n.Body)
		}
	}
	for _, contact := range []string{"boss", "boss@", "@acme.example", "boss@acme.example\r\nBcc: all@evil.example", "boss@a b", evil} {
		if _, err := l.write(w(contact), store.ID{1}, now, time.UTC); err == nil {
			t.Errorf("to %q: no error", contact)
		}
	}
}

// What a reseller's customer reads names the reseller, and no price of the operator's.
func TestLetters_write_belowAReseller(t *testing.T) {
	now := time.Date(2026, 11, 15, 10, 0, 0, 0, time.UTC)
	l := Letters{Config: tell.Config{Host: "relay.test", Contact: "office@host.example", Seller: "Host Ltd",
		RenewLink: "https://host.example/renew?a={amount}", RenewText: "pay Host Ltd {amount}"}}
	w := &store.Warning{Account: store.Account{Name: "webco.shop", Contact: "boss@shop.example", State: store.Active},
		Contract: quota.Contract{Plan: quota.Plan{Name: "bronze", Term: quota.Year, Bandwidth: 1}, End: now.AddDate(0, 0, 3)},
		Sold:     &quota.Plan{Term: quota.Year, Price: 1}, Price: 1220, Currency: "EUR",
		Reseller: &store.Reseller{Name: "webco", Contact: "help@webco.example"}}
	n, err := l.write(w, store.ID{1}, now, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	text := textOf(t, n.Body)
	mustMatch(t, "the letter", text, `(?s)webco.shop .*answer this mail, or write to help@webco.example.*Sent by webco`)
	if m := regexp.MustCompile(`EUR|12\.20|Host Ltd|host\.example|[Pp]rice|no longer sold`).FindString(text); m != "" {
		t.Errorf("the letter says %q:\n%s", m, text)
	}
	if m, err := mail.ReadMessage(bytes.NewReader(n.Body)); err != nil || m.Header.Get("Reply-To") != "<help@webco.example>" || !strings.Contains(m.Header.Get("From"), "webco") {
		t.Errorf("%v\n%s", err, n.Body)
	}
}

// textOf a mail, as a mail program shows it.
func textOf(t *testing.T, content []byte) string {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	part, err := multipart.NewReader(m.Body, params["boundary"]).NextPart()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(part)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}
