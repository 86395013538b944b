package known

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// inMemory is an ordered store in memory.
type inMemory struct {
	keys   [][]byte
	chunks map[string][]byte
}

func (s *inMemory) floor(key []byte) (k, chunk []byte, err error) {
	i, found := slices.BinarySearchFunc(s.keys, key, bytes.Compare)
	if !found {
		i--
	}
	if i < 0 {
		return nil, nil, nil
	}
	return s.keys[i], s.chunks[string(s.keys[i])], nil
}

func (s *inMemory) put(key, chunk []byte) error {
	if s.chunks == nil {
		s.chunks = map[string][]byte{}
	}
	if i, found := slices.BinarySearchFunc(s.keys, key, bytes.Compare); !found {
		s.keys = slices.Insert(s.keys, i, slices.Clone(key))
	}
	s.chunks[string(key)] = slices.Clone(chunk)
	return nil
}

func numbered(n int) hash {
	h := fnv.New64a()
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
	return shortened(h.Sum64() * 0x9e3779b97f4a7c15)
}

// Recipients are known for a year from the last time, and no others are.
func TestLearn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, last := &inMemory{}, map[int]int{}
		month := rapid.IntRange(0, 600).Draw(t, "first month")
		for range rapid.IntRange(1, 3000).Draw(t, "recipients") {
			if rapid.IntRange(0, 100).Draw(t, "turn") == 0 {
				month++
			}
			n := rapid.IntRange(0, 5000).Draw(t, "n")
			if err := learn(s, numbered(n), month); err != nil {
				t.Fatal(err)
			}
			last[n] = month
		}
		for n := range 5001 {
			was, ever := last[n]
			want := ever && month-was <= keptMonths
			if got, _ := knows(s, numbered(n), month); got != want {
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
func TestLearn_size(t *testing.T) {
	s := &inMemory{}
	const n = 100_000
	for i := range n {
		learn(s, numbered(i), 1)
	}
	size := 0
	for _, c := range s.chunks {
		size += len(c)
	}
	if most := 7 * n; size > most || len(s.keys) > n/mostInside*3 {
		t.Errorf("%d octets in %d chunks for %d recipients", size, len(s.keys), n)
	}
}

func BenchmarkKnows(b *testing.B) {
	s := &inMemory{}
	for i := range 100_000 {
		learn(s, numbered(i), 1)
	}
	for i := 0; b.Loop(); i++ {
		knows(s, numbered(i), 1)
	}
}
