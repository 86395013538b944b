package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	"relay/store/engine"
)

// Of bbolt's file format, version 2: two pages of the file start with a header
// and a meta record, which names the first page never used and the transaction
// that wrote it.
const (
	headerSize = 16
	metaSize   = 64
	metaMagic  = 0xED0CDAED
	metaSum    = 56 // where its checksum stands
)

// whole reports a file that is shorter than its meta pages say. Mapped into
// memory it would open well and end the process at the first missing page.
func whole(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open store %q: %w", path, err)
	}
	defer f.Close()
	size, pages, txid := int64(0), uint64(0), uint64(0)
	page := int64(os.Getpagesize())
	for i := range int64(2) {
		b := make([]byte, headerSize+metaSize)
		if _, err := f.ReadAt(b, i*page); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("open store %q: %w", path, err)
		}
		m := b[headerSize:]
		if binary.NativeEndian.Uint32(m) != metaMagic {
			continue // the other one may do; bbolt says so if not
		}
		sum := fnv.New64a()
		_, _ = sum.Write(m[:metaSum])
		if sum.Sum64() != binary.NativeEndian.Uint64(m[metaSum:]) {
			continue // half written at a power cut
		}
		if id := binary.NativeEndian.Uint64(m[48:]); id >= txid {
			txid, pages = id, binary.NativeEndian.Uint64(m[40:])
			size = int64(binary.NativeEndian.Uint32(m[8:]))
		}
	}
	fi, err := f.Stat() // last: another process that has the store may lengthen it
	if err != nil {
		return fmt.Errorf("open store %q: %w", path, err)
	}
	if fi.Size() == 0 {
		return fmt.Errorf("open store %q: %w: it is empty", path, engine.ErrDamaged)
	}
	if need := size * int64(pages); size > 0 && need > fi.Size() {
		return fmt.Errorf("open store %q: %w: it has %d octets of %d", path, engine.ErrDamaged, fi.Size(), need)
	}
	return nil
}
