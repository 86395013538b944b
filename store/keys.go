package store

import (
	"encoding/binary"
	"time"

	"relay/store/room"
)

// Keys of the books: account NUL number, so that an account's lie together.
func ledgerPrefix(account string) []byte { return append([]byte(account), 0) }

func numberKey(account string, n uint64) []byte {
	return binary.BigEndian.AppendUint64(ledgerPrefix(account), n)
}

func invoiceKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func closingKey(end time.Time, account string) []byte {
	return append(room.AppendTime(nil, end), account...)
}

func dunningKey(at time.Time, number uint64) []byte {
	return binary.BigEndian.AppendUint64(room.AppendTime(nil, at), number)
}
