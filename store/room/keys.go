package room

import (
	"bytes"
	"encoding/binary"
	"time"
)

// AppendTime appends an instant so that keys sort by it, to the millisecond.
func AppendTime(k []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(k, uint64(t.UnixMilli()))
}

// ParseTime reads what AppendTime has appended, at the beginning of k.
func ParseTime(k []byte) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(k))).UTC()
}

// HasPrefix reports whether k begins with prefix.
func HasPrefix(k, prefix []byte) bool { return bytes.HasPrefix(k, prefix) }

// Pair is of what belongs to somebody: owner NUL key of its own, so that an
// owner's lie together.
func Pair(owner, key string) []byte {
	return append(append(append(make([]byte, 0, len(owner)+1+len(key)), owner...), 0), key...)
}

// LastNumber is the number that ends a key.
func LastNumber(k []byte) uint64 { return binary.BigEndian.Uint64(k[len(k)-8:]) }

// Beyond is the first key that may stand behind a name; "" is the beginning.
func Beyond(name string) []byte {
	if name == "" {
		return nil
	}
	return append([]byte(name), 0)
}
