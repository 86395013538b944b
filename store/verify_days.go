package store

import (
	"bytes"
	"errors"
)

// days: no period has more outcomes by day than its usage counts. It may have fewer: days
// are forgotten, and a relay of before did not keep them.
func (v *verifier) days() error {
	var account []byte
	sums := map[string]*Day{} // of the account, by period
	check := func() {
		for period, is := range sums {
			var u Usage
			if _, err := v.t.get(usage, pairKey(string(account), period), &u); err != nil {
				v.fault("%v", err)
			} else if is.Delivered > u.Delivered || is.failures() > u.Failed {
				v.fault("the days of %s in %s have %d delivered, %d failed; its usage %d and %d", account, period, is.Delivered, is.failures(), u.Delivered, u.Failed)
			}
		}
		clear(sums)
	}
	err := v.each(daysOf, func(k, raw []byte) {
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

// errors: each entry of a list of errors is in the order of time, and the lists are as long
// as they say. Of an account that is gone something may be left.
func (v *verifier) errors() error {
	entries, there, err := v.errorLists()
	var times, counted int64
	err = errors.Join(err,
		v.each(errorTimes, func([]byte, []byte) { times++ }),
		v.each(errorCounts, func(k, raw []byte) {
			n := int64(0)
			if err := decode("error-counts", k, raw, &n); err != nil {
				v.fault("%v", err)
			}
			counted += n
		}))
	if entries != times || there != counted {
		v.fault("%d errors, %d in the order of time; accounts have %d and count %d", entries, times, there, counted)
	}
	return err
}

// errorLists looks at each list, and returns how many entries there are, and how many of them
// belong to accounts that are not gone.
func (v *verifier) errorLists() (entries, there int64, err error) {
	var account []byte
	var is int64 // entries of account
	check := func() {
		if v.t.b.Get(accounts, account) == nil {
			is = 0
			return
		}
		n := int64(0)
		if _, err := v.t.get(errorCounts, account, &n); err != nil || n != is {
			v.fault("account %s counts %d errors, there are %d (%v)", account, n, is, err)
		}
		there, is = there+is, 0
	}
	err = v.each(errorsOf, func(k, raw []byte) {
		var e RefusedRecipient
		if err := decode("errors", k, raw, &e); err != nil {
			v.fault("%v", err)
			return
		}
		of, mailbox, _ := bytes.Cut(k, []byte{0})
		if !bytes.Equal(of, account) {
			check()
			account = bytes.Clone(of)
		}
		entries, is = entries+1, is+1
		if v.t.b.Get(errorTimes, errorTimeKey(string(of), e.Last, string(mailbox))) == nil {
			v.fault("error %q does not lie under the time of its last refusal", k)
		}
	})
	check()
	return entries, there, err
}
