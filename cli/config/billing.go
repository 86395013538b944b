package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"relay/report/api/field"
	"relay/report/invoice"
	"relay/report/letter"
	"relay/report/money"
	"relay/report/words"
	"relay/store/ledger"
	"relay/store/mailsyntax"
)

// Billing is the [billing] section.
type Billing struct {
	Currency      string   `toml:"currency"` // ISO 4217
	TaxRate       string   `toml:"tax_rate"`
	Seller        []string `toml:"seller"`
	DueDays       int      `toml:"due_days"`
	GraceDays     int      `toml:"grace_days"`
	OrderDays     int      `toml:"order_days"`
	InvoicePrefix string   `toml:"invoice_prefix"`
	PaymentLink   string   `toml:"payment_link"`
	PaymentText   string   `toml:"payment_text"`
	WarnDays      []int    `toml:"warn_days"`
	RenewLink     string   `toml:"renew_link"`
	RenewText     string   `toml:"renew_text"`
	Contact       string   `toml:"contact"`
}

var billingKeys = Section{Name: "billing", Before: `Who invoices, and how. In the templates of payment_link and payment_text,
{invoice}, {amount}, {currency} and {account} stand for what is to be paid; in
those of renew_link and renew_text, {account}, {plan}, {end} and {amount} for the
term that ends, its last day, and what the plan costs now.`, Keys: []Key{
	{"currency", money.Default, isCurrency, OnReload, `ISO 4217, of all prices; it cannot change while there are prices`},
	{"tax_rate", "0%", passes(isRate), OnReload, `on all that is sold: "22%", "8.875%"`},
	{"seller", []string{}, all(fewLines, each(isSellerLine)), OnReload, `lines of your address on invoices, the name first`},
	{"due_days", 14, isDays, OnReload, `from an invoice to its due date`},
	{"grace_days", 14, isDays, OnReload, `days after the due date before an unpaid invoice suspends the account`},
	{"order_days", 30, isDays, OnReload, `days after the due date, or the term's end, before an unpaid order expires; 0: never`},
	{"invoice_prefix", "", unlessEmpty(isPrefix), OnReload, `before the numbers of new invoices, "R-" or "2026/"`},
	{"payment_link", "", passes(invoice.HowToPay.CheckLink), OnReload, `"https://pay.example.org/{invoice}?amount={amount}"; default none`},
	{"payment_text", "", passes(invoice.HowToPay.CheckText), OnReload, `"By bank transfer to ..., with the text {invoice}"; default none`},
	{"warn_days", []int{30, 7, 1}, each(isDays), OnReload, `days before the last one of a term on which its customer is told; []: never`},
	{"renew_link", "", passes(letter.HowToRenew.CheckLink), OnReload, `"https://www.example.org/renew?account={account}"; default none`},
	{"renew_text", "", passes(letter.HowToRenew.CheckText), OnReload, `"Write to us before {end}, with the text {account}"; default none`},
	{"contact", "", unlessEmpty(isContact), OnReload, `default of reply_to and operator in [report]`},
}}

const (
	mostSellerLines = 12
	widestSeller    = 100 // characters
	mostDays        = 366
)

func isCurrency(v *validator, key string, value any) {
	code := value.(string)
	switch large := strings.ToUpper(code); {
	case money.Known(code):
	case money.Known(large):
		v.bad(key, "%q is written %s", code, large)
	default:
		v.bad(key, "%q is not the code of a currency such as EUR", code)
	}
}

func isRate(text string) error {
	_, err := money.ParseRate(text)
	return err
}

func fewLines(v *validator, key string, value any) {
	if n := len(value.([]string)); n > mostSellerLines {
		v.bad(key, "%d lines: at most %d", n, mostSellerLines)
	}
}

func isSellerLine(v *validator, key string, value any) {
	l := value.(string)
	switch n := utf8.RuneCountInString(l); {
	case strings.TrimSpace(l) == "":
		v.bad(key, "the line is empty")
	case n > widestSeller:
		v.bad(key, "%q has %d characters: at most %d", words.Cut(l, 20), n, widestSeller)
	case strings.ContainsFunc(l, unicode.IsControl):
		v.bad(key, "%q: one line each, without control characters", l)
	}
}

