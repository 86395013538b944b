package sites

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/mailreply"
	"relay/store/room"
)

// mostHeard is how many kinds of replies are kept. The oldest kind makes room for a new one.
const mostHeard = 10_000

// ReplyKind is a kind of reply, of one host at one stage. Bucket "heard", key the hash of
// the three, JSON. Bucket "heard-order" has these keys by a number, in the order in which the
// kinds were new.
type ReplyKind struct {
	MX      string            `json:"mx"`
	Stage   string            `json:"stage"`
	Reply   string            `json:"reply"` // the last one
	Class   string            `json:"class"`
	Verdict mailreply.Verdict `json:"verdict"`
	Count   int64             `json:"count"` // recipients
	First   time.Time         `json:"first"`
	Last    time.Time         `json:"last"`

	fresh bool // it is not in the store yet
}

// heard collects the kinds of replies that the requests of one transaction heard, by key:
// one that is heard again and again is written once.
type heard map[string]*ReplyKind

var heardKey engine.Key[heard]

// replyKey is a hash of fixed length: replies may be long.
func replyKey(r *mailreply.Sample, stage string) string {
	sum := sha256.Sum256([]byte(r.MX + "\x00" + stage + "\x00" + r.Kind))
	return string(sum[:16])
}

// Hear counts a reply, and what it was taken for. Flush writes the count. A sample without a
// reply is not counted.
func (s *Sites) Hear(t *room.Tx, r *mailreply.Sample, v *mailreply.Verdict) error {
	if r.Reply == "" {
		return nil
	}
	key, all := replyKey(r, v.Stage), heardKey.In(t.Tx)
	h := (*all)[key]
	if h == nil {
		h = &ReplyKind{MX: r.MX, Stage: v.Stage, First: t.Wall}
		known, err := t.Read(bucket.Heard, []byte(key), h)
		if err != nil {
			return err
		}
		h.fresh = !known
		if *all == nil {
			*all = heard{}
		}
		(*all)[key] = h
	}
	h.Reply, h.Class, h.Verdict, h.Last = r.Reply, r.Class, *v, t.Wall
	h.Count++
	t.Touch()
	return nil
}

// Flush writes the replies that a transaction has heard.
func Flush(e *engine.Tx) error {
	all := heardKey.Of(e)
	if all == nil {
		return nil
	}
	t := &room.Tx{Tx: e}
	for key, h := range *all {
		if err := t.Write(bucket.Heard, []byte(key), h); err != nil {
			return err
		}
		if !h.fresh {
			continue
		}
		if err := addHeard(e, key); err != nil {
			return err
		}
	}
	return nil
}

// addHeard gives a new kind its number. It takes the place of the oldest one.
func addHeard(b *engine.Tx, key string) error {
	last, _ := b.Cursor(bucket.HeardOrder).Last()
	number := heardNumber(last) + 1
	if err := b.Put(bucket.HeardOrder, binary.BigEndian.AppendUint64(nil, number), []byte(key)); err != nil {
		return err
	}
	return forgetHeard(b, number)
}

// forgetHeard removes the oldest kind once there are too many. Numbers have no gaps.
func forgetHeard(b *engine.Tx, last uint64) error {
	first, key := b.Cursor(bucket.HeardOrder).First()
	if last-heardNumber(first) < mostHeard {
		return nil
	}
	first, key = bytes.Clone(first), bytes.Clone(key)
	if err := b.Delete(bucket.HeardOrder, first); err != nil {
		return err
	}
	return b.Delete(bucket.Heard, key)
}

func heardNumber(key []byte) uint64 {
	if len(key) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(key)
}

// ReplyKinds returns the kinds of replies that are kept, at most mostHeard, in no order.
func (s *Sites) ReplyKinds() (list []ReplyKind, err error) {
	err = s.db.View(func(t room.Tx) error {
		list, err = room.All[ReplyKind](&t, bucket.Heard, nil)
		return err
	})
	return list, err
}
