package orders

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/mailsyntax"
	"relay/store/room"
)

// RecordPayment enters a payment. It pays in this order:
//
//  1. the invoices that it names, in the order in which it names them;
//  2. what else was delivered, the oldest first;
//  3. what the account owes by corrections;
//  4. what is only ordered, the oldest first.
//
// One that names none, but the account, pays 3 before 2. What is left stays in the
// balance for invoices to come. An order that is paid in full is done at that moment,
// and an account that was held back goes on. The same method and reference again fails
// with room.ErrExists.
func (s *Orders) RecordPayment(o behalf.Order, p ledger.Payment) (Receipt, error) {
	if !slices.Contains(ledger.Methods, p.Method) {
		return Receipt{}, fmt.Errorf("payment method %q: one of %s", p.Method, strings.Join(ledger.Methods, ", "))
	}
	if p.Reference = books.PlainReference(p.Reference); !goodReference(p.Reference) {
		return Receipt{}, errors.New("payment: a reference, plain text of up to 200 octets, that tells it from all others")
	}
	if p.Amount < 0 || p.Amount > MostMoney {
		return Receipt{}, fmt.Errorf("payment of %d: an amount above zero", p.Amount)
	}
	if p.Invoice != 0 {
		i, err := s.books.Invoice(p.Invoice)
		if err != nil {
			return Receipt{}, err
		}
		p.Account = i.Account
	}
	return s.order(p.Account, o, func(d *Deal) error { return d.pay(p) })
}

func goodReference(s string) bool {
	return s != "" && len(s) <= 200 && mailsyntax.IsText(s)
}

// MostMoney is the most that a payment or a correction can be, in minor units: every sum of them can be
// counted.
const MostMoney = math.MaxInt64 / 1024

func (d *Deal) pay(p ledger.Payment) error {
	if d.t.Get(bucket.Payments, room.Pair(p.Method, p.Reference)) != nil {
		return fmt.Errorf("payment by %s with reference %q: %w", p.Method, p.Reference, room.ErrExists)
	}
	pays, open, err := d.payable(&p)
	if err != nil {
		return err
	}
	if p.Amount = cmp.Or(p.Amount, open); p.Amount == 0 {
		return d.nothingOpen(&p)
	}
	if err := d.oneCurrency(); err != nil {
		return err
	}
	p.Account, p.Time, p.By = d.a.Name, d.t.Now, d.by
	d.payments = append(d.payments, p)
	d.amount = p.Amount
	e := ledger.Entry{Kind: ledger.KindPayment, Money: p.Amount, Also: p.Also, Facts: ledger.Facts{Method: p.Method, Reference: p.Reference}}
	came := int64(0) // what the account owes by corrections takes first, unless an invoice is named
	if p.Invoice != 0 {
		e.Ref, came = ledger.NumberText(p.Invoice), p.Amount
	}
	d.enter(e)
	return d.settle(came, pays...)
}

// payable is how much is open of the invoices that a payment names, and which invoices it pays: in
// place of one that has expired, its new one.
func (d *Deal) payable(p *ledger.Payment) (pays []uint64, open int64, err error) {
	if p.Invoice == 0 {
		open, err = d.debt()
		return nil, open, err
	}
	for at, n := range p.Invoices() {
		i, err := d.invoice(n)
		switch {
		case err != nil:
			return nil, 0, err
		case i.Account != d.a.Name:
			return nil, 0, fmt.Errorf("invoice %s is of account %s, not of %s", i.Name, i.Account, d.a.Name)
		case i.Kind == ledger.CreditNote:
			return nil, 0, fmt.Errorf("invoice %s is a credit note: there is nothing to pay", i.Name)
		case slices.Contains(p.Invoices()[:at], n):
			return nil, 0, fmt.Errorf("invoice %s is named twice", i.Name)
		}
		again, err := d.revive(i)
		if err != nil {
			return nil, 0, err
		}
		if again != nil {
			i = again
		}
		pays = append(pays, i.Number)
		if open += i.Open(); open > MostMoney {
			return nil, 0, fmt.Errorf("payment: %w", quota.ErrOverflow)
		}
	}
	return pays, open, nil
}

func (d *Deal) nothingOpen(p *ledger.Payment) error {
	if p.Invoice == 0 {
		return fmt.Errorf("account %q has no debt without an invoice: name the amount that was paid", d.a.Name)
	}
	i, err := d.invoice(p.Invoice)
	if err != nil {
		return err
	}
	return fmt.Errorf("invoice %s is %s: nothing of it is open, name the amount that was paid", i.Name, i.State)
}

// debt is what the account owes beyond its open invoices: by corrections, or for
// a payment that was taken back after it had been paid back.
func (d *Deal) debt() (int64, error) {
	free, err := d.free()
	return max(-free, 0), err
}

