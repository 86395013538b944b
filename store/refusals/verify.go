package refusals

import (
	"bytes"
	"errors"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
)

// errorCheck proves lists of errors, on one consistent state.
type errorCheck struct {
	t     *room.Tx
	each  func(b engine.Bucket, fn func(k, raw []byte)) error // walks a bucket
	fault func(format string, args ...any)
}

// Verify proves that each entry of a list of errors lies in the order of time, and that the lists
// are as long as they say. each walks a bucket, and fault is called for each fault. Entries of an
// account that is gone are no fault: the prune removes them.
func (r *Refusals) Verify(t *room.Tx, each func(b engine.Bucket, fn func(k, raw []byte)) error, fault func(format string, args ...any)) error {
	v := &errorCheck{t, each, fault}
	entries, there, err := v.lists()
	var times, counted int64
	err = errors.Join(err,
		v.each(bucket.ErrorTimes, func([]byte, []byte) { times++ }),
		v.each(bucket.ErrorCounts, func(k, raw []byte) {
			n := int64(0)
			if err := room.Decode(bucket.ErrorCounts, k, raw, &n); err != nil {
				v.fault("%v", err)
			}
			counted += n
		}))
	if entries != times || there != counted {
		v.fault("%d errors, %d in the order of time; accounts have %d and count %d", entries, times, there, counted)
	}
	return err
}

// lists looks at each list, and returns how many entries there are, and how many of them belong to
// accounts that are still there.
func (v *errorCheck) lists() (entries, there int64, err error) {
	var account []byte
	var is int64 // entries of account
	check := func() {
		if v.t.Get(bucket.Accounts, account) == nil {
			is = 0
			return
		}
		n := int64(0)
		if _, err := v.t.Read(bucket.ErrorCounts, account, &n); err != nil || n != is {
			v.fault("account %s counts %d errors, there are %d (%v)", account, n, is, err)
		}
		there, is = there+is, 0
	}
	err = v.each(bucket.ErrorsOf, func(k, raw []byte) {
		var e Entry
		if err := room.Decode(bucket.ErrorsOf, k, raw, &e); err != nil {
			v.fault("%v", err)
			return
		}
		of, mailbox, _ := bytes.Cut(k, []byte{0})
		if !bytes.Equal(of, account) {
			check()
			account = bytes.Clone(of)
		}
		entries, is = entries+1, is+1
		if v.t.Get(bucket.ErrorTimes, errorTimeKey(string(of), e.Last, string(mailbox))) == nil {
			v.fault("error %q does not lie under the time of its last refusal", k)
		}
	})
	check()
	return entries, there, err
}
