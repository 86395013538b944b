package invoice

import (
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCheckLink(t *testing.T) {
	for _, link := range []string{"", "https://pay.example.org", "http://pay.example.org/{account}?n={invoice}&a={amount}{currency}"} {
		if err := HowToPay.CheckLink(link); err != nil {
			t.Errorf("CheckLink(%q) = %v", link, err)
		}
	}
	for link, want := range map[string]string{
		"pay.example.org/{invoice}":        "is not a web address such as https://",
		"javascript:alert(1)":              "is not a web address",
		"mailto:pay@example.org":           "is not a web address",
		"https://":                         "is not a web address",
		"https://pay.example.org/a b":      "is not a web address",
		"https://pay.example.org/\x07":     "is not a web address",
		"https://pay.example.org/{nr}":     "{nr} is not known; there are {invoice}, {amount}, {currency} and {account}",
		"https://pay.example.org/{Amount}": "{Amount} is not known",
		"https://pay.example.org/{}":       "{} is not known",
	} {
		if err := HowToPay.CheckLink(link); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("CheckLink(%q) = %v, want %q", link, err, want)
		}
	}
}

func TestCheckText(t *testing.T) {
	if err := HowToPay.CheckText("Pay {currency} {amount} for {invoice} of {account}.\nThank you {"); err != nil {
		t.Error(err)
	}
	if err := HowToPay.CheckText("Pay {amount} to {iban}"); err == nil || !strings.Contains(err.Error(), "{iban} is not known") {
		t.Errorf("CheckText with {iban} = %v", err)
	}
}

// What a link is filled with is one value each, whatever it is.
func TestDocument_FillLink(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := open()
		d.Number, d.Account = rapid.String().Draw(t, "number"), rapid.String().Draw(t, "account")
		link := d.FillLink("https://pay.example.org/{account}?n={invoice}&a={amount}&c={currency}#{invoice}")
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		if u.Path != "/"+d.Account || q.Get("n") != d.Number || u.Fragment != d.Number || q.Get("a") != "162.87" || q.Get("c") != "EUR" || len(q) != 3 {
			t.Fatalf("number %q, account %q give %q", d.Number, d.Account, link)
		}
	})
}

// A value that looks like a placeholder stays what it is.
func TestDocument_FillText(t *testing.T) {
	d := open()
	d.Account = "{invoice}"
	if got := d.FillText("{account} {amount} {"); got != "{invoice} 162.87 {" {
		t.Errorf("FillText = %q", got)
	}
}

func TestDocument_howToPay_noLink(t *testing.T) {
	for _, link := range []string{"javascript:alert(1)", "data:text/html,x", "//example.org", "see our site"} {
		d := open()
		d.Instructions, d.Link = "one\n\ntwo", link
		if lines, got := d.howToPay(); got != "" || strings.Join(lines, "|") != "one|two|"+link {
			t.Errorf("link %q: %q and %q, want it as a line", link, lines, got)
		}
	}
}
