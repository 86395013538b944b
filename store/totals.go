package store

import "relay/store/bucket"

// Totals are the sums over the spool. Bucket "meta", key "totals", JSON.
type Totals struct {
	Messages   int64 `json:"messages"`
	Recipients int64 `json:"recipients"` // not final ones
	Bytes      int64 `json:"bytes"`      // of bodies
}

var keyTotals, keyAges = []byte("totals"), []byte("ages") // in bucket "meta"

func (t *SpoolTx) totals() *Totals {
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

// Totals of the spool, at the same cost whatever its size.
func (s *Spool) Totals() (sum Totals, err error) {
	err = s.view(func(t *SpoolTx) error { _, err := t.Read(bucket.Meta, keyTotals, &sum); return err })
	return sum, err
}
