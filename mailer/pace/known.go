package pace

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Known recipients of an account are kept as hashes with the month in which they were
// last written to, six octets each, in chunks. A chunk is one entry of an ordered store:
// its key is the least hash that may stand in it, so a look-up reads one chunk of at most
// 3 KB, whatever the number, and nothing is kept in memory. A chunk that grows is cut in
// two. What is older than a year is dropped when its chunk is written.
//
// Forty bits of hash make one of a million strangers a known one among a million: that
// costs nothing but one first sending that is not counted.

// Shelf is where the chunks of one account lie.
type Shelf interface {
	Floor(key []byte) (k, chunk []byte, err error) // the last one whose key is not after key; nil: none
	Put(key, chunk []byte) error
}

// Hash is what is kept of an address.
type Hash [5]byte

// HashOf takes it from a keyed hash of the address.
func HashOf(sum uint64) (h Hash) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], sum)
	copy(h[:], b[:])
	return h
}

const (
	entrySize  = len(Hash{}) + 1
	mostInside = 512 // entries of a chunk
	keptMonths = 12
)

// Knows reports whether the account wrote to the recipient within a year. month counts on
// from any month, the same for all calls.
func Knows(s Shelf, h Hash, month int) (bool, error) {
	_, chunk, err := s.Floor(h[:])
	if err != nil {
		return false, err
	}
	i, found := find(chunk, h)
	return found && recent(chunk[i*entrySize+len(h)], month), nil
}

// Learn notes that the account writes to the recipient. It writes nothing when that is
// known of this month.
func Learn(s Shelf, h Hash, month int) error {
	key, chunk, err := s.Floor(h[:])
	if err != nil {
		return err
	}
	i, found := find(chunk, h)
	if found && chunk[i*entrySize+len(h)] == byte(month) {
		return nil
	}
	if key == nil {
		key = make([]byte, len(h))
	}
	next := make([]byte, 0, len(chunk)+entrySize)
	next = keepRecent(next, chunk[:i*entrySize], month)
	next = append(append(next, h[:]...), byte(month))
	if found {
		i++
	}
	next = keepRecent(next, chunk[i*entrySize:], month)
	if len(next) <= mostInside*entrySize {
		return s.Put(key, next)
	}
	half := len(next) / entrySize / 2 * entrySize
	if err := s.Put(slices.Clone(key), next[:half]); err != nil {
		return err
	}
	return s.Put(slices.Clone(next[half:half+len(h)]), next[half:])
}

// find is where a hash stands in a chunk, or would.
func find(chunk []byte, h Hash) (int, bool) {
	lo, hi := 0, len(chunk)/entrySize
	for lo < hi {
		mid := (lo + hi) / 2
		switch c := bytes.Compare(chunk[mid*entrySize:mid*entrySize+len(h)], h[:]); {
		case c == 0:
			return mid, true
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return lo, false
}

// keepRecent appends what is not older than a year.
func keepRecent(to, chunk []byte, month int) []byte {
	for len(chunk) >= entrySize {
		if recent(chunk[entrySize-1], month) {
			to = append(to, chunk[:entrySize]...)
		}
		chunk = chunk[entrySize:]
	}
	return to
}

func recent(was byte, month int) bool { return byte(month)-was <= keptMonths }
