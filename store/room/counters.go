package room

import (
	"bytes"
	"errors"
	"strings"

	json "github.com/go-json-experiment/json/v1"

	"relay/store/engine"
)

// Counters are records that the requests of one transaction change again and again. Each is
// read at its first use, is changed in memory, and is written once, by Flush, if it is not
// what it was. The key is that of Pair, with Behind after it.
type Counters[T comparable] struct {
	Bucket engine.Bucket
	// Behind tells the keys of one kind of record from those of another one in the same
	// bucket: it is "", or a NUL and no other one.
	Behind string

	decoded   Decoded[T]
	collected engine.Key[collection[T]]
}

type collection[T comparable] struct {
	of  map[string]*counter[T] // by key
	key []byte                 // to look up in it
}

// counter is a record with what it was before the transaction: one that was only read is not
// written.
type counter[T comparable] struct{ is, was T }

// In is the record as this transaction sees it, a zero T if there is none. A change is stored
// with the transaction, which must be touched for it. One that cannot be read fails the
// request: it must not start again from zero.
func (c *Counters[T]) In(t *Tx, owner, key string) *T {
	sc := c.collected.In(t.Tx)
	sc.key = append(append(append(append(sc.key[:0], owner...), 0), key...), c.Behind...)
	if r := sc.of[string(sc.key)]; r != nil {
		return &r.is
	}
	whole := string(sc.key)
	r := &counter[T]{}
	switch stored, err := c.decoded.Load(t, c.Bucket, whole); {
	case err == nil:
		r.is, r.was = *stored, *stored
	case !errors.Is(err, ErrNotFound):
		t.Fail(err)
		return &r.is
	}
	if sc.of == nil {
		sc.of = map[string]*counter[T]{}
	}
	sc.of[whole] = r
	return &r.is
}

// Each calls fn for the records of an owner as this transaction sees them, those that are
// stored in the order of their keys, then those that it has in memory. Of the stored ones it
// may leave out some by their octets; may is nil for none. fn must not keep v.
func (c *Counters[T]) Each(t *Tx, owner string, may func(raw []byte) bool, fn func(key string, v *T) error) error {
	prefix, sc := Pair(owner, ""), c.collected.Of(t.Tx)
	if sc == nil {
		sc = &collection[T]{}
	}
	at := t.Cursor(c.Bucket)
	for k, raw := at.Seek(prefix); HasPrefix(k, prefix); k, raw = at.Next() {
		if !c.Has(k) || sc.of[string(k)] != nil || may != nil && !may(raw) {
			continue
		}
		var v T
		if err := Decode(c.Bucket, k, raw, &v); err != nil {
			return err
		}
		if err := fn(c.keyOf(k[len(prefix):]), &v); err != nil {
			return err
		}
	}
	for k, r := range sc.of {
		if rest, ours := strings.CutPrefix(k, string(prefix)); ours {
			if err := fn(c.keyOf([]byte(rest)), &r.is); err != nil {
				return err
			}
		}
	}
	return nil
}

// Has reports whether a key of the bucket is that of a record of this kind.
func (c *Counters[T]) Has(k []byte) bool {
	_, rest, _ := bytes.Cut(k, []byte{0})
	i := bytes.IndexByte(rest, 0)
	return i < 0 && c.Behind == "" || i >= 0 && string(rest[i:]) == c.Behind
}

func (c *Counters[T]) keyOf(rest []byte) string { return string(rest[:len(rest)-len(c.Behind)]) }

// Flush writes what a transaction has counted.
func (c *Counters[T]) Flush(b *engine.Tx) error {
	sc := c.collected.Of(b)
	if sc == nil {
		return nil
	}
	for key, r := range sc.of {
		if r.is == r.was {
			continue
		}
		raw, err := json.Marshal(&r.is)
		if err == nil {
			err = b.Put(c.Bucket, []byte(key), raw)
		}
		if err != nil {
			return err
		}
		is := r.is // without the rest of r
		c.decoded.Keep(key, raw, &is)
	}
	return nil
}
