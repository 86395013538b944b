package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"relay/quota"
	"relay/report/api/accounts"
	"relay/report/api/act"
	"relay/report/money"
	"relay/report/words"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
)

// The plan of the sandbox's account has a price and blocks for overage.
var (
	demoPrice  int64 = 96_00
	demoBlocks       = []quota.Block{{Bytes: 1e9, Price: 12_00}, {Bytes: 2e9, Price: 20_00}, {Bytes: 5e9, Price: 45_00}}
)

const demoDays = 3 // to the due date, and of grace after it

// sell puts prices on the plan, adds the account and pays its first invoice.
func (s *sandbox) sell(ctx context.Context, st *store.Store, atLimit string) error {
	_, err := st.Books.UpdatePlan(demoPlan, func(p *quota.Plan) error {
		p.Price, p.Blocks = demoPrice, demoBlocks
		return nil
	})
	if err != nil {
		return err
	}
	in := &accounts.NewAccount{}
	in.Body.Account, in.Body.Plan, in.Body.AtLimit = demoAccount, demoPlan, atLimit
	contact := demoContact
	in.Body.Contact = &contact
	added, err := accounts.Add.Call(ctx, s.operator(st), in)
	if err != nil {
		return err
	}
	s.account = login{added.Login, *added.Password}
	if err := pay(st); err != nil {
		return err
	}
	a, err := st.Books.Account(demoAccount)
	s.ordered = a.Seq
	return err
}

// operator asks acts on the open store.
func (s *sandbox) operator(st *store.Store) act.Caller {
	rules := &act.Rules{Invoices: s.cfg.Invoices(nil)}
	service := &act.Service{Store: st, Log: s.relay.Log, Rules: func() *act.Rules { return rules }}
	return &act.Local{Handler: act.NewAPI(service, accounts.Add), Actor: act.Actor{Kind: act.Operator, UID: -1}}
}

// pay records a payment for each open invoice of the account.
func pay(st *store.Store) error {
	open, err := st.Books.InvoicesOf(demoAccount, true)
	if err != nil {
		return err
	}
	for i := range open {
		p := ledger.Payment{Method: "card", Reference: "first", Invoice: open[i].Number}
		if _, err := st.Orders.RecordPayment(behalf.Order{By: "operator"}, p); err != nil {
			return err
		}
	}
	return nil
}

// teller writes a line for each new entry in the accounts' ledgers: closed periods,
// invoices, payments, suspensions and their end.
type teller struct {
	*sandbox
	told map[string]uint64 // last entry written, by account
}

const (
	tellEvery = 100 * time.Millisecond
	tellMost  = 100 // accounts that it watches
)

// tell runs a teller. It leaves out the entries of the account's first order.
func (s *sandbox) tell(ctx context.Context) {
	t := &teller{sandbox: s, told: map[string]uint64{demoAccount: s.ordered}}
	t.run(ctx)
}

// run watches the ledgers until the relay stops.
func (t *teller) run(ctx context.Context) {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		if err := t.look(); err != nil {
			select {
			case <-t.relay.Stopping:
			default:
				t.relay.Log.Error("the sandbox cannot read its ledger", "err", err)
			}
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-t.relay.Stopping:
			return
		case <-tick.C:
		}
	}
}

// look writes what is new in all ledgers.
func (t *teller) look() error {
	n := 0
	err := t.store.Books.EachAccount(books.Wanted{}, func(a *books.Account) error {
		if n++; n > tellMost {
			return act.ErrFull
		}
		if t.told[a.Name] == a.Seq {
			return nil
		}
		return t.tellAccount(a)
	})
	if errors.Is(err, act.ErrFull) {
		return nil
	}
	return err
}

// tellAccount replays the account's ledger and writes what is new in it.
func (t *teller) tellAccount(a *books.Account) error {
	f := ledger.NewFold(t.store.Zone())
	return t.store.Books.Ledger(a.Name, func(e *ledger.Entry) error {
		f.Add(e)
		if e.Seq <= t.told[a.Name] {
			return nil
		}
		t.told[a.Name] = e.Seq
		return t.tellEntry(a, e, f)
	})
}

func (t *teller) tellEntry(a *books.Account, e *ledger.Entry, f *ledger.Fold) error {
	say := func(format string, args ...any) { t.out.timed(t.stamp(e.Time), fmt.Sprintf(format, args...)) }
	name := words.Cut(a.Name, 30)
	switch e.Kind {
	case ledger.KindClosed:
		t.tellClosed(a, e, f)
	case ledger.KindInvoice:
		i, err := t.store.Books.Invoice(e.Invoice())
		if err != nil || i.Order != nil || i.Kind == ledger.ForOrder { // the order's own command says so
			return err
		}
		say("invoice %d to %s: %s, due on %s. To pay it:", i.Number, name, money.Format(i.Total, i.Currency), t.day(i.Due))
		t.tellPayment(&i)
	case ledger.KindPayment:
		say("%s paid %s by %s, for invoice %s", name, money.Format(e.Money, e.Currency), words.English.Entry(e), e.Ref)
	case ledger.KindSuspended:
		if e.Cause != ledger.CauseUnpaid {
			say("%s is suspended: %s", name, e.Note)
			return nil
		}
		i, err := t.store.Books.Invoice(e.Invoice())
		if err != nil {
			return err
		}
		say("%s is suspended: invoice %d, %s, is unpaid. To pay it:", name, i.Number, money.Format(i.Open(), i.Currency))
		t.tellPayment(&i)
	case ledger.KindResumed:
		say("%s is active again", name)
	}
	return nil
}

// tellClosed writes what a period came to, from its usage to the credit that is left.
func (t *teller) tellClosed(a *books.Account, e *ledger.Entry, f *ledger.Fold) {
	zone := t.store.Zone()
	p := f.Period(e.Period)
	c, period, ok := a.Contracts.Find(e.Period, zone)
	if !ok {
		return
	}
	next := "its term has ended"
	if _, following, ok := a.Contracts.At(period.End, zone); ok {
		next = following.Key + " begins"
	}
	plan := c.Plan.In(period)
	say := func(format string, args ...any) { t.out.timed(t.stamp(e.Time), fmt.Sprintf(format, args...)) }
	say("%s is over: %s used %s e-mails, %s; %s", e.Period, words.Cut(a.Name, 30), ofLimit(p.Used.Messages, plan.Emails, words.Number),
		ofLimit(p.Used.Bytes, plan.Bandwidth, words.Size), next)
	units := func(n int64) string { return words.Units(n, c.Plan.Unit()) }
	if p.Drawn > 0 {
		say("%s of it taken from credit, which leaves %s", units(p.Drawn), units(quota.Sum(f.Lots)))
	}
	if p.Overage > 0 {
		say("%s over the allowance, covered by %s", units(p.Overage), cmp.Or(words.English.Covered(p), "no block"))
	}
	if p.Credited > 0 {
		say("%s of the rest is credited until %s", units(p.Credited), t.day(quota.LastDay(p.Until, t.store.Zone())))
	}
	if p.Expired > 0 {
		say("%s of credit expired with the term", units(p.Expired))
	}
}

// day in the operator's zone.
func (t *teller) day(at time.Time) string { return words.Day(at, t.store.Zone()) }

// tellPayment writes the command that pays an invoice, ready to paste.
func (t *teller) tellPayment(i *ledger.Invoice) {
	t.out.say(fmt.Sprintf("  %s payment record %d --method card --reference demo-%d \\", t.self(), i.Number, i.Number))
	t.out.say("    --data " + quoted(string(t.dir)))
}
