package room

import (
	"bytes"
	"sync"

	"relay/store/engine"
)

// Decoded keeps the last decoded form of records that are read for each message. It
// needs no telling of changes: a form is used only while the record's octets are
// those that it was decoded from.
type Decoded[T any] struct {
	mu   sync.RWMutex
	kept map[string]keptRecord[T]
}

type keptRecord[T any] struct {
	raw []byte
	v   *T
}

// mostDecoded bounds the memory; beyond it one record makes room for another.
const mostDecoded = 10_000

// Load is that of the package; the value must not be changed.
func (d *Decoded[T]) Load(t *Tx, b engine.Bucket, key string) (*T, error) {
	raw := t.Get(b, []byte(key))
	if raw == nil {
		return nil, Missing(b, key)
	}
	d.mu.RLock()
	k, ok := d.kept[key]
	d.mu.RUnlock()
	if ok && bytes.Equal(k.raw, raw) {
		return k.v, nil
	}
	k = keptRecord[T]{bytes.Clone(raw), new(T)}
	if err := Decode(b, []byte(key), raw, k.v); err != nil {
		return nil, err
	}
	d.keep(key, k)
	return k.v, nil
}

// Keep takes over what is just being written; neither may change any more. If the write is
// rolled back, its octets are never read and it does no harm.
func (d *Decoded[T]) Keep(key string, raw []byte, v *T) { d.keep(key, keptRecord[T]{raw, v}) }

func (d *Decoded[T]) keep(key string, k keptRecord[T]) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kept == nil {
		d.kept = map[string]keptRecord[T]{}
	}
	if _, there := d.kept[key]; !there {
		for other := range d.kept {
			if len(d.kept) < mostDecoded {
				break
			}
			delete(d.kept, other)
		}
	}
	d.kept[key] = k
}
