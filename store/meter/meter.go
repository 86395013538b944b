// Package meter counts what happens on paths that carry mail: with atomic additions, so that
// it costs them nothing worth measuring. They are read now and then, to be shown;
// nothing is written to disk, and everything begins at zero with the process.
package meter

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Counter only ever goes up.
type Counter struct{ n atomic.Int64 }

// Add counts n more.
func (c *Counter) Add(n int64) { c.n.Add(n) }

// Value is the sum so far.
func (c *Counter) Value() int64 { return c.n.Load() }

// mostKinds that a Table tells apart. What comes after them counts under the zero kind.
const mostKinds = 1000

// Table is a counter for each kind of thing. Kinds come from the code or from the operator,
// never from strangers; as a net there is a limit. The zero Table is ready.
type Table[K comparable] struct {
	now atomic.Pointer[map[K]*Counter] // never changed, but replaced
	mu  sync.Mutex                     // held while it is replaced
}

// Add counts n more of a kind.
func (t *Table[K]) Add(k K, n int64) {
	if m := t.now.Load(); m != nil {
		if c := (*m)[k]; c != nil {
			c.Add(n)
			return
		}
	}
	t.grow(k).Add(n)
}

// grow returns the counter of a kind that may be new.
func (t *Table[K]) grow(k K) *Counter {
	t.mu.Lock()
	defer t.mu.Unlock()
	var is map[K]*Counter
	if m := t.now.Load(); m != nil {
		is = *m
	}
	if is[k] == nil && len(is) >= mostKinds {
		k = *new(K)
	}
	if c := is[k]; c != nil {
		return c
	}
	next := make(map[K]*Counter, len(is)+1)
	maps.Copy(next, is)
	next[k] = &Counter{}
	t.now.Store(&next)
	return next[k]
}

// Each calls fn for every kind that was counted.
func (t *Table[K]) Each(fn func(K, int64)) {
	if m := t.now.Load(); m != nil {
		for k, c := range *m {
			fn(k, c.Value())
		}
	}
}

// Histogram tells how often values were at most so large. NewHistogram makes one.
type Histogram struct {
	bounds []int64
	counts []atomic.Int64 // of each bound, of values above the one before; the last: above all
	sum    atomic.Int64
}

// NewHistogram has these bounds, in rising order.
func NewHistogram(bounds ...int64) *Histogram {
	return &Histogram{bounds: bounds, counts: make([]atomic.Int64, len(bounds)+1)}
}

// Durations is a histogram of durations with these bounds.
func Durations(bounds ...time.Duration) *Histogram {
	list := make([]int64, len(bounds))
	for i, d := range bounds {
		list[i] = int64(d)
	}
	return NewHistogram(list...)
}

// Observe counts a value.
func (h *Histogram) Observe(v int64) {
	i := 0
	for i < len(h.bounds) && v > h.bounds[i] {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(v)
}

// Shape is a histogram at a moment: how many values there were, their sum, and how many were
// at most each bound.
type Shape struct {
	Count  uint64
	Sum    int64
	Bounds []int64
	Within []uint64 // of each bound
}

// Shape of the histogram now.
func (h *Histogram) Shape() Shape {
	s := Shape{Sum: h.sum.Load(), Bounds: h.bounds, Within: make([]uint64, len(h.bounds))}
	for i := range h.counts {
		s.Count += uint64(h.counts[i].Load())
		if i < len(h.bounds) {
			s.Within[i] = s.Count
		}
	}
	return s
}
