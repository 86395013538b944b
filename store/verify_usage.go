package store

import (
	"strings"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/room"
)

// counters: usage against the spool, totals against the messages. The two records of a period
// come one after the other.
func (v *verifier) counters() error {
	var of string // account NUL period
	var c Charges
	var p progress
	whole := false // its charges are there
	check := func() {
		if of == "" {
			return
		}
		if !whole {
			account, period, _ := strings.Cut(of, "\x00")
			v.fault("usage of %s in %s is there in a part: what became of its mail, but no charges", account, period)
		}
		v.counter(of, &c, &p)
	}
	err := v.each(bucket.Usage, func(k, raw []byte) {
		charged := v.t.s.charges.Has(k)
		if !charged && !v.t.s.progress.Has(k) {
			v.fault("usage %q is neither of charges nor of what became of mail", k)
			return
		}
		if key := strings.TrimSuffix(string(k), behindPeriod); key != of {
			check()
			of, c, p, whole = key, Charges{}, progress{}, charged
		}
		var err error
		if charged {
			err = room.Decode(bucket.Usage, k, raw, &c)
		} else {
			err = room.Decode(bucket.Usage, k, raw, &p)
		}
		if err != nil {
			v.fault("%v", err)
		}
	})
	check()
	for key := range v.usage {
		v.fault("mail is queued under usage %q, which is not there", key)
	}
	v.totals()
	return err
}

// counter compares what an account was charged in a period with what became of that mail, and
// what is left with what the spool holds.
func (v *verifier) counter(key string, c *Charges, p *progress) {
	account, period, _ := strings.Cut(key, "\x00")
	u, is := usageOf(account, period, c, p), v.usage[key]
	delete(v.usage, key)
	if is == nil {
		is = &Usage{}
	}
	if u.Queued != is.Queued {
		v.fault("usage of %s in %s: %d e-mails charged, but %d delivered, %d failed and %d queued",
			account, period, u.Charged.Messages, u.Delivered, u.Failed, is.Queued)
	}
	if u.Deferred != is.Deferred {
		v.fault("usage of %s in %s says %d deferred, the spool holds %d", account, period, u.Deferred, is.Deferred)
	}
	if u.Stored != is.Stored {
		v.fault("usage of %s in %s says that %d octets are in the spool, which holds %d", account, period, u.Stored, is.Stored)
	}
	if u.Waiting != is.Waiting && v.t.Get(bucket.Meta, keyWaiting) != nil {
		v.fault("usage of %s in %s says that %d messages are in the spool, which holds %d", account, period, u.Waiting, is.Waiting)
	}
	if c.Today != (quota.Charge{}) && c.Day == "" {
		v.fault("usage of %s in %s has charges of a day that they do not name", account, period)
	}
	if u.Bounced > u.Delivered || u.Complained > u.Delivered {
		v.fault("usage of %s in %s: %d e-mails delivered, but %d bounced and %d complained of", account, period, u.Delivered, u.Bounced, u.Complained)
	}
	v.openCounts(account, period, p)
}

// openCounts: where there are counts of an open day the day is named, and they are not more than
// the counts of the period.
func (v *verifier) openCounts(account, period string, p *progress) {
	d, err := p.openCounts()
	switch {
	case err != nil:
		v.fault("decode the open day of %s %s: %v", account, period, err)
	case p.Counts != "" && p.Day == "":
		v.fault("usage of %s in %s has counts of a day that is not named", account, period)
	case int64(d.delivered) > p.Delivered || d.failures() > p.Failed:
		v.fault("the open day of %s in %s has %d delivered, %d failed; its usage %d and %d", account, period, d.delivered, d.failures(), p.Delivered, p.Failed)
	case int64(d.bounced) > p.Bounced || int64(d.complained) > p.Complained:
		v.fault("the open day of %s in %s has %d bounced, %d complained of; its usage %d and %d", account, period, d.bounced, d.complained, p.Bounced, p.Complained)
	}
}
