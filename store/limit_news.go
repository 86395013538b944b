package store

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"relay/quota"
)

// Customers hear at once what the limit does to their mail:
//
//  1. Accept stores it as news in the transaction of the charge that reaches the limit,
//     begins overage or reaches its ceiling. Any other charge costs a few comparisons;
//  2. the first message that is refused for the limit is news too, in a transaction of
//     its own. Later refusals look that up in memory.
//
// News.About names the period and what may be used in it, so that each is told once a
// period, and again after an upgrade or a top-up. A crash between a refusal and its
// transaction leaves it to the next refusal.

// limitAbout names a period and what may be used in it.
func (st *Standing) limitAbout(most int64) string {
	p := st.InPeriod()
	return fmt.Sprintf("%s/%d/%d/%d/%d", st.Period.Key, p.Emails, p.Bandwidth, quota.Sum(st.Live), most)
}

// Period is the key of the period that news is about, of kinds that are about one.
func (n *News) Period() string {
	key, _, _ := strings.Cut(n.About, "/")
	return key
}

// Reasons of news about the limit.
const (
	ReasonUsed    = "used"    // nothing is left
	ReasonRefused = "refused" // a message did not fit, which smaller ones may
)

// limitWait is how long it is not told that an allowance is used whose account goes on:
// overage, which mostly begins with the next message, says more.
const limitWait = 5 * time.Minute

// crossed stores it as news if a charge crossed a limit. st is as before the charge.
func (t *tx) crossed(st *Standing, charge quota.Charge) error {
	p, most := st.InPeriod(), st.MayOver()
	n := News{Account: st.Account.Name, Reason: ReasonUsed}
	switch quota.Crossed(p, st.Usage.Charged, charge, st.Live, most) {
	default:
		return nil
	case quota.AtCeiling:
		n.Kind = NewsCeiling
	case quota.IntoOverage:
		n.Kind = NewsOverage
	case quota.UsedUp:
		if st.nextMayBegin() {
			return nil // it begins with the next message
		}
		if n.Kind = NewsReached; most > 0 {
			n.Due = t.wall.Add(limitWait)
		}
	}
	n.About = st.limitAbout(most)
	return t.addNews(n)
}

// refusals remembers which refusals for a limit are news already.
type refusals struct {
	mu   sync.Mutex
	told map[string]string // account: About of its last
}

// mostRefused bounds the memory; beyond it one account makes room for another.
const mostRefused = 10_000

// has reports whether it is remembered, or else remembers it.
func (r *refusals) has(account, about string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.told[account] == about {
		return true
	}
	if r.told == nil {
		r.told = map[string]string{}
	}
	for other := range r.told {
		if len(r.told) < mostRefused {
			break
		}
		delete(r.told, other)
	}
	r.told[account] = about
	return false
}

func (r *refusals) forget(account string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.told, account)
}

// refused stores it as news that a message was refused for the limit, for the first time in
// the period. Where it cannot be stored the next refusal tries again.
func (s *Store) refused(st *Standing, r *Refusal) {
	if r == nil || r.Exceeded == nil || st.tooLarge(r.Exceeded) {
		return
	}
	n := News{Kind: NewsReached, Account: r.Account, About: st.limitAbout(r.Exceeded.Most), Reason: ReasonRefused}
	if r.Exceeded.Most > 0 {
		n.Kind = NewsCeiling
	}
	if s.refusals.has(n.Account, n.About) {
		return
	}
	mark := lookMark{About: n.About, Used: r.Exceeded.Used}
	err := s.update(512, func(t *tx) error {
		told, err := t.wasTold(&n)
		if err != nil || told {
			return err
		}
		if n.Kind == NewsReached {
			mark.At = t.wall
			if err := t.put(toldOf, lookKey(n.Account, NewsReached+refusedMark), mark); err != nil {
				return err
			}
		}
		return t.addNews(n)
	})
	if err != nil {
		s.refusals.forget(n.Account)
	}
}

// tooLarge reports whether the limit is no news: nothing is used yet, and smaller messages fit.
func (st *Standing) tooLarge(over *quota.Exceeded) bool {
	small := quota.Charge{Messages: 1, Bytes: 1}
	return over.Used == (quota.Charge{}) && quota.Fits(st.InPeriod(), over.Used, small, st.Live, over.Most) == nil
}
