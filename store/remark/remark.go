// Package remark counts mail that receivers will hold against its sender: by account, day, kind and
// domain of the From field.
//
// The remarks lie in bucket "remarks". The intake collects them in memory and hands them over once a
// minute, which Keep adds up in transactions of their own. A crash loses that minute: remarks are
// for people, and no mail waits for them. The first remark of an account on a day removes those that
// are too old; the removal of an account removes the rest.
package remark

import (
	"bytes"
	"time"

	"github.com/oklog/ulid/v2"

	"relay/store/bucket"
	"relay/store/room"
)

// Kinds of remarks.
const (
	Unsigned = "unsigned" // nothing proves to receivers who the mail is from
	SPFOnly  = "spf-only" // only SPF does, which some receivers do not take and forwarding breaks
	Freemail = "freemail" // it is from a domain whose mail only its own provider can send
	Bulk     = "bulk"     // one subject went to many, without the fields to unsubscribe
	Sent     = "sent "    // and the provider: how many went there, which is no fault
)

// Remark counts mail of an account on a day, from one domain in the From field, that
// receivers will hold something against. Bucket "remarks", key account NUL day NUL kind NUL
// domain, JSON.
type Remark struct {
	Account string `json:"-"`
	Day     string `json:"-"` // 2006-01-02, in the operator's zone
	Kind    string `json:"-"`
	Domain  string `json:"-"` // lower case A-labels; "": others, beyond mostADay

	Count   int64     `json:"count"`            // messages; of Sent recipients
	Last    time.Time `json:"last"`             // UTC
	Message ulid.ULID `json:"message,omitzero"` // the last one
	Policy  string    `json:"policy,omitempty"` // what the domain's DMARC record asks receivers to do; "": it has none
}

const (
	mostADay = 200 // of an account on a day
	keptFor  = 40  // days
	most     = 256 // in a transaction
)

func (r *Remark) key() []byte {
	key := append(room.Pair(r.Account, r.Day), 0)
	key = append(append(key, r.Kind...), 0)
	return append(key, r.Domain...)
}

// parse reads what key wrote.
func parse(k []byte) (r Remark) {
	for i, part := range bytes.SplitN(k, []byte{0}, 4) {
		*[]*string{&r.Account, &r.Day, &r.Kind, &r.Domain}[i] = string(part)
	}
	return r
}

// ManyAtGoogle recipients a day are near 5,000, from which on Gmail takes a domain for a bulk
// sender, for good.
const ManyAtGoogle = 4_000

// NearsBulk reports a day on which so many recipients at Gmail got mail from the domain.
func (r *Remark) NearsBulk() bool { return r.Kind == Sent+"google" && r.Count >= ManyAtGoogle }

// Remarks are those of all accounts.
type Remarks struct{ db *room.DB }

// New keeps them in a store.
func New(db *room.DB) *Remarks { return &Remarks{db} }

// Keep adds remarks to the stored ones and returns what they come to. It leaves out those of an
// account that is gone. It works in small transactions.
func (r *Remarks) Keep(list []Remark) (now []Remark, err error) {
	for len(list) > 0 && err == nil {
		step := list[:min(len(list), most)]
		list = list[len(step):]
		var sums []Remark
		err = r.db.Update(len(step)*256, func(t room.Tx) error {
			sums = sums[:0]
			for i := range step {
				sum, err := step[i].addTo(&t)
				if err != nil {
					return err
				}
				sums = append(sums, sum)
			}
			return nil
		})
		if err == nil {
			now = append(now, sums...)
		}
	}
	return now, err
}

// addTo adds the remark to the stored one of its key. Of a new domain beyond mostADay it adds to
// that of the others.
func (r Remark) addTo(t *room.Tx) (Remark, error) {
	if t.Get(bucket.Accounts, []byte(r.Account)) == nil {
		return r, nil
	}
	sum := r
	known, err := t.Read(bucket.Remarks, r.key(), &sum)
	if err != nil {
		return r, err
	}
	if !known {
		n, err := r.makeRoom(t)
		if err != nil {
			return r, err
		}
		if n >= mostADay && r.Domain != "" {
			r.Domain = ""
			return r.addTo(t)
		}
		return r, t.Write(bucket.Remarks, r.key(), &r)
	}
	sum.Count += r.Count
	sum.Last, sum.Message, sum.Policy = r.Last, r.Message, r.Policy
	return sum, t.Write(bucket.Remarks, r.key(), &sum)
}

// makeRoom returns how many remarks the day has. Before its first it removes those of the account
// that are too old.
func (r *Remark) makeRoom(t *room.Tx) (n int, err error) {
	day := append(room.Pair(r.Account, r.Day), 0)
	c := t.Cursor(bucket.Remarks)
	for k, _ := c.Seek(day); k != nil && room.HasPrefix(k, day); k, _ = c.Next() {
		n++
	}
	at, bad := time.Parse(time.DateOnly, r.Day)
	if n > 0 || bad != nil {
		return n, nil
	}
	prefix, oldest := room.Pair(r.Account, ""), room.Pair(r.Account, at.AddDate(0, 0, -keptFor).Format(time.DateOnly))
	var old [][]byte
	for k, _ := c.Seek(prefix); k != nil && room.HasPrefix(k, prefix) && bytes.Compare(k, oldest) < 0; k, _ = c.Next() {
		old = append(old, bytes.Clone(k))
	}
	for _, k := range old {
		if err := t.Delete(bucket.Remarks, k); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// Of an account, from a day on, by day.
func (r *Remarks) Of(account, from string) (list []Remark, err error) {
	err = r.db.View(func(t room.Tx) error { list, err = r.Read(&t, account, from); return err })
	return list, err
}

// Read is Of within a transaction.
func (r *Remarks) Read(t *room.Tx, account, from string) (list []Remark, err error) {
	prefix := room.Pair(account, "")
	c := t.Cursor(bucket.Remarks)
	for k, raw := c.Seek(room.Pair(account, from)); k != nil && room.HasPrefix(k, prefix); k, raw = c.Next() {
		is := parse(k)
		if err := room.Decode(bucket.Remarks, k, raw, &is); err != nil {
			return nil, err
		}
		list = append(list, is)
	}
	return list, nil
}

// Forget removes those of an account that is being removed.
func (r *Remarks) Forget(t *room.Tx, account string) error {
	return t.DeleteOf(bucket.Remarks, account)
}
