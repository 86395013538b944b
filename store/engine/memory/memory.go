// Package memory is a driver of store/engine for tests, which keeps the octets in memory.
//
// It shows that the seam holds: nothing above it may count on what bbolt does beyond the
// contract. So it is stricter than bbolt where the contract allows it. What comes out of a
// transaction is overwritten when that ends, and a cursor that goes on after its bucket has
// changed panics.
//
// A Disk has what was committed, by path, until it is forgotten. Copy makes of an open store
// what a kill would leave.
package memory

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"sync"

	"github.com/tidwall/btree"

	"relay/store/engine"
)

// Disk is what is there by path, as long as the process lives. The zero Disk is empty. Its
// methods may be called from any goroutine.
type Disk struct {
	mu    sync.Mutex
	files map[string]*file
}

// file is what a path stands for.
type file struct {
	mu      sync.Mutex
	readers int // drivers that only read
	writer  bool
	now     *state
}

// state is what a commit has left. It is not changed any more.
type state struct {
	id      int64
	buckets map[string]*tree
	size    int64 // octets of keys and values
}

type tree = btree.Map[string, []byte]

// Options of a driver.
type Options struct {
	Buckets  []string     // names, made at Open where missing
	ReadOnly bool         // nothing is written; several may read, and nobody writes meanwhile
	Reserve  int64        // octets that new mail leaves free; 0: 32 MiB
	Free     func() int64 // octets that are free; nil: no end of them
}

// Driver is open on a path of a Disk.
type Driver struct {
	opt    Options
	path   string
	file   *file
	writes sync.Mutex // held by the transaction that writes
	once   sync.Once
}

var _ engine.Driver = (*Driver)(nil)

// Open opens what is there at path. If nothing is, it reads the file that an Export made
// there, or begins anew. It fails as bolt.Open does.
func (d *Disk) Open(path string, o Options) (*Driver, error) {
	if o.Reserve == 0 {
		o.Reserve = 32 << 20
	}
	f, err := d.find(path, o.ReadOnly)
	if err != nil {
		return nil, fmt.Errorf("open store %q: %w", path, err)
	}
	if err := f.lock(o); err != nil {
		return nil, fmt.Errorf("open store %q: %w", path, err)
	}
	return &Driver{opt: o, path: path, file: f}, nil
}

// Forget removes what is there at path.
func (d *Disk) Forget(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.files, path)
}

// Copy has at path to what was committed at from, which may be open.
func (d *Disk) Copy(to, from string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[from]
	if f == nil {
		return fmt.Errorf("copy store %q: %w", from, fs.ErrNotExist)
	}
	f.mu.Lock()
	now := f.now
	f.mu.Unlock()
	own := &state{id: now.id, buckets: map[string]*tree{}, size: now.size}
	for name, t := range now.buckets { // the writer of the other one marks its trees
		own.buckets[name] = new(tree)
		t.Scan(func(k string, v []byte) bool { own.buckets[name].Load(k, v); return true })
	}
	d.files[to] = &file{now: own}
	return nil
}

func (d *Disk) find(path string, readOnly bool) (*file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.files[path]; f != nil {
		return f, nil
	}
	now, err := load(path)
	if errors.Is(err, fs.ErrNotExist) && !readOnly {
		now, err = &state{buckets: map[string]*tree{}}, nil
	}
	if err != nil {
		return nil, err
	}
	f := &file{now: now}
	if d.files == nil {
		d.files = map[string]*file{}
	}
	d.files[path] = f
	return f, nil
}

// load reads the file of an Export.
func load(path string) (*state, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return decode(f)
}

// lock opens the file for a driver, and makes its buckets.
func (f *file) lock(o Options) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writer || f.readers > 0 && !o.ReadOnly {
		return engine.ErrLocked
	}
	missing := slices.DeleteFunc(slices.Clone(o.Buckets), func(name string) bool { return f.now.buckets[name] != nil })
	if len(missing) > 0 && o.ReadOnly {
		return engine.ErrOlder
	}
	if len(missing) > 0 {
		f.now = f.now.next()
		for _, name := range missing {
			f.now.buckets[name] = new(tree)
		}
	}
	if o.ReadOnly {
		f.readers++
	} else {
		f.writer = true
	}
	return nil
}

// next is a state to be changed, with the same trees at first.
func (s *state) next() *state {
	n := &state{id: s.id + 1, buckets: make(map[string]*tree, len(s.buckets)), size: s.size}
	for name, t := range s.buckets {
		n.buckets[name] = t
	}
	return n
}

// state is that of the last commit.
func (d *Driver) state() *state {
	d.file.mu.Lock()
	defer d.file.mu.Unlock()
	return d.file.now
}

// Room is how many octets new mail may still take.
func (d *Driver) Room() int64 {
	if d.opt.Free == nil {
		return math.MaxInt64 / 2
	}
	return d.opt.Free() - d.opt.Reserve
}

// Rest does nothing here.
func (d *Driver) Rest() {}

// Trim does nothing here.
func (d *Driver) Trim() {}

// Size is how many octets keys and values have.
func (d *Driver) Size() (used, free int64) { return d.state().size, 0 }

// Check finds no fault: there is nothing below the keys.
func (d *Driver) Check(func(error)) error { return nil }

// Close lets others open what this driver has.
func (d *Driver) Close(bool) error {
	d.once.Do(func() {
		d.file.mu.Lock()
		defer d.file.mu.Unlock()
		if d.opt.ReadOnly {
			d.file.readers--
		} else {
			d.file.writer = false
		}
	})
	return nil
}
