package memory

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"relay/store/engine"
)

// head is how the file of an Export begins. After it come the number of the transaction and
// that of the buckets; of each bucket its name, the number of its records, and these. Numbers
// are varints, and texts have their length before them.
const head = "a store from memory\n"

// Export writes a copy of one state, as a file that Open reads.
func (d *Driver) Export(w io.Writer, begin func(t engine.Txn, size int64) error) (n int64, err error) {
	t, err := d.Begin(false)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, t.Rollback()) }()
	now := t.(*txn).now
	var size, done counter
	if err := now.encode(&size); err != nil {
		return 0, err
	}
	if err := begin(t, int64(size)); err != nil {
		return 0, err
	}
	b := bufio.NewWriter(io.MultiWriter(w, &done))
	err = errors.Join(now.encode(b), b.Flush())
	return int64(done), err
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func (s *state) encode(w io.Writer) error {
	e := encoder{w: w}
	e.write([]byte(head))
	e.number(uint64(s.id))
	e.number(uint64(len(s.buckets)))
	for _, name := range slices.Sorted(maps.Keys(s.buckets)) {
		e.text([]byte(name))
		e.number(uint64(s.buckets[name].Len()))
		s.buckets[name].Scan(func(k string, v []byte) bool {
			e.text([]byte(k))
			e.text(v)
			return e.err == nil
		})
	}
	return e.err
}

// encoder writes until the first error.
type encoder struct {
	w   io.Writer
	err error
}

func (e *encoder) write(p []byte) {
	if e.err == nil {
		_, e.err = e.w.Write(p)
	}
}

func (e *encoder) number(n uint64) { e.write(binary.AppendUvarint(nil, n)) }

func (e *encoder) text(p []byte) {
	e.number(uint64(len(p)))
	e.write(p)
}

// decode reads the file of an Export.
func decode(r io.Reader) (s *state, err error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	rest, ok := bytes.CutPrefix(b, []byte(head))
	if !ok {
		return nil, fmt.Errorf("%w: it is no store from memory", engine.ErrDamaged)
	}
	d := decoder{rest: rest}
	s = &state{id: int64(d.number()), buckets: map[string]*tree{}}
	for range d.number() {
		t := new(tree)
		s.buckets[string(d.text())] = t
		for n := d.number(); n > 0 && d.err == nil; n-- {
			k, v := d.text(), d.text()
			t.Load(string(k), v)
			s.size += int64(len(k) + len(v))
		}
	}
	return s, d.err
}

// decoder reads until the first error.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.cut()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) text() []byte {
	n := d.number()
	if n > uint64(len(d.rest)) {
		d.cut()
		return nil
	}
	p := d.rest[:n:n]
	d.rest = d.rest[n:]
	return p
}

func (d *decoder) cut() {
	d.rest, d.err = nil, fmt.Errorf("%w: it ends too early", engine.ErrDamaged)
}
