package store

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
	"relay/store/spooled"
)

// The counts of the last day whose mail had an outcome (progress.Day) stand in the record of
// progress, which each outcome writes anyway: a page less in each commit. The first outcome of
// mail of a later day moves them to bucket "days", in its transaction. Outcomes of mail of days
// before count in the bucket at once. So a day may have counts in both places, and readers add
// them up (eachDay). A crash leaves a count in the one place or in the other, never in both.
//
// When the day's charges become an entry of the ledger has nothing to do with it: mail of a day
// may be settled before or after. The last day of a period may stay in its record for good. It
// is read for as long as days are kept, and goes with the account.

// outcomes are the counts of days that the requests of one transaction change.
type outcomes struct {
	days map[string]*dayCount    // by key in bucket "days"
	open map[*progress]*dayCount // of open days: what the record's Counts becomes
}

var outcomesKey engine.Key[outcomes]

// packedDay is how counts stand in a record, which is JSON: as base64 of what dayCount.append
// writes. They are read with each message.
var packedDay = base64.RawStdEncoding

// openCounts reads the counts of the open day.
func (p *progress) openCounts() (*dayCount, error) {
	d := &dayCount{}
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
func (p *progress) pack(d *dayCount) {
	if p.Counts = ""; !d.empty() {
		p.Counts = packedDay.EncodeToString(d.append(nil))
	}
}

// hasCounts reports whether a record of progress, as it is stored, has counts of an open day.
// No other member of it is a text that could hold this.
func hasCounts(raw []byte) bool { return bytes.Contains(raw, []byte(`"counts":`)) }

// flushProgress writes what a transaction has counted.
func (s *Store) flushProgress(b *engine.Tx) error {
	if sc := outcomesKey.Of(b); sc != nil {
		for p, d := range sc.open {
			p.pack(d)
		}
		if err := keepDays(b, sc.days); err != nil {
			return err
		}
	}
	return s.progress.Flush(b)
}

// dayOf a message is the count that it belongs to, as this transaction sees it. It is written
// with the transaction.
func (t *tx) dayOf(m *spooled.Message) *dayCount { return t.dayAt(m.Account, m.Period, m.Accepted) }

// dayAt is the count of mail of an account and a period that was accepted then.
func (t *tx) dayAt(account, period string, accepted time.Time) *dayCount {
	day, p := room.Day(accepted, t.s.zone), t.progress(account, period)
	if day < p.Day {
		return t.closedDay(dayKey(account, day, period))
	}
	if day > p.Day {
		t.endCounts(account, period, p)
		p.Day = day
	}
	return t.counts(account, period, p)
}

// counts are those of the open day. What is added to them is written with the transaction.
func (t *tx) counts(account, period string, p *progress) *dayCount {
	sc := outcomesKey.In(t.Tx.Tx)
	if d := sc.open[p]; d != nil {
		return d
	}
	d, err := p.openCounts()
	if err != nil {
		return t.sound(nil, fmt.Errorf("decode the open day of %s %s: %w", account, period, err))
	}
	if sc.open == nil {
		sc.open = map[*progress]*dayCount{}
	}
	sc.open[p] = d
	return d
}

// endCounts moves the counts of the open day to bucket "days".
func (t *tx) endCounts(account, period string, p *progress) {
	if p.Day == "" {
		return
	}
	if d := t.counts(account, period, p); !d.empty() {
		t.closedDay(dayKey(account, p.Day, period)).add(d)
		*d = dayCount{}
	}
}

// closedDay is a record of bucket "days" as this transaction sees it. It is written with the
// transaction.
func (t *tx) closedDay(key []byte) *dayCount {
	sc := outcomesKey.In(t.Tx.Tx)
	if d := sc.days[string(key)]; d != nil {
		return d
	}
	d := &dayCount{}
	if raw := t.Get(bucket.DaysOf, key); raw != nil {
		var err error
		if d, err = decodeDay(key, raw); err != nil {
			return t.sound(nil, err)
		}
	}
	if sc.days == nil {
		sc.days = map[string]*dayCount{}
	}
	sc.days[string(key)] = d
	return d
}

// sound fails the transaction for a counter that cannot be read: it must not start again from
// zero.
func (t *tx) sound(d *dayCount, err error) *dayCount {
	if err != nil {
		t.Fail(err)
		return &dayCount{}
	}
	return d
}

// eachDay calls fn for what became of an account's mail, of days from one until before another
// ("": all), as this transaction sees it. Days that are too old to be kept are not read, removed
// or not. Days do not come in order, and a day may come in parts, which add up. fn must not
// keep d.
func (t *tx) eachDay(account, from, until string, fn func(day, period string, d *dayCount)) error {
	from = max(from, room.DayBefore(t.Now, daysKept, t.s.zone))
	within := func(day string) bool { return day >= from && (until == "" || day < until) }
	prefix, sc := room.Pair(account, ""), t.outcomes()
	c := t.Cursor(bucket.DaysOf)
	for k, raw := c.Seek(room.Pair(account, from)); k != nil && room.HasPrefix(k, prefix); k, raw = c.Next() {
		day, period := parseDay(k[len(prefix):])
		if !within(day) {
			break
		}
		if sc.days[string(k)] != nil {
			continue
		}
		d, err := decodeDay(k, raw)
		if err != nil {
			return err
		}
		fn(day, period, d)
	}
	for key, d := range sc.days {
		rest, ours := strings.CutPrefix(key, string(prefix))
		if day, period := parseDay([]byte(rest)); ours && within(day) {
			fn(day, period, d)
		}
	}
	return t.eachOpenDay(account, func(period string, p *progress, d *dayCount) {
		if within(p.Day) {
			fn(p.Day, period, d)
		}
	})
}

// outcomes as this transaction has them; they are for reading.
func (t *tx) outcomes() *outcomes {
	if sc := outcomesKey.Of(t.Tx.Tx); sc != nil {
		return sc
	}
	return &outcomes{}
}

// eachOpenDay calls fn for the records of an account that have counts of an open day.
func (t *tx) eachOpenDay(account string, fn func(period string, p *progress, d *dayCount)) error {
	sc := t.outcomes()
	return t.s.progress.Each(&t.Tx, account, hasCounts, func(period string, p *progress) (err error) {
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

// forgetDays removes what became of an account's mail by day. What this transaction has
// counted must not bring it back.
func (t *tx) forgetDays(account string) error {
	prefix := string(room.Pair(account, ""))
	maps.DeleteFunc(outcomesKey.In(t.Tx.Tx).days, func(key string, _ *dayCount) bool { return strings.HasPrefix(key, prefix) })
	var open []string
	err := t.eachOpenDay(account, func(period string, _ *progress, _ *dayCount) { open = append(open, period) })
	for _, period := range open {
		t.Touch()
		p := t.progress(account, period)
		*t.counts(account, period, p) = dayCount{}
		p.Day = ""
	}
	return errors.Join(err, t.DeleteOf(bucket.DaysOf, account))
}
