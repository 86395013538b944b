package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"relay/quota"
	"relay/report/words"
	"relay/store"
)

// simulation is a customer who sends at an even pace and pays each invoice at
// once, on a store of its own with a clock of its own. It orders, sends, closes
// and pays by the calls that a relay makes, so it comes to what would come.
//
//  1. It buys the plan on the first day of a month; a plan for 30 days, and one
//     whose year is over, is bought again for as long as there are months to go.
//  2. Each day at noon it sends that day's share. The e-mails of a day go as few
//     messages to many recipients each: a message costs its size times its
//     recipients, and fits if each of them alone, one after the other, would. Their
//     content is nowhere: what is charged is the size that the message names.
//  3. What does not fit is refused and not tried again, or makes it buy a top-up.
//  4. At the end of the month the periods that are due are closed.
type simulation struct {
	simInput
	ctx   context.Context
	st    *store.Store
	clock atomic.Int64 // seconds since 1970
	seen  uint64       // of the ledger
	fold  *store.Fold  // of what was seen
	ids   []store.ID   // in the spool
	paid  int          // payments, for their references
	ahead []simInvoice // of the month to come
}

// simInput is what there is to simulate.
type simInput struct {
	plan    quota.Plan
	topUp   *quota.Plan // bought when mail does not fit; nil: none
	size    int64       // octets of an e-mail
	emails  int64       // a month
	months  int
	atLimit quota.AtLimit
	overMax int64     // as of an account
	from    time.Time // first day of a month, in the operator's zone
	zone    *time.Location
	billing store.Billing
}

// simMonth is a month of it, or a period of 30 days.
type simMonth struct {
	Period   string       `json:"period"`
	Emails   int64        `json:"emails"`  // that were sent
	Bytes    int64        `json:"bytes"`   // that they were charged
	Refused  int64        `json:"refused"` // e-mails that did not fit
	Over     int64        `json:"over"`    // the allowance; this and what follows in units of the plan
	Drawn    int64        `json:"drawn"`   // of it from credit
	Overage  int64        `json:"overage"` // of it beyond that
	Blocks   string       `json:"blocks"`  // that cover the overage; "": none are billed
	TopUps   int          `json:"top_ups"`
	Credited int64        `json:"credited"` // what the blocks left unused
	Lost     int64        `json:"lost"`     // credit, by rounding or at the end of the term
	Credit   int64        `json:"credit"`   // after the month
	Net      int64        `json:"net"`      // minor units, of all invoices
	Tax      int64        `json:"tax"`
	Total    int64        `json:"total"`
	Invoices []simInvoice `json:"invoices"`
	Events   []simEvent   `json:"events"`
}

// simInvoice is an invoice, or what of it matters here.
type simInvoice struct {
	Kind  store.InvoiceKind `json:"kind"`
	Lines []invoiceLineView `json:"lines"`
	Net   int64             `json:"net"` // minor units
	Tax   int64             `json:"tax"`
	Total int64             `json:"total"`
}

// simEvent is a day on which something changes for the customer.
type simEvent struct {
	Date string `json:"date"`
	What string `json:"what"` // limit, credit, overage, refused, top-up
}

const (
	simAccount  = "customer"
	simBatch    = 1000      // recipients in one message
	mostSim     = 1_000_000 // e-mails a month
	mostSimAll  = 12 * mostSim
	mostMonths  = 60
	mostSimSize = 10_000_000_000 // octets
	mostTopUps  = 1000           // a month
)

