package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
	"relay/store/spooled"
)

// dayCount is what became of an account's mail of a day. Bucket "days", key account NUL day NUL
// period that the mail was charged to. Settle, Claim and a drop count it in the transaction of
// the outcome, beside progress. Mail counts on the day on which it was accepted, so that the
// days of a period add up to its progress, in whose record the counts of the last day stand: see
// day_open.go.
//
// A recipient that is suppressed counts as failed, and at no provider: nothing was sent to one,
// and which one it would have been says only the DNS.
//
// Every delivery counts here, so it is no JSON: numbers are uvarints, names have their length
// before them. delivered, deferred, how many categories, each with its count, how many
// providers, each with its three; and, where mail came back, bounced and complained.
type dayCount struct {
	delivered, deferred uint64
	failed              []failedCount
	providers           []providerCount
	bounced, complained uint64
}

type failedCount struct {
	category string
	n        uint64
}

type providerCount struct {
	name                        string
	delivered, deferred, failed uint64
}

const mostProviders = 20 // of a day, beside OtherProviders

// count adds what became of one e-mail.
func (d *dayCount) count(is fate) {
	put := is.to == spooled.Deferred && is.from != spooled.Deferred
	gone := is.to.Final() && is.to != spooled.Delivered
	switch {
	case is.to == spooled.Delivered:
		d.delivered++
	case gone:
		d.at(is.category).n++
	case put:
		d.deferred++
	default:
		return
	}
	if is.provider == "" {
		return
	}
	switch p := d.of(is.provider); {
	case put:
		p.deferred++
	case gone:
		p.failed++
	default:
		p.delivered++
	}
}

// at is the count of a category.
func (d *dayCount) at(category string) *failedCount {
	for i := range d.failed {
		if d.failed[i].category == category {
			return &d.failed[i]
		}
	}
	d.failed = append(d.failed, failedCount{category: category})
	return &d.failed[len(d.failed)-1]
}

// of is the count of a provider, or of others where there is no room.
func (d *dayCount) of(name string) *providerCount {
	for i := range d.providers {
		if d.providers[i].name == name {
			return &d.providers[i]
		}
	}
	if len(d.providers) >= mostProviders && name != OtherProviders {
		return d.of(OtherProviders)
	}
	d.providers = append(d.providers, providerCount{name: name})
	return &d.providers[len(d.providers)-1]
}

// add adds what another count of the same day has.
func (d *dayCount) add(o *dayCount) {
	d.delivered, d.deferred = d.delivered+o.delivered, d.deferred+o.deferred
	for i := range o.failed {
		d.at(o.failed[i].category).n += o.failed[i].n
	}
	for i := range o.providers {
		from := &o.providers[i]
		p := d.of(from.name)
		p.delivered, p.deferred, p.failed = p.delivered+from.delivered, p.deferred+from.deferred, p.failed+from.failed
	}
	d.bounced, d.complained = d.bounced+o.bounced, d.complained+o.complained
}

// empty reports whether nothing was counted.
func (d *dayCount) empty() bool {
	return d.delivered == 0 && d.deferred == 0 && len(d.failed) == 0 && len(d.providers) == 0 && d.bounced == 0 && d.complained == 0
}

// failures of all categories.
func (d *dayCount) failures() (sum int64) {
	for _, f := range d.failed {
		sum += int64(f.n)
	}
	return sum
}

// day is the count as reports have it.
func (d *dayCount) day() *Day {
	is := &Day{Delivered: int64(d.delivered), Deferred: int64(d.deferred), Bounced: int64(d.bounced), Complained: int64(d.complained)}
	for _, f := range d.failed {
		if is.Failed == nil {
			is.Failed = map[string]int64{}
		}
		is.Failed[f.category] = int64(f.n)
	}
	for _, p := range d.providers {
		is.at(p.name, ProviderDay{int64(p.delivered), int64(p.deferred), int64(p.failed)})
	}
	return is
}

