package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/people"
)

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

// Invoice, or credit note. Bucket "invoices", key Number, JSON. Numbers have no gaps.
// What is on paper never changes, Name among it: a new prefix is for new invoices. How
// it stands does:
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
	Lapsed   *Fulfilment `json:"lapsed,omitempty"`  // an Order that has expired, see lapse.go; nil: it has not, or it was revived
	Suspends time.Time   `json:"suspends,omitzero"` // unpaid until then, it holds the account back; zero: never
	Dunned   bool        `json:"dunned,omitempty"`  // it does
	Reminded time.Time   `json:"reminded,omitzero"` // Suspends that the customer was reminded of; zero: of none
}

// Open is what is still to be paid.
func (i *Invoice) Open() int64 {
	if i.State != InvoiceOpen {
		return 0
	}
	return i.Total - i.Paid
}

func changed(was, is *Invoice) bool {
	return was.Paid != is.Paid || was.State != is.State || was.Term != is.Term || was.Order != is.Order ||
		was.Dunned != is.Dunned || was.Lapsed != is.Lapsed || !was.Expires.Equal(is.Expires) || !was.Suspends.Equal(is.Suspends) || !was.Reminded.Equal(is.Reminded)
}

// dunningKey is where it waits for its payment; nil: nowhere.
func (i *Invoice) dunningKey() []byte {
	at := i.Suspends
	if i.Order != nil {
		at = i.Expires
	}
	if i.State != InvoiceOpen || at.IsZero() || i.Dunned {
		return nil
	}
	return dunningKey(at, i.Number)
}

var keyInvoice, keyCurrency = []byte("invoice"), []byte("currency")

// issue numbers an invoice, adds it up and enters it: what it is for holds from an
// instant on, the zero time is now.
func (d *deal) issue(inv Invoice, from time.Time) (*Invoice, error) {
	b := d.t.s.Billing()
	if err := errors.Join(d.count(), inv.addUp(b.TaxRate)); err != nil {
		return nil, err
	}
	d.last++
	inv.Number, inv.Account = d.last, d.a.Name
	inv.Name = b.Prefix + numberText(d.last)
	inv.Issued, inv.Due = d.t.Now, d.days(d.t.Now, b.DueDays)
	inv.Seller, inv.Currency, inv.State = slices.Clone(b.Seller), d.t.currency(), InvoiceOpen
	if inv.Kind != CreditNote { // which goes to whom the invoice went that it takes back
		var err error
		if inv.Buyer, err = d.buyer(); err != nil {
			return nil, err
		}
		inv.Customer, inv.Reseller = d.a.Owner, d.a.Reseller
		inv.Method, inv.Reference = cmp.Or(d.chosen.Method, d.a.Method), cmp.Or(d.chosen.Reference, d.a.Reference)
	}
	kind := KindInvoice
	switch {
	case inv.Kind == CreditNote:
		kind, inv.State, inv.Due = KindCreditNote, InvoicePaid, inv.Issued
	case inv.Order == nil:
		inv.Suspends = d.days(inv.Due, b.GraceDays)
	default:
		inv.Expires = d.expiry(inv.Due)
	}
	d.t.s.print(&inv)
	d.invoices[inv.Number] = &inv
	d.enter(Entry{Kind: kind, Time: from, Period: inv.Period, Money: -inv.Total, Ref: numberText(inv.Number), Facts: Facts{For: inv.Kind}})
	d.sayIssued(&inv, b.TaxRate)
	d.amount += inv.Total
	return &inv, nil
}

// charge invoices what is sold now, and uses what the customer has with us for it.
func (d *deal) charge(inv Invoice) (*Invoice, error) {
	if err := d.oneCurrency(); err != nil {
		return nil, err
	}
	i, err := d.issue(inv, time.Time{})
	if err != nil {
		return nil, err
	}
	return i, d.settle(0)
}

// days later, by the calendar of the zone.
func (d *deal) days(t time.Time, n int) time.Time { return t.In(d.zone()).AddDate(0, 0, n).UTC() }

// count reads the last number.
func (d *deal) count() error {
	if d.counted {
		return nil
	}
	d.counted = true
	_, err := d.t.Read(bucket.Meta, keyInvoice, &d.last)
	return err
}

// oneCurrency: sums of two would be of none. What was sold in the books' currency is
// settled in it; what is new has its amounts in the one that is configured.
func (d *deal) oneCurrency() error {
	first, now := d.t.currency(), d.t.s.Billing().Currency
	if first == now {
		return nil
	}
	return fmt.Errorf("the ledger is kept in %s, %w: %s", first, ErrCurrency, now)
}

func (d *deal) buyer() ([]string, error) {
	if d.a.Owner != "" {
		c, err := people.CustomerIn(&d.t.Tx, d.a.Owner)
		if err != nil {
			return nil, err
		}
		if len(c.Address) > 0 {
			return c.Address, nil
		}
	}
	if d.a.Contact == "" {
		return []string{d.a.Name}, nil
	}
	return []string{d.a.Name, d.a.Contact}, nil
}

// invoice by number, for changing.
func (d *deal) invoice(n uint64) (*Invoice, error) {
	if i := d.invoices[n]; i != nil {
		return i, nil
	}
	i, err := d.t.invoice(n)
	if err != nil {
		return nil, err
	}
	d.invoices[n], d.before[n] = &i, i
	return &i, nil
}

// unpaid are the open invoices, oldest first.
func (d *deal) unpaid() (list []*Invoice, err error) {
	if d.owed == nil {
		d.owed = d.t.numbers(bucket.Owed, d.a.Name)
	}
	for _, n := range d.owed {
		if _, err := d.invoice(n); err != nil {
			return nil, err
		}
	}
	for _, i := range d.invoices {
		if i.State == InvoiceOpen {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b *Invoice) int { return int(int64(a.Number) - int64(b.Number)) })
	return list, nil
}

func (d *deal) putInvoices() error {
	t := d.t
	for n, is := range d.invoices {
		was, old := d.before[n]
		if old && !changed(&was, is) {
			continue
		}
		if err := t.Write(bucket.Invoices, invoiceKey(n), is); err != nil {
			return err
		}
		if err := d.indexInvoice(&was, is, old); err != nil {
			return err
		}
	}
	if !d.counted {
		return nil
	}
	if err := t.s.mayRaise(d.last); err != nil {
		return err
	}
	t.givesOut(d.last)
	return errors.Join(t.Write(bucket.Meta, keyInvoice, d.last), t.Write(bucket.Meta, keyCurrency, t.currency()))
}

func (d *deal) indexInvoice(was, is *Invoice, old bool) error {
	t, key := d.t, numberKey(d.a.Name, is.Number)
	var errs []error
	if !old {
		errs = append(errs, t.Put(bucket.Billed, key, []byte{}),
			t.listInvoice(bucket.BilledTo, is.Customer, is.Number), t.listInvoice(bucket.BilledBelow, is.Reseller, is.Number))
	}
	wasOpen, isOpen := old && was.State == InvoiceOpen, is.State == InvoiceOpen
	switch {
	case isOpen && !wasOpen:
		errs = append(errs, t.Put(bucket.Owed, key, []byte{}))
	case wasOpen && !isOpen:
		errs = append(errs, t.Delete(bucket.Owed, key))
	}
	if old && was.dunningKey() != nil {
		errs = append(errs, t.Delete(bucket.Dunning, was.dunningKey()))
	}
	if k := is.dunningKey(); k != nil {
		errs = append(errs, t.Put(bucket.Dunning, k, []byte{}))
	}
	return errors.Join(errs...)
}
