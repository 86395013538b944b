package store

import (
	"bytes"
	"fmt"
	"sync"

	"relay/store/bolt"
)

// decoded keeps the last decoded form of records that are read far more often
// than written. It needs no telling of changes: what it keeps is good as long as
// the record's octets are the same.
type decoded[T any] struct {
	mu   sync.RWMutex
	kept map[string]keptRecord[T]
}

type keptRecord[T any] struct {
	raw []byte
	v   *T
}

// mostDecoded bounds the memory; beyond it one record makes room for another.
const mostDecoded = 10_000

// load is store's load; the value must not be changed.
func (d *decoded[T]) load(t *tx, b bolt.Bucket, key string) (*T, error) {
	raw := t.b.Get(b, []byte(key))
	if raw == nil {
		return nil, fmt.Errorf("%s %q: %w", bucketNames[b], key, ErrNotFound)
	}
	d.mu.RLock()
	k, ok := d.kept[key]
	d.mu.RUnlock()
	if ok && bytes.Equal(k.raw, raw) {
		return k.v, nil
	}
	k = keptRecord[T]{bytes.Clone(raw), new(T)}
	if err := decode(bucketNames[b], []byte(key), raw, k.v); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kept == nil {
		d.kept = map[string]keptRecord[T]{}
	}
	for other := range d.kept {
		if len(d.kept) < mostDecoded {
			break
		}
		delete(d.kept, other)
	}
	d.kept[key] = k
	return k.v, nil
}
