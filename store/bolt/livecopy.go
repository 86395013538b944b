package bolt

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	"go.etcd.io/bbolt"

	"relay/store/engine"
)

// A copy has the pages that hold something, and no others: what was deleted is not in
// it, and it is as long as what is live.
//
//  1. The trees are walked to count their pages, so that the copy's length is known.
//  2. They are walked again in the same order, each page after those that it points to.
//     It gets the next free number, and its pointers are rewritten.
//
// Both read the file below a transaction, which keeps their pages as they are. Of each
// level of a tree one page is held in memory. What follows is bbolt's format, version 2:
// numbers in the machine's order, elements of a page behind its header, each with the
// distance from itself to its key. A header is id (8), flags (2), count (2), overflow (4).
const (
	branchPage    = 0x01
	leafPage      = 0x02
	metaFlag      = 0x04
	freelistPage  = 0x10
	pageElement   = 16 // branch: pos (4), ksize (4), page (8); leaf: flags (4), pos (4), ksize (4), vsize (4)
	bucketElement = 0x01
	bucketHead    = 16 // root page (8), 0: the bucket lies inline; sequence (8)
	metaVersion   = 2
	firstPage     = 3  // behind two metas and an empty list of free pages
	deepest       = 64 // levels that a sound tree may have
)

var native = binary.NativeEndian

// Export writes a consistent copy of what the file holds now. Writers go on meanwhile, but
// pages that are freed while it runs cannot be used again, so that the file grows by what
// is written. begin sees the same state before the first octet, and how long the copy will be.
func (f *File) Export(w io.Writer, begin func(t engine.Txn, size int64) error) (n int64, err error) {
	err = f.db.View(func(tx *bbolt.Tx) error {
		c := &copier{file: f.file, size: f.db.Info().PageSize, pages: uint64(tx.Size()) / uint64(f.db.Info().PageSize), next: firstPage}
		root := tx.Cursor().Bucket()
		if _, err := c.tree(uint64(root.Root()), 0); err != nil {
			return fmt.Errorf("copy %q: %w", f.path, err)
		}
		all := int64(c.next) * int64(c.size)
		if err := begin(f.txn(tx), all); err != nil {
			return err
		}
		out := &counter{w: w}
		c.out, c.next = bufio.NewWriterSize(out, 256<<10), firstPage
		err := c.write(uint64(root.Root()), root.Sequence(), uint64(tx.ID()), uint64(all)/uint64(c.size))
		n = out.n
		return err
	})
	return n, err
}

// counter counts what was written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// copier walks the trees of a file.
type copier struct {
	file  *os.File
	size  int           // of a page
	pages uint64        // of the file
	next  uint64        // number of the next page of the copy
	out   *bufio.Writer // nil: pages are only counted
	held  [][]byte      // a page of each level
}

// write writes the copy, which has so many pages; its root comes last.
func (c *copier) write(root, sequence, id, pages uint64) error {
	m := meta{root: pages - 1 - c.overflow(root), sequence: sequence, pages: pages}
	for i := range uint64(2) {
		if _, err := c.out.Write(m.page(c.size, i, id-i)); err != nil {
			return err
		}
	}
	free := make([]byte, c.size)
	native.PutUint64(free, 2)
	native.PutUint16(free[8:], freelistPage)
	if _, err := c.out.Write(free); err != nil {
		return err
	}
	at, err := c.tree(root, 0)
	if err != nil {
		return err
	}
	if at != m.root || c.next != pages {
		return fmt.Errorf("copy: the root came to page %d of %d, not %d of %d", at, c.next, m.root, pages)
	}
	return c.out.Flush()
}

// overflow of a page that was read before.
func (c *copier) overflow(id uint64) uint64 {
	var head [headerSize]byte
	if _, err := c.file.ReadAt(head[:], int64(id)*int64(c.size)); err != nil {
		return 0 // the walk will tell
	}
	return uint64(native.Uint32(head[12:]))
}

// meta is what changes from one meta page to another.
type meta struct{ root, sequence, pages uint64 }

func (m *meta) page(size int, number, id uint64) []byte {
	p := make([]byte, size)
	native.PutUint64(p, number)
	native.PutUint16(p[8:], metaFlag)
	b := p[headerSize:]
	native.PutUint32(b, metaMagic)
	native.PutUint32(b[4:], metaVersion)
	native.PutUint32(b[8:], uint32(size))
	native.PutUint64(b[16:], m.root)
	native.PutUint64(b[24:], m.sequence)
	native.PutUint64(b[32:], 2) // the list of free pages
	native.PutUint64(b[40:], m.pages)
	native.PutUint64(b[48:], id)
	sum := fnv.New64a()
	_, _ = sum.Write(b[:metaSum])
	native.PutUint64(b[metaSum:], sum.Sum64())
	return p
}

