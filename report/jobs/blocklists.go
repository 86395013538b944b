package jobs

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"relay/mailer/blocklist"
	"relay/mailer/route"
	"relay/mailer/source"
	"relay/report/tell"
	"relay/store/egress"
	"relay/store/spool"
	"relay/store/spooled"
)

// Sources is what the jobs know of the addresses that mail leaves from.
type Sources struct {
	All     []source.Source  // none: the host's own addresses
	Lists   *blocklist.Lists // nil: none is asked
	Names   blocklist.Names  // nil: no DNS is asked
	Servers []string         // that it asks
	Private bool             // private and loopback addresses are asked about too

	Culprit func(ctx context.Context, pool string) (account string, err error) // whose mail is blamed most; nil: nobody knows
	Changed func(context.Context) error                                        // what the store has of sources has changed; nil: nobody asks
}

// Standings is what blocklists did.
type Standings struct {
	Job       string      `json:"job"`
	Asked     int         `json:"asked"`     // addresses
	Listed    []Listed    `json:"listed"`    // all that are listed now
	Cleared   []string    `json:"cleared"`   // sources that were listed before, and are no more
	Unhealthy []Unhealthy `json:"unhealthy"` // lists that were not believed
	Silent    []string    `json:"silent"`    // questions that lists did not answer
	MS        int64       `json:"ms"`
}

// Listed is an entry of a blocklist.
type Listed struct {
	Source string `json:"source"`
	List   string `json:"list"`
	Drains bool   `json:"drains"` // other sources take its mail
	Text   string `json:"text"`   // why, in the list's words
	New    bool   `json:"new"`
}

// Unhealthy is a list that was not believed.
type Unhealthy struct {
	List string `json:"list"`
	Why  string `json:"why"`
}

// Failures implements Result.
func (*Standings) Failures() []Failure { return nil }

// often is the least time between two scheduled looks.
const often = 30 * time.Minute

// staleList is for how long a listing outlives the health of its list.
const staleList = 24 * time.Hour