// Debt is what an account owes beyond its open invoices, in minor units.
func (s *Orders) Debt(account string) (n int64, err error) {
	err = s.view(func(t *room.Tx) error {
		d, err := s.deal(t, account, behalf.Order{})
		if err == nil {
			n, err = d.debt()
		}
		return err
	})
	return n, err
}

// free is what the customer has with us that pays no invoice; negative: the debt.
func (d *Deal) free() (int64, error) {
	list, err := d.unpaid()
	free := d.a.Balance
	for _, i := range list {
		free += i.Open()
	}
	return free, err
}

// settle uses money for open invoices: first what has just come in, for those that it
// names and then for what was delivered, whatever the account owes by corrections; then
// what is free, for what was delivered and for what is only ordered. The oldest come
// first. Orders that are paid are fulfilled.
func (d *Deal) settle(money int64, first ...uint64) error {
	list, err := d.unpaid()
	if err != nil {
		return err
	}
	free, err := d.free()
	if err != nil {
		return err
	}
	rank := func(i *ledger.Invoice) int {
		switch at := slices.Index(first, i.Number); {
		case at >= 0:
			return at
		case i.Order == nil:
			return len(first)
		}
		return len(first) + 1
	}
	slices.SortStableFunc(list, func(a, b *ledger.Invoice) int { return cmp.Compare(rank(a), rank(b)) })
	for _, i := range list {
		n := free
		if rank(i) <= len(first) {
			n = max(free, money)
		}
		if n = min(n, i.Open()); n <= 0 {
			continue
		}
		free, money = free-n, max(money-n, 0)
		i.Paid += n
		d.say(ledger.Line{Kind: ledger.LinePaid, Amount: n, Invoice: i.Name})
		if i.Paid == i.Total {
			i.State = ledger.InvoicePaid
			if err := d.do(i); err != nil {
				return err
			}
		}
	}
	return d.release()
}

// do fulfils the order of an invoice that is paid.
func (d *Deal) do(i *ledger.Invoice) error {
	o := i.Order
	if o == nil {
		return nil
	}
	i.Order = nil
	switch o.Do {
	case ledger.KindActivated:
		d.a.Ordered = &o.Plan
		d.activate(ledger.NumberText(i.Number))
	case ledger.KindRenewed:
		if err := d.renew(o.Plan, ledger.NumberText(i.Number)); err != nil {
			return err
		}
	}
	i.Term = d.a.LastTerm().TermKey()
	return nil
}

// Correction is money or credit that the operator enters by hand.
type Correction struct {
	Money int64  // minor units: positive is in the customer's favour
	Units int64  // credit granted until the end of the term, units of the plan
	Text  string // why

	PaidBack bool // Money was sent to the customer by hand, out of what it had with us
}

// Correct enters a correction. Money that is free then pays open invoices. What is
// taken from the balance of a closed account was paid back by hand, since no invoice
// will come that it could pay.
func (s *Orders) Correct(o behalf.Order, account string, c Correction) (Receipt, error) {
	switch {
	case strings.TrimSpace(c.Text) == "":
		return Receipt{}, errors.New("correction: say why")
	case c.PaidBack && c.Money >= 0:
		return Receipt{}, errors.New("correction: what is paid back is below zero")
	case c.Money == 0 && c.Units == 0, c.Units < 0, ledger.Magnitude(c.Money) > MostMoney, c.Units > quota.MaxOver:
		return Receipt{}, errors.New("correction: an amount of money, or credit above zero")
	}
	return s.order(account, o, func(d *Deal) error {
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
		byHand, err := d.byHand(&c)
		if err != nil {
			return err
		}
		if byHand {
			return d.giveByHand(&c)
		}
		d.enter(ledger.Entry{Kind: ledger.KindCorrection, Money: c.Money, Note: c.Text})
		d.say(ledger.Line{Kind: ledger.LineCorrect, Amount: c.Money, Text: c.Text})
		return d.settle(0)
	})
}

// grant gives credit away.
func (d *Deal) grant(units int64, text string) error {
	c, err := d.current()
	if err != nil {
		return err
	}
	if !c.Holds(d.t.Now) {
		return fmt.Errorf("account %q: the term has ended, credit would be lost at once", d.a.Name)
	}
	over := d.overage(c)
	l := quota.Lot{Ref: d.lotRef("correction"), Amount: units, Granted: d.t.Now, Expires: c.End}
	d.a.Lots = append(d.a.Lots, l)
	d.enter(ledger.Entry{Kind: ledger.KindCorrection, Over: over, Period: d.a.Open, Units: units, Lot: l.Ref, Expires: l.Expires, Note: text})
	return nil
}
