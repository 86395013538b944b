package sent

import (
	"encoding/binary"
)

// Size of an entry in octets.
const Size = 40

// Hash stands for a Message-ID.
type Hash [8]byte

// Box stands for a mailbox.
type Box [6]byte

// Entry is an e-mail that was delivered to a next hop. Entries sort by their octets: those of
// a Message-ID lie together, and of these those of a mailbox.
type Entry struct {
	Message Hash     // of the Message-ID
	Mailbox Box      // of the recipient
	ID      [16]byte // of the message
	Owner   uint32   // number of an account in a period
	Way     uint16   // number of a source and a provider; 0: it is not known
	At      uint32   // when it was delivered: seconds since 1970
}

// KeySize is how many octets of an entry say which e-mail it is about: those it begins with.
const KeySize = 30

// AppendKey writes these behind b.
func (e *Entry) AppendKey(b []byte) []byte {
	return append(append(append(b, e.Message[:]...), e.Mailbox[:]...), e.ID[:]...)
}

// ReadKey reads what AppendKey wrote.
func ReadKey(raw []byte) (e Entry) {
	copy(e.Message[:], raw)
	copy(e.Mailbox[:], raw[8:])
	copy(e.ID[:], raw[14:])
	return e
}

// Append writes the entry behind b.
func (e *Entry) Append(b []byte) []byte {
	b = e.AppendKey(b)
	b = binary.BigEndian.AppendUint32(b, e.Owner)
	b = binary.BigEndian.AppendUint16(b, e.Way)
	return binary.BigEndian.AppendUint32(b, e.At)
}

// Read reads the entry at the beginning of raw, which has at least Size octets.
func Read(raw []byte) (e Entry) {
	e = ReadKey(raw)
	e.Owner = binary.BigEndian.Uint32(raw[30:])
	e.Way = binary.BigEndian.Uint16(raw[34:])
	e.At = binary.BigEndian.Uint32(raw[36:])
	return e
}

// day of an entry, in UTC: a number.
func dayOf(raw []byte) int { return int(binary.BigEndian.Uint32(raw[36:]) / (24 * 60 * 60)) }
