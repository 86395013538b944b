package answer

import (
	"strconv"
	"time"

	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/invoice"
	"relay/report/words"
	"relay/store/ledger"
)

// Invoice is an invoice or a credit note. Amounts of a credit note are negative.
type Invoice struct {
	Name     string    `json:"invoice" doc:"Number as it is printed."`
	Number   uint64    `json:"number"`
	Account  string    `json:"account"`
	Customer *string   `json:"customer" doc:"null: the account itself."`
	Kind     string    `json:"kind" doc:"order, renewal, upgrade, topup, block, overage or credit-note."`
	About    *string   `json:"about" doc:"Of a credit note: the invoice that it takes back."`
	State    string    `json:"state" doc:"open, paid, cancelled or refunded."`
	Overdue  bool      `json:"overdue"`
	Waits    bool      `json:"waits" doc:"The order waits for its payment."`
	Issued   time.Time `json:"issued"`
	Due      time.Time `json:"due"`
	Period   *string   `json:"period" doc:"Of overage: key of the period."`
	Method   *string   `json:"method,omitempty" doc:"By which the customer chose to pay."`
	Ref      *string   `json:"reference,omitempty" doc:"The customer's own text."`
	Currency string    `json:"currency"`
	Net      int64     `json:"net"`
	Tax      int64     `json:"tax"`
	Total    int64     `json:"total"`
	Paid     int64     `json:"paid"`
	Open     int64     `json:"open" doc:"Still to be paid."`
}

// InvoiceOf the store.
func InvoiceOf(s *act.Service, i *ledger.Invoice) Invoice {
	v := Invoice{
		Name: i.Name, Number: i.Number, Account: i.Account, Customer: field.OrNull(i.Customer), Kind: string(i.Kind),
		State: string(i.State), Overdue: Overdue(s, i), Waits: i.State == ledger.InvoiceOpen && i.Order != nil,
		Issued: i.Issued, Due: i.Due, Period: field.OrNull(i.Period), Method: field.OrNull(i.Method), Ref: field.OrNull(i.Reference), Currency: i.Currency,
		Net: i.Net, Tax: i.Tax, Total: i.Total, Paid: i.Paid, Open: i.Open(),
	}
	if i.About != 0 {
		v.About = new(i.Names)
	}
	return v
}

// Overdue reports whether the day is over on which an invoice was to be paid. One that
// waits for the payment of an order is never late: nothing was delivered yet.
func Overdue(s *act.Service, i *ledger.Invoice) bool {
	day := func(t time.Time) string { return words.Day(t, s.Store.Zone()) }
	return i.State == ledger.InvoiceOpen && i.Order == nil && day(s.Store.BookTime()) > day(i.Due)
}

// Payable is an invoice with how it is paid while it is open.
type Payable struct {
	Invoice
	Link  *string  `json:"payment_link" doc:"Where it is paid; null: nowhere, or there is nothing to pay."`
	Text  *string  `json:"payment_text" doc:"How it is paid."`
	Lacks []string `json:"lacks,omitempty" doc:"Of an order's receipt: whose address the invoice lacks, seller or buyer. It never gets one later."`
}

// Parties of an invoice.
const (
	Seller = "seller"
	Buyer  = "buyer"
)

// PayableOf the store, with the instructions in force now.
func PayableOf(s *act.Service, i *ledger.Invoice) Payable {
	v := Payable{Invoice: InvoiceOf(s, i)}
	if v.Open > 0 {
		d := invoice.New(i, Documents(s))
		v.Link, v.Text = field.OrNull(d.Link), field.OrNull(d.Instructions)
	}
	return v
}

// IssuedOf an order is PayableOf with the addresses that the invoice lacks.
func IssuedOf(s *act.Service, i *ledger.Invoice) Payable {
	v := PayableOf(s, i)
	if len(i.Seller) == 0 {
		v.Lacks = append(v.Lacks, Seller)
	}
	if len(i.Buyer) > 0 && i.Buyer[0] == i.Account {
		v.Lacks = append(v.Lacks, Buyer)
	}
	return v
}

// OpenInvoices of an account, oldest first.
func OpenInvoices(s *act.Service, account string) ([]Payable, error) {
	list, err := s.Store.Books.InvoicesOf(account, true)
	open := make([]Payable, len(list))
	for i := range list {
		open[i] = PayableOf(s, &list[i])
	}
	return open, err
}

// Documents is how invoices are shown. Days on paper are those of the books.
func Documents(s *act.Service) invoice.Options {
	o := s.Rules().Invoices
	o.Zone = s.Store.Zone()
	return o
}

// InvoiceName is the number in an entry of the ledger as its invoice was issued.
func InvoiceName(s *act.Service, ref string) string {
	n, err := strconv.ParseUint(ref, 10, 64)
	if err != nil {
		return ref
	}
	i, err := s.Store.Books.Invoice(n)
	if err != nil {
		return ref // a close was only worked out: nothing is issued yet
	}
	return i.Name
}

// Line of an invoice.
type Line struct {
	Text    string `json:"text"`
	Count   int64  `json:"count"`
	Price   int64  `json:"price" doc:"Of one."`
	Net     int64  `json:"net"`
	TaxRate string `json:"tax_rate"`
	Tax     *int64 `json:"tax,omitempty" doc:"Of an invoice whose tax was worked out line by line; otherwise see taxes."`
}

// LinesOf an invoice.
func LinesOf(i *ledger.Invoice) []Line {
	list := []Line{}
	for _, l := range i.Lines {
		v := Line{Text: l.Text, Count: l.Count, Price: l.Price, Net: l.Net, TaxRate: l.TaxRate.String()}
		if len(i.Taxes) == 0 {
			v.Tax = &l.Tax
		}
		list = append(list, v)
	}
	return list
}

// Owed is an open item that has no invoice: what an account owes by a correction, or for
// a payment that was taken back after it had been paid back.
type Owed struct {
	Amount   int64   `json:"amount"`
	Currency string  `json:"currency"`
	Link     *string `json:"payment_link" doc:"Where it is paid; null: nowhere."`
	Text     *string `json:"payment_text" doc:"How it is paid."`
}

// OwedBy an account; nil where nothing is owed. In place of the number of an invoice the
// customer names the account.
func OwedBy(s *act.Service, account string, amount int64) *Owed {
	if amount <= 0 {
		return nil
	}
	doc, o := invoice.Document{Number: account, Account: account, State: invoice.Open, Total: amount, Currency: s.Store.Books.Currency()}, Documents(s)
	return &Owed{amount, doc.Currency, field.OrNull(doc.FillLink(o.Link)), field.OrNull(doc.FillText(o.Text))}
}
