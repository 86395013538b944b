package enginetest

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"relay/store/engine"
	"relay/store/testdisk"
)

var silent = slog.New(slog.DiscardHandler)

// records are what a driver should hold, by bucket.
type records [2]map[string]string

func (r records) clone() records { return records{maps.Clone(r[0]), maps.Clone(r[1])} }

// state is a driver, and what should be in it.
type state struct {
	suite
	path   string
	d      engine.Driver
	want   records
	id     int64 // of the last commit
	held   []snapshot
	txn    engine.Txn // that writes
	copies int
}

// snapshot is a reader that stays open while others write.
type snapshot struct {
	txn  engine.Txn
	want records
	id   int64
}

// model compares the driver with a map.
func (s suite) model(t *testing.T) {
	dir, n := testdisk.Dir(t), 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		m := &state{suite: s, path: filepath.Join(dir, fmt.Sprint(n, ".db")), want: records{{}, {}}}
		m.open(t)
		defer m.giveUp()
		t.Repeat(map[string]func(*rapid.T){
			"write":   m.write,
			"look":    m.look,
			"hold":    m.hold,
			"release": m.release,
			"reopen":  m.reopen,
			"export":  m.export,
		})
		m.close(t)
	})
}

func (m *state) open(t *rapid.T) {
	d, err := m.suite.open(m.path, names)
	if err != nil {
		t.Fatal(err)
	}
	m.d = d
}

func (m *state) close(t *rapid.T) {
	for len(m.held) > 0 {
		m.end(t, len(m.held)-1)
	}
	d := m.d
	m.d = nil
	if err := d.Close(true); err != nil {
		t.Fatal(err)
	}
}

// giveUp ends what a failure has left open.
func (m *state) giveUp() {
	for _, h := range m.held {
		_ = h.txn.Rollback()
	}
	if m.txn != nil {
		_ = m.txn.Rollback()
	}
	if m.d != nil {
		_ = m.d.Close(true)
	}
}

func (m *state) begin(t *rapid.T, write bool) engine.Txn {
	txn, err := m.d.Begin(write)
	if err != nil {
		t.Fatal(err)
	}
	return txn
}

// write is a transaction that is committed or rolled back.
func (m *state) write(t *rapid.T) {
	txn, want := m.begin(t, true), m.want.clone()
	m.txn = txn
	if txn.ID() <= m.id {
		t.Fatalf("transaction %d after %d", txn.ID(), m.id)
	}
	var lent [][]byte
	for range rapid.IntRange(0, 12).Draw(t, "changes") {
		lent = append(lent, change(t, txn, want)...)
		if rapid.IntRange(0, 3).Draw(t, "looks") == 0 {
			walk(t, txn, want)
		}
	}
	m.txn = nil
	m.finish(t, txn, want)
	for _, b := range lent { // the driver has no use for them any more
		clear(b)
	}
}

func (m *state) finish(t *rapid.T, txn engine.Txn, want records) {
	if rapid.IntRange(0, 3).Draw(t, "end") == 0 {
		if err := txn.Rollback(); err != nil {
			t.Fatal(err)
		}
		return
	}
	id := txn.ID()
	if err := txn.Commit(); err != nil {
		t.Fatal(err)
	}
	m.want, m.id = want, id
}

// change puts or deletes some records next to a cursor, which then goes on as it may. It
// returns values that must not change before the transaction has ended.
func change(t *rapid.T, txn engine.Txn, want records) (lent [][]byte) {
	b := drawBucket(t)
	c := txn.Cursor(b)
	c.First()
	for range rapid.IntRange(1, 4).Draw(t, "records") {
		key := drawKey(t)
		if rapid.IntRange(0, 2).Draw(t, "what") == 0 {
			if err := txn.Delete(b, key); err != nil {
				t.Fatal(err)
			}
			delete(want[b], string(key))
		} else {
			value := drawValue(t)
			want[b][string(key)] = string(value)
			if err := txn.Put(b, key, value); err != nil {
				t.Fatal(err)
			}
			lent = append(lent, value)
		}
		clear(key) // only the value is lent
	}
	position(t, c, sorted(want[b]), want[b])
	return lent
}

// look compares all, with a reader of now or one that was held.
func (m *state) look(t *rapid.T) {
	if len(m.held) > 0 && rapid.Bool().Draw(t, "held") {
		h := m.held[rapid.IntRange(0, len(m.held)-1).Draw(t, "which")]
		compare(t, h.txn, h.want)
		if got := h.txn.ID(); got != h.id {
			t.Fatalf("a reader of transaction %d is now of %d", h.id, got)
		}
		return
	}
	txn := m.begin(t, false)
	compare(t, txn, m.want)
	if err := txn.Rollback(); err != nil {
		t.Fatal(err)
	}
}

func (m *state) hold(t *rapid.T) {
	if len(m.held) > 4 {
		t.Skip("enough")
	}
	txn := m.begin(t, false)
	if txn.ID() < m.id {
		t.Fatalf("a reader of transaction %d after %d", txn.ID(), m.id)
	}
	m.held = append(m.held, snapshot{txn, m.want.clone(), txn.ID()})
}

func (m *state) release(t *rapid.T) {
	if len(m.held) == 0 {
		t.Skip("none")
	}
	m.end(t, rapid.IntRange(0, len(m.held)-1).Draw(t, "which"))
}

func (m *state) end(t *rapid.T, i int) {
	compare(t, m.held[i].txn, m.held[i].want)
	if err := m.held[i].txn.Rollback(); err != nil {
		t.Fatal(err)
	}
	m.held = slices.Delete(m.held, i, i+1)
}

func (m *state) reopen(t *rapid.T) {
	m.close(t)
	m.open(t)
	m.look(t)
}

