package store

import (
	"bytes"
	"time"
)

// Kinds of remarks.
const (
	RemarkUnsigned = "unsigned" // nothing proves to receivers who the mail is from
	RemarkSPFOnly  = "spf-only" // only SPF does, which some receivers do not take and forwarding breaks
	RemarkFreemail = "freemail" // it is from a domain whose mail only its own provider can send
	RemarkBulk     = "bulk"     // one subject went to many, without the fields to unsubscribe
	RemarkSent     = "sent "    // and the provider: how many went there, which is no fault
)

// Remark counts mail of an account on a day, from one domain in the From field, that
// receivers will hold something against. Bucket "remarks", key account NUL day NUL kind NUL
// domain, JSON. Counts of the last minute are lost in a crash: they are for people, and no
// mail waits for them.
type Remark struct {
	Account string `json:"-"`
	Day     string `json:"-"` // 2006-01-02, in the operator's zone
	Kind    string `json:"-"`
	Domain  string `json:"-"` // lower case A-labels; "": others, beyond mostRemarks

	Count   int64     `json:"count"`            // messages; of RemarkSent recipients
	Last    time.Time `json:"last"`             // UTC
	Message ID        `json:"message,omitzero"` // the last one
	Policy  string    `json:"policy,omitempty"` // what the domain's DMARC record asks receivers to do; "": it has none
}

const (
	mostRemarks  = 200 // of an account on a day
	remarksFor   = 40  // days
	remarksStep  = 256 // in a transaction
	remarkLayout = time.DateOnly
)

func (r *Remark) key() []byte {
	key := append(pairKey(r.Account, r.Day), 0)
	key = append(append(key, r.Kind...), 0)
	return append(key, r.Domain...)
}

// parseRemark reads what key wrote.
func parseRemark(k []byte) (r Remark) {
	for i, part := range bytes.SplitN(k, []byte{0}, 4) {
		*[]*string{&r.Account, &r.Day, &r.Kind, &r.Domain}[i] = string(part)
	}
	return r
}

// ManyAtGoogle recipients a day are near 5,000, from which on Gmail takes a domain for a bulk
// sender, for good.
const ManyAtGoogle = 4_000

// NearsBulk reports a day on which so many recipients at Gmail got mail from the domain.
func (r *Remark) NearsBulk() bool { return r.Kind == RemarkSent+"google" && r.Count >= ManyAtGoogle }

// KeepRemarks adds remarks to those that are there and returns what they come to. Those of
// an account that is gone are left out. It works in small transactions.
func (s *Store) KeepRemarks(list []Remark) (now []Remark, err error) {
	for len(list) > 0 && err == nil {
		step := list[:min(len(list), remarksStep)]
		list = list[len(step):]
		var sums []Remark
		err = s.update(len(step)*256, func(t *tx) error {
			sums = sums[:0]
			for i := range step {
				sum, err := t.remark(step[i])
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

func (t *tx) remark(r Remark) (Remark, error) {
	if t.b.Get(accounts, []byte(r.Account)) == nil {
		return r, nil
	}
	sum := r
	known, err := t.get(remarks, r.key(), &sum)
	if err != nil {
		return r, err
	}
	if !known {
		n, err := t.makeRoom(&r)
		if err != nil {
			return r, err
		}
		if n >= mostRemarks && r.Domain != "" {
			r.Domain = ""
			return t.remark(r)
		}
		return r, t.put(remarks, r.key(), &r)
	}
	sum.Count += r.Count
	sum.Last, sum.Message, sum.Policy = r.Last, r.Message, r.Policy
	return sum, t.put(remarks, r.key(), &sum)
}

// makeRoom removes what is too old of the account, with the first remark of a day, and
// returns how many the day has.
func (t *tx) makeRoom(r *Remark) (n int, err error) {
	day := append(pairKey(r.Account, r.Day), 0)
	c := t.b.Cursor(remarks)
	for k, _ := c.Seek(day); k != nil && hasPrefix(k, day); k, _ = c.Next() {
		n++
	}
	at, bad := time.Parse(remarkLayout, r.Day)
	if n > 0 || bad != nil {
		return n, nil
	}
	prefix, oldest := pairKey(r.Account, ""), pairKey(r.Account, at.AddDate(0, 0, -remarksFor).Format(remarkLayout))
	var old [][]byte
	for k, _ := c.Seek(prefix); k != nil && hasPrefix(k, prefix) && bytes.Compare(k, oldest) < 0; k, _ = c.Next() {
		old = append(old, bytes.Clone(k))
	}
	for _, k := range old {
		if err := t.b.Delete(remarks, k); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// Remarks are those of an account from a day on, by day.
func (s *Store) Remarks(account, from string) (list []Remark, err error) {
	err = s.view(func(t *tx) error { list, err = t.remarks(account, from); return err })
	return list, err
}

func (t *tx) remarks(account, from string) (list []Remark, err error) {
	prefix := pairKey(account, "")
	c := t.b.Cursor(remarks)
	for k, raw := c.Seek(pairKey(account, from)); k != nil && hasPrefix(k, prefix); k, raw = c.Next() {
		r := parseRemark(k)
		if err := decode(bucketNames[remarks], k, raw, &r); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}
