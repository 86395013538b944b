package signing

import (
	"fmt"
	"testing"
	"time"

	"relay/store/bucket"
	"relay/store/room"
)

// count counts outcomes of acme's mail for a.example, in one transaction.
func (f *fixture) count(provider string, list ...Outcome) {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) error {
		for _, o := range list {
			if err := f.Count(t, "acme", "a.example", provider, o); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f *fixture) tallies() []Tally {
	f.Helper()
	list, err := f.Tallies("acme", "a.example")
	if err != nil {
		f.Fatal(err)
	}
	return list
}

// Outcomes add up by provider over 30 days, each written once a transaction.
func TestSigning_Count(t *testing.T) {
	f := open(t)
	f.count("Google", Outcome{Fate: Delivered}, Outcome{Fate: Delivered}, Outcome{}, Outcome{Fate: Deferred, Reply: "421 slow", Category: "RateLimited"})
	f.count("Google", Outcome{Fate: Failed, Reply: "421 slow", Category: "SpamContent"})
	f.count("Yahoo", Outcome{Fate: Failed})
	f.db.Pass(24 * time.Hour)
	f.count("Google", Outcome{Fate: Failed, Reply: "550 no", Category: "SpamContent"})
	list := f.tallies()
	if len(list) != 2 || list[0].Provider != "Google" || list[1].Provider != "Yahoo" || list[1].Failed != 1 || list[1].Refusals != nil {
		t.Fatalf("%+v", list)
	}
	g := list[0]
	if g.Day != "" || g.Delivered != 2 || g.Deferred != 1 || g.Failed != 2 || len(g.Refusals) != 2 ||
		g.Refusals[0] != (TalliedReply{"421 slow", "SpamContent", 2}) || g.Refusals[1] != (TalliedReply{"550 no", "SpamContent", 1}) {
		t.Errorf("%+v", g)
	}
	if list, err := f.Tallies("acme", "example"); list != nil || err != nil {
		t.Errorf("of another domain: %+v, %v", list, err)
	}
	f.db.Pass((tallyDays - 1) * 24 * time.Hour)
	if list := f.tallies(); len(list) != 1 || list[0].Delivered != 0 || list[0].Failed != 1 {
		t.Errorf("after 30 days: %+v", list)
	}
	f.count("Google", Outcome{Fate: Delivered})
	if keys := f.db.Keys(t, bucket.Tallies); len(keys) != 3 { // Yahoo's stays until it has mail again
		t.Errorf("%q", keys)
	}
}

// Of many kinds of refusals the most common ones stay.
func TestSigning_Count_refusals(t *testing.T) {
	f := open(t)
	for i := range 100 {
		f.count("Google", Outcome{Fate: Failed, Reply: "550 spam"}, Outcome{Fate: Failed, Reply: fmt.Sprint("550 number ", i)})
	}
	is := f.tallies()[0]
	sum := int64(0)
	for _, r := range is.Refusals {
		sum += r.Count
	}
	if len(is.Refusals) != mostRefusals || is.Refusals[0] != (TalliedReply{Reply: "550 spam", Count: 100}) || sum != is.Failed || is.Failed != 200 {
		t.Errorf("%+v", is)
	}
}

// An account that is removed takes along what the same transaction has counted.
func TestSigning_Forget(t *testing.T) {
	f := open(t)
	f.add("acme", "a.example")
	f.count("Google", Outcome{Fate: Delivered})
	f.db.Do(t, func(tx *room.Tx) error {
		for _, account := range []string{"acme", "shop"} {
			if err := f.Count(tx, account, "a.example", "Google", Outcome{Fate: Delivered}); err != nil {
				return err
			}
		}
		return f.Forget(tx, "acme")
	})
	if keys := f.db.Keys(t, bucket.Tallies); len(keys) != 1 || keys[0] != "shop\x00a.example\x00Google\x002026-03-01" {
		t.Errorf("%q", keys)
	}
	if keys := f.db.Keys(t, bucket.Domains); keys != nil {
		t.Errorf("%q", keys)
	}
}
