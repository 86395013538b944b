package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"relay/cli/term"
	"relay/quota"
	"relay/report/money"
	"relay/report/words"
	"relay/store"
)

// What the sandbox's account buys: the plan has a price and blocks for overage, and
// who does not pay is soon held back.
var (
	demoPrice  int64 = 96_00
	demoBlocks       = []quota.Block{{Bytes: 1e9, Price: 12_00}, {Bytes: 2e9, Price: 20_00}, {Bytes: 5e9, Price: 45_00}}
)

const demoDays = 3 // to the due date, and of grace

// sell puts prices on the plan, and pays for the account once it is there.
func (s *sandbox) sell(c *call, add func() error) error {
	_, err := c.st.UpdatePlan(demoPlan, func(p *quota.Plan) error {
		p.Price, p.Blocks = demoPrice, demoBlocks
		return nil
	})
	if err == nil {
		err = add()
	}
	if err != nil {
		return err
	}
	open, err := c.st.InvoicesOf(demoAccount, true)
	if err != nil {
		return err
	}
	for i := range open {
		p := store.Payment{Method: "card", Reference: "first", Invoice: open[i].Number}
		if _, err := c.st.RecordPayment(store.Order{By: "operator"}, p); err != nil {
			return err
		}
	}
	a, err := c.st.Account(demoAccount)
	s.ordered = a.Seq
	return err
}

// teller tells of the accounts' ledgers what is new in them: closed periods,
// invoices, payments, and who is held back or goes on.
type teller struct {
	*sandbox
	told map[string]uint64 // last entry, by account
}

const (
	tellEvery = 100 * time.Millisecond
	tellMost  = 100 // accounts that are looked at
)

// teller runs one. What the account's first order came to is no news.
func (s *sandbox) teller(ctx context.Context) {
	t := &teller{sandbox: s, told: map[string]uint64{demoAccount: s.ordered}}
	t.run(ctx)
}

// run looks at the ledgers until the relay stops.
func (t *teller) run(ctx context.Context) {
	look := time.NewTicker(tellEvery)
	defer look.Stop()
	for {
		if err := t.tell(); err != nil {
			select {
			case <-t.relay.stopping:
			default:
				t.relay.log.Error("the sandbox cannot read its ledger", "err", err)
			}
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-t.relay.stopping:
			return
		case <-look.C:
		}
	}
}

func (t *teller) tell() error {
	n := 0
	err := t.relay.store.EachAccount(store.Wanted{}, func(a *store.Account) error {
		if n++; n > tellMost {
			return term.ErrEnough
		}
		if t.told[a.Name] == a.Seq {
			return nil
		}
		return t.tellAccount(a)
	})
	if errors.Is(err, term.ErrEnough) {
		return nil
	}
	return err
}

// tellAccount replays the ledger, and tells of what is new in it.
func (t *teller) tellAccount(a *store.Account) error {
	f := store.NewFold(t.relay.store.Zone())
	return t.relay.store.Ledger(a.Name, func(e *store.Entry) error {
		f.Add(e)
		if e.Seq <= t.told[a.Name] {
			return nil
		}
		t.told[a.Name] = e.Seq
		return t.tellEntry(a, e, f)
	})
}

func (t *teller) tellEntry(a *store.Account, e *store.Entry, f *store.Fold) error {
	say := func(format string, args ...any) { t.out.timed(t.stamp(e.Time), fmt.Sprintf(format, args...)) }
	name := term.Cut(a.Name, 30)
	switch e.Kind {
	case store.KindClosed:
		t.tellClosed(a, e, f)
	case store.KindInvoice:
		i, err := t.relay.store.Invoice(e.Invoice())
		if err != nil || i.Order != nil || i.Kind == store.ForOrder { // the order's own command says so
			return err
		}
		say("invoice %d to %s: %s, due on %s. To pay it:", i.Number, name, money.Format(i.Total, i.Currency), t.day(i.Due))
		t.tellPayment(&i)
	case store.KindPayment:
		say("%s paid %s by %s, for invoice %s", name, money.Format(e.Money, e.Currency), words.English.Entry(e), e.Ref)
	case store.KindSuspended:
		if e.Cause != store.CauseUnpaid {
			say("%s is suspended: %s", name, e.Note)
			return nil
		}
		i, err := t.relay.store.Invoice(e.Invoice())
		if err != nil {
			return err
		}
		say("%s is suspended: invoice %d, %s, is unpaid. To go on:", name, i.Number, money.Format(i.Open(), i.Currency))
		t.tellPayment(&i)
	case store.KindResumed:
		say("%s goes on", name)
	}
	return nil
}

