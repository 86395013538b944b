package known

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// A chunk holds hashes in their order, each with the month in which the recipient was last written
// to, six octets in all. It is one record of an ordered store: its key is the least hash that it may
// hold, so a look-up reads one chunk of at most 3 KB, however many there are, and nothing is kept in
// memory. A chunk that grows is cut in two. Entries older than a year are dropped when their chunk
// is written.
//
// With 40 bits of hash and a million known recipients, one stranger in a million is taken for a
// known one: one first sending is not counted then.

// shelf stores the chunks of one account.
type shelf interface {
	floor(key []byte) (k, chunk []byte, err error) // the last one whose key is not after key; nil: none
	put(key, chunk []byte) error
}

// hash stands for an address.
type hash [5]byte

// shortened is the hash that is kept of a keyed hash of the address.
func shortened(sum uint64) (h hash) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], sum)
	copy(h[:], b[:])
	return h
}

// recentOf returns what of a chunk is not older than a year.
func recentOf(chunk []byte, month int) []byte {
	return keepRecent(make([]byte, 0, len(chunk)), chunk, month)
}

const (
	entrySize  = len(hash{}) + 1
	mostInside = 512 // entries of a chunk
	keptMonths = 12
)

// knows reports whether the account wrote to the recipient within a year. month is a
// running number of months, from the same start in all calls.
func knows(s shelf, h hash, month int) (bool, error) {
	_, chunk, err := s.floor(h[:])
	if err != nil {
		return false, err
	}
	i, found := find(chunk, h)
	return found && recent(chunk[i*entrySize+len(h)], month), nil
}

// learn notes that the account writes to the recipient this month. It writes nothing if
// that is noted already.
func learn(s shelf, h hash, month int) error {
	key, chunk, err := s.floor(h[:])
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
		return s.put(key, next)
	}
	half := len(next) / entrySize / 2 * entrySize
	if err := s.put(slices.Clone(key), next[:half]); err != nil {
		return err
	}
	return s.put(slices.Clone(next[half:half+len(h)]), next[half:])
}

// find returns the place of a hash in a chunk, or the place where it belongs.
func find(chunk []byte, h hash) (int, bool) {
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

// keepRecent appends the entries of chunk that are not older than a year.
func keepRecent(to, chunk []byte, month int) []byte {
	for len(chunk) >= entrySize {
		if recent(chunk[entrySize-1], month) {
			to = append(to, chunk[:entrySize]...)
		}
		chunk = chunk[entrySize:]
	}
	return to
}

// recent compares months modulo 256, the size in which they are kept.
func recent(was byte, month int) bool { return byte(month)-was <= keptMonths }
