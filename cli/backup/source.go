package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/wholefile"

	"golang.org/x/sys/unix"
)

// source is an open backup that is to be restored.
type source struct {
	*os.File
	path string
	size int64
	m    *Manifest // nil: there is none beside it
}

// openBackup opens a backup and checks what can be checked without reading its content.
func openBackup(path string, dir place.Dir) (*source, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // so that a pipe does not block
	if err != nil {
		return nil, err
	}
	from := &source{File: f, path: path}
	if err := from.look(dir); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return from, nil
}

// look checks size and kind of the file, and reads its manifest.
func (b *source) look(dir place.Dir) error {
	info, err := b.Stat()
	if err != nil {
		return err
	}
	b.size = info.Size()
	if b.size == 0 || !info.Mode().IsRegular() {
		return exit.Fail(exit.Failed, "name a file that relay backup has made", "%s is not a backup", b.path)
	}
	if dir.IsStore(info) {
		return exit.Usage("", "%s is the store itself", b.path)
	}
	if b.m, err = ReadManifest(b.path); err != nil || b.m == nil {
		return err
	}
	return b.wrap(b.m.CheckSize(b.size))
}

// wrap names the backup in an error.
func (b *source) wrap(err error) error {
	if err != nil {
		err = fmt.Errorf("backup %s: %w", b.path, err)
	}
	return err
}

// copyTo reads the backup from its beginning and compares it with its manifest.
func (b *source) copyTo(ctx context.Context, w io.Writer, rest wholefile.Pace) error {
	if _, err := b.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := wholefile.ReadThrough(ctx, b.File, io.MultiWriter(w, sum), rest); err != nil || b.m == nil {
		return err
	}
	return b.m.CheckSum(hex.EncodeToString(sum.Sum(nil)))
}