// runBlocklists is the scheduled blocklists. A relay that is started again and again does
// not ask each time.
func (r *Runner) runBlocklists(ctx context.Context) error {
	last, err := r.store.Jobs.State(Blocklists)
	if err != nil {
		return err
	}
	if age := r.store.Now().Sub(later(last.Done, last.Failed)); age >= 0 && age < often {
		return errNotDue
	}
	if _, err := r.Blocklists(ctx); err != nil && ctx.Err() == nil {
		r.logNotAsked(err)
		return loggedError{err}
	}
	return ctx.Err()
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// ErrPublicResolver says that blocklists are not asked because the name server is one that
// everybody uses.
var ErrPublicResolver = errors.New("blocklists refuse a public resolver, or answer it falsely")

// Blocklists asks all lists about all sources. A source that is newly listed gives its mail
// to others if the list drains it, and the operator is told, in one transaction. An answer
// that does not come, and a list that is not healthy, change nothing; after a day without
// health the entries of a list are forgotten.
func (r *Runner) Blocklists(ctx context.Context) (*Standings, error) {
	start, cfg := time.Now(), r.config()
	res := &Standings{Job: Blocklists, Listed: []Listed{}, Cleared: []string{}, Unhealthy: []Unhealthy{}, Silent: []string{}}
	err := r.askLists(ctx, &cfg, res)
	if err == nil {
		err = r.did(Blocklists, r.store.Now())
	}
	res.MS = time.Since(start).Milliseconds()
	return res, err
}

// askLists is Blocklists without its record.
func (r *Runner) askLists(ctx context.Context, cfg *Config, res *Standings) error {
	s := &cfg.Sources
	if s.Lists == nil || s.Names == nil {
		return nil
	}
	if name := blocklist.Public(s.Servers); name != "" {
		return fmt.Errorf("%w: the name server is that of %s", ErrPublicResolver, name)
	}
	subjects := r.subjects(ctx, cfg)
	if len(subjects) == 0 {
		return nil
	}
	lists, err := r.believed(ctx, s, res)
	if err != nil {
		return err
	}
	for _, one := range subjects {
		if err := r.lookAtSource(ctx, cfg, one, lists, res); err != nil {
			return err
		}
	}
	if s.Changed != nil {
		return s.Changed(ctx)
	}
	return nil
}

// subject is an address that is asked about.
type subject struct {
	name, pool string
	addr       netip.Addr
}

// subjects are the public addresses that mail leaves from.
func (r *Runner) subjects(ctx context.Context, cfg *Config) (list []subject) {
	s := &cfg.Sources
	for i := range s.All {
		if one := &s.All[i]; one.Addr.IsValid() {
			list = append(list, subject{one.Name(), one.Pool, one.Addr})
		}
	}
	if len(s.All) == 0 {
		addrs, _ := s.Names.LookupAddrs(ctx, cfg.Letters.Host) // relay check tells what is wrong with it
		for _, a := range addrs {
			list = append(list, subject{a.String(), "", a})
		}
	}
	return slices.DeleteFunc(list, func(one subject) bool { return !s.Private && !route.Public(one.addr) })
}

// belief is whether a list is believed now, and when it was last.
type belief struct {
	*blocklist.List
	well    bool
	healthy time.Time
}

// believed looks at all lists of addresses.
func (r *Runner) believed(ctx context.Context, s *Sources, res *Standings) (all []belief, err error) {
	states, err := r.store.Egress.ListStates()
	if err != nil {
		return nil, err
	}
	for _, l := range s.Lists.Of(blocklist.Addresses) {
		b := belief{List: l, well: true, healthy: r.store.Now()}
		why := ""
		if err := l.Healthy(ctx, s.Names); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			b.well, b.healthy, why = false, time.Time{}, err.Error()
			if i := slices.IndexFunc(states, func(st egress.ListState) bool { return st.Name == l.Name }); i >= 0 {
				b.healthy = states[i].Healthy
			}
			res.Unhealthy = append(res.Unhealthy, Unhealthy{l.Name, why})
			r.logListUnhealthy(l.Name, err)
		} else {
			r.often.Works(l.Name, listUnhealthy)
		}
		if err := r.store.Egress.LookedAtList(l.Name, why); err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// lookAtSource asks about one address, and stores what has changed.
func (r *Runner) lookAtSource(ctx context.Context, cfg *Config, one subject, lists []belief, res *Standings) error {
	res.Asked++
	found := map[string]blocklist.Answer{} // by list; those that said nothing are missing
	for _, b := range lists {
		if !b.well {
			continue
		}
		a, err := b.Ask(ctx, cfg.Sources.Names, one.addr.String())
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			res.Silent = append(res.Silent, one.name+": "+err.Error())
			continue
		}
		found[b.Name] = a
	}
	return r.storeListings(ctx, cfg, one, lists, found, res)
}

func (r *Runner) storeListings(ctx context.Context, cfg *Config, one subject, lists []belief, found map[string]blocklist.Answer, res *Standings) error {
	culprit := ""
	if cfg.Sources.Culprit != nil {
		var err error
		if culprit, err = cfg.Sources.Culprit(ctx, one.pool); err != nil {
			r.log.Debug("no culprit asked", "err", err)
		}
	}
	var fresh []egress.Listing
	cleared, mail := false, (*spool.Notice)(nil)
	w := r.Writer() // it may read templates, which is not for a transaction
	v, err := r.store.Spool.ChangeSource(one.name, func(v *egress.SourceState, now time.Time, id spooled.ID) (*spool.Notice, error) {
		was := *v
		v.Asked = now
		v.Listings, fresh = entriesNow(&was, lists, found, now)
		switch {
		case !v.Listed():
			v.Culprit = ""
		case !was.Listed():
			v.Culprit = culprit
		}
		cleared = len(was.Listings) > 0 && len(v.Listings) == 0
		if mail = nil; cleared || len(fresh) > 0 {
			mail = r.standingMail(w, id, listedSource(one.name, v, fresh, lists))
		}
		return mail, nil
	})
	if err != nil {
		return err
	}
	r.noteStanding(one.name, &v, fresh, cleared, mail != nil, res)
	return nil
}

// entriesNow are the entries of a source on all lists, and those of them that are new.
func entriesNow(was *egress.SourceState, lists []belief, found map[string]blocklist.Answer, now time.Time) (all, fresh []egress.Listing) {
	for _, b := range lists {
		l, isNew := entryNow(was, b, found, now)
		if l == nil {
			continue
		}
		all = append(all, *l)
		if isNew {
			fresh = append(fresh, *l)
		}
	}
	return all, fresh
}

// entryNow is the entry of a source on a list; nil: there is none.
func entryNow(was *egress.SourceState, b belief, found map[string]blocklist.Answer, now time.Time) (l *egress.Listing, isNew bool) {
	i := slices.IndexFunc(was.Listings, func(l egress.Listing) bool { return l.List == b.Name })
	a, said := found[b.Name]
	switch {
	case !said && i < 0, !said && now.Sub(b.healthy) > staleList, said && !a.Listed:
		return nil, false
	case !said:
		return &was.Listings[i], false
	}
	l = &egress.Listing{List: b.Name, Drains: b.Drains, Since: now, Codes: a.Codes, Text: a.Text}
	if i >= 0 {
		l.Since = was.Listings[i].Since
	}
	return l, i < 0
}

// listedSource is what the operator is told.
func listedSource(name string, v *egress.SourceState, fresh []egress.Listing, lists []belief) tell.Source {
	s := tell.Source{Name: name, Drained: v.Listed(), Culprit: v.Culprit}
	for _, l := range fresh {
		i := slices.IndexFunc(lists, func(b belief) bool { return b.Name == l.List })
		s.Lists = append(s.Lists, tell.List{List: l.List, Text: l.Text, Lookup: lists[i].Lookup})
	}
	return s
}

// standingMail is the mail to the operator; nil: there is no address that it can go to.
func (r *Runner) standingMail(w *tell.Writer, id spooled.ID, s tell.Source) *spool.Notice {
	n, err := w.WriteSource(s, id)
	if err != nil {
		r.logFailed(Blocklists, err)
		return nil
	}
	return n
}

func (r *Runner) noteStanding(name string, v *egress.SourceState, fresh []egress.Listing, cleared, told bool, res *Standings) {
	for _, l := range v.Listings {
		isNew := slices.ContainsFunc(fresh, func(f egress.Listing) bool { return f.List == l.List })
		res.Listed = append(res.Listed, Listed{name, l.List, l.Drains, l.Text, isNew})
		if isNew {
			r.logListed(name, &l, v.Culprit, told)
		}
	}
	if cleared {
		res.Cleared = append(res.Cleared, name)
		r.logClean(name)
	}
}

// SourceGone tells the operator, once, that the machine lacks a source's address; with nil
// it is there again.
func (r *Runner) SourceGone(name string, why error) {
	w := r.Writer()
	_, err := r.store.Spool.ChangeSource(name, func(v *egress.SourceState, now time.Time, id spooled.ID) (*spool.Notice, error) {
		told := !v.Gone.IsZero()
		if v.Gone = (time.Time{}); why == nil {
			return nil, nil
		}
		if v.Gone = now; told {
			return nil, nil
		}
		return r.standingMail(w, id, tell.Source{Name: name, Gone: why.Error()}), nil
	})
	if err != nil {
		r.logFailed("source", err)
	}
}
