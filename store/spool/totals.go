package spool

import (
	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

// Totals are the sums over the spool. Bucket "meta", key "totals", JSON.
type Totals struct {
	Messages   int64 `json:"messages"`
	Recipients int64 `json:"recipients"` // not final ones
	Bytes      int64 `json:"bytes"`      // of bodies
}

var keyTotals, keyAges = []byte("totals"), []byte("ages") // in bucket "meta"

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

// AgesIn are the counts by age as they are stored.
func AgesIn(t *room.Tx) (spooled.Ages, error) { return spooled.ReadAges(t.Get(bucket.Meta, keyAges)) }

// Begin stores the sums of a new spool.
func Begin(t *room.Tx) error { return t.Write(bucket.Meta, keyTotals, Totals{}) }

// Totals of the spool, at the same cost whatever its size.
func (s *Spool) Totals() (sum Totals, err error) {
	err = s.view(func(t *Tx) error { _, err := t.Read(bucket.Meta, keyTotals, &sum); return err })
	return sum, err
}
