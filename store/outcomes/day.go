package outcomes

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

// Day is what became of an account's mail of a day. Bucket "days", key account NUL day NUL period
// that the mail was charged to. Mail counts on the day on which it was accepted, so that the days
// of a period add up to its Progress. The counts of the last day stand there: see open.go.
//
// A recipient that is suppressed counts as failed, and at no provider: nothing was sent to one,
// and only the DNS says which one it would have been.
//
// Every delivery counts here, so it is not stored as JSON. Numbers are uvarints, and names have
// their length before them: Delivered, Deferred, the number of categories, each with its count,
// the number of providers, each with its three counts; and, where mail came back, Bounced and
// Complained.
type Day struct {
	Delivered, Deferred uint64
	failed              []failures
	providers           []provider
	Bounced, Complained uint64
}

type failures struct {
	category string
	n        uint64
}

type provider struct {
	name                        string
	delivered, deferred, failed uint64
}

const mostProviders = 20 // of a day, beside OtherProviders

// count adds what became of one e-mail.
func (d *Day) count(is Fate) {
	put := is.To == spooled.Deferred && is.From != spooled.Deferred
	gone := is.To.Final() && is.To != spooled.Delivered
	switch {
	case is.To == spooled.Delivered:
		d.Delivered++
	case gone:
		d.at(is.Category).n++
	case put:
		d.Deferred++
	default:
		return
	}
	if is.Provider == "" {
		return
	}
	switch p := d.of(is.Provider); {
	case put:
		p.deferred++
	case gone:
		p.failed++
	default:
		p.delivered++
	}
}

// at is the count of a category.
func (d *Day) at(category string) *failures {
	for i := range d.failed {
		if d.failed[i].category == category {
			return &d.failed[i]
		}
	}
	d.failed = append(d.failed, failures{category: category})
	return &d.failed[len(d.failed)-1]
}

// of is the count of a provider, or of others where there is no room.
func (d *Day) of(name string) *provider {
	for i := range d.providers {
		if d.providers[i].name == name {
			return &d.providers[i]
		}
	}
	if len(d.providers) >= mostProviders && name != OtherProviders {
		return d.of(OtherProviders)
	}
	d.providers = append(d.providers, provider{name: name})
	return &d.providers[len(d.providers)-1]
}

// add adds what another count of the same day has.
func (d *Day) add(o *Day) {
	d.Delivered, d.Deferred = d.Delivered+o.Delivered, d.Deferred+o.Deferred
	for i := range o.failed {
		d.at(o.failed[i].category).n += o.failed[i].n
	}
	for i := range o.providers {
		from := &o.providers[i]
		p := d.of(from.name)
		p.delivered, p.deferred, p.failed = p.delivered+from.delivered, p.deferred+from.deferred, p.failed+from.failed
	}
	d.Bounced, d.Complained = d.Bounced+o.Bounced, d.Complained+o.Complained
}

// empty reports whether nothing was counted.
func (d *Day) empty() bool {
	return d.Delivered == 0 && d.Deferred == 0 && len(d.failed) == 0 && len(d.providers) == 0 && d.Bounced == 0 && d.Complained == 0
}

// Failures of all categories.
func (d *Day) Failures() (sum int64) {
	for _, f := range d.failed {
		sum += int64(f.n)
	}
	return sum
}

// Sum is what the day comes to, for readers.
func (d *Day) Sum() Sum {
	is := Sum{Delivered: int64(d.Delivered), Deferred: int64(d.Deferred), Bounced: int64(d.Bounced), Complained: int64(d.Complained)}
	for _, f := range d.failed {
		if is.Failed == nil {
			is.Failed = map[string]int64{}
		}
		is.Failed[f.category] = int64(f.n)
	}
	for _, p := range d.providers {
		is.at(p.name, Provider{int64(p.delivered), int64(p.deferred), int64(p.failed)})
	}
	return is
}

// append writes the count behind b.
func (d *Day) append(b []byte) []byte {
	b = slices.Grow(b, 32*(1+len(d.failed)+len(d.providers)))
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	number := func(list ...uint64) {
		for _, n := range list {
			b = binary.AppendUvarint(b, n)
		}
	}
	number(d.Delivered, d.Deferred, uint64(len(d.failed)))
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
	if d.Bounced+d.Complained > 0 {
		number(d.Bounced, d.Complained)
	}
	return b
}

var errNoDay = errors.New("it is no count of a day")

// read reads what append wrote.
func (d *Day) read(raw []byte) error {
	r := dayReader{raw: raw, text: string(raw)}
	d.Delivered, d.Deferred = r.number(), r.number()
	if n := r.length(); n > 0 {
		d.failed = make([]failures, 0, n+1)
		for range n {
			d.failed = append(d.failed, failures{r.name(), r.number()})
		}
	}
	if n := r.length(); n > 0 {
		d.providers = make([]provider, 0, n+1)
		for range n {
			d.providers = append(d.providers, provider{r.name(), r.number(), r.number(), r.number()})
		}
	}
	if !r.bad && r.at < len(raw) {
		d.Bounced, d.Complained = r.number(), r.number()
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
func decodeDay(key, raw []byte) (*Day, error) {
	d := &Day{}
	if err := d.read(raw); err != nil {
		return nil, fmt.Errorf("decode days %q: %w", key, err)
	}
	return d, nil
}

// daysKept is how long outcomes are kept by day.
const daysKept = 400

// Prune removes days that are too old, and those of accounts that are gone. It works in small
// transactions and stops with the store.
func (o *Outcomes) Prune(now time.Time) (removed int, err error) {
	oldest := room.DayBefore(now, daysKept, o.zone)
	return room.Aging{In: bucket.DaysOf, Owners: bucket.Accounts,
		Old:    func(rest []byte) bool { day, _ := parseDay(rest); return day < oldest },
		Remove: func(t *room.Tx, key []byte) error { return t.Delete(bucket.DaysOf, key) },
	}.Prune(o.db, nil)
}
