package store

import (
	"bytes"

	"relay/store/bucket"
)

// days: no period has more outcomes by day than its usage counts. It may have fewer: days
// are forgotten, and a relay of before did not keep them.
func (v *verifier) days() error {
	var account []byte
	sums := map[string]*Day{} // of the account, by period
	check := func() {
		for period, is := range sums {
			var u progress
			if _, err := v.t.Read(bucket.Usage, progressKey(string(account), period), &u); err != nil {
				v.fault("%v", err)
				continue
			}
			if open, err := u.openCounts(); err == nil { // else counters says so
				is.add(open.day())
			}
			if is.Delivered > u.Delivered || is.failures() > u.Failed {
				v.fault("the days of %s in %s have %d delivered, %d failed; its usage %d and %d", account, period, is.Delivered, is.failures(), u.Delivered, u.Failed)
			}
			if is.Bounced > u.Bounced || is.Complained > u.Complained {
				v.fault("the days of %s in %s have %d bounced, %d complained of; its usage %d and %d", account, period, is.Bounced, is.Complained, u.Bounced, u.Complained)
			}
		}
		clear(sums)
	}
	err := v.each(bucket.DaysOf, func(k, raw []byte) {
		d, err := decodeDay(k, raw)
		if err != nil {
			v.fault("%v", err)
			return
		}
		of, rest, _ := bytes.Cut(k, []byte{0})
		if !bytes.Equal(of, account) {
			check()
			account = bytes.Clone(of)
		}
		_, period := parseDay(rest)
		if sums[period] == nil {
			sums[period] = &Day{}
		}
		sums[period].add(d.day())
	})
	check()
	return err
}

// refusals: lists of errors are whole.
func (v *verifier) refusals() error { return v.t.s.Refusals.Verify(&v.t.Tx, v.each, v.fault) }
