package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"relay/quota"
)

// NewAccount is an order for an account. Of Account the caller fills in Name,
// Contact, AtLimit, Senders, Owner and Reseller.
type NewAccount struct {
	Account    Account
	Plan       quota.Plan
	Credential *Credential // the first one; nil: none
	Activate   bool        // do not wait for the payment
	Start      time.Time   // of the term, of one that began elsewhere; zero: when it is activated
}

// AddAccount stores a new account. On a plan with a price it is pending, with an
// invoice whose payment activates it; Activate does not wait for that, but the
// invoice is there. On a plan without a price it is active at once.
func (s *Store) AddAccount(o Order, n NewAccount) (r Receipt, err error) {
	run := func(t *tx) error {
		r = Receipt{}
		d, err := t.newAccount(o, n)
		if err != nil {
			return err
		}
		r = d.receipt()
		if o.DryRun {
			return nil
		}
		if c := n.Credential; c != nil {
			if err := addOwned(t, ownLogins, c.Account, c.Login, c); err != nil {
				return err
			}
		}
		return d.apply()
	}
	if o.DryRun {
		return r, s.view(run)
	}
	err = s.update(0, run)
	return r, err
}

func (t *tx) newAccount(o Order, n NewAccount) (*deal, error) {
	if err := o.forces(&n); err != nil {
		return nil, err
	}
	if err := t.mayAdd(&n); err != nil {
		return nil, err
	}
	if o.Reseller != "" && t.hasBooks(n.Account.Name) {
		return nil, fmt.Errorf("account %q: %w", n.Account.Name, ErrExists)
	}
	if err := t.inherit(&n.Account); err != nil {
		return nil, err
	}
	a := n.Account
	a.Book, a.State, a.Reason = Book{Ordered: &n.Plan, Seq: t.lastSeq(a.Name)}, Pending, ""
	if a.Created.IsZero() {
		a.Created = t.now
	}
	if a.AtLimit == "" {
		a.AtLimit = quota.Suspend
	}
	d := t.dealOn(Account{}, o)
	d.a = a
	if n.Plan.Price == 0 {
		return d, d.activate("", n.Start)
	}
	inv, err := d.charge(Invoice{Kind: ForOrder, Order: &Ordered{KindActivated, n.Plan}, Lines: []InvoiceLine{termLine(n.Plan)}})
	if err != nil {
		return nil, err
	}
	if n.Activate && inv.Order != nil {
		return d, d.activateUnpaid(inv, n.Start)
	}
	return d, nil
}

func (t *tx) mayAdd(n *NewAccount) error {
	a := &n.Account
	switch c := n.Credential; {
	case !quota.ValidName(a.Name):
		return fmt.Errorf("account %q: up to 64 of a-z 0-9 . _ @ + -, starting with a letter or digit", a.Name)
	case t.b.Get(accounts, []byte(a.Name)) != nil:
		return fmt.Errorf("account %q: %w", a.Name, ErrExists)
	case c != nil && t.b.Get(credentials, []byte(c.Login)) != nil:
		return fmt.Errorf("login %q: %w", c.Login, ErrExists)
	case n.Plan.Retired:
		return retired(n.Plan)
	case a.AtLimit != "" && !n.Plan.Allows(a.AtLimit):
		return notAllowed(n.Plan, a.AtLimit)
	case n.Start.After(t.now):
		return errors.New("a term cannot start in the future")
	}
	return t.known(a)
}

// known checks that the customer and the reseller of an account are there.
func (t *tx) known(a *Account) error {
	if a.Owner != "" {
		if _, err := load[Customer](t, customers, a.Owner); err != nil {
			return err
		}
	}
	if a.Reseller != "" {
		if _, err := load[Reseller](t, resellers, a.Reseller); err != nil {
			return err
		}
	}
	return nil
}

// lastSeq is where the ledger of a name ends, which may be that of an account
// which was removed.
func (t *tx) lastSeq(name string) uint64 {
	c := t.b.Cursor(ledger)
	k, _ := c.Seek(append([]byte(name), 1))
	if k == nil {
		k, _ = c.Last()
	} else {
		k, _ = c.Prev()
	}
	if k == nil || !hasPrefix(k, ledgerPrefix(name)) {
		return 0
	}
	return lastNumber(k)
}

func retired(p quota.Plan) error {
	return &quota.Refused{Order: "order", Reasons: []quota.Reason{{Why: quota.WhyRetired, Text: fmt.Sprintf("plan %s is not sold any more", p.Name)}}}
}

func notAllowed(p quota.Plan, a quota.AtLimit) error {
	return fmt.Errorf("plan %q does not leave the choice to %s at the limit", p.Name, a)
}

func termLine(p quota.Plan) InvoiceLine {
	return InvoiceLine{Text: fmt.Sprintf("plan %s, a %s", p.Name, p.Term), Count: 1, Price: p.Price}
}

