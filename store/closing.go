package store

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/ledger"
	"relay/store/room"
)

// closeDue closes the periods of the account that are over, oldest first. The entries
// are recorded as relay's own, even when a customer's order triggers the close.
func (d *deal) closeDue() error { return d.closeBy(d.t.Now) }

// closeBy closes those that were over at an instant that is not to come.
func (d *deal) closeBy(by time.Time) error {
	defer func(by string, chosen behalf.Order) { d.by, d.chosen = by, chosen }(d.by, d.chosen)
	d.by, d.chosen = "", behalf.Order{}
	zone := d.zone()
	for d.a.Open != "" {
		c, p, ok := d.a.Contracts.Find(d.a.Open, zone)
		if !ok {
			return fmt.Errorf("account %q: no contract has its open period %s", d.a.Name, d.a.Open)
		}
		d.a.Closes = p.End // another one if the operator's zone has changed
		if by.Before(p.End) {
			return nil
		}
		if p.Start.Before(p.End) {
			if err := d.closePeriod(c, p); err != nil {
				return fmt.Errorf("account %q: close %s: %w", d.a.Name, p.Key, err)
			}
		}
		if err := d.openNext(c, p); err != nil {
			return err
		}
	}
	return nil
}

// openNext opens the period that follows p of contract c, if there is one that has
// an instant: the later ones of a term that was ended early have none. After the last
// one a term may renew automatically.
func (d *deal) openNext(c quota.Contract, p quota.Period) error {
	found := false
	for _, next := range d.a.Contracts {
		for _, is := range next.Periods(d.zone()) {
			if found && is.Start.Before(is.End) {
				d.openPeriod(next, is)
				return nil
			}
			found = found || is.Key == p.Key && next.TermKey() == c.TermKey()
		}
	}
	if !d.cutting {
		if again, ok, err := d.t.goesOn(&c); err != nil || ok {
			if err == nil {
				d.goAgain(again)
			}
			return err
		}
	}
	d.a.Open, d.a.Closes = "", time.Time{}
	return nil
}

// closePeriod makes entries of what a period that is over comes to: what it
// drew, what was bought for the rest, what is credited and what is lost.
func (d *deal) closePeriod(c quota.Contract, p quota.Period) error {
	used := d.t.charges(d.a.Name, p.Key).Charged
	d.endDay(p.Key, p.End)
	is, err := quota.ClosePeriod(quota.Closing{Plan: c.Plan.In(p), Period: p, Expiry: c.End, Used: used, Lots: d.a.Lots})
	if err != nil {
		return err
	}
	entry := func(k ledger.Kind, units int64, lot string) {
		d.enter(ledger.Entry{Kind: k, Time: p.End, Period: p.Key, Units: units, Lot: lot})
	}
	for _, x := range is.Draws {
		entry(ledger.KindDraw, -x.Amount, x.Ref)
	}
	for _, x := range is.Rounded {
		entry(ledger.KindRounded, -x.Amount, x.Ref)
	}
	if is.Overage > 0 {
		d.enter(ledger.Entry{Kind: ledger.KindOverage, Time: p.End, Period: p.Key, Units: is.Overage, Facts: ledger.Facts{Blocks: is.Bought.Blocks}})
	}
	if l := is.Credit; l != nil {
		d.enter(ledger.Entry{Kind: ledger.KindCredit, Time: p.End, Period: p.Key, Units: l.Amount, Lot: l.Ref, Expires: l.Expires})
	}
	for _, x := range is.Expired {
		entry(ledger.KindExpired, -x.Amount, x.Ref)
	}
	d.a.Lots = is.Lots
	d.enter(ledger.Entry{Kind: ledger.KindClosed, Time: p.End, Period: p.Key})
	if len(is.Bought.Blocks) == 0 {
		return nil
	}
	inv := ledger.Invoice{Kind: ledger.ForOverage, Period: p.Key, Term: c.TermKey(), Lines: d.overageLines(p.Key, &is)}
	if is.Credit != nil {
		inv.Lot = is.Credit.Ref
	}
	if _, err = d.issue(inv, p.End); err != nil {
		return err
	}
	return d.settle(0)
}

// overageLines are the blocks that cover what a period used beyond its allowance,
// and a line without a price for what they leave.
func (d *deal) overageLines(period string, is *quota.Settlement) (lines []ledger.InvoiceLine) {
	for i, b := range is.Bought.Blocks {
		item := ledger.Item{Kind: ledger.ItemOverage, Bytes: b.Bytes}
		if i == 0 {
			item.Over, item.Period = is.Overage, period
		}
		lines = append(lines, ledger.InvoiceLine{Count: b.Count, Price: b.Price, Item: item})
	}
	if l := is.Credit; l != nil && len(is.Expired) == 0 { // at the end of the term it is lost
		last := quota.LastDay(l.Expires, d.zone()).Format(time.DateOnly)
		lines = append(lines, ledger.InvoiceLine{Count: 1, Item: ledger.Item{Kind: ledger.ItemCredit, Bytes: l.Amount, Until: last}})
	}
	return lines
}

