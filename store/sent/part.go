package sent

import (
	"bytes"
	"slices"
)

// PartSize is how many entries make a part full.
const PartSize = 4096

// Part is a piece of the open part in memory, in which entries are found by their Message-ID.
// Its zero value is empty. The caller locks it.
type Part struct {
	list []byte          // entries, as they came
	last map[Hash]uint32 // the newest entry of a Message-ID: 1 is the first
	prev []uint32        // of each entry the one before it with the same Message-ID; 0: none
}

// Add puts entries in, as Append wrote them.
func (p *Part) Add(list []byte) {
	if p.last == nil {
		p.last = make(map[Hash]uint32, PartSize/8)
	}
	p.list = append(p.list, list...)
	for at := 0; at+Size <= len(list); at += Size {
		h := Hash(list[at:])
		p.prev = append(p.prev, p.last[h])
		p.last[h] = uint32(len(p.prev))
	}
}

// Len is how many entries there are.
func (p *Part) Len() int { return len(p.prev) }

// Full reports whether the part is to become a run.
func (p *Part) Full() bool { return len(p.prev) >= PartSize }

// Day of the first entry, in UTC; 0: there is none.
func (p *Part) Day() int {
	if len(p.list) == 0 {
		return 0
	}
	return dayOf(p.list)
}

// Find calls fn for the entries of a Message-ID, the newest first, until fn returns false.
func (p *Part) Find(h Hash, fn func(raw []byte) bool) {
	for n := p.last[h]; n > 0; n = p.prev[n-1] {
		if at := int(n-1) * Size; !fn(p.list[at : at+Size]) {
			return
		}
	}
}

// Sorted is a sorted copy of the entries.
func (p *Part) Sorted() []byte {
	all := make([][]byte, 0, p.Len())
	for at := 0; at < len(p.list); at += Size {
		all = append(all, p.list[at:at+Size])
	}
	slices.SortFunc(all, bytes.Compare)
	return bytes.Join(all, nil)
}
