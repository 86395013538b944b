package spool

import (
	"relay/store/bucket"
	"relay/store/room"
)

// Totals are the sums over the spool. Bucket "meta", key "totals", JSON.
type Totals struct {
	Messages   int64 `json:"messages"`
	Recipients int64 `json:"recipients"` // not final ones
	Bytes      int64 `json:"bytes"`      // of bodies
}

var keyTotals = []byte("totals") // in bucket "meta"

// totals as this transaction sees them. They are written with it.
func (t *Tx) totals() *Totals {
	sc := t.scratch()
	if sc.totals == nil {
		sum := &Totals{}
		if _, err := t.Read(bucket.Meta, keyTotals, sum); err != nil {
			t.Fail(err)
			return sum
		}
		sc.totals = sum
	}
	return sc.totals
}

// TotalsIn are the sums as they are stored.
func TotalsIn(t *room.Tx) (sum Totals, err error) {
	_, err = t.Read(bucket.Meta, keyTotals, &sum)
	return sum, err
}

// Begin stores the sums of a new spool.
func Begin(t *room.Tx) error { return t.Write(bucket.Meta, keyTotals, Totals{}) }

// Totals of the spool, at the same cost whatever its size.
func (s *Spool) Totals() (sum Totals, err error) {
	err = s.view(func(t *Tx) error { sum, err = TotalsIn(&t.Tx); return err })
	return sum, err
}
