package spooled

import (
	"encoding/binary"

	"relay/store/room"
)

// DSNKey is the key in bucket "dsns" under which a message is listed whose sender is to be told.
func DSNKey(m *Message) []byte { return append(room.AppendTime(nil, m.DSNDue), m.ID[:]...) }

// WaitingKey is the key in bucket "waiting" under which a message's recipients at a domain are listed that wait.
func WaitingKey(account string, id ID, domain string) []byte {
	return append(append(room.Pair(account, ""), id[:]...), domain...)
}

// CountAt is the value of a queue entry: how many recipients at domain are not
// final.
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
