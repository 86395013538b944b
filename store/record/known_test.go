package record

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// shelf is an ordered store in memory.
type shelf struct {
	keys   [][]byte
	chunks map[string][]byte
}

func (s *shelf) Floor(key []byte) (k, chunk []byte, err error) {
	i, found := slices.BinarySearchFunc(s.keys, key, bytes.Compare)
	if !found {
		i--
	}
	if i < 0 {
		return nil, nil, nil
	}
	return s.keys[i], s.chunks[string(s.keys[i])], nil
}

func (s *shelf) Put(key, chunk []byte) error {
	if s.chunks == nil {
		s.chunks = map[string][]byte{}
	}
	if i, found := slices.BinarySearchFunc(s.keys, key, bytes.Compare); !found {
		s.keys = slices.Insert(s.keys, i, slices.Clone(key))
	}
	s.chunks[string(key)] = slices.Clone(chunk)
	return nil
}

func hashOf(n int) Hash {
	h := fnv.New64a()
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
	return HashOf(h.Sum64() * 0x9e3779b97f4a7c15)
}

// Recipients are known for a year from the last time, and no others are.
func TestKnown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, last := &shelf{}, map[int]int{}
		month := rapid.IntRange(0, 600).Draw(t, "first month")
		for range rapid.IntRange(1, 3000).Draw(t, "recipients") {
			if rapid.IntRange(0, 100).Draw(t, "turn") == 0 {
				month++
			}
			n := rapid.IntRange(0, 5000).Draw(t, "n")
			if err := Learn(s, hashOf(n), month); err != nil {
				t.Fatal(err)
			}
			last[n] = month
		}
		for n := range 5001 {
			was, ever := last[n]
			want := ever && month-was <= keptMonths
			if got, _ := Knows(s, hashOf(n), month); got != want {
				t.Fatalf("%d, last in %d of %d: known %v", n, was, month, got)
			}
		}
		for k, c := range s.chunks {
			if len(c) > mostInside*entrySize || len(c)%entrySize != 0 {
				t.Fatalf("chunk %x has %d octets", k, len(c))
			}
		}
	})
}

// A million recipients take about ten megabytes.
func TestKnown_size(t *testing.T) {
	s := &shelf{}
	const n = 100_000
	for i := range n {
		Learn(s, hashOf(i), 1)
	}
	size := 0
	for _, c := range s.chunks {
		size += len(c)
	}
	if most := 7 * n; size > most || len(s.keys) > n/mostInside*3 {
		t.Errorf("%d octets in %d chunks for %d recipients", size, len(s.keys), n)
	}
}

func BenchmarkKnown(b *testing.B) {
	s := &shelf{}
	for i := range 100_000 {
		Learn(s, hashOf(i), 1)
	}
	for i := 0; b.Loop(); i++ {
		Knows(s, hashOf(i), 1)
	}
}
