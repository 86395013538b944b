package spooled

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/oklog/ulid/v2"

	"relay/store/room"
)

// Lane is all mail of one account to one next-hop domain.
type Lane struct {
	Domain  string
	Account string
}

// Key is domain NUL account NUL; neither holds a NUL, so that lanes of one
// domain lie together and no lane is the prefix of another.
func (l Lane) Key() []byte {
	k := make([]byte, 0, len(l.Domain)+len(l.Account)+2+8+16)
	k = append(k, l.Domain...)
	k = append(k, 0)
	k = append(k, l.Account...)
	return append(k, 0)
}

// ParseLane reads what Key wrote, and what follows it.
func ParseLane(k []byte) (l Lane, rest []byte, ok bool) {
	domain, k, ok := bytes.Cut(k, []byte{0})
	if !ok {
		return l, nil, false
	}
	account, rest, ok := bytes.Cut(k, []byte{0})
	return Lane{string(domain), string(account)}, rest, ok
}

// QueueKey is where a message waits: lane, due time in milliseconds, ID.
func QueueKey(l Lane, due time.Time, id ID) []byte {
	k := room.AppendTime(l.Key(), due)
	return append(k, id[:]...)
}

// ParseQueueKey reads what QueueKey wrote.
func ParseQueueKey(k []byte) (l Lane, due time.Time, id ID, ok bool) {
	l, rest, ok := ParseLane(k)
	if !ok || len(rest) != 8+16 {
		return l, due, id, false
	}
	copy(id[:], rest[8:])
	return l, room.ParseTime(rest), id, true
}

// DueKey is where a lane waits: the due time of its head, lane.
func DueKey(due time.Time, lane []byte) []byte {
	return append(room.AppendTime(make([]byte, 0, 8+len(lane)), due), lane...)
}

// ChunkKey is where a chunk of a body lies: ID, number (4).
func ChunkKey(id ID, n int) []byte {
	k := make([]byte, 0, 20)
	return binary.BigEndian.AppendUint32(append(k, id[:]...), uint32(n))
}

// TraceKey is where an event lies: ID, time in microseconds (8), and a number (2) for events of one
// microsecond.
func TraceKey(id ID, at time.Time, n uint16) []byte {
	k := make([]byte, 0, 26)
	k = binary.BigEndian.AppendUint64(append(k, id[:]...), uint64(at.UnixMicro()))
	return binary.BigEndian.AppendUint16(k, n)
}

// FirstID is the smallest ID of that instant: it sorts before those of messages
// accepted from then on.
func FirstID(t time.Time) (id ID) {
	if ms := t.UnixMilli(); ms > 0 {
		_ = id.SetTime(min(uint64(ms), ulid.MaxTime()))
	}
	return id
}
