package trace

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
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

// KeepDialogue stores a dialogue of a message and forgets the oldest.
func KeepDialogue(t *room.Tx, id spooled.ID, d *Dialogue) error {
	if len(d.Lines) == 0 {
		return nil
	}
	key := append(spooled.TraceKey(id, d.Time, 0)[:24], d.Domain...)
	if err := t.Put(bucket.Dialogues, key, d.Lines); err != nil {
		return err
	}
	c := t.Cursor(bucket.Dialogues)
	first, _ := c.Seek(id[:])
	first = slices.Clone(first)
	n := 0
	for k, _ := c.Seek(id[:]); k != nil && room.HasPrefix(k, id[:]); k, _ = c.Next() {
		n++
	}
	if n <= mostDialogues {
		return nil
	}
	return t.Delete(bucket.Dialogues, first)
}

// Dialogues are those of the last attempts of a message that failed, the oldest first.
func (s *Trace) Dialogues(id spooled.ID) (list []Dialogue, err error) {
	err = s.db.View(func(t room.Tx) error {
		list = nil
		c := t.Cursor(bucket.Dialogues)
		for k, raw := c.Seek(id[:]); k != nil && room.HasPrefix(k, id[:]); k, raw = c.Next() {
			list = append(list, Dialogue{time.UnixMicro(int64(binary.BigEndian.Uint64(k[16:]))).UTC(), string(k[24:]), bytes.Clone(raw)})
		}
		return nil
	})
	return list, err
}
