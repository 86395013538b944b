package forecast

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"relay/quota"
	"relay/report/words"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/standing"
)

// simulation of a Customer.
type simulation struct {
	*Customer
	ctx   context.Context
	st    *store.Store
	clock atomic.Int64     // seconds since 1970
	seen  uint64           // of the ledger
	fold  *ledger.Fold     // of what was seen
	ids   []spooled.ID     // in the spool
	paid  int              // payments, for their references
	ahead []ledger.Invoice // of the next month
}

const (
	account = "customer"
	batch   = 1000 // recipients in one message
)

var order = behalf.Order{By: "simulate"}

// Run simulates c in a file of dir, and calls each with every month. An error of each
// ends the simulation.
func Run(ctx context.Context, dir string, c Customer, each func(Month) error) (err error) {
	s, err := open(ctx, dir, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.st.Close()) }()
	if err := s.start(); err != nil {
		return err
	}
	for i := range c.Months {
		m, err := s.month(i+1 < c.Months)
		if err != nil {
			return err
		}
		if err := each(m); err != nil {
			return err
		}
	}
	return nil
}

// open makes the store.
func open(ctx context.Context, dir string, c Customer) (s *simulation, err error) {
	s = &simulation{Customer: &c, ctx: ctx, fold: ledger.NewFold(c.Zone)}
	s.clock.Store(c.From.Unix())
	s.st, err = store.Open(filepath.Join(dir, "simulate.db"), store.Options{
		Now:     func() time.Time { return time.Unix(s.clock.Load(), 0) },
		Zone:    c.Zone,
		Log:     slog.New(slog.DiscardHandler),
		Billing: c.Billing,
		Print:   words.English.Print,
	})
	return s, err
}

// start sells the plan.
func (s *simulation) start() error {
	list := []quota.Plan{s.Plan}
	if s.TopUp != nil && s.TopUp.Name != s.Plan.Name {
		list = append(list, *s.TopUp)
	}
	for i := range list {
		list[i].Retired = false // what would come if it were sold
	}
	s.Plan = list[0]
	if _, err := s.st.Books.PutPlans(list, false); err != nil {
		return err
	}
	a := orders.NewAccount{Account: books.Account{Name: account, AtLimit: s.AtLimit, OverMax: s.OverMax}, Plan: s.Plan}
	if _, err := s.st.Orders.AddAccount(order, a); err != nil {
		return err
	}
	return s.pay()
}

// month simulates a period; goOn: another one follows.
func (s *simulation) month(goOn bool) (m Month, err error) {
	at, err := s.st.Standings.Standing(account)
	if err != nil {
		return m, err
	}
	m = Month{Period: at.Period.Key, Invoices: s.ahead}
	s.ahead = nil
	if err := s.send(&m, at.Period); err != nil {
		return m, err
	}
	if err := s.collect(&m, &m.Invoices); err != nil {
		return m, err
	}
	s.clock.Store(at.Period.End.Unix())
	var failed error
	err = s.st.Orders.CloseBy(s.ctx, s.st.Now(), func(_ string, _ orders.Receipt, err error) { failed = errors.Join(failed, err) })
	if err = errors.Join(err, failed); err != nil {
		return m, err
	}
	if err := errors.Join(s.collect(&m, &m.Invoices), s.clean()); err != nil {
		return m, err
	}
	if goOn && !at.Goes { // not before its end: one that is used up would be over then
		if _, err := s.st.Orders.Renew(order, account, s.Plan.Name); err != nil {
			return m, err
		}
		if err := s.collect(&m, &s.ahead); err != nil {
			return m, err
		}
	}
	a, err := s.st.Books.Account(account)
	if err != nil {
		return m, err
	}
	m.Credit = quota.Sum(quota.Live(a.Lots, s.st.Now()))
	for _, i := range m.Invoices {
		m.Net, m.Tax, m.Total = m.Net+i.Net, m.Tax+i.Tax, m.Total+i.Total
	}
	u, err := s.st.Standings.Usage(account, m.Period)
	m.Emails, m.Bytes = u.Charged.Messages, u.Charged.Bytes
	return m, err
}