// tellClosed is a period from its use to what is left of the credit.
func (t *teller) tellClosed(a *store.Account, e *store.Entry, f *store.Fold) {
	zone := t.relay.store.Zone()
	p := f.Period(e.Period)
	c, period, ok := a.Contracts.Find(e.Period, zone)
	if !ok {
		return
	}
	next := "its term is over"
	if _, following, ok := a.Contracts.At(period.End, zone); ok {
		next = following.Key + " begins"
	}
	plan := c.Plan.In(period)
	say := func(format string, args ...any) { t.out.timed(t.stamp(e.Time), fmt.Sprintf(format, args...)) }
	say("%s is over: %s used %s e-mails, %s; %s", e.Period, term.Cut(a.Name, 30), ofLimit(p.Used.Messages, plan.Emails, words.Number),
		ofLimit(p.Used.Bytes, plan.Bandwidth, words.Size), next)
	units := func(n int64) string { return words.Units(n, c.Plan.Unit()) }
	if p.Drawn > 0 {
		say("%s of it from credit, which leaves %s", units(p.Drawn), units(quota.Sum(f.Lots)))
	}
	if p.Overage > 0 {
		say("%s over the allowance, covered by %s", units(p.Overage), orElse(words.English.Covered(p), "no block"))
	}
	if p.Credited > 0 {
		say("%s of what that leaves is credited until %s", units(p.Credited), t.day(quota.LastDay(p.Until, t.relay.store.Zone())))
	}
	if p.Expired > 0 {
		say("%s of credit is lost with the term", units(p.Expired))
	}
}

func (t *teller) day(at time.Time) string { return words.Day(at, t.relay.store.Zone()) }

// tellPayment can be pasted.
func (t *teller) tellPayment(i *store.Invoice) {
	t.out.say(fmt.Sprintf("  %s payment record %d --method card --reference demo-%d \\", t.self(), i.Number, i.Number))
	t.out.say("    --data " + quoted(string(t.dir)))
}

// traffic is mail that the sandbox sends by itself, evenly over the month: so many
// messages, each to so many recipients. At the start it sends what the month would
// have seen by then.
type traffic struct {
	*sandbox
	month   int64  // octets
	period  string // of which are sent
	sent    int64  // messages
	refused bool   // the last one
}

const (
	trafficMessages   = 10
	trafficRecipients = 10
	leastTraffic      = 1_000_000
	mostTraffic       = 5_000_000_000
)

// run sends until the relay stops. It keeps its pace whatever becomes of the mail.
func (t *traffic) run(ctx context.Context) {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		for t.due() && ctx.Err() == nil {
			t.send(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.relay.stopping:
			return
		case <-look.C:
		}
	}
}

// due reports whether another message of this month is to be sent by now.
func (t *traffic) due() bool {
	select {
	case <-t.relay.stopping:
		return false
	default:
	}
	now := t.now().In(t.relay.store.Zone())
	start := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	if key := start.Format("2006-01"); key != t.period {
		t.period, t.sent = key, 0
	}
	gone, whole := now.Sub(start), start.AddDate(0, 1, 0).Sub(start)
	return t.sent < int64(float64(trafficMessages)*gone.Seconds()/whole.Seconds()+0.5)
}

// send one message. Its refusal is told once, until another is taken.
func (t *traffic) send(ctx context.Context) {
	t.sent++
	var to []string
	for i := range trafficRecipients {
		to = append(to, fmt.Sprintf("reader%d@list.example", i+1))
	}
	subject := fmt.Sprintf("Letter %d", t.sent)
	_, err := t.submit(ctx, demoSender, to, bulk(subject, t.month/trafficMessages/trafficRecipients))
	switch {
	case err != nil && ctx.Err() == nil && !t.refused:
		t.out.timed(t.stamp(t.now()), "refused: "+err.Error())
	case err == nil && t.refused:
		t.out.timed(t.stamp(t.now()), "mail is taken again")
	}
	t.refused = err != nil
}

// bulk is a message of so many octets.
func bulk(subject string, octets int64) string {
	const line = "So many words, and none of them says anything that was not said before.\r\n"
	head := "From: Me <" + demoSender + ">\r\nTo: Readers <readers@list.example>\r\nSubject: " + subject + "\r\n\r\n"
	n := max(1, (octets-int64(len(head)))/int64(len(line)))
	return head + strings.Repeat(line, int(n))
}
