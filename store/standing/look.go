package standing

import (
	"context"
	"errors"
	"sync"
	"time"

	"relay/quota"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/room"
)

// Look is the daily look at what accounts have used.
type Look struct {
	Near int    // percent of allowance and credit at which the limit is near
	Day  string // the day of daily reports, as "2026-11-29": yesterday

	// Found is called for each piece of news once it is stored, and with an error for each account that
	// could not be looked at; by one goroutine at a time.
	Found func(account string, n *news.Item, err error)
}

// LookAtUse stores news of the accounts that have passed another step of use: one piece of news an
// account, the one that says most, and beside it from where its logins were used:
//
//  1. a walk finds these accounts, some hundred in a transaction that only reads;
//  2. each of these, which are few, gets a transaction that looks again, stores the news, and
//     notes which steps it tells.
//
// So the other accounts cost the writer nothing. It may run late and more than once; a crash
// leaves the rest to the next look.
func (s *Standings) LookAtUse(ctx context.Context, l Look) error {
	var batch []string
	read := func(t *room.Tx, a *books.Account) (string, bool, error) { return a.Name, s.mayHaveNews(t, a, &l), nil }
	err := books.Walk(s.r.Books, books.Wanted{Pause: ctx.Err}, read, func(name string) error {
		if batch = append(batch, name); len(batch) < lookBatch {
			return nil
		}
		s.lookForAll(batch, &l)
		batch = batch[:0]
		return ctx.Err()
	})
	if err == nil {
		s.lookForAll(batch, &l)
	}
	return err
}

// mayHaveNews reports whether the second step has to look at an account. It has to where the
// account cannot be read, too: that step then fails for this account alone.
func (s *Standings) mayHaveNews(t *room.Tx, a *books.Account, l *Look) (may bool) {
	defer func() { may = t.Fault() != nil || may }()
	st, err := s.StandingOf(t, a)
	if err != nil {
		return true
	}
	n, _, err := s.lookAt(t, &st, l)
	if n != nil || err != nil {
		return true
	}
	if !wantsDailyAccess(a) {
		return false
	}
	n, err = s.r.Access.Daily(t, a.Name, l.Day)
	return n != nil || err != nil
}

// wantsDailyAccess reports whether an account is told each day from where its logins were used.
func wantsDailyAccess(a *books.Account) bool {
	return a.State != ledger.Closed && a.Wants(news.TopicAccessDaily)
}

// lookBatch is how many accounts get news at the same time, so that they share commits.
const lookBatch = 32

// lookForAll stores what there is to tell of accounts.
func (s *Standings) lookForAll(names []string, l *Look) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, name := range names {
		all.Go(func() {
			found, err := s.lookFor(name, l)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				l.Found(name, nil, err)
				return
			}
			for _, n := range found {
				l.Found(name, n, nil)
			}
		})
	}
	all.Wait()
}

func (s *Standings) lookFor(name string, l *Look) (found []*news.Item, err error) {
	err = s.update(1024, func(t *room.Tx) error {
		found = nil
		st, err := s.StandingIn(t, name)
		if errors.Is(err, room.ErrNotFound) {
			return nil // removed meanwhile
		}
		if err != nil {
			return err
		}
		if wantsDailyAccess(&st.Account) {
			n, err := s.r.Access.TellDaily(t, name, l.Day)
			if err != nil {
				return err
			}
			if n != nil {
				found = append(found, n)
			}
		}
		n, covered, err := s.lookAt(t, &st, l)
		if err != nil || n == nil {
			return err
		}
		for i := range covered {
			m := lookMark{About: covered[i].about, Used: st.Used.Charged, Over: st.Use().Overage, At: t.Wall}
			if err := t.Write(bucket.ToldOf, lookKey(name, covered[i].kind), m); err != nil {
				return err
			}
		}
		found = append(found, n)
		return s.r.News.Add(t, *n)
	})
	return found, err
}

// step is something that a look may tell of an account.
type step struct {
	kind  news.Kind
	about string
	tenth int64                 // that is passed now
	at    func(*lookMark) int64 // the tenth that what was used at the mark is by now; nil: it is told once
}

// lookMark is what an account had used when a look told it something. Bucket "told", key
// account NUL kind, JSON.
type lookMark struct {
	About string       `json:"about"`
	Used  quota.Charge `json:"used"`
	Over  int64        `json:"over,omitempty"`
	At    time.Time    `json:"at"`
}

// refusedMark is behind the kind of the mark that the first message refused for the limit
// leaves, in the transaction of its news.
const refusedMark = "-refused"

func lookKey(account string, kind news.Kind) []byte { return room.Pair(account, string(kind)) }

// told reports whether a mark covers the step. After an upgrade, what was used before it is
// no new step.
func (x *step) told(m *lookMark) bool {
	return m.About == x.about && (x.at == nil || x.at(m) >= x.tenth)
}

