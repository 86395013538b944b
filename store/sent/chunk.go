package sent

import (
	"bytes"
	"encoding/binary"
	"sort"
)

// chunkEntries is how many entries a chunk has: two chunks with their keys fill a page of 4 KB.
const chunkEntries = 50

// Key of a chunk: the run, the Message-ID of its first entry, and its number in the run.
func Key(run uint32, first Hash, number uint32) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 16), run)
	return binary.BigEndian.AppendUint32(append(b, first[:]...), number)
}

// RunOf a chunk, by its key.
func RunOf(key []byte) uint32 { return binary.BigEndian.Uint32(key) }

// Cursor is a position among all chunks, in the order of their keys. Its methods return nil
// at the end.
type Cursor interface {
	Seek(key []byte) (k, v []byte) // the first one that is not before key
	Next() (k, v []byte)
	Prev() (k, v []byte)
	Last() (k, v []byte)
}

// floor moves to the chunk of a run in which the first entry lies that is not before the
// Message-ID, or to one before it; k is nil if the run has no such chunk.
func floor(c Cursor, run uint32, h Hash) (k, v []byte) {
	key := Key(run, h, 0)
	if k, _ = c.Seek(key); k == nil {
		k, v = c.Last()
	} else {
		k, v = c.Prev()
	}
	if k == nil || RunOf(k) != run {
		k, v = c.Seek(key)
	}
	if k == nil || RunOf(k) != run {
		return nil, nil
	}
	return k, v
}

// Find calls fn for the entries of a run with the Message-ID of a key, from the key on, in
// order, until fn returns false. In the key all may be missing that follows the Message-ID.
func Find(c Cursor, run uint32, key []byte, fn func(raw []byte) bool) {
	h := Hash(key)
	for k, v := floor(c, run, h); k != nil && RunOf(k) == run; k, v = c.Next() {
		n := len(v) / Size
		i := sort.Search(n, func(i int) bool { return bytes.Compare(v[i*Size:i*Size+len(key)], key) >= 0 })
		for ; i < n; i++ {
			if raw := v[i*Size : (i+1)*Size]; Hash(raw) != h || !fn(raw) {
				return
			}
		}
	}
}

// Chunks calls put for the chunks of sorted entries, of which the first one has a number in
// its run, and returns how many there are.
func Chunks(run, number uint32, list []byte, put func(key, chunk []byte) error) (n uint32, err error) {
	for ; len(list) > 0; n++ {
		size := min(len(list), chunkEntries*Size)
		if err := put(Key(run, Hash(list), number+n), list[:size:size]); err != nil {
			return n, err
		}
		list = list[size:]
	}
	return n, nil
}
