package bodies

import (
	"fmt"
	"io"
	"os"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

// Reader reads a stored body chunk by chunk. Between two chunks no transaction is open. It is for one
// goroutine.
type Reader struct {
	in   *Bodies
	id   spooled.ID
	next int // chunk
	buf  *[chunkSize]byte
	rest []byte // of buf, not read yet
	last bool
	trim int // octets read since the mapped pages were last let go
}

// Open reads the body of a message; the caller closes it. Where the body is removed meanwhile, reading
// fails with room.ErrNotFound: half of it must not pass for the whole.
func (s *Bodies) Open(id spooled.ID) *Reader {
	return &Reader{in: s, id: id, buf: chunkPool.Get().(*[chunkSize]byte)}
}

// Close gives the reader's memory back.
func (r *Reader) Close() error {
	if r.buf != nil {
		chunkPool.Put(r.buf)
		r.buf, r.rest = nil, nil
	}
	return nil
}

// fillBuffer reads the next chunk; io.EOF after the last.
func (r *Reader) fillBuffer() error {
	if r.buf == nil {
		return os.ErrClosed
	}
	if r.last {
		return io.EOF
	}
	n := 0
	err := r.in.db.View(func(t room.Tx) error {
		v := t.Get(bucket.Bodies, spooled.ChunkKey(r.id, r.next))
		if v == nil {
			return r.end(&t)
		}
		n = copy(r.buf[:], v)
		return nil
	})
	if err != nil {
		return err
	}
	r.next++
	r.last = n < chunkSize
	r.rest = r.buf[:n]
	if r.trim += n; r.trim > 4<<20 { // a long body must not stay mapped as a whole
		r.trim = 0
		r.in.db.Engine().Trim()
	}
	return nil
}

// end tells the end of a body from a removed one, where only full chunks were read and there is no
// further one: io.EOF if they are as long as the message.
func (r *Reader) end(t *room.Tx) error {
	size, err := r.in.o.Length(t, r.id)
	if err == nil && (r.next == 0 || size != int64(r.next)*chunkSize) {
		err = fmt.Errorf("body %s, chunk %d: %w", r.id, r.next, room.ErrNotFound)
	}
	if err != nil {
		return err
	}
	r.last = true
	return io.EOF
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if err := r.fillBuffer(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// WriteTo implements io.WriterTo without a further copy.
func (r *Reader) WriteTo(w io.Writer) (sum int64, err error) {
	for {
		if len(r.rest) > 0 {
			n, err := w.Write(r.rest)
			r.rest = r.rest[n:]
			sum += int64(n)
			if err != nil {
				return sum, err
			}
		}
		if err := r.fillBuffer(); err == io.EOF {
			return sum, nil
		} else if err != nil {
			return sum, err
		}
	}
}
