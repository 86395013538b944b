package delivered

import (
	"slices"

	"relay/store/sent"
)

// openPart is a piece of bucket "sent-open".
type openPart struct {
	sent.Part
	upto uint64 // number of its last record
}

// due reports whether the part is to become a run: it is full, or of a day that is over.
func (p *openPart) due(today int) bool { return p.Full() || p.Len() > 0 && p.Day() < today }

// add puts the entries of a record into memory.
func (x *Index) add(n uint64, list []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	last := x.parts[len(x.parts)-1]
	if last.Full() {
		last = &openPart{}
		x.parts = append(x.parts, last)
	}
	last.Add(list)
	last.upto = n
}

// due reports whether the oldest part is to become a run.
func (x *Index) due(today int) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.parts[0].due(today)
}

// take returns the oldest part if it is to become a run. It grows no more.
func (x *Index) take(today int) *openPart {
	x.mu.Lock()
	defer x.mu.Unlock()
	p := x.parts[0]
	if !p.due(today) {
		return nil
	}
	if len(x.parts) == 1 {
		x.parts = append(x.parts, &openPart{})
	}
	return p
}

// drop takes a part that is a run now out of memory.
func (x *Index) drop(p *openPart) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.parts = slices.DeleteFunc(x.parts, func(o *openPart) bool { return o == p })
}
