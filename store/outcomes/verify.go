package outcomes

import (
	"bytes"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
)

// Verify proves that no more of an account's mail comes back than was delivered, that a day which
// has counts is named, and that the day has no more of them than the period. fault is called for
// each fault.
func (p *Progress) Verify(account, period string, fault func(format string, args ...any)) {
	if p.Bounced > p.Delivered || p.Complained > p.Delivered {
		fault("usage of %s in %s: %d e-mails delivered, but %d bounced and %d complained of", account, period, p.Delivered, p.Bounced, p.Complained)
	}
	d, err := p.openCounts()
	switch {
	case err != nil:
		fault("decode the open day of %s %s: %v", account, period, err)
	case p.Counts != "" && p.Day == "":
		fault("usage of %s in %s has counts of a day that is not named", account, period)
	case int64(d.Delivered) > p.Delivered || d.Failures() > p.Failed:
		fault("the open day of %s in %s has %d delivered, %d failed; its usage %d and %d", account, period, d.Delivered, d.Failures(), p.Delivered, p.Failed)
	case int64(d.Bounced) > p.Bounced || int64(d.Complained) > p.Complained:
		fault("the open day of %s in %s has %d bounced, %d complained of; its usage %d and %d", account, period, d.Bounced, d.Complained, p.Bounced, p.Complained)
	}
}

// Verify proves that no period has more outcomes by day than its Progress counts. It may have
// fewer: days are removed, and a relay of before did not keep them. each walks a bucket, and fault
// is called for each fault.
func (*Outcomes) Verify(t *room.Tx, each func(b engine.Bucket, fn func(k, raw []byte)) error, fault func(format string, args ...any)) error {
	var account []byte
	sums := map[string]*Day{} // of the account, by period
	check := func() {
		for period, is := range sums {
			compare(t, string(account), period, is, fault)
		}
		clear(sums)
	}
	err := each(bucket.DaysOf, func(k, raw []byte) {
		d, err := decodeDay(k, raw)
		if err != nil {
			fault("%v", err)
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
		sums[period].add(d)
	})
	check()
	return err
}

// compare compares the sum of a period's closed days, to which its open day is added, with its
// Progress.
func compare(t *room.Tx, account, period string, sum *Day, fault func(format string, args ...any)) {
	var p Progress
	if _, err := t.Read(bucket.Usage, progressKey(account, period), &p); err != nil {
		fault("%v", err)
		return
	}
	if open, err := p.openCounts(); err == nil { // else Progress.Verify says so
		sum.add(open)
	}
	if int64(sum.Delivered) > p.Delivered || sum.Failures() > p.Failed {
		fault("the days of %s in %s have %d delivered, %d failed; its usage %d and %d", account, period, sum.Delivered, sum.Failures(), p.Delivered, p.Failed)
	}
	if int64(sum.Bounced) > p.Bounced || int64(sum.Complained) > p.Complained {
		fault("the days of %s in %s have %d bounced, %d complained of; its usage %d and %d", account, period, sum.Bounced, sum.Complained, p.Bounced, p.Complained)
	}
}
