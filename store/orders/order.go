package orders

import (
	"cmp"
	"fmt"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

func retired(p quota.Plan) error {
	return quota.Refuse("order", quota.Reason{Why: quota.WhyRetired, To: p})
}

// Renew orders a further term: plan "" is the present one's, as it is sold now.
// It starts when the last term ends, or at once if that is over or, being a month's,
// used up (M13); a plan with a price waits for its payment.
func (s *Orders) Renew(o behalf.Order, account, plan string) (Receipt, error) {
	return s.order(account, o, func(d *Deal) error {
		c, err := d.current()
		if err != nil {
			return err
		}
		if plan == "" {
			plan = c.Plan.Name
		}
		p, err := room.Load[quota.Plan](d.t, bucket.Plans, plan)
		if err != nil {
			return err
		}
		if p.Retired {
			return retired(p)
		}
		if err := cmp.Or(d.sell(p), d.oneRenewal()); err != nil {
			return err
		}
		if p.Price == 0 {
			return d.renew(p, "")
		}
		l := ledger.TermLine(p)
		if end := d.a.TermEnd(); d.t.Now.Before(end) && !d.usedUp() {
			l.Item.Starts = room.Day(end, d.zone())
		}
		_, err = d.charge(ledger.Invoice{Kind: ledger.ForRenewal, Order: &ledger.Fulfilment{Do: ledger.KindRenewed, Plan: p}, Lines: []ledger.InvoiceLine{l}})
		return err
	})
}

// Waiting is a renewal that waits for its payment, so that another one cannot be ordered.
type Waiting struct {
	Account string
	Invoice ledger.Invoice
}

func (w *Waiting) Error() string {
	return fmt.Sprintf("account %q %v: renewal invoice %s", w.Account, ErrWaits, w.Invoice.Name)
}

// Unwrap is ErrWaits.
func (w *Waiting) Unwrap() error { return ErrWaits }

// oneRenewal: of two that wait each would begin when the present term ends.
func (d *Deal) oneRenewal() error {
	list, err := d.unpaid()
	if err != nil {
		return err
	}
	for _, i := range list {
		if i.Order != nil && i.Order.Do == ledger.KindRenewed {
			return &Waiting{d.a.Name, *i}
		}
	}
	return nil
}

// sell keeps the books in the currency of the first price that was agreed on: a
// plan that costs nothing may have blocks that do.
func (d *Deal) sell(p quota.Plan) error {
	if p.Price == 0 && !p.Bills() {
		return nil
	}
	return cmp.Or(d.oneCurrency(), d.count())
}

// renew appends a term. It begins now where the present one is used up.
func (d *Deal) renew(p quota.Plan, invoice string) error {
	var left rest
	used := d.usedUp()
	if used {
		var err error
		if left, err = d.leave(); err != nil {
			return err
		}
	}
	c := d.next(p)
	c.Invoice = invoice
	d.start(c, ledger.KindRenewed, "")
	if used {
		d.carry(left)
	}
	return nil
}

// Upgrade moves the account to a larger plan for what remains of its term (M18).
// The larger allowance holds at once; the difference is invoiced. It fails with
// a *quota.Refusal where that is no upgrade.
func (s *Orders) Upgrade(o behalf.Order, account, plan string) (Receipt, error) {
	return s.order(account, o, func(d *Deal) error {
		c, err := d.current()
		if err != nil {
			return err
		}
		to, err := room.Load[quota.Plan](d.t, bucket.Plans, plan)
		if err != nil {
			return err
		}
		if d.usedUp() {
			return quota.Refuse("upgrade", quota.Reason{Why: quota.WhyUsedUp, From: c.Plan, To: to})
		}
		q, err := quota.Upgrade(*c, to, d.t.Now, d.zone())
		if err != nil {
			d.say(ledger.Line{Kind: ledger.LineQuote, Amount: q.Amount})
			return err
		}
		d.say(ledger.Line{Kind: ledger.LinePlan, Amount: to.Price, Plan: q.To})
		d.say(ledger.Line{Kind: ledger.LinePlan, Amount: -c.Plan.Price, Plan: q.From})
		if err := d.sell(to); err != nil {
			return err
		}
		over := d.overage(c)
		*c = q.Contract
		_, p, _ := quota.Contracts{*c}.At(d.t.Now, d.zone())
		changed, is := *c, to.In(p)
		d.enter(ledger.Entry{Kind: ledger.KindUpgraded, Period: p.Key, Messages: is.Emails, Bytes: is.Bandwidth, Contract: &changed, Over: over, Facts: ledger.Facts{From: q.From}})
		if q.Amount == 0 {
			return nil
		}
		what := ledger.Item{Kind: ledger.ItemUpgrade, From: q.From, Plan: q.To, Left: q.Left, Days: q.Days}
		_, err = d.charge(ledger.Invoice{Kind: ledger.ForUpgrade, Term: c.TermKey(), Lines: []ledger.InvoiceLine{{Item: what, Count: 1, Price: q.Amount}}})
		return err
	})
}

// TopUp buys a monthly count plan on top of the account's (M17). It counts at once.
func (s *Orders) TopUp(o behalf.Order, account, plan string) (Receipt, error) {
	return s.order(account, o, func(d *Deal) error {
		c, err := d.current()
		if err != nil {
			return err
		}
		by, err := room.Load[quota.Plan](d.t, bucket.Plans, plan)
		if err != nil {
			return err
		}
		q, err := quota.TopUp(*c, by, d.lotRef("topup"), d.t.Now)
		if err != nil {
			return err
		}
		return d.credit(c, q, ledger.Invoice{Kind: ledger.ForTopUp, Lines: []ledger.InvoiceLine{{Item: ledger.Item{Kind: ledger.ItemTopUp, Plan: by.Name}, Count: 1, Price: q.Price}}})
	})
}

// BuyBlock buys count blocks of the account's plan ahead of need (M17). They
// count at once.
func (s *Orders) BuyBlock(o behalf.Order, account string, bytes, count int64) (Receipt, error) {
	return s.order(account, o, func(d *Deal) error {
		c, err := d.current()
		if err != nil {
			return err
		}
		q, err := quota.BuyBlock(*c, bytes, count, d.lotRef("block"), d.t.Now)
		if err != nil {
			return err
		}
		return d.credit(c, q, ledger.Invoice{Kind: ledger.ForBlock, Lines: []ledger.InvoiceLine{{Item: ledger.Item{Kind: ledger.ItemAhead, Bytes: bytes}, Count: count, Price: q.Price / count}}})
	})
}

// lotRef names the lot that the next entry grants.
func (d *Deal) lotRef(what string) string { return fmt.Sprintf("%s-%d", what, d.a.Seq+1) }

// credit grants a lot that was bought and invoices it.
func (d *Deal) credit(c *quota.Contract, q quota.TopUpQuote, inv ledger.Invoice) error {
	over := d.overage(c)
	d.a.Lots = append(d.a.Lots, q.Lot)
	d.enter(ledger.Entry{Kind: ledger.KindTopUp, Over: over, Period: d.a.Open, Units: q.Lot.Amount, Lot: q.Lot.Ref, Expires: q.Lot.Expires,
		Facts: ledger.Facts{Plan: inv.Lines[0].Item.Plan, Block: inv.Lines[0].Item.Bytes}})
	if q.Price == 0 {
		return nil
	}
	inv.Term, inv.Lot = c.TermKey(), q.Lot.Ref
	_, err := d.charge(inv)
	return err
}

// overage of the open period so far, under a contract.
func (d *Deal) overage(c *quota.Contract) int64 { return d.use(c).Overage }

// use of the open period so far, under a contract. Where that has none, the open
// period is another one's, and has its plan in full.
func (d *Deal) use(c *quota.Contract) quota.Use {
	_, p, _ := quota.Contracts{*c}.Find(d.a.Open, d.zone())
	return quota.Split(c.Plan.In(p), d.s.books.ChargesIn(d.t, d.a.Name, d.a.Open).Charged, quota.Live(d.a.Lots, d.t.Now))
}

// later are the terms that have not begun.
func (d *Deal) later() (list []quota.Contract) {
	for _, c := range d.a.Contracts {
		if c.Start.After(d.t.Now) {
			list = append(list, c)
		}
	}
	return list
}
