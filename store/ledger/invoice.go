package ledger

import (
	"strconv"
	"time"

	"relay/quota"
)

// NumberText is the number of an invoice as entries refer to it.
func NumberText(n uint64) string { return strconv.FormatUint(n, 10) }

// InvoiceKind is what an invoice is for.
type InvoiceKind string

const (
	ForOrder   InvoiceKind = "order"
	ForRenewal InvoiceKind = "renewal"
	ForUpgrade InvoiceKind = "upgrade"
	ForTopUp   InvoiceKind = "topup"
	ForBlock   InvoiceKind = "block"
	ForOverage InvoiceKind = "overage"
	CreditNote InvoiceKind = "credit-note" // takes the invoice About back; its amounts are negative
)

// InvoiceState is how far an invoice is settled.
type InvoiceState string

const (
	InvoiceOpen      InvoiceState = "open"
	InvoicePaid      InvoiceState = "paid"      // credit notes are from the start
	InvoiceCancelled InvoiceState = "cancelled" // taken back before it was paid
	InvoiceRefunded  InvoiceState = "refunded"  // taken back, and paid back or kept in the balance
)

// InvoiceLine is one line. Tax is of an invoice without Taxes, and of its credit note:
// those that were issued when each line was rounded by itself.
type InvoiceLine struct {
	Text    string     `json:"text"` // as it is on paper
	Count   int64      `json:"count"`
	Price   int64      `json:"price"` // of one, minor units
	Net     int64      `json:"net"`
	TaxRate quota.Rate `json:"tax_rate"` // millionths: 220,000 is 22 %
	Tax     int64      `json:"tax,omitempty"`
	Item    Item       `json:"-"` // until it is printed, see paper.go
}

// InvoiceTax is the tax of all lines of one rate, rounded half away from zero (EN
// 16931, BR-CO-17).
type InvoiceTax struct {
	Rate quota.Rate `json:"rate"`
	Net  int64      `json:"net"` // of these lines
	Tax  int64      `json:"tax"`
}

// Fulfilment is what the payment of an invoice does.
type Fulfilment struct {
	Do   Kind       `json:"do"` // KindActivated, KindRenewed
	Plan quota.Plan `json:"plan"`
}

// Invoice is an invoice, a credit note or a void number. Bucket "invoices", key Number, JSON. Numbers have no gaps.
// What is on paper never changes, including Name: a new prefix is for new invoices only. How the invoice
// stands does change:
//
//   - Paid, State and Order change by payments and credit notes;
//   - Term changes when the order is fulfilled or its term moves;
//   - Suspends and Dunned change when the order is fulfilled, when the invoice holds the
//     account back, and when the operator resumes the account all the same;
//   - Expires and Lapsed change when nobody pays the order;
//   - Reminded changes before the invoice holds the account back.
type Invoice struct {
	Number   uint64        `json:"number"`
	Name     string        `json:"name"` // Number as it was issued, with the prefix of then
	Account  string        `json:"account"`
	Customer string        `json:"customer,omitempty"` // who owned the account then
	Reseller string        `json:"reseller,omitempty"` // who managed it then
	Kind     InvoiceKind   `json:"kind"`
	Issued   time.Time     `json:"issued"`
	Due      time.Time     `json:"due"`
	Period   string        `json:"period,omitempty"` // of the overage
	Lot      string        `json:"lot,omitempty"`    // credit that it bought, or left
	Term     string        `json:"term,omitempty"`   // key of the first period of the contract it belongs to; "": not active yet
	Seller   []string      `json:"seller,omitempty"`
	Buyer    []string      `json:"buyer,omitempty"`
	Lines    []InvoiceLine `json:"lines"`
	Taxes    []InvoiceTax  `json:"taxes,omitempty"` // by rate, in the order of the lines; nil: see InvoiceLine
	Currency string        `json:"currency"`

	Method    string `json:"method,omitempty"`    // by which the customer chose to pay; "": none was chosen
	Reference string `json:"reference,omitempty"` // the customer's own text

	Net    int64        `json:"net"` // minor units
	Tax    int64        `json:"tax"`
	Total  int64        `json:"total"`
	Paid   int64        `json:"paid"` // of Total
	State  InvoiceState `json:"state"`
	About  uint64       `json:"about,omitempty"`  // of a credit note: the invoice
	Names  string       `json:"names,omitempty"`  // of a credit note: Name of that invoice
	Reason string       `json:"reason,omitempty"` // of a credit note; "": none was given
	Cause  Cause        `json:"-"`                // of a credit note or void number, until it is printed
	Order  *Fulfilment  `json:"order,omitempty"`  // waits for the payment; nil: what is invoiced was delivered

	Expires  time.Time   `json:"expires,omitzero"`  // unpaid until then, an Order is cancelled; zero: never
	Lapsed   *Fulfilment `json:"lapsed,omitempty"`  // an Order that has expired, see store/lapse.go; nil: it has not, or it was revived
	Suspends time.Time   `json:"suspends,omitzero"` // unpaid until then, it holds the account back; zero: never
	Dunned   bool        `json:"dunned,omitempty"`  // it does
	Reminded time.Time   `json:"reminded,omitzero"` // Suspends that the customer was reminded of; zero: of none
}

