package store

import (
	"fmt"
	"io"
	"os"
	"sync"

	"relay/store/bodyhash"
	"relay/store/bucket"
	"relay/store/spooled"
)

const (
	// ChunkSize is the length of a piece of a body: two of them and their
	// headers fill eight pages.
	ChunkSize = 16_000
	// stageAt is how many chunks a body may hold in memory: just under 1 MiB.
	stageAt = 65
	// stageEarly is how many it may hold in any case, where all bodies together
	// hold as much as they may. Most mail is not longer.
	stageEarly = 4
)

var chunkPool = sync.Pool{New: func() any { return new([ChunkSize]byte) }}

// Body collects the content of a message before it is accepted. It is not safe
// for several goroutines.
type Body struct {
	s      *Store
	from   Sender
	id     spooled.ID
	size   int64
	chunks []*[ChunkSize]byte // in memory; all but the last are full
	fill   int                // octets in the last one
	staged int                // chunks on disk, under a mark in "orphans"
	done   bool
	hash   *bodyhash.Hash // nil: nobody signs the message
}

// NewBody starts a body of relay's own; its ID becomes the message's.
func (s *Store) NewBody() *Body { return s.NewBodyOf(Sender{}) }

// NewBodyOf starts a body of what an account sends. Where the account signs mail, the
// body's hash is made as it is written.
func (s *Store) NewBodyOf(from Sender) *Body {
	b := &Body{s: s, from: from, id: s.ids.Next(s.Now())}
	if from.Service || s.Signing.MaySign(from.Account) {
		b.hash = bodyhash.New()
	}
	return b
}

// ID of the message to be.
func (b *Body) ID() spooled.ID { return b.id }

// Size is how many octets were written.
func (b *Body) Size() int64 { return b.size }

// Write adds to the body. What lies above 1 MiB, or above less where bodies take much
// memory, is staged on disk. It fails with the error of Sender.Ask, with ErrStaged,
// ErrShare or, where the disk has no room, ErrFull.
func (b *Body) Write(p []byte) (int, error) {
	length := len(p)
	if b.hash != nil {
		_, _ = b.hash.Write(p)
	}
	for len(p) > 0 {
		if len(b.chunks) == 0 || b.fill == ChunkSize {
			if n := len(b.chunks); n == stageAt || n >= stageEarly && b.s.memory.full() {
				if err := b.stage(); err != nil {
					return length - len(p), err
				}
			}
			b.chunks = append(b.chunks, chunkPool.Get().(*[ChunkSize]byte))
			b.s.memory.used.Add(ChunkSize)
			b.fill = 0
		}
		c := copy(b.chunks[len(b.chunks)-1][b.fill:], p)
		b.fill += c
		b.size += int64(c)
		p = p[c:]
	}
	return length, nil
}

// stage writes the chunks in memory to the disk. The mark tells the next Open
// that they belong to nobody yet.
func (b *Body) stage() error {
	if err := b.from.ask(); err != nil {
		return err
	}
	n := int64(b.inMemory())
	if !b.s.staged.take(b.from.Account, n, b.from.Staged) {
		return ErrStaged
	}
	err := b.s.grow(b.inMemory(), func(t *tx) error {
		if err := t.shareAlike(b.from.Account, 0); err != nil {
			return err
		}
		if b.staged == 0 {
			if err := t.Put(bucket.Orphans, b.id[:], []byte{}); err != nil {
				return err
			}
		}
		return b.put(t)
	})
	if err != nil {
		b.s.staged.give(b.from.Account, n)
		return fmt.Errorf("stage body: %w", err)
	}
	b.staged += len(b.chunks)
	b.free()
	return nil
}

// sum is the hash for DKIM; nil: it was not asked for.
func (b *Body) sum() []byte {
	if b.hash == nil {
		return nil
	}
	return b.hash.Sum()
}

// keep stores a body for good, with the message that it is of: the mark of what was staged goes.
func (b *Body) keep(t *tx) error {
	if err := b.put(t); err != nil || b.staged == 0 {
		return err
	}
	return t.Delete(bucket.Orphans, b.id[:])
}

// put stores the chunks that are in memory after those that are staged.
func (b *Body) put(t *tx) error {
	if b.size == 0 {
		return t.Put(bucket.Bodies, spooled.ChunkKey(b.id, 0), []byte{})
	}
	for i, c := range b.chunks {
		part := c[:]
		if i == len(b.chunks)-1 {
			part = c[:b.fill]
		}
		if err := t.Put(bucket.Bodies, spooled.ChunkKey(b.id, b.staged+i), part); err != nil {
			return err
		}
	}
	return nil
}

