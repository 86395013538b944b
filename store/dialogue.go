package store

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"relay/store/bolt"
)

// Dialogue is what was said in an attempt that did not reach all its recipients. Bucket
// "dialogues", key ID, microseconds (8) and Domain, the lines as they are. Settle writes it in the
// transaction of the outcomes; it is pruned with the trace.
type Dialogue struct {
	Time   time.Time // when the attempt spoke to its first host; what comes later in it replaces this
	Domain string    // one of those that the attempt was for
	Lines  []byte    // each ends in LF; nil: nothing was said
}

// mostDialogues of a message are kept, the last ones.
const mostDialogues = 3

// keepDialogue stores a dialogue of a message and forgets the oldest.
func (t *tx) keepDialogue(id ID, d *Dialogue) error {
	if len(d.Lines) == 0 {
		return nil
	}
	key := append(traceKey(id, d.Time, 0)[:24], d.Domain...)
	if err := t.b.Put(dialogues, key, d.Lines); err != nil {
		return err
	}
	c := t.b.Cursor(dialogues)
	first, _ := c.Seek(id[:])
	first = slices.Clone(first)
	n := 0
	for k, _ := c.Seek(id[:]); k != nil && hasPrefix(k, id[:]); k, _ = c.Next() {
		n++
	}
	if n <= mostDialogues {
		return nil
	}
	return t.b.Delete(dialogues, first)
}

// Dialogues are those of the last attempts of a message that failed, the oldest first.
func (s *Store) Dialogues(id ID) (list []Dialogue, err error) {
	err = s.view(func(t *tx) error {
		list = nil
		c := t.b.Cursor(dialogues)
		for k, raw := c.Seek(id[:]); k != nil && hasPrefix(k, id[:]); k, raw = c.Next() {
			list = append(list, Dialogue{time.UnixMicro(int64(binary.BigEndian.Uint64(k[16:]))).UTC(), string(k[24:]), bytes.Clone(raw)})
		}
		return nil
	})
	return list, err
}

// pruneByID removes some records of a bucket whose keys begin with an ID before end. more
// says that there are others.
func (t *tx) pruneByID(b bolt.Bucket, end ID) (removed int, more bool, err error) {
	var keys [][]byte
	c := t.b.Cursor(b)
	for k, _ := c.First(); k != nil && ID(k[:16]).Compare(end) < 0; k, _ = c.Next() {
		if len(keys) == walkStep {
			more = true
			break
		}
		keys = append(keys, slices.Clone(k))
	}
	for _, k := range keys {
		if err := t.b.Delete(b, k); err != nil {
			return 0, false, err
		}
	}
	return len(keys), more, nil
}