// WaitsUntil is when something follows for an invoice that is not paid: an order expires, or the account
// is held back; zero: nothing follows, or it has.
func (i *Invoice) WaitsUntil() time.Time {
	switch {
	case i.State != InvoiceOpen || i.Dunned:
		return time.Time{}
	case i.Order != nil:
		return i.Expires
	}
	return i.Suspends
}

// Open is what is still to be paid.
func (i *Invoice) Open() int64 {
	if i.State != InvoiceOpen {
		return 0
	}
	return i.Total - i.Paid
}

// Payable is what is still to be paid of an invoice, or would be if its order were
// revived, at the tax of the day on which it was issued.
func (i *Invoice) Payable() int64 {
	if i.Lapsed != nil {
		return i.Total
	}
	return i.Open()
}

// A void number was issued by a store that this one does not continue: that store was lost, or a copy took
// its place. No other invoice gets the number. A record without account and amount says why, so that no
// number is missing.
const (
	VoidNumber  InvoiceKind  = "void"
	InvoiceVoid InvoiceState = "void"
)

// Changed reports whether an invoice is another one than it was. What it was issued with stays.
func (i *Invoice) Changed(was *Invoice) bool {
	return was.Paid != i.Paid || was.State != i.State || was.Term != i.Term || was.Order != i.Order ||
		was.Dunned != i.Dunned || was.Lapsed != i.Lapsed || !was.Expires.Equal(i.Expires) || !was.Suspends.Equal(i.Suspends) || !was.Reminded.Equal(i.Reminded)
}

// TermLine is a term of a plan.
func TermLine(p quota.Plan) InvoiceLine {
	return InvoiceLine{Item: Item{Kind: ItemTerm, Plan: p.Name, Term: p.Term}, Count: 1, Price: p.Price}
}

// OverageLines are the blocks that cover what a period used beyond its allowance, and a line without a
// price for what they leave.
func OverageLines(period string, is *quota.Settlement, zone *time.Location) (lines []InvoiceLine) {
	for i, b := range is.Bought.Blocks {
		item := Item{Kind: ItemOverage, Bytes: b.Bytes}
		if i == 0 {
			item.Over, item.Period = is.Overage, period
		}
		lines = append(lines, InvoiceLine{Count: b.Count, Price: b.Price, Item: item})
	}
	if l := is.Credit; l != nil && len(is.Expired) == 0 { // at the end of the term it is lost
		last := quota.LastDay(l.Expires, zone).Format(time.DateOnly)
		lines = append(lines, InvoiceLine{Count: 1, Item: Item{Kind: ItemCredit, Bytes: l.Amount, Until: last}})
	}
	return lines
}

// CreditNote takes an invoice back, for a cause or the operator's reason.
func (i *Invoice) CreditNote(cause Cause, reason string) Invoice {
	note := Invoice{Kind: CreditNote, About: i.Number, Names: i.Name, Cause: cause, Reason: reason, Period: i.Period, Term: i.Term,
		Customer: i.Customer, Reseller: i.Reseller, Buyer: i.Buyer, Reference: i.Reference}
	for _, l := range i.Lines {
		if l.Price == 0 {
			continue // it says something of the others
		}
		note.Lines = append(note.Lines, InvoiceLine{Text: l.Text, Count: l.Count, Price: -l.Price, TaxRate: l.TaxRate})
	}
	for _, t := range i.Taxes {
		note.Taxes = append(note.Taxes, InvoiceTax{Rate: t.Rate, Net: -t.Net})
	}
	return note
}

// UnpaidCause is why an invoice is cancelled when its account ends; "": it is not,
// what was paid is paid back.
func (i *Invoice) UnpaidCause() Cause {
	switch {
	case i.Paid == 0:
		return CauseUnpaid
	case i.Order != nil:
		return CausePartly
	}
	return ""
}
