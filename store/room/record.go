package room

import (
	"errors"
	"fmt"

	json "github.com/go-json-experiment/json/v1"

	"relay/store/bucket"
	"relay/store/engine"
)

// Errors of look-ups, for errors.Is.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
)

// Read decodes the value of key into v and reports whether there is one.
func (t *Tx) Read(b engine.Bucket, key []byte, v any) (bool, error) {
	raw := t.Get(b, key)
	if raw == nil {
		return false, nil
	}
	return true, Decode(b, key, raw, v)
}

// Write stores v under key.
func (t *Tx) Write(b engine.Bucket, key []byte, v any) error {
	raw, err := Encode(b, key, v)
	if err != nil {
		return err
	}
	return t.Put(b, key, raw)
}

// Encode makes the record of v, to be put under key.
func Encode(b engine.Bucket, key []byte, v any) ([]byte, error) {
	if w, ok := v.(Writer); ok {
		if raw := encode(w); raw != nil {
			return raw, nil
		}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %s %q: %w", bucket.Names[b], key, err)
	}
	return raw, nil
}

// Decode reads a record that a cursor found.
func Decode(b engine.Bucket, key, raw []byte, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("decode %s %q: %w", bucket.Names[b], key, err)
	}
	return nil
}

// Load is Read for a record that must be there: without it, it fails with ErrNotFound.
func Load[T any](t *Tx, b engine.Bucket, key string) (v T, err error) {
	ok, err := t.Read(b, []byte(key), &v)
	if err == nil && !ok {
		err = Missing(b, key)
	}
	return v, err
}

// Missing is the error about a record that is not there.
func Missing(b engine.Bucket, key string) error {
	return fmt.Errorf("%s %q: %w", bucket.Names[b], key, ErrNotFound)
}

// Add stores a record that must not be there yet; else it fails with ErrExists.
func Add(t *Tx, b engine.Bucket, key string, v any) error {
	if t.Get(b, []byte(key)) != nil {
		return fmt.Errorf("%s %q: %w", bucket.Names[b], key, ErrExists)
	}
	return t.Write(b, []byte(key), v)
}

// All decodes every record of a bucket whose key starts with prefix.
func All[T any](t *Tx, b engine.Bucket, prefix []byte) (list []T, err error) {
	c := t.Cursor(b)
	for k, raw := c.Seek(prefix); k != nil && HasPrefix(k, prefix); k, raw = c.Next() {
		var v T
		if err := Decode(b, k, raw, &v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}
