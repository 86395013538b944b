package store

import (
	"encoding/json"
	"errors"
	"time"

	"relay/store/bolt"
)

// scratch is what the requests of one transaction change again and again:
// counters, and the heads of lanes. flush writes it once, before the commit.
type scratch struct {
	usage   map[string]*counter // by key
	heads   map[string]int64    // lane -> due time under which it lies in bucket "due", in ms; noHead: nowhere
	totals  *Totals
	records map[string]*recordState   // by account
	issued  uint64                    // last number of an invoice; 0: none was issued
	heard   map[string]*ReplyKind     // replies, by key
	tallies map[string]*Tally         // of domains, by key
	days    map[string]*dayCount      // by key
	errors  map[string]*countedErrors // by account
	news    *news                     // for those who watch; nil: none
}

// counter is a usage with what it was before the transaction: one that was
// only read is not written.
type counter struct{ is, was Usage }

const noHead = int64(-1)

func (t *tx) scratch() *scratch {
	if t.b.Scratch == nil {
		t.b.Scratch = &scratch{
			usage: map[string]*counter{},
			heads: map[string]int64{},
		}
	}
	return t.b.Scratch.(*scratch)
}

// flush writes the scratch of a transaction.
func (s *Store) flush(b *bolt.Tx) error {
	if err := s.noteTime(b); err != nil {
		return err
	}
	sc, ok := b.Scratch.(*scratch)
	if !ok {
		return nil
	}
	if err := s.raise(sc.issued); err != nil {
		return err
	}
	for key, u := range sc.usage {
		if u.is == u.was {
			continue
		}
		if err := putJSON(b, usage, []byte(key), &u.is); err != nil {
			return err
		}
	}
	for account, r := range sc.records {
		if r.is == r.was {
			continue
		}
		if err := putJSON(b, records, []byte(account), &r.is); err != nil {
			return err
		}
	}
	if err := errors.Join(keepHeard(b, sc.heard), keepTallies(b, sc.tallies), keepDays(b, sc.days), keepErrorCounts(b, sc.errors)); err != nil {
		return err
	}
	if sc.totals != nil {
		if err := putJSON(b, meta, keyTotals, sc.totals); err != nil {
			return err
		}
	}
	for lane, was := range sc.heads {
		if err := moveHead(b, []byte(lane), was); err != nil {
			return err
		}
	}
	return nil
}

func putJSON(b *bolt.Tx, bucket bolt.Bucket, key []byte, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.Put(bucket, key, raw)
}

// touch notes where the lane lies in bucket "due" before its first change.
func (t *tx) touch(lane []byte) {
	sc := t.scratch()
	if _, ok := sc.heads[string(lane)]; !ok {
		sc.heads[string(lane)] = headOf(t.b, lane)
	}
}

// headOf is the due time of a lane's first message in ms. What is held is
// never due: it counts as noHead.
func headOf(b *bolt.Tx, lane []byte) int64 {
	k, _ := b.Cursor(queue).Seek(lane)
	if !hasPrefix(k, lane) || len(k) < len(lane)+8 {
		return noHead
	}
	ms := parseTime(k[len(lane):]).UnixMilli()
	if ms >= never.UnixMilli() {
		return noHead
	}
	return ms
}

func moveHead(b *bolt.Tx, lane []byte, was int64) error {
	is := headOf(b, lane)
	if is == was {
		return nil
	}
	if was != noHead {
		if err := b.Delete(due, dueKey(time.UnixMilli(was), lane)); err != nil {
			return err
		}
	}
	if is == noHead {
		return nil
	}
	return b.Put(due, dueKey(time.UnixMilli(is), lane), []byte{})
}