// simulate a customer of c's relay: its zone and its billing hold.
func (c *call) simulate(in simInput) (months []simMonth, err error) {
	dir, err := os.MkdirTemp("", "relay-simulate-")
	if err != nil {
		return nil, fail(exitFailed, "TMPDIR names a directory that can be written to", "%w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s := &simulation{simInput: in, ctx: c.ctx, fold: store.NewFold(in.zone)}
	s.clock.Store(in.from.Unix())
	s.st, err = store.Open(filepath.Join(dir, "simulate.db"), store.Options{
		Now:     func() time.Time { return time.Unix(s.clock.Load(), 0) },
		Zone:    in.zone,
		Log:     slog.New(slog.DiscardHandler),
		Billing: in.billing,
		Print:   words.English.Print,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.st.Close()) }()
	return s.run()
}

var simOrder = store.Order{By: "simulate"}

func (s *simulation) run() ([]simMonth, error) {
	list := []quota.Plan{s.plan}
	if s.topUp != nil && s.topUp.Name != s.plan.Name {
		list = append(list, *s.topUp)
	}
	for i := range list {
		list[i].Retired = false // what would come if it were sold
	}
	s.plan = list[0]
	if _, err := s.st.PutPlans(list, false); err != nil {
		return nil, err
	}
	a := store.NewAccount{Account: store.Account{Name: simAccount, AtLimit: s.atLimit, OverMax: s.overMax}, Plan: s.plan}
	if _, err := s.st.AddAccount(simOrder, a); err != nil {
		return nil, err
	}
	if err := s.pay(); err != nil {
		return nil, err
	}
	var months []simMonth
	for i := range s.months {
		m, err := s.month(i+1 < s.months)
		if err != nil {
			return nil, err
		}
		months = append(months, m)
	}
	return months, nil
}

// month is one period; goOn: another one is to follow.
func (s *simulation) month(goOn bool) (m simMonth, err error) {
	at, err := s.st.Standing(simAccount)
	if err != nil {
		return m, err
	}
	m = simMonth{Period: at.Period.Key, Invoices: append([]simInvoice{}, s.ahead...), Events: []simEvent{}}
	s.ahead = nil
	if err := s.send(&m, at.Period); err != nil {
		return m, err
	}
	if err := s.collect(&m, &m.Invoices); err != nil {
		return m, err
	}
	s.clock.Store(at.Period.End.Unix())
	var failed error
	err = s.st.CloseBy(s.ctx, s.st.Now(), func(_ string, _ store.Receipt, err error) { failed = errors.Join(failed, err) })
	if err = errors.Join(err, failed); err != nil {
		return m, err
	}
	if err := errors.Join(s.collect(&m, &m.Invoices), s.clean()); err != nil {
		return m, err
	}
	if goOn && !at.Goes { // not before its end: one that is used up would be over then
		if _, err := s.st.Renew(simOrder, simAccount, s.plan.Name); err != nil {
			return m, err
		}
		if err := s.collect(&m, &s.ahead); err != nil {
			return m, err
		}
	}
	a, err := s.st.Account(simAccount)
	if err != nil {
		return m, err
	}
	m.Credit = quota.Sum(quota.Live(a.Lots, s.st.Now()))
	for _, i := range m.Invoices {
		m.Net, m.Tax, m.Total = m.Net+i.Net, m.Tax+i.Tax, m.Total+i.Total
	}
	u, err := s.st.Usage(simAccount, m.Period)
	m.Emails, m.Bytes = u.Charged.Messages, u.Charged.Bytes
	return m, err
}

// send is the period's mail, each day its share.
func (s *simulation) send(m *simMonth, p quota.Period) error {
	var noons []time.Time
	y, month, d := p.Start.In(s.zone).Date()
	for i := 0; ; i++ {
		noon := time.Date(y, month, d+i, 12, 0, 0, 0, s.zone)
		if !noon.Before(p.End) {
			break
		}
		noons = append(noons, noon)
	}
	days, seen := int64(len(noons)), simMilestones{}
	for i, noon := range noons {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		s.clock.Store(noon.Unix())
		share := s.emails*int64(i+1)/days - s.emails*int64(i)/days
		topUps := m.TopUps
		left, err := s.day(m, share)
		if err != nil {
			return err
		}
		m.Refused += left
		st, err := s.st.Standing(simAccount)
		if err != nil {
			return err
		}
		m.Events = append(m.Events, seen.after(noon, &st, left > 0, m.TopUps > topUps)...)
	}
	return nil
}

// day sends n e-mails; left are those that are refused.
func (s *simulation) day(m *simMonth, n int64) (left int64, err error) {
	for {
		sent, err := s.most(n)
		if n -= sent; err != nil || n == 0 || s.topUp == nil {
			return n, err
		}
		if m.TopUps++; m.TopUps > mostTopUps {
			return n, fail(exitFailed, "name a larger plan for --top-up", "more than %s top-ups by %s in %s", words.Number(mostTopUps), s.topUp.Name, m.Period)
		}
		if _, err := s.st.TopUp(simOrder, simAccount, s.topUp.Name); err != nil {
			return n, err
		}
		if err := s.pay(); err != nil {
			return n, err
		}
	}
}

// most sends as many of n e-mails as fit.
func (s *simulation) most(n int64) (sent int64, err error) {
	for sent < n {
		k := min(n-sent, simBatch)
		for ; k > 0; k /= 2 {
			asked, err := quota.ForMessage(s.size, int(k))
			if err != nil {
				return sent, err
			}
			refusal, err := s.st.Permit(simAccount, "", asked)
			if err != nil {
				return sent, err
			}
			if refusal == nil {
				break
			}
			if refusal.Exceeded == nil {
				return sent, fmt.Errorf("simulate: the account is %s", refusal.State)
			}
		}
		if k == 0 {
			return sent, nil
		}
		if err := s.accept(int(k)); err != nil {
			return sent, err
		}
		sent += k
	}
	return sent, nil
}

// accept sends one message to so many recipients.
func (s *simulation) accept(recipients int) error {
	now := s.st.Now()
	msg := &store.Message{Account: simAccount, Size: s.size, Expires: now.AddDate(0, 0, 1), Recipients: make([]store.Recipient, recipients)}
	body := s.st.NewBody()
	s.ids = append(s.ids, body.ID())
	refusal, err := s.st.Accept(store.Intake{Message: msg, Body: body})
	if err == nil && refusal != nil {
		err = errors.New("simulate: refused after all")
	}
	return err
}

// clean empties spool and trace of what was sent.
func (s *simulation) clean() error {
	_, _, err := s.st.Change(store.OpDrop, s.ids)
	s.ids = s.ids[:0]
	if err != nil {
		return err
	}
	_, err = s.st.PruneTrace(s.st.Now())
	return err
}

// pay all that is owed.
func (s *simulation) pay() error {
	list, err := s.st.InvoicesOf(simAccount, true)
	if err != nil {
		return err
	}
	for _, i := range list {
		s.paid++
		p := store.Payment{Method: "other", Reference: strconv.Itoa(s.paid), Invoice: i.Number}
		if _, err := s.st.RecordPayment(simOrder, p); err != nil {
			return err
		}
	}
	return nil
}

// collect pays what is owed and takes over what the ledger says since the last
// time; its invoices go to to.
func (s *simulation) collect(m *simMonth, to *[]simInvoice) error {
	if err := s.pay(); err != nil {
		return err
	}
	err := s.st.Ledger(simAccount, func(e *store.Entry) error {
		if e.Seq <= s.seen {
			return nil
		}
		s.seen = e.Seq
		s.fold.Add(e)
		if e.Kind != store.KindInvoice {
			return nil
		}
		n, err := strconv.ParseUint(e.Ref, 10, 64)
		if err != nil {
			return err
		}
		i, err := s.st.Invoice(n)
		if err != nil {
			return err
		}
		*to = append(*to, simInvoice{i.Kind, viewLines(&i), i.Net, i.Tax, i.Total})
		return nil
	})
	p := s.fold.Period(m.Period)
	m.Drawn, m.Overage, m.Over, m.Blocks = p.Drawn, p.Overage, p.Drawn+p.Overage, p.Blocks
	m.Credited, m.Lost = p.Credited, p.Rounded+p.Expired
	return err
}

// simMilestones are what has happened in a period already. Usage is looked at once
// a day.
type simMilestones struct {
	limit, credit, overage, refused bool
}

// after a day on which mail was refused or not, a top-up bought or not.
func (r *simMilestones) after(day time.Time, st *store.Standing, refused, topUp bool) (list []simEvent) {
	add := func(what string) { list = append(list, simEvent{day.Format(time.DateOnly), what}) }
	once := func(is bool, seen *bool, what string) {
		if is && !*seen {
			*seen = true
			add(what)
		}
	}
	p, used, use := st.InPeriod(), st.Usage.Charged, st.Use()
	reached := (p.Emails != 0 && used.Messages >= p.Emails) || (p.Bandwidth != 0 && used.Bytes >= p.Bandwidth)
	once(reached || refused || topUp, &r.limit, "limit")
	if topUp {
		add("top-up")
	}
	once(use.Drawn > 0, &r.credit, "credit")
	once(use.Overage > 0, &r.overage, "overage")
	once(refused, &r.refused, "refused")
	return list
}
