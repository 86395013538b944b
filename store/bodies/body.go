package bodies

import (
	"fmt"
	"io"
	"sync"

	"relay/store/bodyhash"
	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

const (
	// chunkSize is the length of a chunk in octets: two chunks and their headers fill eight pages.
	chunkSize = 16_000
	// stageAt is how many chunks a body may hold in memory: just under 1 MiB.
	stageAt = 65
	// stageEarly is how many it may hold where all bodies together hold as much as they may. Most mail is
	// not longer.
	stageEarly = 4
)

var chunkPool = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// Body collects the content of a message before it is accepted. It is for one goroutine.
type Body struct {
	in     *Bodies
	from   Sender
	id     spooled.ID
	size   int64
	chunks []*[chunkSize]byte // in memory; all but the last are full
	fill   int                // octets in the last one
	staged int                // chunks on disk, under a mark in "orphans"
	done   bool
	hash   *bodyhash.Hash // nil: nobody signs the message
}

// New starts a body of relay's own; its ID becomes the message's.
func (s *Bodies) New() *Body { return s.NewOf(Sender{}) }

// NewOf starts a body of what an account sends. Where the account signs mail, the
// body's hash is made as it is written.
func (s *Bodies) NewOf(from Sender) *Body {
	b := &Body{in: s, from: from, id: s.o.IDs.Next(s.db.Wall())}
	if from.Service || s.o.MaySign(from.Account) {
		b.hash = bodyhash.New()
	}
	return b
}

// ID of the message to be.
func (b *Body) ID() spooled.ID { return b.id }

// Size is how many octets were written.
func (b *Body) Size() int64 { return b.size }

// Write adds to the body. Above 1 MiB, or above less where bodies take much memory, it stages the body on
// disk. Then it may fail with the error of Sender.Ask, with ErrStaged, ErrShare or, where the disk has no
// room, engine.ErrFull.
func (b *Body) Write(p []byte) (int, error) {
	length := len(p)
	if b.hash != nil {
		_, _ = b.hash.Write(p)
	}
	for len(p) > 0 {
		if len(b.chunks) == 0 || b.fill == chunkSize {
			if n := len(b.chunks); n == stageAt || n >= stageEarly && b.in.memory.full() {
				if err := b.stage(); err != nil {
					return length - len(p), err
				}
			}
			b.chunks = append(b.chunks, chunkPool.Get().(*[chunkSize]byte))
			b.in.memory.used.Add(chunkSize)
			b.fill = 0
		}
		c := copy(b.chunks[len(b.chunks)-1][b.fill:], p)
		b.fill += c
		b.size += int64(c)
		p = p[c:]
	}
	return length, nil
}

// stage writes the chunks in memory to disk. The mark tells the next start that they belong to no message
// yet.
func (b *Body) stage() error {
	if err := b.from.ask(); err != nil {
		return err
	}
	n := int64(b.InMemory())
	if !b.in.staged.take(b.from.Account, n, b.from.Staged) {
		return ErrStaged
	}
	err := b.in.db.Grow(b.InMemory(), func(t room.Tx) error {
		if err := b.in.ShareAlike(&t, b.from.Account, 0); err != nil {
			return err
		}
		if b.staged == 0 {
			if err := t.Put(bucket.Orphans, b.id[:], []byte{}); err != nil {
				return err
			}
		}
		return b.put(&t)
	})
	if err != nil {
		b.in.staged.give(b.from.Account, n)
		return fmt.Errorf("stage body: %w", err)
	}
	b.staged += len(b.chunks)
	b.free()
	return nil
}

// Hash is the hash of the body for DKIM (RFC 6376 §3.7); nil: none was made, see NewOf.
func (b *Body) Hash() []byte {
	if b.hash == nil {
		return nil
	}
	return b.hash.Sum()
}

// Keep stores the body for good, in the transaction that accepts its message, and takes the mark away.
func (b *Body) Keep(t *room.Tx) error {
	if err := b.put(t); err != nil || b.staged == 0 {
		return err
	}
	return t.Delete(bucket.Orphans, b.id[:])
}

// put stores the chunks in memory, behind those that are staged.
func (b *Body) put(t *room.Tx) error {
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

// InMemory is how many octets the chunks in memory take.
func (b *Body) InMemory() int { return len(b.chunks) * chunkSize }

// free gives back the chunks in memory.
func (b *Body) free() {
	for _, c := range b.chunks {
		chunkPool.Put(c)
	}
	b.in.memory.used.Add(-int64(b.InMemory()))
	b.chunks = b.chunks[:0]
}

// Accepted ends the body once the transaction of Keep is on disk: its chunks are the message's now.
func (b *Body) Accepted() {
	b.done = true
	b.free()
	b.in.staged.give(b.from.Account, b.Staged())
}

// Staged is how many octets are on disk.
func (b *Body) Staged() int64 { return int64(b.staged) * chunkSize }

// Discard gives up a body that is not accepted, and removes what is staged. After Accepted it does nothing.
func (b *Body) Discard() {
	if b.done {
		return
	}
	b.done = true
	b.free()
	if b.staged > 0 {
		b.in.sweepLater(leftover{b.id, b.from.Account, b.Staged()})
	}
}

// Open reads what was written so far. Nothing may be written while it is read, and the
// body must be neither accepted nor discarded.
func (b *Body) Open() io.ReadCloser {
	r := &unaccepted{b: b}
	if b.staged > 0 {
		r.disk = b.in.Open(b.id)
	}
	return r
}

// unaccepted reads a body: first what is staged, then what is in memory.
type unaccepted struct {
	b    *Body
	disk *Reader // nil: nothing is staged
	read int64
}

// Read implements io.Reader.
func (r *unaccepted) Read(p []byte) (n int, err error) {
	at := r.read - r.b.Staged()
	switch {
	case at < 0:
		n, err = r.disk.Read(p[:min(int64(len(p)), -at)])
	case r.read == r.b.size:
		return 0, io.EOF
	default:
		i, from := int(at/chunkSize), int(at%chunkSize)
		n = copy(p, r.b.chunks[i][from:min(chunkSize, int64(from)+r.b.size-r.read)])
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

// Put stores a short body that is in memory as a whole.
func Put(t *room.Tx, id spooled.ID, body []byte) error {
	for i := range chunkCount(int64(len(body))) {
		part := body[i*chunkSize : min((i+1)*chunkSize, len(body))]
		if err := t.Put(bucket.Bodies, spooled.ChunkKey(id, i), part); err != nil {
			return err
		}
	}
	return nil
}

// chunkCount is how many chunks a body of that size has; an empty one has one.
func chunkCount(size int64) int { return int(max((size+chunkSize-1)/chunkSize, 1)) }
