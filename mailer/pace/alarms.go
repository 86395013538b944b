package pace

import (
	"container/heap"
	"time"
)

// Alarms hold one time for each key and give out keys whose time has come. Setting and
// waking cost the logarithm of their number.
type Alarms[K comparable] struct{ h alarmHeap[K] }

type alarm[K comparable] struct {
	key K
	at  time.Time
}

// Set sets a key's time, in place of an earlier one.
func (a *Alarms[K]) Set(key K, at time.Time) {
	if a.h.place == nil {
		a.h.place = map[K]int{}
	}
	if i, ok := a.h.place[key]; ok {
		a.h.list[i].at = at
		heap.Fix(&a.h, i)
		return
	}
	heap.Push(&a.h, alarm[K]{key, at})
}

// Drop removes a key, if it is set.
func (a *Alarms[K]) Drop(key K) {
	if i, ok := a.h.place[key]; ok {
		heap.Remove(&a.h, i)
	}
}

// Next returns the earliest time; zero: no key is set.
func (a *Alarms[K]) Next() time.Time {
	if len(a.h.list) == 0 {
		return time.Time{}
	}
	return a.h.list[0].at
}

// Pop removes and returns the first key whose time has come; false: there is none.
func (a *Alarms[K]) Pop(now time.Time) (key K, ok bool) {
	if len(a.h.list) == 0 || now.Before(a.h.list[0].at) {
		return key, false
	}
	return heap.Pop(&a.h).(alarm[K]).key, true
}

// Len returns the number of keys.
func (a *Alarms[K]) Len() int { return len(a.h.list) }

// alarmHeap implements heap.Interface and knows the place of each key.
type alarmHeap[K comparable] struct {
	list  []alarm[K]
	place map[K]int
}

func (h *alarmHeap[K]) Len() int           { return len(h.list) }
func (h *alarmHeap[K]) Less(i, j int) bool { return h.list[i].at.Before(h.list[j].at) }
func (h *alarmHeap[K]) Swap(i, j int) {
	h.list[i], h.list[j] = h.list[j], h.list[i]
	h.place[h.list[i].key], h.place[h.list[j].key] = i, j
}
func (h *alarmHeap[K]) Push(x any) {
	a := x.(alarm[K])
	h.place[a.key] = len(h.list)
	h.list = append(h.list, a)
}
func (h *alarmHeap[K]) Pop() any {
	last := len(h.list) - 1
	a := h.list[last]
	h.list = h.list[:last]
	delete(h.place, a.key)
	return a
}
