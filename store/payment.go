package store

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"relay/quota"
)

// Methods that a payment can come by (M21).
var Methods = []string{"bank", "card", "paypal", "postepay", "western-union", "other"}

// PaidBack is the method of money that went out: a refund. Its reference is the
// account and the entry of its ledger, "acme/12".
const PaidBack = "refund"

// Payment that was received, or paid back. Bucket "payments", key Method NUL
// Reference, JSON.
type Payment struct {
	Method    string    `json:"method"`    // one of Methods, or PaidBack
	Reference string    `json:"reference"` // the bank's, the card processor's: unique with Method
	Invoice   uint64    `json:"invoice"`   // that the customer paid; 0: none, it was paid back
	Amount    int64     `json:"amount"`    // minor units, negative: paid back; RecordPayment takes 0 for what is open
	Account   string    `json:"account"`   // filled in
	Time      time.Time `json:"time"`      // filled in
	By        string    `json:"by,omitempty"`
}

// RecordPayment enters a payment. It pays the invoice it was made for, then the
// others that are open: what was had before what is only ordered, oldest first;
// what is left stays in the balance for those to come. An order that is paid in full is done at that moment, and an
// account that was held back goes on. The same method and reference again fails
// with ErrExists.
func (s *Store) RecordPayment(o Order, p Payment) (Receipt, error) {
	if !slices.Contains(Methods, p.Method) {
		return Receipt{}, fmt.Errorf("payment method %q: one of %s", p.Method, strings.Join(Methods, ", "))
	}
	if p.Reference = oneReference(p.Reference); !goodReference(p.Reference) {
		return Receipt{}, errors.New("payment: a reference, plain text of up to 200 octets, that tells it from all others")
	}
	if p.Amount < 0 || p.Amount > mostMoney {
		return Receipt{}, fmt.Errorf("payment of %d: an amount above zero", p.Amount)
	}
	i, err := s.Invoice(p.Invoice)
	if err != nil {
		return Receipt{}, err
	}
	return s.order(i.Account, o, func(d *deal) error { return d.pay(p) })
}

// oneReference is a reference however its spaces were typed.
func oneReference(s string) string { return strings.Join(strings.Fields(s), " ") }

func goodReference(s string) bool {
	return s != "" && len(s) <= 200 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// mostMoney keeps every sum countable.
const mostMoney = math.MaxInt64 / 1024

// Payment by method and reference.
func (s *Store) Payment(method, reference string) (p Payment, err error) {
	err = s.view(func(t *tx) error {
		p, err = load[Payment](t, payments, string(pairKey(method, oneReference(reference))))
		return err
	})
	return p, err
}

// PaidBackRef is the reference of what an entry paid back.
func PaidBackRef(account string, seq uint64) string { return account + "/" + numberText(seq) }

// Payments calls fn for each payment, by method and reference, outside of any
// transaction.
func (s *Store) Payments(fn func(*Payment) error) error {
	return walk(s, payments, nil, nil, func(_ []byte, p *Payment) error { return fn(p) })
}

func (d *deal) pay(p Payment) error {
	if d.t.b.Get(payments, pairKey(p.Method, p.Reference)) != nil {
		return fmt.Errorf("payment by %s with reference %q: %w", p.Method, p.Reference, ErrExists)
	}
	i, err := d.invoice(p.Invoice)
	if err != nil {
		return err
	}
	if i.Kind == CreditNote {
		return fmt.Errorf("invoice %s is a credit note: there is nothing to pay", i.Name)
	}
	if p.Amount == 0 {
		p.Amount = i.Open()
	}
	if p.Amount == 0 {
		return fmt.Errorf("invoice %s is %s: nothing of it is open, name the amount that was paid", i.Name, i.State)
	}
	if err := d.oneCurrency(); err != nil {
		return err
	}
	p.Account, p.Time, p.By = d.a.Name, d.t.now, d.by
	d.payments = append(d.payments, p)
	d.amount = p.Amount
	d.enter(Entry{Kind: KindPayment, Money: p.Amount, Ref: numberText(p.Invoice), Text: p.Method + " " + p.Reference})
	return d.settle(p.Invoice)
}

// settle uses what the customer has with us for open invoices: the one named
// first, then what was had, then what is only ordered; the oldest first. Orders
// that are paid are done.
func (d *deal) settle(first uint64) error {
	list, err := d.unpaid()
	if err != nil {
		return err
	}
	free := d.a.Balance
	for _, i := range list {
		free += i.Open()
	}
	rank := func(i *Invoice) int {
		switch {
		case i.Number == first:
			return 0
		case i.Order == nil:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(list, func(a, b *Invoice) int { return cmp.Compare(rank(a), rank(b)) })
	for _, i := range list {
		n := min(free, i.Open())
		if n <= 0 {
			break
		}
		free -= n
		i.Paid += n
		d.say(n, "paid of invoice %s", i.Name)
		if i.Paid == i.Total {
			i.State = InvoicePaid
			if err := d.do(i); err != nil {
				return err
			}
		}
	}
	return d.release()
}

// do does what an invoice's payment does.
func (d *deal) do(i *Invoice) error {
	o := i.Order
	if o == nil {
		return nil
	}
	i.Order = nil
	switch o.Do {
	case KindActivated:
		d.a.Ordered = &o.Plan
		d.activate(numberText(i.Number))
	case KindRenewed:
		if err := d.renew(o.Plan, numberText(i.Number)); err != nil {
			return err
		}
	}
	i.Term = d.a.lastTerm().TermKey()
	return nil
}

// Correction is the operator's, either way.
type Correction struct {
	Money int64  // minor units: positive is in the customer's favour
	Units int64  // credit granted until the end of the term, units of the plan
	Text  string // why
}

// Correct enters a correction. Money pays open invoices as a payment does.
func (s *Store) Correct(o Order, account string, c Correction) (Receipt, error) {
	switch {
	case strings.TrimSpace(c.Text) == "":
		return Receipt{}, errors.New("correction: say why")
	case c.Money == 0 && c.Units == 0, c.Units < 0, magnitude(c.Money) > mostMoney, c.Units > quota.MaxOver:
		return Receipt{}, errors.New("correction: an amount of money, or credit above zero")
	}
	return s.order(account, o, func(d *deal) error {
		if c.Units > 0 {
			if err := d.grant(c.Units, c.Text); err != nil {
				return err
			}
		}
		if c.Money == 0 {
			return nil
		}
		if err := errors.Join(d.count(), d.oneCurrency()); err != nil {
			return err
		}
		d.enter(Entry{Kind: KindCorrection, Money: c.Money, Text: c.Text})
		d.say(c.Money, "correction: %s", c.Text)
		return d.settle(0)
	})
}

// grant gives credit away.
func (d *deal) grant(units int64, text string) error {
	c, err := d.current()
	if err != nil {
		return err
	}
	if !c.Holds(d.t.now) {
		return fmt.Errorf("account %q: the term has ended, credit would be lost at once", d.a.Name)
	}
	l := quota.Lot{Ref: d.lotRef("correction"), Amount: units, Granted: d.t.now, Expires: c.End}
	d.a.Lots = append(d.a.Lots, l)
	d.enter(Entry{Kind: KindCorrection, Period: d.a.Open, Units: units, Lot: l.Ref, Expires: l.Expires, Text: text})
	return nil
}