func (b *Body) inMemory() int { return len(b.chunks) * ChunkSize }

func (b *Body) free() {
	for _, c := range b.chunks {
		chunkPool.Put(c)
	}
	b.s.memory.used.Add(-int64(b.inMemory()))
	b.chunks = b.chunks[:0]
}

// accepted gives the memory back; the chunks are the message's now.
func (b *Body) accepted() {
	b.done = true
	b.free()
	b.s.staged.give(b.from.Account, b.onDisk())
}

// onDisk are the octets that are staged.
func (b *Body) onDisk() int64 { return int64(b.staged) * ChunkSize }

// Discard forgets a body that is not accepted. After Accept it does nothing.
func (b *Body) Discard() {
	if b.done {
		return
	}
	b.done = true
	b.free()
	if b.staged > 0 {
		b.s.sweepLater(leftover{b.id, b.from.Account, b.onDisk()})
	}
}

// Open reads what was written so far. Nothing may be written while it is read, and the
// body must be neither accepted nor discarded.
func (b *Body) Open() io.ReadCloser {
	r := &unaccepted{b: b}
	if b.staged > 0 {
		r.disk = b.s.OpenBody(b.id)
	}
	return r
}

// unaccepted reads a body: first what is staged, then what is in memory.
type unaccepted struct {
	b    *Body
	disk *BodyReader // nil: nothing is staged
	read int64
}

// Read implements io.Reader.
func (r *unaccepted) Read(p []byte) (n int, err error) {
	at := r.read - r.b.onDisk()
	switch {
	case at < 0:
		n, err = r.disk.Read(p[:min(int64(len(p)), -at)])
	case r.read == r.b.size:
		return 0, io.EOF
	default:
		i, from := int(at/ChunkSize), int(at%ChunkSize)
		n = copy(p, r.b.chunks[i][from:min(ChunkSize, int64(from)+r.b.size-r.read)])
	}
	r.read += int64(n)
	return n, err
}

// Close implements io.Closer.
func (r *unaccepted) Close() error {
	if r.disk == nil {
		return nil
	}
	return r.disk.Close()
}

// BodyReader streams a stored body chunk by chunk; no transaction is open
// between two of them. It is not safe for several goroutines.
type BodyReader struct {
	s    *Store
	id   spooled.ID
	next int // chunk
	buf  *[ChunkSize]byte
	rest []byte // of buf, not read yet
	last bool
	trim int // octets since the mapped pages were let go
}

// OpenBody reads the body of a message. Close it. A body that is removed while
// it is read fails with ErrNotFound: half of it must not pass for the whole.
func (s *Store) OpenBody(id spooled.ID) *BodyReader {
	return &BodyReader{s: s, id: id, buf: chunkPool.Get().(*[ChunkSize]byte)}
}

// Close gives the reader's memory back.
func (r *BodyReader) Close() error {
	if r.buf != nil {
		chunkPool.Put(r.buf)
		r.buf, r.rest = nil, nil
	}
	return nil
}

// fillBuffer reads the next chunk; io.EOF after the last.
func (r *BodyReader) fillBuffer() error {
	if r.buf == nil {
		return os.ErrClosed
	}
	if r.last {
		return io.EOF
	}
	n := 0
	err := r.s.view(func(t *tx) error {
		v := t.Get(bucket.Bodies, spooled.ChunkKey(r.id, r.next))
		if v == nil {
			return r.end(t)
		}
		n = copy(r.buf[:], v)
		return nil
	})
	if err != nil {
		return err
	}
	r.next++
	r.last = n < ChunkSize
	r.rest = r.buf[:n]
	if r.trim += n; r.trim > 4<<20 { // a long body must not stay mapped as a whole
		r.trim = 0
		r.s.db.Engine().Trim()
	}
	return nil
}

// end says what it means that there is no further chunk, after full ones only:
// io.EOF when they are the message's length.
func (r *BodyReader) end(t *tx) error {
	m, err := t.message(r.id)
	if err != nil {
		return err
	}
	if r.next == 0 || m == nil || m.Stored != int64(r.next)*ChunkSize {
		return fmt.Errorf("body %s, chunk %d: %w", r.id, r.next, ErrNotFound)
	}
	r.last = true
	return io.EOF
}

// Read implements io.Reader.
func (r *BodyReader) Read(p []byte) (int, error) {
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
func (r *BodyReader) WriteTo(w io.Writer) (sum int64, err error) {
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

// chunkCount is how many chunks a body of that size has; an empty one has one.
func chunkCount(size int64) int { return int(max((size+ChunkSize-1)/ChunkSize, 1)) }
