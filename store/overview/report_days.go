package overview

import (
	"maps"
	"slices"

	"relay/quota"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/outcomes"
	"relay/store/room"
)

// Day is what an account's mail of a day in the operator's zone came to. Its e-mails and octets
// are those of the ledger.
type Day struct {
	Day    string // "2026-11-29"
	Emails int64  // that were accepted
	Bytes  int64
	outcomes.Sum
}

// add adds up two parts of the same day.
func (d *Day) add(o *Day) {
	d.Emails, d.Bytes = d.Emails+o.Emails, d.Bytes+o.Bytes
	d.Sum.Add(&o.Sum)
}

// window is what a report needs of the ledger: charges by day, and how its period was closed.
type window struct {
	charges        []ledger.Entry
	drawn, overage int64  // of the period, once it is closed
	cost           int64  // of its overage
	invoice        uint64 // for it; 0: none, or it is not issued yet
	last           uint64 // entry that was read
}

// windowOf reads the parts of the ledger that are about the report's periods and the last
// days. A close that is due counts as done.
func (s *Overview) windowOf(t *room.Tx, r *Report, due *orders.Deal) (*window, error) {
	w := &window{}
	take := func(e *ledger.Entry) {
		if e.Seq > w.last { // two windows may overlap
			w.last = e.Seq
			w.take(e, r.Period.Key)
		}
	}
	from, to := t.Now.AddDate(0, 0, -recentDays-1), t.Now
	first := r.Period.Start
	if r.Before != nil {
		first = r.PeriodBefore.Start
	}
	if r.Period.Key != "" && r.Period.End.Before(from) {
		if err := s.r.Books.EntriesBetween(t, r.Account.Name, first, r.Period.End, take); err != nil {
			return nil, err
		}
		first = from
	}
	if r.Period.Key != "" && first.Before(from) {
		from = first
	}
	err := s.r.Books.EntriesBetween(t, r.Account.Name, from, to, take)
	if due != nil {
		issued := w.invoice
		entries := due.Entries()
		for i := range entries {
			take(&entries[i])
		}
		w.invoice = issued
	}
	return w, err
}

func (w *window) take(e *ledger.Entry, period string) {
	e.Recall()
	ours := e.Period == period
	switch {
	case e.Kind == ledger.KindCharge && e.Day != "":
		w.charges = append(w.charges, *e)
	case e.Kind == ledger.KindDraw && ours:
		w.drawn -= e.Units
	case e.Kind == ledger.KindOverage && ours:
		w.overage += e.Units
	case e.Kind == ledger.KindInvoice && ours && e.For == ledger.ForOverage:
		w.invoice, w.cost = e.Invoice(), -e.Money
	}
}

// days adds the days with mail to the report.
func (s *Overview) days(t *room.Tx, r *Report, w *window, due *orders.Deal) error {
	s.addOpen(t, w, r, due)
	name, today, zone := r.Account.Name, room.Day(t.Now, s.zone), s.zone
	var err error
	if r.Recent, err = s.daysOf(t, name, room.DayBefore(t.Now, recentDays, zone), today, "", w.charges); err != nil || r.Period.Key == "" {
		return err
	}
	if r.Days, err = s.daysOf(t, name, room.DayBefore(r.Period.Start, 1, zone), "", r.Period.Key, w.charges); err != nil || r.Before == nil {
		return err
	}
	r.DaysBefore, err = s.daysOf(t, name, room.DayBefore(r.PeriodBefore.Start, 1, zone), "", r.PeriodBefore.Key, w.charges)
	return err
}

// addOpen adds the days that are no entries yet, but for those that a due close has entered.
func (s *Overview) addOpen(t *room.Tx, w *window, r *Report, due *orders.Deal) {
	seen := map[string]bool{"": true}
	if due != nil {
		for _, period := range due.Ended() {
			seen[period] = true
		}
	}
	for _, period := range []string{r.Period.Key, r.Standing.Period.Key, r.PeriodBefore.Key} {
		if seen[period] {
			continue
		}
		seen[period] = true
		if c := s.r.Books.ChargesIn(t, r.Account.Name, period); c.Today != (quota.Charge{}) {
			w.charges = append(w.charges, ledger.Entry{Kind: ledger.KindCharge, Period: period, Day: c.Day, Messages: c.Today.Messages, Bytes: c.Today.Bytes})
		}
	}
}

// daysOf an account from a day on, up to one that is left out ("": all), of one period ("": of
// any), in order. There are no more outcomes by day than are kept.
func (s *Overview) daysOf(t *room.Tx, account, from, until, period string, charges []ledger.Entry) (list []Day, err error) {
	days := map[string]*Day{}
	take := func(day, of string, d *Day) {
		if day < from || until != "" && day >= until || period != "" && of != period {
			return
		}
		if days[day] == nil {
			days[day] = &Day{Day: day}
		}
		days[day].add(d)
	}
	for i := range charges {
		e := &charges[i]
		take(e.Day, e.Period, &Day{Emails: e.Messages, Bytes: e.Bytes})
	}
	err = s.r.Outcomes.EachDay(t, account, from, until, func(day, of string, d *outcomes.Day) { take(day, of, &Day{Sum: d.Sum()}) })
	if err != nil {
		return nil, err
	}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		list = append(list, *days[day])
	}
	return list, nil
}
