package store

import (
	"errors"
	"io"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/spool"
)

// Image says what a copy of the store holds.
type Image struct {
	Size     int64        `json:"size"`   // octets
	Schema   int          `json:"schema"` // of the file
	TxID     int64        `json:"txid"`   // the last transaction that is in it
	Accounts int64        `json:"accounts"`
	Totals   spool.Totals `json:"totals"`
}

// Copy writes a consistent copy of the live store, without what was deleted. begin is
// told what will be in it, before the first octet; an error of its ends the copy. While
// it runs the store takes mail, but cannot use again what it frees: its file grows by
// what is written meanwhile.
func (s *Store) Copy(w io.Writer, begin func(Image) error) (int64, error) {
	return s.db.Engine().Export(w, func(b *engine.Tx, size int64) error {
		t := s.tx(b)
		i := Image{TxID: b.ID(), Size: size}
		if _, err := t.Read(bucket.Meta, keySchema, &i.Schema); err != nil {
			return err
		}
		var err error
		if i.Totals, err = spool.TotalsIn(&t.Tx); err != nil {
			return err
		}
		c := b.Cursor(bucket.Accounts)
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			i.Accounts++
		}
		return begin(i)
	})
}

var errNoFile = errors.New("the store is no file that could be made smaller")

// Compact writes all that the store holds into a new file, without the room that
// is free for use, and compares the two. The caller sees to it that nothing is
// changed meanwhile. progress is told how many octets were copied since its last
// call.
func (s *Store) Compact(path string, progress func(n int64) error) error {
	if s.file == nil {
		return errNoFile
	}
	return s.file.Compact(path, progress)
}
