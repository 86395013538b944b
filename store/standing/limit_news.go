package standing

import (
	"fmt"
	"sync"
	"time"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/news"
	"relay/store/room"
)

// Customers are told at once what the limit does to their mail:
//
//  1. a charge that reaches the limit, begins overage or reaches its ceiling is news in its own
//     transaction (TellCrossed). Any other charge costs a few comparisons;
//  2. the first message that is refused for the limit is news too, in a transaction of
//     its own (TellRefused). Later refusals look that up in memory.
//
// News.About names the period and what may be used in it, so that each is told once a
// period, and again after an upgrade or a top-up. A crash between a refusal and its
// transaction leaves it to the next refusal.

// limitAbout names a period and what may be used in it.
func (st *Standing) limitAbout(most int64) string {
	p := st.InPeriod()
	return fmt.Sprintf("%s/%d/%d/%d/%d", st.Period.Key, p.Emails, p.Bandwidth, quota.Sum(st.Live), most)
}

// limitWait is how long the news that the allowance is used waits where the account may go on:
// the news of overage, which mostly begins with the next message, says more.
const limitWait = 5 * time.Minute

// TellCrossed stores news if a charge crosses a limit. st is as before the charge.
func (s *Standings) TellCrossed(t *room.Tx, st *Standing, charge quota.Charge) error {
	p, most := st.InPeriod(), st.MayOver()
	n := news.Item{Account: st.Account.Name, Reason: news.ReasonUsed}
	switch quota.Crossed(p, st.Used.Charged, charge, st.Live, most) {
	default:
		return nil
	case quota.AtCeiling:
		n.Kind = news.Ceiling
	case quota.IntoOverage:
		n.Kind = news.Overage
	case quota.UsedUp:
		if st.nextMayBegin() {
			return nil // it begins with the next message
		}
		if n.Kind = news.Reached; most > 0 {
			n.Due = t.Wall.Add(limitWait)
		}
	}
	n.About = st.limitAbout(most)
	return s.r.News.Add(t, n)
}

// limitRefusals remembers which refusals for a limit are news already.
type limitRefusals struct {
	mu   sync.Mutex
	told map[string]string // account: About of its last
}

// mostRefused bounds the memory; beyond it one account makes room for another.
const mostRefused = 10_000

// has reports whether it is remembered, or else remembers it.
func (r *limitRefusals) has(account, about string) bool {
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

func (r *limitRefusals) forget(account string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.told, account)
}

// TellRefused stores news of the first message in the period that is refused for the limit, in a
// transaction of its own. Where that fails, the next refusal tries again.
func (s *Standings) TellRefused(st *Standing, r *Refusal) {
	if r == nil || r.Exceeded == nil || st.tooLarge(r.Exceeded) {
		return
	}
	n := news.Item{Kind: news.Reached, Account: r.Account, About: st.limitAbout(r.Exceeded.Most), Reason: news.ReasonRefused}
	if r.Exceeded.Most > 0 {
		n.Kind = news.Ceiling
	}
	if s.limits.has(n.Account, n.About) {
		return
	}
	mark := lookMark{About: n.About, Used: r.Exceeded.Used}
	err := s.update(512, func(t *room.Tx) error {
		told, err := news.WasTold(t, &n)
		if err != nil || told {
			return err
		}
		if n.Kind == news.Reached {
			mark.At = t.Wall
			if err := t.Write(bucket.ToldOf, lookKey(n.Account, news.Reached+refusedMark), mark); err != nil {
				return err
			}
		}
		return s.r.News.Add(t, n)
	})
	if err != nil {
		s.limits.forget(n.Account)
	}
}

// tooLarge reports whether the limit is no news: nothing is used yet, and smaller messages fit.
func (st *Standing) tooLarge(over *quota.Exceeded) bool {
	small := quota.Charge{Messages: 1, Bytes: 1}
	return over.Used == (quota.Charge{}) && quota.Fits(st.InPeriod(), over.Used, small, st.Live, over.Most) == nil
}