func isDays(v *validator, key string, value any) {
	if n := value.(int); n < 0 || n > mostDays {
		v.bad(key, "%d: 0 to %d days", n, mostDays)
	}
}

// prefixRE: a prefix that ends with a digit would run into the number.
var prefixRE = regexp.MustCompile(`^([A-Za-z]|[A-Za-z0-9][A-Za-z0-9./_-]{0,18}[A-Za-z./_-])$`)

func isPrefix(v *validator, key string, value any) {
	if !prefixRE.MatchString(value.(string)) {
		v.bad(key, "%q: up to 20 letters, digits and ./_- that begin with a letter or digit and do not end with a digit, such as R- or 2026/", value)
	}
}

func isContact(v *validator, key string, value any) {
	address := value.(string)
	if _, _, ok := letter.Recipient(address); !ok || !mailsyntax.IsAddress(address) {
		v.bad(key, "%q is not a mail address", address)
	}
}

// SellerName is the operator's name; "": none is set.
func (b *Billing) SellerName() string {
	if len(b.Seller) == 0 {
		return ""
	}
	return b.Seller[0]
}

// Store is the part of [billing] that the store applies. Validate has checked it.
func (b *Billing) Store() ledger.Billing {
	rate, _ := money.ParseRate(b.TaxRate) // 0 where it is none
	return ledger.Billing{Currency: b.Currency, TaxRate: rate, Seller: b.Seller, Prefix: b.InvoicePrefix, DueDays: b.DueDays, GraceDays: b.GraceDays, OrderDays: b.OrderDays}
}

// invoiceToPay names an invoice to the mail program of a customer.
func (c *Config) invoiceToPay(i *ledger.Invoice) string {
	text := fmt.Sprintf("invoice %s, %s", i.Name, money.Format(i.Open(), i.Currency))
	_, link := invoice.Shown("", invoice.New(i, c.Invoices(c.Zone())).Link)
	if link != "" && len(link) <= longestLink {
		text += ", at " + link + ","
	}
	return text
}

// longestLink fits into the line of a reply (RFC 5321 §4.5.3.1.5).
const longestLink = 200

// PayBy is a [[payment]] section: a method of payment that customers can choose, and
// how they pay by it.
type PayBy struct {
	Method    string   `toml:"method"`
	Text      string   `toml:"text"`
	Link      string   `toml:"link"`
	Countries []string `toml:"countries"` // ISO 3166-1; none: all
}

var paymentKeys = Section{Name: "payment", Many: true, Before: `What customers can choose to pay by, once for each method. Without any [[payment]]
it is every method, paid as [billing] says. An invoice has the instructions of the
method that was chosen; the templates are like those of [billing].`, Keys: []Key{
	{"method", "bank", all(oneOf(ledger.Methods...), onlyOnce), OnReload, `bank, card, paypal, postepay, western-union or other`},
	{"text", "", passes(invoice.HowToPay.CheckText), OnReload, `"To IT60 X054 ..., with the text {invoice}"; default payment_text`},
	{"link", "", passes(invoice.HowToPay.CheckLink), OnReload, `default payment_link`},
	{"countries", []string{}, each(isCountryCode), OnReload, `whose customers can choose it, "IT", "SM"; default all`},
}}

func isCountryCode(v *validator, key string, value any) {
	if !field.IsCountry(value.(string)) {
		v.bad(key, "%q is not the code of a country such as IT", value)
	}
}

// Invoices says how invoices are shown, with days in the zone of the store.
func (c *Config) Invoices(zone *time.Location) invoice.Options {
	o := invoice.Options{Zone: zone, Link: c.Billing.PaymentLink, Text: c.Billing.PaymentText}
	for _, p := range c.Payment {
		if o.By == nil {
			o.By = map[string]invoice.Instructions{}
		}
		how := invoice.Instructions{Link: p.Link, Text: p.Text}
		if how == (invoice.Instructions{}) {
			how = invoice.Instructions{Link: o.Link, Text: o.Text}
		}
		o.By[p.Method] = how
	}
	return o
}