// tree counts or writes a page after all that it points to, and says which number it
// has in the copy.
func (c *copier) tree(id uint64, depth int) (at uint64, err error) {
	if depth >= deepest {
		return 0, fmt.Errorf("page %d: a tree is deeper than %d", id, deepest)
	}
	p, err := c.read(id, depth)
	if err != nil {
		return 0, err
	}
	used, err := c.refs(p, func(ref []byte) error {
		child, err := c.tree(native.Uint64(ref), depth+1)
		native.PutUint64(ref, child)
		return err
	})
	if err != nil {
		return 0, err
	}
	at = c.next
	if c.next += 1 + uint64(native.Uint32(p[12:])); c.next > c.pages+firstPage {
		return 0, fmt.Errorf("page %d: the trees have more pages than the file", id)
	}
	if c.out == nil {
		return at, nil
	}
	native.PutUint64(p, at)
	clear(p[used:])
	_, err = c.out.Write(p)
	return at, err
}

// read reads a page. To be counted the first part of a leaf without buckets will do,
// since that points to nothing.
func (c *copier) read(id uint64, depth int) ([]byte, error) {
	if depth == len(c.held) {
		c.held = append(c.held, make([]byte, c.size))
	}
	p := c.held[depth][:c.size]
	if err := c.fill(p, id); err != nil {
		return nil, err
	}
	flags, count, over := native.Uint16(p[8:]), int(native.Uint16(p[10:])), uint64(native.Uint32(p[12:]))
	if native.Uint64(p) != id || flags != branchPage && flags != leafPage || id+over >= c.pages {
		return nil, fmt.Errorf("page %d is damaged: number %d, flags %#x, %d more of %d", id, native.Uint64(p), flags, over, c.pages)
	}
	if table := headerSize + count*pageElement; over == 0 || c.out == nil && flags == leafPage && table <= c.size && !hasBuckets(p[:table]) {
		return p, nil
	}
	whole := c.size * int(1+over)
	if cap(c.held[depth]) < whole {
		c.held[depth] = make([]byte, whole)
	}
	p = c.held[depth][:whole]
	return p, c.fill(p, id)
}

func (c *copier) fill(p []byte, id uint64) error {
	if _, err := c.file.ReadAt(p, int64(id)*int64(c.size)); err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

// hasBuckets reports whether an element of a leaf is a bucket.
func hasBuckets(table []byte) bool {
	for e := table[headerSize:]; len(e) > 0; e = e[pageElement:] {
		if native.Uint32(e)&bucketElement != 0 {
			return true
		}
	}
	return false
}

// refs calls fn for each pointer in a page to another one, and says how far its records
// go, which only a page that was read as a whole tells.
func (c *copier) refs(p []byte, fn func(ref []byte) error) (used int, err error) {
	count, leaf := int(native.Uint16(p[10:])), native.Uint16(p[8:]) == leafPage
	used = headerSize + count*pageElement
	if used > len(p) {
		return 0, fmt.Errorf("page %d is damaged: %d elements", native.Uint64(p), count)
	}
	for i := range count {
		end, ref := branchElement(p, i)
		if leaf {
			end, ref = leafElement(p, i)
		}
		if end > len(p) && (ref != nil || c.out != nil) {
			return 0, fmt.Errorf("page %d is damaged: element %d ends at %d", native.Uint64(p), i, end)
		}
		used = max(used, end)
		if ref == nil || native.Uint64(ref) == 0 {
			continue
		}
		if err := fn(ref); err != nil {
			return 0, err
		}
	}
	return used, nil
}

// branchElement says where the record of an element ends, and what points to its child.
func branchElement(p []byte, i int) (end int, ref []byte) {
	at := headerSize + i*pageElement
	return at + int(native.Uint32(p[at:])) + int(native.Uint32(p[at+4:])), p[at+8 : at+16]
}

// leafElement is branchElement for a leaf; only a bucket points to anything.
func leafElement(p []byte, i int) (end int, ref []byte) {
	at := headerSize + i*pageElement
	value := at + int(native.Uint32(p[at+4:])) + int(native.Uint32(p[at+8:]))
	end = value + int(native.Uint32(p[at+12:]))
	if native.Uint32(p[at:])&bucketElement == 0 {
		return end, nil
	}
	if end-value < bucketHead || end > len(p) {
		return len(p) + 1, p[:0] // refs finds it damaged
	}
	return end, p[value : value+8]
}
