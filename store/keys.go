package store

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/oklog/ulid/v2"
)

// Lane is all mail of one account to one next-hop domain.
type Lane struct {
	Domain  string
	Account string
}

// key is domain NUL account NUL; neither holds a NUL, so that lanes of one
// domain lie together and no lane is the prefix of another.
func (l Lane) key() []byte {
	k := make([]byte, 0, len(l.Domain)+len(l.Account)+2+8+16)
	k = append(k, l.Domain...)
	k = append(k, 0)
	k = append(k, l.Account...)
	return append(k, 0)
}

// parseLane reads what key wrote, and what follows it.
func parseLane(k []byte) (l Lane, rest []byte, ok bool) {
	domain, k, ok := bytes.Cut(k, []byte{0})
	if !ok {
		return l, nil, false
	}
	account, rest, ok := bytes.Cut(k, []byte{0})
	return Lane{string(domain), string(account)}, rest, ok
}

// queueKey is where a message waits: lane, due time in milliseconds, ID.
func queueKey(l Lane, due time.Time, id ID) []byte {
	k := appendTime(l.key(), due)
	return append(k, id[:]...)
}

func parseQueueKey(k []byte) (l Lane, due time.Time, id ID, ok bool) {
	l, rest, ok := parseLane(k)
	if !ok || len(rest) != 8+16 {
		return l, due, id, false
	}
	copy(id[:], rest[8:])
	return l, parseTime(rest), id, true
}

// dueKey is where a lane waits: the due time of its head, lane.
func dueKey(due time.Time, lane []byte) []byte {
	return append(appendTime(make([]byte, 0, 8+len(lane)), due), lane...)
}

func appendTime(k []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(k, uint64(t.UnixMilli()))
}

func parseTime(k []byte) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(k))).UTC()
}

func chunkKey(id ID, n int) []byte {
	k := make([]byte, 0, 20)
	return binary.BigEndian.AppendUint32(append(k, id[:]...), uint32(n))
}

func traceKey(id ID, at time.Time, n uint16) []byte {
	k := make([]byte, 0, 26)
	k = binary.BigEndian.AppendUint64(append(k, id[:]...), uint64(at.UnixMicro()))
	return binary.BigEndian.AppendUint16(k, n)
}

func hasPrefix(k, prefix []byte) bool { return bytes.HasPrefix(k, prefix) }

// FirstID is the smallest ID of that instant: it sorts before those of messages
// accepted from then on.
func FirstID(t time.Time) (id ID) {
	if ms := t.UnixMilli(); ms > 0 {
		_ = id.SetTime(min(uint64(ms), ulid.MaxTime()))
	}
	return id
}

// pairKey is of what belongs to somebody: owner NUL key of its own, so that an
// owner's lie together.
func pairKey(owner, key string) []byte {
	return append(append(append(make([]byte, 0, len(owner)+1+len(key)), owner...), 0), key...)
}

// Keys of the books: account NUL number, so that an account's lie together.
func ledgerPrefix(account string) []byte { return append([]byte(account), 0) }

func numberKey(account string, n uint64) []byte {
	return binary.BigEndian.AppendUint64(ledgerPrefix(account), n)
}

func invoiceKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// lastNumber is the number that ends a key.
func lastNumber(k []byte) uint64 { return binary.BigEndian.Uint64(k[len(k)-8:]) }

func closingKey(end time.Time, account string) []byte {
	return append(appendTime(nil, end), account...)
}

func dunningKey(at time.Time, number uint64) []byte {
	return binary.BigEndian.AppendUint64(appendTime(nil, at), number)
}
