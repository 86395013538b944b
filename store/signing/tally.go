package signing

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
)

// Tally is what became of a day's mail that a domain's signature was on, at one provider.
// Bucket "tallies", key account NUL domain NUL provider NUL day, JSON.
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
	Reply    string `json:"reply"` // as mailreply.Sample has it
	Category string `json:"category"`
	Count    int64  `json:"count"` // recipients; those of kinds that it took the place of are in it
}

const (
	mostRefusals = 4 // of a tally
	tallyDays    = 30
)

// Outcome is what became of a recipient of a message that a domain's signature is on.
type Outcome struct {
	Fate     Fate
	Reply    string // as mailreply.Sample has it; "": nothing to keep
	Category string // of the reply
}

// Fate is how an attempt ended for a recipient.
type Fate int

// The fates; 0 is of a recipient that stays as it was.
const (
	Delivered Fate = 1 + iota
	Deferred       // for the first time
	Failed
)

// Count counts an outcome at a provider, in the transaction of the attempt's result.
func (g *Signing) Count(t *room.Tx, account, domain, provider string, o Outcome) error {
	is, err := g.tally(t, account, domain, provider)
	if err != nil {
		return err
	}
	switch o.Fate {
	case Delivered:
		is.Delivered++
	case Deferred:
		is.Deferred++
	case Failed:
		is.Failed++
	default:
		return nil
	}
	if o.Reply != "" {
		is.refused(&o)
	}
	t.Touch()
	return nil
}

// refused counts a refusal. A new kind takes the place of the least common one, with its
// count: what is common stays (Metwally, Agrawal, El Abbadi, "space saving").
func (is *Tally) refused(o *Outcome) {
	i := slices.IndexFunc(is.Refusals, func(f TalliedReply) bool { return f.Reply == o.Reply })
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
	f.Reply, f.Category = o.Reply, o.Category
	f.Count++
}

// counted are the tallies that a transaction changes, by key.
type counted map[string]*Tally

var countedKey engine.Key[counted]

// tally of today, as this transaction sees it. Flush writes it.
func (g *Signing) tally(t *room.Tx, account, domain, provider string) (*Tally, error) {
	day := room.Day(t.Wall, g.o.Zone)
	prefix := room.Pair(account, domain+"\x00"+provider+"\x00")
	key := string(prefix) + day
	all := countedKey.In(t.Tx)
	if is := (*all)[key]; is != nil {
		return is, nil
	}
	is := &Tally{Domain: domain, Provider: provider, Day: day}
	there, err := t.Read(bucket.Tallies, []byte(key), is)
	if err == nil && !there {
		err = forgetTallies(t, prefix, g.oldestTally(t))
	}
	if err != nil {
		return nil, err
	}
	if *all == nil {
		*all = counted{}
	}
	(*all)[key] = is
	return is, nil
}

// oldestTally is the first day that counts.
func (g *Signing) oldestTally(t *room.Tx) string {
	return room.DayBefore(t.Wall, tallyDays-1, g.o.Zone)
}

// forgetTallies removes the days that are too old, of one domain at one provider.
func forgetTallies(t *room.Tx, prefix []byte, oldest string) error {
	var keys [][]byte
	c := t.Cursor(bucket.Tallies)
	for k, _ := c.Seek(prefix); k != nil && room.HasPrefix(k, prefix) && string(k[len(prefix):]) < oldest; k, _ = c.Next() {
		keys = append(keys, slices.Clone(k))
	}
	for _, k := range keys {
		if err := t.Delete(bucket.Tallies, k); err != nil {
			return err
		}
	}
	return nil
}

// Flush writes what a transaction has counted.
func Flush(e *engine.Tx) error {
	all := countedKey.Of(e)
	if all == nil {
		return nil
	}
	t := room.Tx{Tx: e}
	for key, is := range *all {
		if err := t.Write(bucket.Tallies, []byte(key), is); err != nil {
			return err
		}
	}
	return nil
}

// Forget removes the domains and tallies of an account that is being removed, also those that this
// transaction has counted.
func (g *Signing) Forget(t *room.Tx, account string) error {
	if all := countedKey.Of(t.Tx); all != nil {
		prefix := string(room.Pair(account, ""))
		maps.DeleteFunc(*all, func(key string, _ *Tally) bool { return strings.HasPrefix(key, prefix) })
	}
	if err := errors.Join(t.DeleteOf(bucket.Domains, account), t.DeleteOf(bucket.Tallies, account)); err != nil {
		return err
	}
	g.follow(t, account)
	return nil
}

// Tallies are what became of the mail of the last 30 days that a domain's signature was on,
// by provider: one for each, without a day.
func (g *Signing) Tallies(account, domain string) (list []Tally, err error) {
	err = g.db.View(func(t room.Tx) error {
		all, err := room.All[Tally](&t, bucket.Tallies, room.Pair(account, domain+"\x00"))
		list = sumTallies(all, g.oldestTally(&t))
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