// export makes a copy while others write, and opens it.
func (m *state) export(t *rapid.T) {
	want := m.want
	var b bytes.Buffer
	size := int64(-1)
	n, err := m.d.Export(&b, func(txn engine.Txn, s int64) error {
		size = s
		if b.Len() > 0 {
			t.Fatal("the copy began before begin")
		}
		m.write(t)
		compare(t, txn, want)
		return nil
	})
	if err != nil || n != size || n != int64(b.Len()) {
		t.Fatalf("Export = %d, %v; announced were %d octets, there are %d", n, err, size, b.Len())
	}
	m.copies++
	path := fmt.Sprint(m.path, ".copy", m.copies)
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &state{suite: m.suite, path: path, want: want}
	c.open(t)
	defer c.giveUp()
	c.look(t)
	c.write(t)
	c.look(t)
	c.close(t)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// compare looks up and walks over all records, there and back.
func compare(t *rapid.T, txn engine.Txn, want records) {
	for b := range want {
		keys := sorted(want[b])
		c := txn.Cursor(engine.Bucket(b))
		k, v := c.First()
		for _, key := range keys {
			same(t, k, v, key, want[b][key])
			if got := txn.Get(engine.Bucket(b), []byte(key)); got == nil || string(got) != want[b][key] {
				t.Fatalf("Get(%q) = %q, want %q", key, got, want[b][key])
			}
			k, v = c.Next()
		}
		none(t, k, v)
		k, v = c.Last()
		for _, key := range slices.Backward(keys) {
			same(t, k, v, key, want[b][key])
			k, v = c.Prev()
		}
		none(t, k, v)
	}
	walk(t, txn, want)
}

// walk looks for some key that may not be there, and goes some steps from there.
func walk(t *rapid.T, txn engine.Txn, want records) {
	b := drawBucket(t)
	key := drawKey(t)
	if got, ok := want[b][string(key)]; ok != (txn.Get(b, key) != nil) || got != string(txn.Get(b, key)) {
		t.Fatalf("Get(%q) = %q, want %q, %v", key, txn.Get(b, key), got, ok)
	}
	c := txn.Cursor(b)
	for range 2 {
		position(t, c, sorted(want[b]), want[b])
	}
}

// position puts the cursor somewhere and moves it from there.
func position(t *rapid.T, c engine.Cursor, keys []string, want map[string]string) {
	var k, v []byte
	var at int
	switch rapid.SampledFrom([]string{"seek", "seek", "first", "last"}).Draw(t, "position") {
	case "first":
		k, v = c.First()
	case "last":
		k, v = c.Last()
		at = len(keys) - 1
	default:
		key := drawKey(t)
		at, _ = slices.BinarySearch(keys, string(key))
		k, v = c.Seek(key)
	}
	for _, step := range rapid.SliceOfN(rapid.SampledFrom([]int{1, -1}), 0, 6).Draw(t, "steps") {
		if at < 0 || at >= len(keys) {
			break // where a cursor is that returned nil, nobody knows
		}
		same(t, k, v, keys[at], want[keys[at]])
		if at += step; step > 0 {
			k, v = c.Next()
		} else {
			k, v = c.Prev()
		}
	}
	if at < 0 || at >= len(keys) {
		none(t, k, v)
		return
	}
	same(t, k, v, keys[at], want[keys[at]])
}

func same(t *rapid.T, k, v []byte, key, value string) {
	t.Helper()
	if k == nil || v == nil || string(k) != key || string(v) != value {
		t.Fatalf("the cursor is at %q with %d octets, want %q with %d", k, len(v), key, len(value))
	}
}

func none(t *rapid.T, k, v []byte) {
	t.Helper()
	if k != nil || v != nil {
		t.Fatalf("the cursor is at %q, want the end", k)
	}
}

func sorted(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func drawBucket(t *rapid.T) engine.Bucket {
	return engine.Bucket(rapid.IntRange(0, len(names)-1).Draw(t, "bucket"))
}

// drawKey draws short keys of few octets, so that they meet, and one begins as another.
func drawKey(t *rapid.T) []byte {
	return rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'k', 0xff}), 1, 4).Draw(t, "key")
}

func drawValue(t *rapid.T) []byte {
	n := rapid.SampledFrom([]int{0, 1, 40, 900, 9000}).Draw(t, "size")
	return bytes.Repeat([]byte{rapid.Byte().Draw(t, "octet")}, n)
}

// readers wants each reader to see one commit, while others are made.
func (s suite) readers(t *testing.T) {
	db := closing(t, engine.New(s.at(t, filepath.Join(testdisk.Dir(t), "x.db")), engine.Options{}))
	const keys, commits = 50, 100
	var wg sync.WaitGroup
	var stop atomic.Bool
	for range 3 {
		wg.Go(func() {
			last := int64(0)
			for !stop.Load() {
				if err := db.View(func(tx *engine.Tx) error { return seesOne(tx, &last) }); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range commits {
		err := update(db, func(tx *engine.Tx) (err error) {
			for k := 0; k < keys && err == nil; k++ {
				err = tx.Put(0, fmt.Append(nil, k), []byte(strings.Repeat(fmt.Sprintf("%03d", i), 50)))
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	wg.Wait()
}

// seesOne wants all records of a reader to be the same, and no older than what was seen
// before.
func seesOne(tx *engine.Tx, last *int64) error {
	if tx.ID() < *last {
		return fmt.Errorf("a reader of transaction %d after one of %d", tx.ID(), *last)
	}
	*last = tx.ID()
	c := tx.Cursor(0)
	_, first := c.First()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if !bytes.Equal(v, first) {
			return fmt.Errorf("a reader of transaction %d sees %.3s and %.3s", tx.ID(), first, v)
		}
	}
	return nil
}