// lookAt returns the news of an account that says most; nil: there is none, or it is stored
// already and waits to be told. covered are all steps that its mail tells.
func (s *Standings) lookAt(t *room.Tx, st *Standing, l *Look) (n *news.Item, covered []step, err error) {
	if !st.InTerm || st.Period.Key == "" || st.Account.Status() != ledger.Active {
		return nil, nil, nil
	}
	list, err := s.steps(t, st, l)
	if err != nil {
		return nil, nil, err
	}
	for _, x := range list {
		m := lookMark{}
		found, err := t.Read(bucket.ToldOf, lookKey(st.Account.Name, x.kind), &m)
		if err != nil {
			return nil, nil, err
		}
		if found && x.told(&m) {
			continue
		}
		is := news.Item{Kind: x.kind, Account: st.Account.Name, About: x.about, Step: int(min(x.tenth, 1<<30))}
		if news.Has(t, &is) {
			return nil, nil, nil
		}
		if covered = append(covered, x); n == nil {
			n = &is
		}
	}
	return n, covered, nil
}

// steps are those that the account has passed, the one that says most first. What crossed
// tells at once is not among them.
func (s *Standings) steps(t *room.Tx, st *Standing, l *Look) (list []step, err error) {
	p, most := st.InPeriod(), st.MayOver()
	switch over := st.Use().Overage; {
	case p.Whole(st.Live) == 0: // there is no limit
	case over > 0:
		list = st.overSteps(p, most, over)
	default:
		list = st.useSteps(p, l.Near)
		reached, err := s.knowsOfLimit(t, st, p, l.Near)
		if err != nil {
			return nil, err
		}
		if reached {
			list = nil
		}
	}
	if !st.Account.Wants(news.TopicDaily) {
		return list, nil
	}
	period, err := s.usedOn(t, st, l.Day)
	if period != "" {
		list = append(list, step{kind: news.Daily, about: period + "/" + l.Day})
	}
	return list, err
}

// knowsOfLimit reports whether the account was told that its limit is reached, by a message
// that did not fit, when it was near already.
func (s *Standings) knowsOfLimit(t *room.Tx, st *Standing, p quota.Plan, near int) (bool, error) {
	m := lookMark{}
	found, err := t.Read(bucket.ToldOf, lookKey(st.Account.Name, news.Reached+refusedMark), &m)
	return found && m.About == st.limitAbout(0) && st.isNear(p, m.Used, near), err
}

// IsNear reports whether the account has used so many percent of its allowance and credit, and
// nothing beyond them.
func (st *Standing) IsNear(near int) bool {
	p := st.InPeriod()
	return p.Whole(st.Live) > 0 && st.Use().Overage == 0 && st.isNear(p, st.Used.Charged, near)
}

func (st *Standing) isNear(p quota.Plan, used quota.Charge, near int) bool {
	whole := p.Whole(st.Live)
	return quota.Parts(whole-quota.Left(p, used, st.Live), whole, 100) >= int64(near)
}

// overSteps are tenths of the ceiling of overage, or else of the allowance.
func (st *Standing) overSteps(p quota.Plan, most, over int64) []step {
	whole := most
	if most == quota.Endless {
		whole = p.Whole(nil)
	}
	x := step{kind: news.OverageStep, about: st.Period.Key, tenth: quota.Parts(over, whole, 10),
		at: func(m *lookMark) int64 { return quota.Parts(m.Over, whole, 10) }}
	if x.tenth == 0 || x.tenth >= 10 && most != quota.Endless {
		return nil
	}
	return []step{x}
}

// useSteps are that the limit is near, and tenths of the allowance.
func (st *Standing) useSteps(p quota.Plan, near int) (list []step) {
	used := st.Used.Charged
	if quota.Left(p, used, st.Live) == 0 {
		return nil
	}
	if st.isNear(p, used, near) {
		list = append(list, step{kind: news.Near, about: st.limitAbout(0)})
	}
	x := step{kind: news.Usage, about: st.Period.Key, tenth: p.Parts(used, 10),
		at: func(m *lookMark) int64 { return p.Parts(m.Used, 10) }}
	if x.tenth > 0 && st.Account.Wants(news.TopicUsage) {
		list = append(list, x)
	}
	return list
}

// usedOn is the period in which the account sent mail on a day, which after the turn of a month
// is the one before; "": it sent none. The day is its open one, or an entry of the ledger by now.
func (s *Standings) usedOn(t *room.Tx, st *Standing, day string) (period string, err error) {
	if u := &st.Used; u.Day == day && u.Today != (quota.Charge{}) {
		return st.Period.Key, nil
	}
	s.r.Books.LedgerBackwards(t, st.Account.Name, func(k, raw []byte) (more bool) {
		var e ledger.Entry
		if err = room.Decode(bucket.Ledger, k, raw, &e); err != nil {
			return false
		}
		if e.Kind == ledger.KindCharge && e.Day == day {
			period = e.Period
		}
		return period == "" && t.Now.Sub(e.Time) < 3*24*time.Hour
	})
	return period, err
}
