package sink

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// Folder keeps each message in its own file, TIME-NUMBER-ADDRESS.eml, with the envelope
// in two header fields before the message. It never overwrites a file.
type Folder struct {
	dir string
	n   atomic.Int64 // number in the last name tried
}

// OpenFolder creates the directory if it is missing, and checks that files can be
// created in it.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	probe, err := os.CreateTemp(dir, unfinished)
	if err != nil {
		return nil, err
	}
	return &Folder{dir: dir}, errors.Join(probe.Close(), os.Remove(probe.Name()))
}

const unfinished = ".taken-*"

// file is a message that is being written to the folder.
type file struct {
	f   *os.File
	of  *Folder
	err error // why it could not be written
}

func (d *Folder) create(m *Message) (*file, error) {
	f, err := os.CreateTemp(d.dir, unfinished) // mode 0600
	if err != nil {
		return nil, err
	}
	out := &file{f: f, of: d}
	if _, err := fmt.Fprintf(f, "Return-Path: <%s>\r\nX-Envelope-To: %s\r\n", m.From, strings.Join(m.To, ",\r\n\t")); err != nil {
		out.discard()
		return nil, err
	}
	return out, nil
}

// Write implements io.Writer.
func (f *file) Write(p []byte) (int, error) {
	n, err := f.f.Write(p)
	if err != nil {
		f.err = err
	}
	return n, err
}

// keep gives the file its name. It creates an empty file under a free name first, so
// that the rename overwrites nothing else.
func (f *file) keep(m *Message) (string, error) {
	if err := f.f.Close(); err != nil {
		return "", err
	}
	for {
		name := filepath.Join(f.of.dir, fmt.Sprintf("%s-%04d-%s.eml", m.Time.Format("20060102T150405"), f.of.n.Add(1), safe(m.To[0])))
		place, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		return name, errors.Join(place.Close(), os.Rename(f.f.Name(), name))
	}
}

// discard removes the file unless keep has renamed it.
func (f *file) discard() {
	_ = f.f.Close()           // closed already after keep
	_ = os.Remove(f.f.Name()) // renamed by keep
}

// safe turns an address into part of a file name.
func safe(addr string) string {
	const longest = 60
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".@_+-", r) {
			return r
		}
		return '_'
	}, addr)
	return name[:min(len(name), longest)]
}