// activate starts the term that a pending account ordered.
func (d *deal) activate(invoice string, start time.Time) error {
	if start.IsZero() {
		start = d.t.now
	}
	p := *d.a.Ordered
	d.a.Ordered = nil
	if d.a.State == Pending {
		d.a.State = Active
	}
	c := d.a.Contracts.Next(p, start, d.zone(), d.taken)
	c.Invoice = invoice
	d.start(c, KindActivated, p.Name)
	return d.closeDue()
}

// activateUnpaid does what the payment of an order would.
func (d *deal) activateUnpaid(inv *Invoice, start time.Time) error {
	if err := d.activate(numberText(inv.Number), start); err != nil {
		return err
	}
	d.had(inv)
	return nil
}

// had notes that what an open invoice is for was had: it has to be paid now.
func (d *deal) had(inv *Invoice) {
	inv.Order, inv.Term = nil, d.termKey(&d.a.Contracts[len(d.a.Contracts)-1])
	from := inv.Due
	if from.Before(d.t.now) {
		from = d.t.now
	}
	inv.Suspends = from.AddDate(0, 0, d.t.s.Billing().GraceDays)
}

// Activate starts the term of a pending account without waiting for the payment,
// which is then due like any other.
func (s *Store) Activate(o Order, account string) (Receipt, error) {
	return s.order(account, o, func(d *deal) error {
		if d.a.State == Closed {
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
		i := slices.IndexFunc(list, func(i *Invoice) bool { return i.Order != nil && i.Order.Do == KindActivated })
		if i < 0 {
			return d.activate("", time.Time{})
		}
		return d.activateUnpaid(list[i], time.Time{})
	})
}

// Renew orders a further term: plan "" is the present one's, as it is sold now.
// It starts when the last term ends, or at once if that is over; a plan with a
// price waits for its payment.
func (s *Store) Renew(o Order, account, plan string) (Receipt, error) {
	return s.order(account, o, func(d *deal) error {
		c, err := d.current()
		if err != nil {
			return err
		}
		if plan == "" {
			plan = c.Plan.Name
		}
		p, err := load[quota.Plan](d.t, plans, plan)
		if err != nil {
			return err
		}
		if p.Retired {
			return retired(p)
		}
		if p.Price == 0 {
			return d.renew(p, "")
		}
		l := termLine(p)
		if end := d.a.TermEnd(); d.t.now.Before(end) {
			l.Text += " from " + end.In(d.zone()).Format(time.DateOnly)
		}
		_, err = d.charge(Invoice{Kind: ForRenewal, Order: &Ordered{KindRenewed, p}, Lines: []InvoiceLine{l}})
		return err
	})
}

func (d *deal) renew(p quota.Plan, invoice string) error {
	c := d.next(p)
	c.Invoice = invoice
	d.start(c, KindRenewed, p.Name)
	return nil
}

// Upgrade moves the account to a larger plan for what remains of its term (M18).
// The larger allowance holds at once; the difference is invoiced. It fails with
// a *quota.Refused where that is no upgrade.
func (s *Store) Upgrade(o Order, account, plan string) (Receipt, error) {
	return s.order(account, o, func(d *deal) error {
		c, err := d.current()
		if err != nil {
			return err
		}
		to, err := load[quota.Plan](d.t, plans, plan)
		if err != nil {
			return err
		}
		q, err := quota.Upgrade(*c, to, d.t.now, d.zone())
		if err != nil {
			d.say(q.Amount, "it would cost")
			return err
		}
		d.say(to.Price, "plan %s for the whole term", q.To)
		d.say(-c.Plan.Price, "plan %s for the whole term", q.From)
		*c = q.Contract
		_, p, _ := quota.Contracts{*c}.At(d.t.now, d.zone())
		changed := *c
		d.enter(Entry{Kind: KindUpgraded, Period: p.Key, Messages: to.Emails, Bytes: to.Bandwidth, Contract: &changed, Text: q.From + " to " + q.To})
		if q.Amount == 0 {
			return nil
		}
		text := fmt.Sprintf("upgrade from %s to %s, %d of %d days", q.From, q.To, q.Left, q.Days)
		_, err = d.charge(Invoice{Kind: ForUpgrade, Term: d.termKey(c), Lines: []InvoiceLine{{Text: text, Count: 1, Price: q.Amount}}})
		return err
	})
}

// TopUp buys a monthly count plan on top of the account's (M17). It counts at once.
func (s *Store) TopUp(o Order, account, plan string) (Receipt, error) {
	return s.order(account, o, func(d *deal) error {
		c, err := d.current()
		if err != nil {
			return err
		}
		by, err := load[quota.Plan](d.t, plans, plan)
		if err != nil {
			return err
		}
		q, err := quota.TopUp(*c, by, d.lotRef("topup"), d.t.now)
		if err != nil {
			return err
		}
		return d.credit(c, q, Invoice{Kind: ForTopUp, Lines: []InvoiceLine{{Text: fmt.Sprintf("top-up by plan %s", by.Name), Count: 1, Price: q.Price}}})
	})
}

// BuyBlock buys count blocks of the account's plan ahead of need (M17). They
// count at once.
func (s *Store) BuyBlock(o Order, account string, bytes, count int64) (Receipt, error) {
	return s.order(account, o, func(d *deal) error {
		c, err := d.current()
		if err != nil {
			return err
		}
		q, err := quota.BuyBlock(*c, bytes, count, d.lotRef("block"), d.t.now)
		if err != nil {
			return err
		}
		return d.credit(c, q, Invoice{Kind: ForBlock, Lines: []InvoiceLine{{Text: octets(bytes) + " ahead", Count: count, Price: q.Price / count}}})
	})
}

// lotRef names the lot that the next entry grants.
func (d *deal) lotRef(what string) string { return fmt.Sprintf("%s-%d", what, d.a.Seq+1) }

// credit grants a lot that was bought and invoices it.
func (d *deal) credit(c *quota.Contract, q quota.TopUpQuote, inv Invoice) error {
	d.a.Lots = append(d.a.Lots, q.Lot)
	d.enter(Entry{Kind: KindTopUp, Period: d.a.Open, Units: q.Lot.Amount, Lot: q.Lot.Ref, Expires: q.Lot.Expires, Text: inv.Lines[0].Text})
	if q.Price == 0 {
		return nil
	}
	inv.Term = d.termKey(c)
	_, err := d.charge(inv)
	return err
}

// SetPlan gives an account other terms without asking for a price: the
// operator's way around an upgrade. A plan of the same term and kind holds for
// the present term; any other ends it, with its credit, and starts a new one.
func (s *Store) SetPlan(o Order, account string, p quota.Plan) (Receipt, error) {
	return s.order(account, o, func(d *deal) error {
		if d.a.State == Closed {
			return fmt.Errorf("account %q %w", account, ErrClosed)
		}
		c, err := d.current()
		if errors.Is(err, ErrPending) {
			return d.reorder(p)
		}
		if c.Holds(d.t.now) && c.Plan.Term == p.Term && c.Plan.Kind() == p.Kind() {
			c.Plan = p
			changed := *c
			_, at, _ := quota.Contracts{*c}.At(d.t.now, d.zone())
			d.enter(Entry{Kind: KindPlan, Period: at.Key, Messages: p.Emails, Bytes: p.Bandwidth, Contract: &changed, Text: p.Name})
			return nil
		}
		if err := d.cut(); err != nil {
			return err
		}
		d.start(d.next(p), KindPlan, p.Name)
		return nil
	})
}

// reorder changes what a pending account waits for; its invoice stays what it is.
func (d *deal) reorder(p quota.Plan) error {
	list, err := d.unpaid()
	if err != nil {
		return err
	}
	if len(list) > 0 {
		return fmt.Errorf("account %q waits for the payment of invoice %d: close the account, or activate it first", d.a.Name, list[0].Number)
	}
	d.a.Ordered = &p
	return nil
}

// cut ends the present term now, with the credit, and those to come before they start.
func (d *deal) cut() error {
	for i := range d.a.Contracts {
		c := &d.a.Contracts[i]
		if c.Start.After(d.t.now) {
			c.End = c.Start
		} else if c.End.After(d.t.now) {
			c.End = d.t.now
		}
	}
	for i := range d.a.Lots {
		if l := &d.a.Lots[i]; l.Expires.After(d.t.now) {
			l.Expires = d.t.now
		}
	}
	d.a.Contracts = slices.DeleteFunc(d.a.Contracts, func(c quota.Contract) bool { return !c.Start.Before(c.End) })
	if _, _, ok := d.a.Contracts.Find(d.a.Open, d.zone()); !ok {
		d.a.Open, d.a.Closes = "", time.Time{}
	}
	return d.closeDue()
}

// SetAtLimit changes what happens when the allowance is used (M14).
func (s *Store) SetAtLimit(o Order, account string, a quota.AtLimit) (Receipt, error) {
	return s.order(account, o, func(d *deal) error {
		if p := d.a.Plan(d.t.now); !p.Allows(a) {
			return notAllowed(p, a)
		}
		d.a.AtLimit = a
		d.enter(Entry{Kind: KindLimit, Text: string(a)})
		return nil
	})
}

// MarkAbuse notes that the account was used for what it must not, or, with no
// reason, takes the mark away: it forbids a refund (M20).
func (s *Store) MarkAbuse(o Order, account, reason string) (Receipt, error) {
	return s.order(account, o, func(d *deal) error {
		d.a.Abuse = strings.TrimSpace(reason) != ""
		d.enter(Entry{Kind: KindAbuse, Text: reason})
		return nil
	})
}
