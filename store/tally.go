package store

import (
	"cmp"
	"slices"
	"time"

	"relay/store/bolt"
)

// Tally is what became of a day's mail that a domain's signature was on, at one provider.
// Bucket "tallies", key account NUL domain NUL provider NUL day, JSON. Settle counts in the
// transaction of the outcomes; the first count of a day removes the days that are too old.
type Tally struct {
	Domain   string `json:"domain"`
	Provider string `json:"provider"` // name of its row
	Day      string `json:"day"`      // "2026-11-29" in the operator's zone

	Delivered int64 `json:"delivered"` // recipients
	Deferred  int64 `json:"deferred"`  // put off at least once
	Failed    int64 `json:"failed"`

	Refusals []TalliedReply `json:"refusals,omitempty"` // the most common kinds
}

// TalliedReply is a kind of reply that put mail off or refused it.
type TalliedReply struct {
	Reply    string `json:"reply"` // as ReplySample has it
	Category string `json:"category"`
	Count    int64  `json:"count"` // recipients; those of kinds that it took the place of are in it
}

const (
	mostRefusals = 4 // of a tally
	tallyDays    = 30
)

// tally counts an outcome of a message that a domain's signature is on. before is the
// recipient's state until then.
func (t *tx) tally(m *Message, r *Result, before RecipientState, o *Outcome) error {
	domain := cmp.Or(r.Signature.Domain, m.Signature.Domain)
	if domain == "" || m.own() || r.Provider == "" {
		return nil
	}
	is, err := t.tallyOf(m.Account, domain, r.Provider)
	if err != nil {
		return err
	}
	switch {
	case o.State == Delivered:
		is.Delivered++
	case o.State == Deferred && before != Deferred:
		is.Deferred++
	case o.State.Final():
		is.Failed++
	default:
		return nil
	}
	if o.Sample.Reply != "" {
		is.refused(o)
	}
	t.b.Touch()
	return nil
}

// refused counts a refusal. A new kind takes the place of the least common one, with its
// count: what is common stays (Metwally, Agrawal, El Abbadi, "space saving").
func (is *Tally) refused(o *Outcome) {
	i := slices.IndexFunc(is.Refusals, func(f TalliedReply) bool { return f.Reply == o.Sample.Reply })
	switch {
	case i >= 0:
	case len(is.Refusals) < mostRefusals:
		i = len(is.Refusals)
		is.Refusals = append(is.Refusals, TalliedReply{})
	default:
		for j := range is.Refusals {
			if i < 0 || is.Refusals[j].Count < is.Refusals[i].Count {
				i = j
			}
		}
	}
	f := &is.Refusals[i]
	f.Reply, f.Category = o.Sample.Reply, o.Verdict.Category
	f.Count++
}

// tallyOf is today's tally as this transaction sees it. It is written with the transaction.
func (t *tx) tallyOf(account, domain, provider string) (*Tally, error) {
	day := t.wall.In(t.s.zone).Format(time.DateOnly)
	prefix := pairKey(account, domain+"\x00"+provider+"\x00")
	key := string(prefix) + day
	sc := t.scratch()
	if is := sc.tallies[key]; is != nil {
		return is, nil
	}
	is := &Tally{Domain: domain, Provider: provider, Day: day}
	there, err := t.get(tallies, []byte(key), is)
	if err == nil && !there {
		err = t.forgetTallies(prefix)
	}
	if err != nil {
		return nil, err
	}
	if sc.tallies == nil {
		sc.tallies = map[string]*Tally{}
	}
	sc.tallies[key] = is
	return is, nil
}

// oldestTally is the first day that counts.
func (t *tx) oldestTally() string {
	return t.wall.In(t.s.zone).AddDate(0, 0, 1-tallyDays).Format(time.DateOnly)
}

// forgetTallies removes the days that are too old, of one domain at one provider.
func (t *tx) forgetTallies(prefix []byte) error {
	oldest := t.oldestTally()
	var keys [][]byte
	c := t.b.Cursor(tallies)
	for k, _ := c.Seek(prefix); k != nil && hasPrefix(k, prefix) && string(k[len(prefix):]) < oldest; k, _ = c.Next() {
		keys = append(keys, slices.Clone(k))
	}
	for _, k := range keys {
		if err := t.b.Delete(tallies, k); err != nil {
			return err
		}
	}
	return nil
}

// keepTallies writes what a transaction has counted.
func keepTallies(b *bolt.Tx, all map[string]*Tally) error {
	for key, is := range all {
		if err := putJSON(b, tallies, []byte(key), is); err != nil {
			return err
		}
	}
	return nil
}

// Tallies are what became of the mail of the last 30 days that a domain's signature was on,
// by provider: one for each, without a day.
func (s *Store) Tallies(account, domain string) (list []Tally, err error) {
	err = s.view(func(t *tx) error {
		all, err := all[Tally](t, tallies, pairKey(account, domain+"\x00"))
		list = sumTallies(all, t.oldestTally())
		return err
	})
	return list, err
}

// sumTallies adds up the days of each provider. They come by provider.
func sumTallies(all []Tally, oldest string) (list []Tally) {
	for i := range all {
		day := &all[i]
		if day.Day < oldest {
			continue
		}
		if n := len(list); n == 0 || list[n-1].Provider != day.Provider {
			list = append(list, Tally{Domain: day.Domain, Provider: day.Provider})
		}
		sum := &list[len(list)-1]
		sum.Delivered += day.Delivered
		sum.Deferred += day.Deferred
		sum.Failed += day.Failed
		for _, f := range day.Refusals {
			j := slices.IndexFunc(sum.Refusals, func(g TalliedReply) bool { return g.Reply == f.Reply })
			if j < 0 {
				sum.Refusals = append(sum.Refusals, f)
				continue
			}
			sum.Refusals[j].Count += f.Count
		}
	}
	for i := range list {
		slices.SortStableFunc(list[i].Refusals, func(a, b TalliedReply) int { return cmp.Compare(b.Count, a.Count) })
	}
	return list
}
