package store

import (
	"strings"

	"relay/quota"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/outcomes"
	"relay/store/room"
	"relay/store/standing"
)

// counters: usage against the spool, totals against the messages. The two records of a period
// come one after the other.
func (v *verifier) counters() error {
	var of string // account NUL period
	var c books.Charges
	var p outcomes.Progress
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
		charged := v.t.s.Books.IsCharges(k)
		if !charged && !v.t.s.Outcomes.Has(k) {
			v.fault("usage %q is neither of charges nor of what became of mail", k)
			return
		}
		if key := strings.TrimSuffix(string(k), outcomes.Behind); key != of {
			check()
			of, c, p, whole = key, books.Charges{}, outcomes.Progress{}, charged
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
func (v *verifier) counter(key string, c *books.Charges, p *outcomes.Progress) {
	account, period, _ := strings.Cut(key, "\x00")
	u, is := standing.UsageOf(account, period, c, *p), v.usage[key]
	delete(v.usage, key)
	if is == nil {
		is = &standing.Usage{}
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
	p.Verify(account, period, v.fault)
}
