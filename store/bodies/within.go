package bodies

import (
	"fmt"
	"io"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

// Within reads a body within a transaction.
type Within struct {
	t    *room.Tx
	id   spooled.ID
	next int
	rest []byte // of the last chunk, not read yet
	left int64  // octets after rest
	err  error  // why Read failed
}

// In reads the body of a message, of so many octets, within a transaction.
func In(t *room.Tx, id spooled.ID, octets int64) *Within { return &Within{t: t, id: id, left: octets} }

// Err is why Read failed; nil: it did not.
func (b *Within) Err() error { return b.err }

// Read implements io.Reader.
func (b *Within) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		if b.left <= 0 {
			return 0, io.EOF
		}
		b.rest = b.t.Get(bucket.Bodies, spooled.ChunkKey(b.id, b.next))
		if len(b.rest) == 0 {
			b.err = fmt.Errorf("body %s, chunk %d: %w", b.id, b.next, room.ErrNotFound)
			return 0, b.err
		}
		b.next++
		b.left -= int64(len(b.rest))
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}
