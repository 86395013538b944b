package enginetest

import (
	"fmt"
	"path/filepath"
	"testing"

	"relay/store/engine"
	"relay/store/testdisk"
)

// cursors walks over what one transaction has left of a bucket that is several pages long.
func (s suite) cursors(t *testing.T) {
	const all = 60
	key := func(i int) []byte { return fmt.Appendf(nil, "%03d", i) }
	d := s.at(t, filepath.Join(testdisk.Dir(t), "x.db"))
	txn := begin(t, d)
	for i := range all {
		if err := txn.Put(0, key(i), make([]byte, 900)); err != nil {
			t.Fatal(err)
		}
	}
	if err := txn.Commit(); err != nil {
		t.Fatal(err)
	}
	for _, gone := range [][2]int{{20, 40}, {0, 20}, {40, 60}, {1, 59}, {0, 60}} {
		txn := begin(t, d)
		for i := gone[0]; i < gone[1]; i++ {
			if err := txn.Delete(0, key(i)); err != nil {
				t.Fatal(err)
			}
		}
		c, want := txn.Cursor(0), all-(gone[1]-gone[0])
		up, down := 0, 0
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			up++
		}
		for k, _ := c.Last(); k != nil; k, _ = c.Prev() {
			down++
		}
		if up != want || down != want {
			t.Errorf("without %d: %d records on the way up, %d on the way down, want %d", gone, up, down, want)
		}
		if k, _ := c.Seek(key(gone[1])); k != nil && gone[0] > 0 {
			if k, _ := c.Prev(); string(k) != string(key(gone[0]-1)) {
				t.Errorf("without %d: before the hole is %q", gone, k)
			}
		}
		if err := txn.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(true); err != nil {
		t.Error(err)
	}
}

func begin(t *testing.T, d engine.Driver) engine.Txn {
	t.Helper()
	txn, err := d.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	return txn
}
