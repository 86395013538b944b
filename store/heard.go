package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"relay/store/bolt"
)

// mostHeard is how many kinds of replies are kept; the one that was new first makes room.
const mostHeard = 10_000

// ReplySample is a reply of a next hop without what is its own: addresses, names and ids.
type ReplySample struct {
	MX    string // host, the labels with digits masked
	Reply string // on one line, with its codes; "": nothing to keep
	Kind  string // likewise without numbers: replies of one kind are kept once
	Class string // what it meant
}

// ReplyKind is a kind of reply, of one host at one stage. Bucket "heard", key the hash of
// these, JSON. Bucket "heard-order" has the keys by a number, in the order in which the
// kinds were new.
type ReplyKind struct {
	MX      string    `json:"mx"`
	Stage   string    `json:"stage"`
	Reply   string    `json:"reply"` // the last one
	Class   string    `json:"class"`
	Verdict Verdict   `json:"verdict"`
	Count   int64     `json:"count"` // recipients
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`

	fresh bool // it is not in the store yet
}

// heardKey is a hash of fixed length: replies may be long.
func heardKey(o *Outcome) string {
	sum := sha256.Sum256([]byte(o.Sample.MX + "\x00" + o.Verdict.Stage + "\x00" + o.Sample.Kind))
	return string(sum[:16])
}

// hear counts the reply of an outcome. It is written once, with the transaction.
func (t *tx) hear(o *Outcome) error {
	if o.Sample.Reply == "" {
		return nil
	}
	key, sc := heardKey(o), t.scratch()
	h := sc.heard[key]
	if h == nil {
		h = &ReplyKind{MX: o.Sample.MX, Stage: o.Verdict.Stage, First: t.wall}
		known, err := t.get(heard, []byte(key), h)
		if err != nil {
			return err
		}
		h.fresh = !known
		if sc.heard == nil {
			sc.heard = map[string]*ReplyKind{}
		}
		sc.heard[key] = h
	}
	h.Reply, h.Class, h.Verdict, h.Last = o.Sample.Reply, o.Sample.Class, o.Verdict, t.wall
	h.Count++
	t.b.Touch()
	return nil
}

// keepHeard writes what a transaction has heard. A new kind takes the place of the oldest.
func keepHeard(b *bolt.Tx, all map[string]*ReplyKind) error {
	for key, h := range all {
		if err := putJSON(b, heard, []byte(key), h); err != nil {
			return err
		}
		if !h.fresh {
			continue
		}
		c := b.Cursor(heardOrder)
		last, _ := c.Last()
		number := heardNumber(last) + 1
		if err := b.Put(heardOrder, binary.BigEndian.AppendUint64(nil, number), []byte(key)); err != nil {
			return err
		}
		if err := forgetHeard(b, number); err != nil {
			return err
		}
	}
	return nil
}

// forgetHeard removes the oldest kind once there are too many. Numbers have no gaps.
func forgetHeard(b *bolt.Tx, last uint64) error {
	first, key := b.Cursor(heardOrder).First()
	if last-heardNumber(first) < mostHeard {
		return nil
	}
	first, key = bytes.Clone(first), bytes.Clone(key)
	if err := b.Delete(heardOrder, first); err != nil {
		return err
	}
	return b.Delete(heard, key)
}

func heardNumber(key []byte) uint64 {
	if len(key) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(key)
}

// ReplyKinds are the kinds of replies that are kept, in no order: at most mostHeard.
func (s *Store) ReplyKinds() (list []ReplyKind, err error) {
	err = s.view(func(t *tx) error {
		list, err = all[ReplyKind](t, heard, nil)
		return err
	})
	return list, err
}
