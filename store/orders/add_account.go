package orders

import (
	"cmp"
	"fmt"
	"slices"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/people"
	"relay/store/room"
)

// NewAccount is an order for an account. Of Account the caller fills in Name, Contact,
// AtLimit, OverMax, Senders, Owner, Reseller, Method, Reference and the version of
// Consent.
type NewAccount struct {
	Account    books.Account
	Plan       quota.Plan
	Credential *people.Credential // the first one; nil: none
	Activate   bool               // do not wait for the payment
}

// AddAccount stores a new account. On a plan with a price it is pending, with an
// invoice whose payment activates it; with Activate it is active at once, and the
// invoice has to be paid. On a plan without a price it is active at once. It fails with
// room.ErrExists or ErrUsed for the name, and as mayResell and mayGoOn say for a reseller.
func (s *Orders) AddAccount(o behalf.Order, n NewAccount) (r Receipt, err error) {
	run := func(t *room.Tx) error {
		r = Receipt{}
		d, err := s.newAccount(t, o, n)
		if err != nil {
			return err
		}
		r = d.receipt()
		if err := d.countable(); err != nil || o.DryRun {
			return err
		}
		if c := n.Credential; c != nil {
			if err := people.OwnLogins.Add(t, c.Account, c.Login, c); err != nil {
				return err
			}
		}
		return d.Apply()
	}
	err = s.carry(o.DryRun, run)
	return r, err
}

// place puts a new account below its reseller, and checks that it may be added there.
func (s *Orders) place(t *room.Tx, o *behalf.Order, n *NewAccount) error {
	if err := n.putBelow(o); err != nil {
		return err
	}
	if err := s.mayAdd(t, n); err != nil {
		return err
	}
	if o.Reseller != "" && s.books.HasBooks(t, n.Account.Name) {
		return fmt.Errorf("account %q: %w", n.Account.Name, room.ErrExists)
	}
	if err := s.mayResell(t, o, n.Plan); err != nil {
		return err
	}
	if err := mayGoOn(o, n.Account.Name, n.Account.AtLimit, n.Plan); err != nil {
		return err
	}
	if err := s.inherit(t, &n.Account); err != nil {
		return err
	}
	if used, err := s.books.NameUsedIn(t, n.Account.Name); err != nil || used || n.Account.Reseller != "" && s.books.HasBooks(t, n.Account.Name) {
		return cmp.Or(err, fmt.Errorf("account %q: %w", n.Account.Name, ErrUsed))
	}
	return nil
}

func (s *Orders) newAccount(t *room.Tx, o behalf.Order, n NewAccount) (*Deal, error) {
	if err := s.place(t, &o, &n); err != nil {
		return nil, err
	}
	a := n.Account
	a.Book, a.State, a.Reason = books.Book{Ordered: &n.Plan, Seq: s.books.LastSeq(t, a.Name)}, ledger.Pending, ""
	if a.Created.IsZero() {
		a.Created = t.Now
	}
	d := s.NewDeal(t, books.Account{}, o)
	d.a = a
	d.agree(ledger.Consent{})
	if err := d.sell(n.Plan); err != nil {
		return nil, err
	}
	if n.Plan.Price == 0 {
		d.activate("")
		return d, nil
	}
	inv, err := d.charge(ledger.Invoice{Kind: ledger.ForOrder, Order: &ledger.Fulfilment{Do: ledger.KindActivated, Plan: n.Plan}, Lines: []ledger.InvoiceLine{ledger.TermLine(n.Plan)}})
	if err != nil {
		return nil, err
	}
	if n.Activate && inv.Order != nil {
		d.activateUnpaid(inv)
	}
	return d, nil
}

func (s *Orders) mayAdd(t *room.Tx, n *NewAccount) error {
	a := &n.Account
	switch c := n.Credential; {
	case !quota.ValidName(a.Name):
		return fmt.Errorf("account %q: up to 64 of a-z 0-9 . _ @ + -, starting with a letter or digit", a.Name)
	case t.Get(bucket.Accounts, []byte(a.Name)) != nil:
		return fmt.Errorf("account %q: %w", a.Name, room.ErrExists)
	case c != nil && t.Get(bucket.Credentials, []byte(c.Login)) != nil:
		return fmt.Errorf("login %q: %w", c.Login, room.ErrExists)
	case c != nil && people.ValidLogin(c.Login) != nil:
		return people.ValidLogin(c.Login)
	case n.Plan.Retired:
		return retired(n.Plan)
	case a.AtLimit != "" && !n.Plan.Allows(a.AtLimit):
		return notAllowed(n.Plan, a.AtLimit)
	}
	return s.known(t, a)
}

// known checks that the customer and the reseller of an account are there.
func (s *Orders) known(t *room.Tx, a *books.Account) error {
	if a.Owner != "" {
		if _, err := people.CustomerIn(t, a.Owner); err != nil {
			return err
		}
	}
	_, err := people.ResellerIn(t, a.Reseller)
	return err
}

// inherit gives a new account the reseller of its customer, unless it has one.
func (s *Orders) inherit(t *room.Tx, a *books.Account) error {
	if a.Owner == "" || a.Reseller != "" {
		return nil
	}
	c, err := people.CustomerIn(t, a.Owner)
	a.Reseller = c.Reseller
	return err
}

func notAllowed(p quota.Plan, a quota.AtLimit) error {
	return fmt.Errorf("plan %q does not leave the choice to %s at the limit", p.Name, a)
}

// activate starts the term that a pending account ordered.
func (d *Deal) activate(invoice string) {
	p := *d.a.Ordered
	d.a.Ordered = nil
	if d.a.State == ledger.Pending {
		d.a.State = ledger.Active
	}
	c := d.next(p)
	c.Invoice = invoice
	d.start(c, ledger.KindActivated, "")
}

// activateUnpaid does what the payment of an order would.
func (d *Deal) activateUnpaid(inv *ledger.Invoice) {
	d.activate(ledger.NumberText(inv.Number))
	d.noteDelivery(inv)
}

// noteDelivery notes that what an open invoice is for was delivered: it has to be paid now.
func (d *Deal) noteDelivery(inv *ledger.Invoice) {
	inv.Order, inv.Term = nil, d.a.LastTerm().TermKey()
	from := inv.Due
	if from.Before(d.t.Now) {
		from = d.t.Now
	}
	inv.Suspends = d.days(from, d.s.books.Billing().GraceDays)
}

// Activate starts the term of a pending account without waiting for the payment,
// which is then due like any other.
func (s *Orders) Activate(o behalf.Order, account string) (Receipt, error) {
	return s.order(account, o, func(d *Deal) error {
		if d.a.State == ledger.Closed {
			return fmt.Errorf("account %q %w", account, ErrClosed)
		}
		if o.Reseller != "" {
			return fmt.Errorf("account %q: %w", account, ErrNotYours)
		}
		if d.a.Ordered == nil {
			return fmt.Errorf("account %q %w", account, ErrActive)
		}
		list, err := d.unpaid()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(i *ledger.Invoice) bool { return i.Order != nil && i.Order.Do == ledger.KindActivated })
		if i >= 0 {
			d.activateUnpaid(list[i])
			return nil
		}
		old, err := d.lapsedOrder()
		if err != nil {
			return err
		}
		if old == nil {
			d.activate("")
			return nil
		}
		is, err := d.revive(old)
		if err != nil || is == nil {
			return cmp.Or(err, d.oneCurrency())
		}
		d.activateUnpaid(is)
		return d.settle(0)
	})
}
