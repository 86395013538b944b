package store

import (
	"bytes"
	"time"

	"relay/store/bolt"
)

// Day is what an account's mail of a day in the operator's zone came to. Its e-mails and
// octets are those of the ledger. What became of them lies in bucket "days", key account NUL
// day NUL period that they were charged to, JSON: Settle, Claim and a drop count it in the
// transaction of the outcome, beside the usage, once for each day that it is about. Mail counts
// on the day on which it was accepted, so that the days of a period add up to its usage.
type Day struct {
	Day    string `json:"-"` // "2026-11-29"
	Emails int64  `json:"-"` // that were accepted
	Bytes  int64  `json:"-"`

	Delivered int64                  `json:"delivered,omitempty"` // of them until now
	Deferred  int64                  `json:"deferred,omitempty"`  // put off at least once
	Failed    map[string]int64       `json:"failed,omitempty"`    // given up, by category
	Providers map[string]ProviderDay `json:"providers,omitempty"` // by name; OtherProviders: beyond mostProviders
}

// ProviderDay is what became of a day's mail at one provider.
type ProviderDay struct {
	Delivered int64 `json:"delivered,omitempty"`
	Deferred  int64 `json:"deferred,omitempty"`
	Failed    int64 `json:"failed,omitempty"`
}

// OtherProviders is the name under which those are counted that a day has no room for.
const OtherProviders = "other"

const mostProviders = 20 // of a day

// count adds what became of one e-mail.
func (d *Day) count(is fate) {
	p := ProviderDay{}
	switch {
	case is.to == Delivered:
		d.Delivered++
		p.Delivered = 1
	case is.to.Final():
		if d.Failed == nil {
			d.Failed = map[string]int64{}
		}
		d.Failed[is.category]++
		p.Failed = 1
	case is.to == Deferred && is.from != Deferred:
		d.Deferred++
		p.Deferred = 1
	default:
		return
	}
	if is.provider != "" {
		d.at(is.provider, p)
	}
}

// at adds to the counts of a provider.
func (d *Day) at(provider string, p ProviderDay) {
	if d.Providers == nil {
		d.Providers = map[string]ProviderDay{}
	}
	sum, known := d.Providers[provider]
	if !known && len(d.Providers) >= mostProviders {
		provider = OtherProviders
		sum = d.Providers[provider]
	}
	d.Providers[provider] = ProviderDay{sum.Delivered + p.Delivered, sum.Deferred + p.Deferred, sum.Failed + p.Failed}
}

// add adds up two counts of the same day.
func (d *Day) add(o *Day) {
	d.Emails, d.Bytes = d.Emails+o.Emails, d.Bytes+o.Bytes
	d.Delivered, d.Deferred = d.Delivered+o.Delivered, d.Deferred+o.Deferred
	for category, n := range o.Failed {
		if d.Failed == nil {
			d.Failed = map[string]int64{}
		}
		d.Failed[category] += n
	}
	for name, p := range o.Providers {
		d.at(name, p)
	}
}

// failures of all categories.
func (d *Day) failures() (sum int64) {
	for _, n := range d.Failed {
		sum += n
	}
	return sum
}

// dayKey is account NUL day NUL period.
func dayKey(account, day, period string) []byte { return pairKey(account, day+"\x00"+period) }

// parseDay reads what follows the account in that key.
func parseDay(rest []byte) (day, period string) {
	d, p, _ := bytes.Cut(rest, []byte{0})
	return string(d), string(p)
}

// dayOf a message is the one that it counts in, as this transaction sees it. It is written
// with the transaction.
func (t *tx) dayOf(m *Message) *Day {
	key := string(dayKey(m.Account, m.Accepted.In(t.s.zone).Format(time.DateOnly), m.Period))
	sc := t.scratch()
	if d := sc.days[key]; d != nil {
		return d
	}
	d := &Day{}
	if _, err := t.get(daysOf, []byte(key), d); err != nil {
		panic(err) // a counter that cannot be read must not start again from zero
	}
	if sc.days == nil {
		sc.days = map[string]*Day{}
	}
	sc.days[key] = d
	return d
}

// keepDays writes what a transaction has counted.
func keepDays(b *bolt.Tx, all map[string]*Day) error {
	for key, d := range all {
		if err := putJSON(b, daysOf, []byte(key), d); err != nil {
			return err
		}
	}
	return nil
}

// keepErrorCounts writes the lengths of lists of errors that a transaction has changed.
func keepErrorCounts(b *bolt.Tx, all map[string]*countedErrors) error {
	for account, n := range all {
		if n.is == n.was {
			continue
		}
		if err := putJSON(b, errorCounts, []byte(account), n.is); err != nil {
			return err
		}
	}
	return nil
}
