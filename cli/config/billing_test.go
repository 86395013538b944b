package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"relay/report/invoice"
	"relay/store/ledger"
)

const billingFile = `
timezone = "Europe/Rome"
[billing]
currency = "CHF"
tax_rate = "8.1%"
seller = ["Posta Sicura S.r.l.", "Via Garibaldi 12, Torino"]
due_days = 30
grace_days = 0
invoice_prefix = "2026/"
payment_link = "https://pay.example.org/{invoice}?a={amount}&c={currency}"
payment_text = """
By bank transfer, with the text {invoice}:
{currency} {amount}"""
`

func TestReadConfig_billing(t *testing.T) {
	c, err := Read("relay.toml", []byte(billingFile))
	if err != nil {
		t.Fatal(err)
	}
	want := ledger.Billing{Currency: "CHF", TaxRate: 81_000, Seller: []string{"Posta Sicura S.r.l.", "Via Garibaldi 12, Torino"}, Prefix: "2026/", DueDays: 30, OrderDays: 30}
	if diff := cmp.Diff(want, c.Billing.Store()); diff != "" {
		t.Errorf("for the store (-want +got):\n%s", diff)
	}
	show := invoice.Options{
		Link: "https://pay.example.org/{invoice}?a={amount}&c={currency}",
		Text: "By bank transfer, with the text {invoice}:\n{currency} {amount}",
	}
	if diff := cmp.Diff(show, c.Invoices(nil)); diff != "" {
		t.Errorf("for invoices (-want +got):\n%s", diff)
	}
}

func TestReadConfig_warnDays(t *testing.T) {
	for text, want := range map[string][]int{"": {30, 7, 1}, "warn_days = []": {}, "warn_days = [30]": {30}, "warn_days = [1, 2, 3]": {1, 2, 3}} {
		c, err := Read("relay.toml", []byte("[billing]\n"+text+"\n"))
		if err != nil || !slices.Equal(c.Billing.WarnDays, want) {
			t.Errorf("%q: %v, %v; want %v", text, c.Billing.WarnDays, err, want)
		}
	}
}

func TestBilling_check(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`currency = "eur"`, `billing.currency: "eur" is written EUR`},
		{`currency = ""`, `billing.currency: "" is not the code of a currency such as EUR`},
		{`currency = "EURO"`, `billing.currency: "EURO" is not the code`},
		{`tax_rate = "22"`, `billing.tax_rate: "22" is not a rate such as 22% or 8.875%`},
		{`tax_rate = "101%"`, `billing.tax_rate: "101%" is more than 100%`},
		{`tax_rate = "8.87501%"`, `billing.tax_rate: "8.87501%" is not a rate such as 22% or 8.875%`},
		{`seller = ["Posta", " "]`, `billing.seller[1]: the line is empty`},
		{`seller = ["a\nb"]`, `billing.seller[0]: "a\nb": one line each`},
		{`seller = ["` + strings.Repeat("ü", 101) + `"]`, `has 101 characters: at most 100`},
		{`seller = [` + strings.Repeat(`"x",`, 13) + `]`, `billing.seller: 13 lines: at most 12`},
		{`due_days = -1`, `billing.due_days: -1: 0 to 366 days`},
		{`grace_days = 1000`, `billing.grace_days: 1000: 0 to 366 days`},
		{`invoice_prefix = "2026"`, `billing.invoice_prefix: "2026": up to 20`},
		{`invoice_prefix = "-"`, `billing.invoice_prefix:`},
		{`invoice_prefix = "R 1-"`, `billing.invoice_prefix:`},
		{`invoice_prefix = "abcdefghijklmnopqrst-"`, `billing.invoice_prefix:`},
		{`payment_link = "pay.example.org"`, `billing.payment_link: "pay.example.org" is not a web address`},
		{`payment_link = "https://pay.example.org/{inovice}"`, `billing.payment_link: {inovice} is not known; there are {invoice}, {amount}, {currency} and {account}`},
		{`payment_text = "to {iban}"`, `billing.payment_text: {iban} is not known`},
		{`warn_days = [14, -1]`, `billing.warn_days[1]: -1: 0 to 366 days`},
		{`warn_days = [400]`, `billing.warn_days[0]: 400: 0 to 366 days`},
		{`warn_days = 14`, `warn_days`},
		{`renew_link = "www.example.org/{account}"`, `billing.renew_link: "www.example.org/{account}" is not a web address such as https://pay.example.org/{account}`},
		{`renew_link = "https://www.example.org/{invoice}"`, `billing.renew_link: {invoice} is not known; there are {account}, {plan}, {end} and {amount}`},
		{`renew_text = "pay {currency}"`, `billing.renew_text: {currency} is not known`},
		{`contact = "Boss <boss@example.org>"`, `billing.contact: "Boss <boss@example.org>" is not a mail address`},
		{`contact = "boss@example..org"`, `billing.contact: "boss@example..org" is not a mail address`},
		{`contact = "boss@123"`, `billing.contact: "boss@123" is not a mail address`},
	} {
		_, err := Read("relay.toml", []byte("[billing]\n"+c.line+"\n"))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.line, err, c.want)
		}
	}
	for _, line := range []string{`tax_rate = "0%"`, `tax_rate = "100%"`, `tax_rate = "7,7 %"`, `tax_rate = "8.875%"`, `tax_rate = "9.9975%"`, `invoice_prefix = "R"`, `invoice_prefix = "R-"`, `due_days = 0`, `seller = []`, `warn_days = []`, `warn_days = [366, 0]`, `contact = "billing@example.org"`, `renew_text = "{account} {plan} {end} {amount}"`} {
		if _, err := Read("relay.toml", []byte("[billing]\n"+line+"\n")); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}