// append writes the count behind b.
func (d *dayCount) append(b []byte) []byte {
	b = slices.Grow(b, 32*(1+len(d.failed)+len(d.providers)))
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	number := func(list ...uint64) {
		for _, n := range list {
			b = binary.AppendUvarint(b, n)
		}
	}
	number(d.delivered, d.deferred, uint64(len(d.failed)))
	for i := range d.failed {
		text(d.failed[i].category)
		number(d.failed[i].n)
	}
	number(uint64(len(d.providers)))
	for i := range d.providers {
		p := &d.providers[i]
		text(p.name)
		number(p.delivered, p.deferred, p.failed)
	}
	if d.bounced+d.complained > 0 {
		number(d.bounced, d.complained)
	}
	return b
}

var errNoDay = errors.New("it is no count of a day")

// read reads what append wrote.
func (d *dayCount) read(raw []byte) error {
	r := dayReader{raw: raw, text: string(raw)}
	d.delivered, d.deferred = r.number(), r.number()
	if n := r.length(); n > 0 {
		d.failed = make([]failedCount, 0, n+1)
		for range n {
			d.failed = append(d.failed, failedCount{r.name(), r.number()})
		}
	}
	if n := r.length(); n > 0 {
		d.providers = make([]providerCount, 0, n+1)
		for range n {
			d.providers = append(d.providers, providerCount{r.name(), r.number(), r.number(), r.number()})
		}
	}
	if !r.bad && r.at < len(raw) {
		d.bounced, d.complained = r.number(), r.number()
	}
	if r.bad || r.at != len(raw) {
		return errNoDay
	}
	return nil
}

// dayReader reads numbers and names; what it cannot read makes it bad.
type dayReader struct {
	raw  []byte
	text string // raw, of which names are parts
	at   int
	bad  bool
}

func (r *dayReader) number() uint64 {
	n, size := binary.Uvarint(r.raw[r.at:])
	if size <= 0 {
		r.bad = true
		return 0
	}
	r.at += size
	return n
}

// length is a number that so many octets can follow.
func (r *dayReader) length() int {
	n := r.number()
	if n > uint64(len(r.raw)-r.at) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *dayReader) name() string {
	n := r.length()
	r.at += n
	return r.text[r.at-n : r.at]
}

// dayKey is account NUL day NUL period.
func dayKey(account, day, period string) []byte { return room.Pair(account, day+"\x00"+period) }

// parseDay reads what follows the account in that key.
func parseDay(rest []byte) (day, period string) {
	d, p, _ := bytes.Cut(rest, []byte{0})
	return string(d), string(p)
}

// decodeDay reads a record of bucket "days".
func decodeDay(key, raw []byte) (*dayCount, error) {
	d := &dayCount{}
	if err := d.read(raw); err != nil {
		return nil, fmt.Errorf("decode days %q: %w", key, err)
	}
	return d, nil
}

// keepDays writes what a transaction has counted.
func keepDays(b *engine.Tx, all map[string]*dayCount) error {
	for key, d := range all {
		if err := b.Put(bucket.DaysOf, []byte(key), d.append(nil)); err != nil {
			return err
		}
	}
	return nil
}

// daysKept is how long outcomes are kept by day.
const daysKept = 400

// PruneDays removes days of outcomes that are too old, and those of accounts that are gone. It
// works in small transactions and stops with the store. A crash leaves the rest to the next run.
func (s *Store) PruneDays(now time.Time) (removed int, err error) {
	oldest := room.DayBefore(now, daysKept, s.zone)
	return room.Aging{In: bucket.DaysOf, Owners: bucket.Accounts,
		Old:    func(rest []byte) bool { day, _ := parseDay(rest); return day < oldest },
		Remove: func(t *room.Tx, key []byte) error { return t.Delete(bucket.DaysOf, key) },
	}.Prune(s.db, nil)
}
