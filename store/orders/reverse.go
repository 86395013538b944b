package orders

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// Reversal says that a payment was taken back, such as by a chargeback or a returned debit.
type Reversal struct {
	Invoice   uint64 // that the payment named, or any of the account for one that named none
	Method    string // of the payment; "": whichever has the reference
	Reference string // of the payment
	Text      string // why
	Suspend   bool   // hold the account back at once, rather than after the days of grace
}

// ReversePayment takes a payment back: the customer's free money goes first, then what
// is paid of the invoices that it named, then of the newest others. They are open
// again, and the days of grace run from now. What was delivered for them stays. The
// rest was paid back before and is now owed.
func (s *Orders) ReversePayment(o behalf.Order, r Reversal) (Receipt, error) {
	if strings.TrimSpace(r.Text) == "" {
		return Receipt{}, errors.New("reversal: say why")
	}
	i, err := s.books.Invoice(r.Invoice)
	if err != nil {
		return Receipt{}, err
	}
	return s.order(i.Account, o, func(d *Deal) error {
		p, err := d.paymentFor(&r)
		if err != nil {
			return err
		}
		return d.reverse(p, &r)
	})
}

// paymentFor finds the payment of a reversal.
func (d *Deal) paymentFor(r *Reversal) (p ledger.Payment, err error) {
	methods := ledger.Methods
	if r.Method != "" {
		methods = []string{r.Method}
	}
	ref, n := books.PlainReference(r.Reference), 0
	for _, m := range methods {
		var is ledger.Payment
		ok, err := d.t.Read(bucket.Payments, room.Pair(m, ref), &is)
		if err != nil {
			return p, err
		}
		if ok && (slices.Contains(is.Invoices(), r.Invoice) || is.Invoice == 0 && is.Account == d.a.Name) {
			p, n = is, n+1
		}
	}
	switch {
	case n == 0:
		return p, fmt.Errorf("payment with reference %q: %w", ref, room.ErrNotFound)
	case n > 1:
		return p, fmt.Errorf("%q: %w", ref, ErrSeveral)
	case p.Reversed != 0:
		return p, fmt.Errorf("payment by %s with reference %q %w", p.Method, ref, ErrReversed)
	}
	return p, nil
}

func (d *Deal) reverse(p ledger.Payment, r *Reversal) error {
	if err := d.oneCurrency(); err != nil {
		return err
	}
	list, err := d.paidBy(&p)
	if err != nil {
		return err
	}
	free, err := d.free()
	if err != nil {
		return err
	}
	e := ledger.Entry{Kind: ledger.KindReversal, Money: -p.Amount, Also: p.Also, Note: r.Text, Facts: ledger.Facts{Method: p.Method, Reference: p.Reference}}
	if p.Invoice != 0 {
		e.Ref = ledger.NumberText(p.Invoice)
	}
	d.enter(e)
	d.say(ledger.Line{Kind: ledger.LineTaken, Amount: -p.Amount, Method: p.Method, Reference: p.Reference})
	d.amount = -p.Amount
	p.Reversed = d.a.Seq
	d.payments = append(d.payments, p, ledger.Payment{Method: ledger.Reversed, Reference: ledger.PaidBackRef(d.a.Name, d.a.Seq), Invoice: p.Invoice, Also: p.Also,
		Account: d.a.Name, Amount: -p.Amount, Time: d.t.Now, By: d.by, Of: [2]string{p.Method, p.Reference}, Text: r.Text})
	left := p.Amount - max(free, 0)
	for _, i := range list {
		n := min(left, i.Paid)
		if n <= 0 {
			continue
		}
		left -= n
		d.reopen(i, n, r.Suspend)
	}
	return nil
}

// paidBy are the invoices that a payment may have paid: those that it named, and the
// others, the newest first.
func (d *Deal) paidBy(p *ledger.Payment) (list []*ledger.Invoice, err error) {
	numbers := d.bills()
	slices.Reverse(numbers)
	for _, n := range append(p.Invoices(), numbers...) {
		i, err := d.invoice(n)
		if err != nil {
			return nil, err
		}
		if (i.State == ledger.InvoicePaid || i.State == ledger.InvoiceOpen) && !slices.Contains(list, i) {
			list = append(list, i)
		}
	}
	return list, nil
}

// reopen takes back what was paid of an invoice. What was delivered has to be paid
// within the days of grace, or holds the account back now.
func (d *Deal) reopen(i *ledger.Invoice, n int64, suspend bool) {
	d.say(ledger.Line{Kind: ledger.LineReopened, Amount: n, Invoice: i.Name})
	was := i.State
	i.Paid -= n
	i.State = ledger.InvoiceOpen
	if i.Order != nil || d.a.State == ledger.Closed { // nothing was delivered, or there is no account to hold back
		return
	}
	if was == ledger.InvoicePaid || i.Suspends.IsZero() {
		i.Suspends, i.Dunned = d.days(d.t.Now, d.s.books.Billing().GraceDays), false
		i.Reminded = i.Suspends // by the news of the reversal
	}
	if suspend && !i.Dunned {
		i.Suspends = d.t.Now
		d.hold(i)
	}
}

// NotFree refuses to pay back more than the customer has with us beyond open invoices.
type NotFree struct {
	Account string
	Free    int64 // minor units
}

func (e *NotFree) Error() string {
	return fmt.Sprintf("account %q has %d with us, in minor units: no more can be paid back", e.Account, e.Free)
}

// byHand reports whether a correction is money that was sent to the customer.
func (d *Deal) byHand(c *Correction) (bool, error) {
	free, err := d.free()
	return c.PaidBack || d.a.State == ledger.Closed && c.Money < 0 && -c.Money <= free, err
}

// giveByHand enters money that the operator has sent back to the customer, out of what the
// customer had with us.
func (d *Deal) giveByHand(c *Correction) error {
	free, err := d.free()
	if err != nil {
		return err
	}
	if -c.Money > free {
		return &NotFree{d.a.Name, max(free, 0)}
	}
	d.say(ledger.Line{Kind: ledger.LineByHand, Amount: c.Money, Text: c.Text})
	return d.payBack(-c.Money, c.Text)
}
