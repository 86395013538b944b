package delivered

import (
	"fmt"
	"slices"

	json "github.com/go-json-experiment/json/v1"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
	"relay/store/sent"
)

// A look-up has two halves: Recent, and then the Runs of a transaction that begins after Recent has
// returned. What the keeper moves from memory into a run meanwhile is found by both, and never by
// neither.

// Recent calls fn for the entries of a Message-ID that are in memory, of each part the newest first,
// until fn returns false for that part.
func (x *Index) Recent(h sent.Hash, fn func(sent.Entry) bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, p := range x.parts {
		p.Find(h, reading(fn))
	}
}

// Runs are the runs that count, as one transaction sees them.
type Runs struct {
	at   engine.Cursor
	live []sent.Run
}

// Runs of a transaction.
func (x *Index) Runs(t *room.Tx) (*Runs, error) {
	list, err := runsIn(t)
	if err != nil {
		return nil, err
	}
	return &Runs{t.Cursor(bucket.SentRuns), slices.DeleteFunc(list, func(r sent.Run) bool { return !r.Live() })}, nil
}

// Find calls fn for the entries that have the Message-ID of a key, of each run from the key on, in
// order, until fn returns false for that run. In the key all may be missing that follows the
// Message-ID.
func (r *Runs) Find(key []byte, fn func(sent.Entry) bool) {
	for i := range r.live {
		sent.Find(r.at, r.live[i].Number, key, reading(fn))
	}
}

func reading(fn func(sent.Entry) bool) func([]byte) bool {
	return func(raw []byte) bool { return fn(sent.Read(raw)) }
}

// runsIn is the list of all runs.
func runsIn(t *room.Tx) (list []sent.Run, err error) {
	c := t.Cursor(bucket.SentIndexOf)
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		var r sent.Run
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, fmt.Errorf("decode sent-index %x: %w", k, err)
		}
		list = append(list, r)
	}
	return list, nil
}
