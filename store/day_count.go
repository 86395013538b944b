package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"relay/store/bolt"
)

// dayCount is what became of an account's mail of a day. Bucket "days", key account NUL day NUL
// period that the mail was charged to. Settle, Claim and a drop count it in the transaction of
// the outcome, beside the usage, and write it once. Mail counts on the day on which it was
// accepted, so that the days of a period add up to its usage.
//
// Every delivery counts here, so it is no JSON: numbers are uvarints, names have their length
// before them. delivered, deferred, how many categories, each with its count, how many
// providers, each with its three.
type dayCount struct {
	delivered, deferred uint64
	failed              []failedCount
	providers           []providerCount
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
	put := is.to == Deferred && is.from != Deferred
	gone := is.to.Final() && is.to != Delivered
	switch {
	case is.to == Delivered:
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

// failures of all categories.
func (d *dayCount) failures() (sum int64) {
	for _, f := range d.failed {
		sum += int64(f.n)
	}
	return sum
}

// day is the count as reports have it.
func (d *dayCount) day() *Day {
	is := &Day{Delivered: int64(d.delivered), Deferred: int64(d.deferred)}
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
func dayKey(account, day, period string) []byte { return pairKey(account, day+"\x00"+period) }

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

// dayOf a message is the one that it counts in, as this transaction sees it. It is written
// with the transaction.
func (t *tx) dayOf(m *Message) *dayCount {
	key := dayKey(m.Account, m.Accepted.In(t.s.zone).Format(time.DateOnly), m.Period)
	sc := t.scratch()
	if d := sc.days[string(key)]; d != nil {
		return d
	}
	d := &dayCount{}
	if raw := t.b.Get(daysOf, key); raw != nil {
		var err error
		if d, err = decodeDay(key, raw); err != nil {
			panic(err) // a counter that cannot be read must not start again from zero
		}
	}
	if sc.days == nil {
		sc.days = map[string]*dayCount{}
	}
	sc.days[string(key)] = d
	return d
}

// keepDays writes what a transaction has counted.
func keepDays(b *bolt.Tx, all map[string]*dayCount) error {
	for key, d := range all {
		if err := b.Put(daysOf, []byte(key), d.append(nil)); err != nil {
			return err
		}
	}
	return nil
}
