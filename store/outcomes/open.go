package outcomes

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
)

// The counts of the last day whose mail had an outcome (Progress.Day) stand in the record of
// progress, which each outcome writes anyway: a page less in each commit. The first outcome of
// mail of a later day moves them to bucket "days", in its transaction. Outcomes of mail of days
// before count in the bucket at once. So a day may have counts in both places, and readers add
// them up (EachDay). A crash leaves a count in the one place or in the other, never in both.
//
// When the day's charges become an entry of the ledger has nothing to do with it: mail of a day
// may be settled before or after. The last day of a period may stay in its record for good. It
// is read for as long as days are kept, and goes with the account.

// collection is the counts of days that the requests of one transaction change.
type collection struct {
	closed map[string]*Day    // by key in bucket "days"
	open   map[*Progress]*Day // of open days: what the record's Counts becomes
}

// packedDay is how counts stand in a record, which is JSON: as base64 of what Day.append writes.
// They are read with each message.
var packedDay = base64.RawStdEncoding

// openCounts reads the counts of the open day.
func (p *Progress) openCounts() (*Day, error) {
	d := &Day{}
	if p.Counts == "" {
		return d, nil
	}
	raw, err := packedDay.DecodeString(p.Counts)
	if err == nil {
		err = d.read(raw)
	}
	return d, err
}

// pack stores the counts of the open day.
func (p *Progress) pack(d *Day) {
	if p.Counts = ""; !d.empty() {
		p.Counts = packedDay.EncodeToString(d.append(nil))
	}
}

// hasCounts reports whether a record of progress, as it is stored, has counts of an open day.
// No other member of it is a text that could hold this.
func hasCounts(raw []byte) bool { return bytes.Contains(raw, []byte(`"counts":`)) }

// flushDays writes the days that a transaction has counted, the open ones into their records.
func (o *Outcomes) flushDays(b *engine.Tx) error {
	sc := o.days.Of(b)
	if sc == nil {
		return nil
	}
	for p, d := range sc.open {
		p.pack(d)
	}
	for key, d := range sc.closed {
		if err := b.Put(bucket.DaysOf, []byte(key), d.append(nil)); err != nil {
			return err
		}
	}
	return nil
}

// at is the record of a message's period and the count of its day, as this transaction sees
// them. A change to either is written with the transaction, which must be touched for it.
func (o *Outcomes) at(t *room.Tx, m Mail) (*Progress, *Day) {
	day, p := room.Day(m.Accepted, o.zone), o.in(t, m.Account, m.Period)
	if day < p.Day {
		return p, o.closedDay(t, dayKey(m.Account, day, m.Period))
	}
	if day > p.Day {
		o.endDay(t, m.Account, m.Period, p)
		p.Day = day
	}
	return p, o.openDay(t, m.Account, m.Period, p)
}

// openDay is the count of the open day. What is added to it is written with the transaction.
func (o *Outcomes) openDay(t *room.Tx, account, period string, p *Progress) *Day {
	sc := o.days.In(t.Tx)
	if d := sc.open[p]; d != nil {
		return d
	}
	d, err := p.openCounts()
	if err != nil {
		return unreadable(t, fmt.Errorf("decode the open day of %s %s: %w", account, period, err))
	}
	if sc.open == nil {
		sc.open = map[*Progress]*Day{}
	}
	sc.open[p] = d
	return d
}

// endDay moves the counts of the open day to bucket "days".
func (o *Outcomes) endDay(t *room.Tx, account, period string, p *Progress) {
	if p.Day == "" {
		return
	}
	if d := o.openDay(t, account, period, p); !d.empty() {
		o.closedDay(t, dayKey(account, p.Day, period)).add(d)
		*d = Day{}
	}
}

// closedDay is a record of bucket "days" as this transaction sees it. It is written with the
// transaction.
func (o *Outcomes) closedDay(t *room.Tx, key []byte) *Day {
	sc := o.days.In(t.Tx)
	if d := sc.closed[string(key)]; d != nil {
		return d
	}
	d := &Day{}
	if raw := t.Get(bucket.DaysOf, key); raw != nil {
		var err error
		if d, err = decodeDay(key, raw); err != nil {
			return unreadable(t, err)
		}
	}
	if sc.closed == nil {
		sc.closed = map[string]*Day{}
	}
	sc.closed[string(key)] = d
	return d
}

// unreadable fails the request for a counter that cannot be read: it must not start again from
// zero.
func unreadable(t *room.Tx, err error) *Day {
	t.Fail(err)
	return &Day{}
}

// collected is what this transaction has counted, for reading.
func (o *Outcomes) collected(t *room.Tx) *collection {
	if sc := o.days.Of(t.Tx); sc != nil {
		return sc
	}
	return &collection{}
}

// EachDay calls fn for what became of an account's mail, of days from one until before another
// ("": all), as this transaction sees it. Days that are too old to be kept are not read, removed
// or not. Days do not come in order, and a day may come in parts, which add up. fn must not
// keep d.
func (o *Outcomes) EachDay(t *room.Tx, account, from, until string, fn func(day, period string, d *Day)) error {
	from = max(from, room.DayBefore(t.Now, daysKept, o.zone))
	within := func(day string) bool { return day >= from && (until == "" || day < until) }
	prefix, sc := room.Pair(account, ""), o.collected(t)
	c := t.Cursor(bucket.DaysOf)
	for k, raw := c.Seek(room.Pair(account, from)); k != nil && room.HasPrefix(k, prefix); k, raw = c.Next() {
		day, period := parseDay(k[len(prefix):])
		if !within(day) {
			break
		}
		if sc.closed[string(k)] != nil {
			continue
		}
		d, err := decodeDay(k, raw)
		if err != nil {
			return err
		}
		fn(day, period, d)
	}
	for key, d := range sc.closed {
		rest, ours := strings.CutPrefix(key, string(prefix))
		if day, period := parseDay([]byte(rest)); ours && within(day) {
			fn(day, period, d)
		}
	}
	return o.eachOpenDay(t, account, func(period string, p *Progress, d *Day) {
		if within(p.Day) {
			fn(p.Day, period, d)
		}
	})
}

// eachOpenDay calls fn for the records of an account that have counts of an open day.
func (o *Outcomes) eachOpenDay(t *room.Tx, account string, fn func(period string, p *Progress, d *Day)) error {
	sc := o.collected(t)
	return o.progress.Each(t, account, hasCounts, func(period string, p *Progress) (err error) {
		d := sc.open[p]
		if d == nil {
			if d, err = p.openCounts(); err != nil {
				return fmt.Errorf("decode the open day of %s %s: %w", account, period, err)
			}
		}
		if !d.empty() {
			fn(period, p, d)
		}
		return nil
	})
}

// Forget removes what became of an account's mail by day, also what this transaction has counted.
func (o *Outcomes) Forget(t *room.Tx, account string) error {
	prefix := string(room.Pair(account, ""))
	maps.DeleteFunc(o.days.In(t.Tx).closed, func(key string, _ *Day) bool { return strings.HasPrefix(key, prefix) })
	var open []string
	err := o.eachOpenDay(t, account, func(period string, _ *Progress, _ *Day) { open = append(open, period) })
	for _, period := range open {
		t.Touch()
		p := o.in(t, account, period)
		*o.openDay(t, account, period, p) = Day{}
		p.Day = ""
	}
	return errors.Join(err, t.DeleteOf(bucket.DaysOf, account))
}
