package spooled

import (
	"encoding/binary"

	"relay/store/room"
)

// DSNKey lists a message whose sender is to be told, in bucket "dsns": when, ID.
func DSNKey(m *Message) []byte { return append(room.AppendTime(nil, m.DSNDue), m.ID[:]...) }

// ListKey lists a message's recipients at a domain under an owner: an account in bucket "waiting", an
// account and its login in bucket "held-mail". Key: owner NUL ID, domain.
func ListKey(owner string, id ID, domain string) []byte {
	return append(append(room.Pair(owner, ""), id[:]...), domain...)
}

// ParseListKey reads message and domain of a key that ListKey wrote for that owner.
func ParseListKey(owner string, k []byte) (id ID, domain string) {
	rest := k[len(owner)+1:]
	return ID(rest[:len(id)]), string(rest[len(id):])
}

// CountAt is the value of a queue entry: how many recipients at the domain are not final.
func CountAt(m *Message, domain string) []byte {
	n := uint64(0)
	for i := range m.Recipients {
		if r := &m.Recipients[i]; r.Domain == domain && !r.State.Final() {
			n++
		}
	}
	if n < uint64(len(smallCounts)) {
		return smallCounts[n : n+1 : n+1]
	}
	return binary.AppendUvarint(nil, n)
}

// smallCounts are the counts of one octet, so that Accept need not make them.
var smallCounts = func() []byte {
	b := make([]byte, 0x80)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}()