// send sends each day its share of the period's mail.
func (s *simulation) send(m *Month, p quota.Period) error {
	var noons []time.Time
	y, month, d := p.Start.In(s.Zone).Date()
	for i := 0; ; i++ {
		noon := time.Date(y, month, d+i, 12, 0, 0, 0, s.Zone)
		if !noon.Before(p.End) {
			break
		}
		noons = append(noons, noon)
	}
	days, seen := int64(len(noons)), milestones{}
	for i, noon := range noons {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		s.clock.Store(noon.Unix())
		share := s.Emails*int64(i+1)/days - s.Emails*int64(i)/days
		topUps := m.TopUps
		left, err := s.day(m, share)
		if err != nil {
			return err
		}
		m.Refused += left
		st, err := s.st.Standings.Standing(account)
		if err != nil {
			return err
		}
		m.Events = append(m.Events, seen.after(noon, &st, left > 0, m.TopUps > topUps)...)
	}
	return nil
}

// day sends n e-mails, and returns how many are refused.
func (s *simulation) day(m *Month, n int64) (left int64, err error) {
	for {
		sent, err := s.most(n)
		if n -= sent; err != nil || n == 0 || s.TopUp == nil {
			return n, err
		}
		if m.TopUps++; m.TopUps > MostTopUps {
			return n, &TooManyTopUps{s.TopUp.Name, m.Period}
		}
		if _, err := s.st.Orders.TopUp(order, account, s.TopUp.Name); err != nil {
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
		k := min(n-sent, batch)
		for ; k > 0; k /= 2 {
			asked, err := quota.ForMessage(s.Size, int(k))
			if err != nil {
				return sent, err
			}
			refusal, err := s.st.Standings.Permit(account, "", asked)
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
	msg := &spooled.Message{Account: account, Size: s.Size, Expires: now.AddDate(0, 0, 1), Recipients: make([]spooled.Recipient, recipients)}
	body := s.st.Bodies.New()
	s.ids = append(s.ids, body.ID())
	refusal, err := s.st.Accept(store.Intake{Message: msg, Body: body})
	if err == nil && refusal != nil {
		err = errors.New("simulate: refused after all")
	}
	return err
}

// clean empties spool and trace.
func (s *simulation) clean() error {
	_, _, err := s.st.Spool.Change(spool.OpDrop, s.ids)
	s.ids = s.ids[:0]
	if err != nil {
		return err
	}
	_, err = s.st.Trace.Prune(s.st.Now(), "")
	return err
}

// pay pays all open invoices.
func (s *simulation) pay() error {
	list, err := s.st.Books.InvoicesOf(account, true)
	if err != nil {
		return err
	}
	for _, i := range list {
		s.paid++
		p := ledger.Payment{Method: "other", Reference: strconv.Itoa(s.paid), Invoice: i.Number}
		if _, err := s.st.Orders.RecordPayment(order, p); err != nil {
			return err
		}
	}
	return nil
}

// collect pays the open invoices, adds up the new entries of the ledger, and appends
// their invoices to to.
func (s *simulation) collect(m *Month, to *[]ledger.Invoice) error {
	if err := s.pay(); err != nil {
		return err
	}
	err := s.st.Books.Ledger(account, func(e *ledger.Entry) error {
		if e.Seq <= s.seen {
			return nil
		}
		s.seen = e.Seq
		s.fold.Add(e)
		if e.Kind != ledger.KindInvoice {
			return nil
		}
		i, err := s.st.Books.Invoice(e.Invoice())
		if err != nil {
			return err
		}
		*to = append(*to, i)
		return nil
	})
	p := s.fold.Period(m.Period)
	m.Drawn, m.Overage, m.Over, m.Blocks = p.Drawn, p.Overage, p.Drawn+p.Overage, words.English.Covered(p)
	m.Credited, m.Lost = p.Credited, p.Rounded+p.Expired
	return err
}

// milestones have happened in a period already. Usage is looked at once a day.
type milestones struct {
	limit, credit, overage, refused bool
}

// after returns the events of a day on which mail was refused, or a top-up bought.
func (r *milestones) after(day time.Time, st *standing.Standing, refused, topUp bool) (list []Event) {
	add := func(what Change) { list = append(list, Event{day.Format(time.DateOnly), what}) }
	once := func(is bool, seen *bool, what Change) {
		if is && !*seen {
			*seen = true
			add(what)
		}
	}
	p, used, use := st.InPeriod(), st.Used.Charged, st.Use()
	reached := (p.Emails != 0 && used.Messages >= p.Emails) || (p.Bandwidth != 0 && used.Bytes >= p.Bandwidth)
	once(reached || refused || topUp, &r.limit, Limit)
	if topUp {
		add(TopUp)
	}
	once(use.Drawn > 0, &r.credit, Credit)
	once(use.Overage > 0, &r.overage, Overage)
	once(refused, &r.refused, Refused)
	return list
}