// endDay makes an entry of the open day of a period, not later than end.
func (d *deal) endDay(period string, end time.Time) {
	c := d.t.charges(d.a.Name, period)
	if c.Today == (quota.Charge{}) {
		return
	}
	at := earliest(dayEnd(c.Day, d.zone()), end, d.t.Now)
	d.enter(ledger.Entry{Kind: ledger.KindCharge, Time: at, Period: period, Day: c.Day, Messages: c.Today.Messages, Bytes: c.Today.Bytes})
	d.ended = append(d.ended, period)
}

func earliest(t time.Time, more ...time.Time) time.Time {
	for _, m := range more {
		if m.Before(t) {
			t = m
		}
	}
	return t
}

// day that it is now in the operator's zone.
func (t *tx) day() string { return room.Day(t.Now, t.s.zone) }

func dayEnd(day string, zone *time.Location) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, day, zone)
	if err != nil {
		return t
	}
	return t.AddDate(0, 0, 1).UTC()
}

// closers work at the same time, so that group commit takes as many accounts at
// once. More would be quicker and hold up intake longer.
const closers = 32

// CloseBy closes the periods of accounts that were over at an instant, the oldest
// first, each account in a transaction of its own; an instant to come counts as now.
// It may run late, at any time and more than once: what is closed is not due any
// more. An account that cannot be closed holds up no other. It tells of each account
// what came of it, of one after the other: a receipt once that is on disk, or why it
// cannot be closed. Its own error is what stopped it before all were tried.
func (s *Store) CloseBy(ctx context.Context, by time.Time, told func(account string, r Receipt, err error)) error {
	var mu sync.Mutex
	by = earliest(by, s.BookTime())
	return s.forDue(ctx, bucket.Closing, by, func(k []byte) {
		name := string(k[8:])
		r, err := s.closeAccount(name, by)
		mu.Lock()
		defer mu.Unlock()
		told(name, r, err)
	})
}

// closeAccount closes what an account has to close by then.
func (s *Store) closeAccount(name string, by time.Time) (r Receipt, err error) {
	err = s.update(0, func(t *tx) error {
		r = Receipt{}
		d, err := t.deal(name, behalf.Order{})
		if errors.Is(err, ErrNotFound) {
			return nil // removed meanwhile
		}
		if err != nil {
			return err
		}
		if err = d.closeBy(by); err != nil {
			return err
		}
		r = d.receipt()
		return d.apply()
	})
	return r, err
}

// forDue calls fn, from several goroutines, for the keys of an index by time that
// were due by then. It ends at the first error that everybody would meet.
func (s *Store) forDue(ctx context.Context, index engine.Bucket, by time.Time, fn func(key []byte)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	keys, panics := make(chan []byte), make(chan error, closers)
	var wg sync.WaitGroup
	for range closers {
		wg.Go(func() {
			defer func() {
				if v := recover(); v != nil { // it must not end the process
					panics <- fmt.Errorf("panic: %v\n%s", v, debug.Stack())
					stop()
				}
			}()
			for k := range keys {
				fn(k)
			}
		})
	}
	err := s.feedDue(ctx, index, by, keys)
	close(keys)
	wg.Wait()
	select {
	case err = <-panics:
	default:
	}
	return err
}

func (s *Store) feedDue(ctx context.Context, index engine.Bucket, by time.Time, keys chan<- []byte) error {
	var from []byte
	for {
		list, err := s.dueKeys(index, from, by)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, k := range list {
			if ctx.Err() != nil { // asked first: below, chance would choose
				return ctx.Err()
			}
			select {
			case keys <- k:
			case <-ctx.Done():
				return ctx.Err()
			case <-s.db.Stopping():
				return errors.New("the store is being closed")
			}
		}
		from = append(list[len(list)-1], 0)
	}
}

// dueKeys is one step of feedDue.
func (s *Store) dueKeys(index engine.Bucket, from []byte, by time.Time) (list [][]byte, err error) {
	err = s.view(func(t *tx) error {
		c := t.Cursor(index)
		for k, _ := c.Seek(from); k != nil && len(list) < room.Step && !room.ParseTime(k).After(by); k, _ = c.Next() {
			list = append(list, append([]byte(nil), k...))
		}
		return nil
	})
	return list, err
}
