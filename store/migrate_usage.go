package store

import (
	"bytes"

	json "github.com/go-json-experiment/json/v1"

	"relay/quota"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/outcomes"
)

// Up to schema 10 there was one record an account and period (usage10), under the key that its
// Charges have now. A store may have a million, so they are split in many transactions:
//
//  1. The transaction that raises the schema notes in bucket "meta" where to begin. From then
//     on an older relay refuses the store: it would take a record of progress for one of its
//     own, and count from zero.
//  2. Each of the next ones splits splitStep records, and notes where the one after it begins.
//  3. The last one removes the note.
//
// All of it is done before Open returns, so nothing else sees a store of which a part is split.
// A kill between two of them leaves the note, with which the next Open goes on; until it has,
// Options.ReadOnly is ErrOlder as before the first.

// usage10 is the record of schema 10 and before.
type usage10 struct {
	Account string       `json:"account"`
	Period  string       `json:"period"`
	Charged quota.Charge `json:"charged"`

	Delivered  int64 `json:"delivered"`
	Failed     int64 `json:"failed"`
	Queued     int64 `json:"queued"`
	Deferred   int64 `json:"deferred"`
	Stored     int64 `json:"stored"`
	Waiting    int64 `json:"waiting,omitempty"`
	DSNs       int64 `json:"dsns,omitempty"`
	Withheld   int64 `json:"withheld,omitempty"`
	Bounced    int64 `json:"bounced,omitempty"`
	Complained int64 `json:"complained,omitempty"`

	Today  quota.Charge `json:"today,omitzero"`
	Day    string       `json:"day,omitempty"`
	Counts string       `json:"counts,omitempty"` // of Day
}

// split makes two records of it.
func (u *usage10) split() (c books.Charges, p outcomes.Progress) {
	c = books.Charges{Charged: u.Charged, Today: u.Today, Day: u.Day}
	p = outcomes.Progress{Delivered: u.Delivered, Failed: u.Failed, Deferred: u.Deferred, Stored: u.Stored, Waiting: u.Waiting,
		DSNs: u.DSNs, Withheld: u.Withheld, Bounced: u.Bounced, Complained: u.Complained}
	if u.Counts != "" {
		p.Day, p.Counts = u.Day, u.Counts
	}
	return c, p
}

// splitStep is how many records a transaction splits: some hundred pages.
const splitStep = 2048

// beginSplit notes where splitUsage begins.
func beginSplit(t *tx) error {
	first, _ := t.Cursor(bucket.Usage).First()
	if first == nil {
		return nil
	}
	return t.Put(bucket.Meta, keySplit, bytes.Clone(first))
}

// splitUsage splits what is left to split, so many records in a transaction.
func (s *Store) splitUsage(step int) error {
	for more := true; more; {
		err := s.update(0, func(t *tx) (err error) { more, err = t.splitSome(step); return err })
		if err != nil {
			return err
		}
	}
	return nil
}

// splitSome is one step of splitUsage.
func (t *tx) splitSome(step int) (more bool, err error) {
	from := bytes.Clone(t.Get(bucket.Meta, keySplit))
	if from == nil {
		return false, nil
	}
	type record struct{ key, raw []byte }
	var list []record
	c := t.Cursor(bucket.Usage)
	k, raw := c.Seek(from)
	for ; k != nil && len(list) < step; k, raw = c.Next() {
		list = append(list, record{bytes.Clone(k), bytes.Clone(raw)})
	}
	next := bytes.Clone(k)
	for _, r := range list {
		if err := t.splitRecord(r.key, r.raw); err != nil {
			return false, err
		}
	}
	if next == nil {
		return false, t.Delete(bucket.Meta, keySplit)
	}
	return true, t.Put(bucket.Meta, keySplit, next)
}

// splitRecord splits one. One that cannot be read stays so in both: what needs it fails, as
// before, and counts nothing from zero.
func (t *tx) splitRecord(key, raw []byte) error {
	behind := append(bytes.Clone(key), outcomes.Behind...)
	var u usage10
	if json.Unmarshal(raw, &u) != nil {
		return t.Put(bucket.Usage, behind, raw)
	}
	charges, p := u.split()
	if err := t.Write(bucket.Usage, key, &charges); err != nil || p == (outcomes.Progress{}) {
		return err
	}
	return t.Write(bucket.Usage, behind, &p)
}
