package cli

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"relay/report/invoice"
	"relay/report/letter"
	"relay/report/money"
	"relay/store"
)

// Billing is who invoices, and how.
type Billing struct {
	Currency      string   `toml:"currency"`       // ISO 4217, of all amounts; it cannot change once a price was agreed on
	TaxRate       string   `toml:"tax_rate"`       // on all that is sold, such as "22%" or "8.875%"
	Seller        []string `toml:"seller"`         // lines of the operator's address, the name first
	DueDays       int      `toml:"due_days"`       // days from an invoice to its due date
	GraceDays     int      `toml:"grace_days"`     // days after the due date before an unpaid invoice suspends the account
	OrderDays     int      `toml:"order_days"`     // days after the due date of an order, or the term's end, before it expires; 0: never
	InvoicePrefix string   `toml:"invoice_prefix"` // before the numbers of new invoices, such as "R-"
	PaymentLink   string   `toml:"payment_link"`   // template of a web address; "": none
	PaymentText   string   `toml:"payment_text"`   // template of lines; "": none
	WarnDays      []int    `toml:"warn_days"`      // days before the last one of a term on which its customer is told; none: never
	RenewLink     string   `toml:"renew_link"`     // template of a web address; "": none
	RenewText     string   `toml:"renew_text"`     // template of lines; "": none
	Contact       string   `toml:"contact"`        // where customers' answers go; "": postmaster at the hostname
}

func defaultBilling() Billing {
	return Billing{Currency: money.Default, TaxRate: "0%", Seller: []string{}, DueDays: 14, GraceDays: 14, OrderDays: 30, WarnDays: []int{14, 3}}
}

const (
	mostSellerLines = 12
	widestSeller    = 100 // characters
	mostDays        = 366
)

func (b *Billing) check(v *validator) {
	switch {
	case money.Known(b.Currency):
	case money.Known(strings.ToUpper(b.Currency)):
		v.bad("billing.currency", "%q is written %s", b.Currency, strings.ToUpper(b.Currency))
	default:
		v.bad("billing.currency", "%q is not the code of a currency such as EUR", b.Currency)
	}
	if _, err := money.ParseRate(b.TaxRate); err != nil {
		v.bad("billing.tax_rate", "%v", err)
	}
	b.checkSeller(v)
	v.days("billing.due_days", b.DueDays)
	v.days("billing.grace_days", b.GraceDays)
	v.days("billing.order_days", b.OrderDays)
	if !prefixRE.MatchString(b.InvoicePrefix) {
		v.bad("billing.invoice_prefix", "%q: up to 20 letters, digits and ./_- that begin with a letter or digit and do not end with a digit, such as R- or 2026/", b.InvoicePrefix)
	}
	if err := invoice.HowToPay.CheckLink(b.PaymentLink); err != nil {
		v.bad("billing.payment_link", "%v", err)
	}
	if err := invoice.HowToPay.CheckText(b.PaymentText); err != nil {
		v.bad("billing.payment_text", "%v", err)
	}
	b.checkWarning(v)
}

func (b *Billing) checkWarning(v *validator) {
	for i, n := range b.WarnDays {
		v.days(fmt.Sprintf("billing.warn_days[%d]", i), n)
	}
	if err := letter.HowToRenew.CheckLink(b.RenewLink); err != nil {
		v.bad("billing.renew_link", "%v", err)
	}
	if err := letter.HowToRenew.CheckText(b.RenewText); err != nil {
		v.bad("billing.renew_text", "%v", err)
	}
	if _, _, ok := letter.Recipient(b.Contact); b.Contact != "" && (!ok || checkAddress(b.Contact) != nil) {
		v.bad("billing.contact", "%q is not a mail address", b.Contact)
	}
}

// seller is the operator's name; "": not said.
func (b *Billing) seller() string {
	if len(b.Seller) == 0 {
		return ""
	}
	return b.Seller[0]
}

func (b *Billing) checkSeller(v *validator) {
	if n := len(b.Seller); n > mostSellerLines {
		v.bad("billing.seller", "%d lines: at most %d", n, mostSellerLines)
	}
	for i, l := range b.Seller {
		key := fmt.Sprintf("billing.seller[%d]", i)
		switch {
		case strings.TrimSpace(l) == "":
			v.bad(key, "the line is empty")
		case utf8.RuneCountInString(l) > widestSeller:
			v.bad(key, "%q has %d characters: at most %d", cut(l, 20), utf8.RuneCountInString(l), widestSeller)
		case strings.ContainsFunc(l, unicode.IsControl):
			v.bad(key, "%q: one line each, without control characters", l)
		}
	}
}

// prefixRE: a prefix that ends with a digit would run into the number.
var prefixRE = regexp.MustCompile(`^([A-Za-z]|[A-Za-z0-9][A-Za-z0-9./_-]{0,18}[A-Za-z./_-])?$`)

func (v *validator) days(key string, n int) {
	if n < 0 || n > mostDays {
		v.bad(key, "%d: 0 to %d days", n, mostDays)
	}
}

// store is what the store has to know of it; Validate has seen that it is right.
func (b *Billing) store() store.Billing {
	rate, _ := money.ParseRate(b.TaxRate) // 0 where it is none
	return store.Billing{Currency: b.Currency, TaxRate: rate, Seller: b.Seller, Prefix: b.InvoicePrefix, DueDays: b.DueDays, GraceDays: b.GraceDays, OrderDays: b.OrderDays}
}

// invoiceToPay names an invoice to the mail program of a customer.
func (c *Config) invoiceToPay(i *store.Invoice) string {
	return fmt.Sprintf("invoice %s, %s", i.Name, money.Format(i.Open(), i.Currency))
}
