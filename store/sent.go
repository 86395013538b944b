package store

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"sync"
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/sent"
	"relay/store/spooled"
)

// The index of what was sent finds the e-mails of the last 90 days that had a Message-ID, so
// that what comes back finds its account. Package sent has its form.
//
//  1. Settle collects an entry for each recipient that a next hop took, and the transaction
//     appends them to bucket "sent-open" as one record. Relay's own mail is not in it.
//  2. When that is on disk, they are put into the open parts in memory. Open reads the
//     records again that are in no run yet: those of a part or two.
//  3. The keeper (sent_keep.go) makes runs of the parts that are full, in the background.
//
// Bucket "sent-open": number (8): entries. "sent-index": number of a run (4): sent.Run, JSON.
// "sent-runs": chunks, see sent.Key. "sent-names": the names behind the numbers of entries.
type sentIndex struct {
	mu     sync.RWMutex
	parts  []*openPart // the oldest first; the last one grows. Never empty
	busy   bool        // the keeper is at work
	closed bool
	keeper sync.WaitGroup

	next uint64 // number of the next record; the writer's
}

// openPart is a piece of bucket "sent-open".
type openPart struct {
	sent.Part
	upto uint64 // number of its last record
}

var keySentDone = []byte("sent-done") // in bucket "meta": the last record that is in a run (8)

// Purposes of hashes: what is hashed for one of them is never equal to what is for another.
const (
	hashMessageID = 'm'
	hashMessage   = 'i' // the ID of a message without a Message-ID
	hashMailbox   = 'b'
	hashReporter  = 'r'
)

// hashSent is a keyed hash of a text. Nothing of it leaves the store but the beginnings that
// tokens have, and nobody can make these without the key.
func (s *Store) hashSent(purpose byte, text string) [32]byte {
	buf := make([]byte, 0, 256)
	buf = append(append(append(buf, s.sentKey[:]...), purpose), text...)
	return sha256.Sum256(buf)
}

// hashOfMessage stands for a Message-ID or, where a message has none, for its ID.
func (s *Store) hashOfMessage(messageID string, id spooled.ID) sent.Hash {
	var sum [32]byte
	if messageID = bareMessageID(messageID); messageID != "" {
		sum = s.hashSent(hashMessageID, messageID)
	} else {
		sum = s.hashSent(hashMessage, string(id[:]))
	}
	return sent.Hash(sum[:])
}

func (s *Store) hashOfMailbox(mailbox string) sent.Box {
	sum := s.hashSent(hashMailbox, mailbox)
	return sent.Box(sum[:])
}

// bareMessageID is what stands between the brackets of a Message-ID; reports leave them out,
// or put a comment beside them.
func bareMessageID(text string) string {
	if _, rest, ok := strings.Cut(text, "<"); ok {
		text, _, _ = strings.Cut(rest, ">")
	}
	return strings.TrimSpace(text)
}

// sentScratch is what a transaction adds to the index.
type sentScratch struct {
	list    []byte // entries
	owners  map[owner]uint32
	ways    map[way]uint16
	message spooled.ID // of hash
	hash    sent.Hash
}

// owner is the account of an e-mail, and the period that it was charged to.
type owner struct{ account, period string }

// way is how an e-mail went.
type way struct{ source, provider string }

// entered puts an e-mail that was delivered into the index.
func (t *tx) entered(m *spooled.Message, r *spooled.Recipient, by *Result) error {
	if m.OfRelay() {
		return nil
	}
	sc := t.scratch()
	if sc.sent == nil {
		sc.sent = &sentScratch{owners: map[owner]uint32{}, ways: map[way]uint16{}}
	}
	in := sc.sent
	if in.message != m.ID {
		in.message, in.hash = m.ID, t.s.hashOfMessage(m.MessageID, m.ID)
	}
	e := sent.Entry{Message: in.hash, Mailbox: t.s.hashOfMailbox(r.Mailbox()), ID: m.ID, At: uint32(t.Wall.Unix())}
	var err error
	if e.Owner, err = t.ownerNumber(owner{m.Account, m.Period}); err != nil {
		return err
	}
	if e.Way, err = t.wayNumber(way{by.Source, by.Provider}); err != nil {
		return err
	}
	in.list = e.Append(in.list)
	return nil
}

// keepSent appends what a transaction has collected.
func (s *Store) keepSent(b *engine.Tx, in *sentScratch) error {
	if in == nil || len(in.list) == 0 {
		return nil
	}
	n := s.sent.next
	b.OnCommit(func() {
		s.sent.next = n + 1
		s.sent.add(n, in.list)
		s.keepIndex()
	})
	return b.Put(bucket.SentOpen, binary.BigEndian.AppendUint64(nil, n), in.list)
}

// add puts the entries of a record into memory.
func (x *sentIndex) add(n uint64, list []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	last := x.parts[len(x.parts)-1]
	if last.Full() {
		last = &openPart{}
		x.parts = append(x.parts, last)
	}
	last.Add(list)
	last.upto = n
}

// find calls fn for the entries of a Message-ID that are in memory.
func (x *sentIndex) find(h sent.Hash, fn func(raw []byte) bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, p := range x.parts {
		p.Find(h, fn)
	}
}

// loadSent reads the records that are in no run yet, and has the keeper go on.
func (s *Store) loadSent(readOnly bool) error {
	s.sent.parts = []*openPart{{}}
	begun := false
	err := s.view(func(t *tx) error {
		done := t.sentDone()
		s.sent.next = done + 1
		c := t.Cursor(bucket.SentOpen)
		for k, v := c.Seek(binary.BigEndian.AppendUint64(nil, done+1)); k != nil; k, v = c.Next() {
			n := binary.BigEndian.Uint64(k)
			s.sent.add(n, v)
			s.sent.next = n + 1
		}
		k, _ := t.Cursor(bucket.SentIndexOf).First()
		begun = k != nil
		return nil
	})
	if err == nil && begun && !readOnly {
		s.keepIndexNow()
	}
	return err
}

// sentDone is the last record that is in a run.
func (t *tx) sentDone() uint64 {
	if raw := t.Get(bucket.Meta, keySentDone); len(raw) == 8 {
		return binary.BigEndian.Uint64(raw)
	}
	return 0
}

// sentDay is the number of the day in UTC by which the index goes.
func sentDay(at time.Time) int { return int(at.Unix() / (24 * 60 * 60)) }
