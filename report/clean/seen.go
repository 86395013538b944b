package clean

import (
	"hash/maphash"
	"slices"
)

// seen are addresses that were met: 80 bits of a hash of each, of which 16 say in which
// slot the others are. That two of a million addresses share them happens once in 10^12
// lists.
type seen struct {
	slots [][]uint64
	seeds [2]maphash.Seed
}

func newSeen() *seen {
	return &seen{make([][]uint64, 1<<16), [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
}

// add reports whether an address is new.
func (s *seen) add(mailbox string) bool {
	slot := &s.slots[uint16(maphash.String(s.seeds[0], mailbox))]
	h := maphash.String(s.seeds[1], mailbox)
	if slices.Contains(*slot, h) {
		return false
	}
	*slot = append(*slot, h)
	return true
}
