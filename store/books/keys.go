package books

import (
	"encoding/binary"
	"time"

	"relay/store/ledger"
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

// dunningKey is where an invoice waits for its payment; nil: it does not.
func dunningKey(i *ledger.Invoice) []byte {
	at := i.WaitsUntil()
	if at.IsZero() {
		return nil
	}
	return binary.BigEndian.AppendUint64(room.AppendTime(nil, at), i.Number)
}
