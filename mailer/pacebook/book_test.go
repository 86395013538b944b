package pacebook

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"relay/mailer/pace"
	"relay/mailer/paceentry"
	"relay/mailer/site"
	"relay/mailer/source"
	"relay/store/sites"
)

func newSite(key string) *site.Site {
	t := site.New(&site.Place{Key: key}, site.NewOrigin(&source.Source{}))
	t.Gate = pace.NewSite(pace.Limits{Connections: 10, Rate: 100}, pace.State{})
	return t
}

// keys of entries, sorted; with a "-" what the store is to forget.
func keys(list []sites.PaceEntry) (all []string) {
	for _, e := range list {
		if e.Value == nil {
			all = append(all, "-"+e.Key)
		} else {
			all = append(all, e.Key)
		}
	}
	slices.Sort(all)
	return all
}

// What was slower at the end is so again, with the later of two suspensions, and a site of long
// ago is forgotten.
func TestBook_Load(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		slow, long := newSite("slow"), newSite("long")
		slow.Gate.Slow(now, "451 slower")
		long.Gate.Slow(now.Add(-60*24*time.Hour), "451 slower")
		b := New()
		gone := b.Load([]sites.PaceEntry{
			paceentry.Of(paceentry.SiteKey+"slow", slow.Gate.State(now)),
			paceentry.Of(paceentry.SiteKey+"long", long.Gate.State(now.Add(-60*24*time.Hour))),
			paceentry.Of(paceentry.StopKey+"slow", pace.State{Until: now.Add(time.Hour), Why: "421 stop"}),
			{Key: paceentry.SiteKey + "bad", Value: []byte("{")},
			paceentry.Of(paceentry.AccountKey+"acme\x00gmail", pace.Conduct{}),
		}, now)
		if got, want := keys(gone), []string{"-" + paceentry.SiteKey + "long", "-" + paceentry.StopKey + "long"}; !slices.Equal(got, want) {
			t.Errorf("%q are to be forgotten, want %q", got, want)
		}
		if b.News() {
			t.Error("the store is to be told of sites that were not met")
		}
		if st := b.Take(newSite("slow")); st.Why != "421 stop" || !st.Until.Equal(now.Add(time.Hour)) {
			t.Errorf("the site was left as %+v", st)
		}
		if st := b.Take(newSite("slow")); st.Why != "" || !b.News() {
			t.Errorf("the site is left twice, as %+v", st)
		}
	})
}

// The store is told once a minute of what is slower, until it is at its row again.
func TestBook_Tell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, hop := New(), newSite("slow")
		hop.Gate.Slow(time.Now(), "451 slower")
		b.Changed(hop)
		if b.Due() {
			t.Error("the store is told at once")
		}
		time.Sleep(tellEvery)
		for range 2 {
			if !b.Due() {
				t.Fatal("the store is not told after a minute")
			}
			if got := keys(b.Tell(nil, time.Now())); !slices.Equal(got, []string{paceentry.SiteKey + "slow"}) {
				t.Errorf("the store is told %q", got)
			}
			time.Sleep(tellEvery)
			if b.Due() {
				t.Error("the store is told twice at a time")
			}
			b.Told()
		}
		b.Resume(hop, time.Now())
		if !b.Due() {
			t.Error("the operator's word waits")
		}
		if got := keys(b.Tell(nil, time.Now())); len(got) != 2 || b.News() {
			t.Errorf("the store is told %q, and there is more: %v", got, b.News())
		}
	})
}

// No more than so many entries are told at once.
func TestBook_Tell_most(t *testing.T) {
	b := New()
	for range Most + 10 {
		hop := newSite("slow")
		hop.Gate.Slow(time.Now(), "451 slower")
		b.Changed(hop)
	}
	if n := len(b.Tell(make([]sites.PaceEntry, 5), time.Now())); n != Most {
		t.Errorf("%d entries, want %d", n, Most)
	}
}

// A site that is forgotten is as it was left when there is mail for it again.
func TestBook_Put(t *testing.T) {
	b, hop := New(), newSite("slow")
	hop.Gate.Slow(time.Now(), "451 slower")
	b.Changed(hop)
	b.Put(hop, time.Now())
	if b.News() {
		t.Error("a site that is forgotten is news")
	}
	if st := b.Take(newSite("slow")); st.Why != "451 slower" {
		t.Errorf("the site was left as %+v", st)
	}
	b.Put(newSite("fast"), time.Now())
	if len(b.left) != 0 {
		t.Error("a site at its row is remembered")
	}
}
