package turns

import (
	"iter"
	"slices"
)

// FIFO is a queue in memory.
type FIFO[T any] struct {
	items []T
	head  int
}

// Len is how many values are in it.
func (q *FIFO[T]) Len() int { return len(q.items) - q.head }

// Push puts v behind all others.
func (q *FIFO[T]) Push(v T) { q.items = append(q.items, v) }

// Unshift puts v before all others.
func (q *FIFO[T]) Unshift(v T) {
	if q.head > 0 {
		q.head--
		q.items[q.head] = v
		return
	}
	q.items = append([]T{v}, q.items...)
}

// Pop takes the first; there must be one.
func (q *FIFO[T]) Pop() T {
	var zero T
	v := q.items[q.head]
	q.items[q.head] = zero
	q.head++
	switch {
	case q.head == len(q.items):
		q.items, q.head = q.items[:0], 0
	case q.head >= 64 && q.head*2 >= len(q.items):
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	return v
}

// All are the values in their order.
func (q *FIFO[T]) All() iter.Seq[T] { return slices.Values(q.items[q.head:]) }
