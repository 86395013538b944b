package mailer

import (
	"context"
	"time"

	"relay/mailer/pace"
	"relay/store"
)

// schedule is what Run knows. One goroutine, the one in run, owns all of it;
// whatever takes time runs beside it and comes back through tell.
type schedule struct {
	m      *Mailer
	ctx    context.Context // of connections; ends when the drain is over
	cancel context.CancelFunc
	taking context.Context // of look-ups, and of connections being made; ends when the drain begins
	events chan func()     // to be done by the owner
	beside int             // goroutines started and not ended

	lanes   map[store.Lane]*lane
	domains map[string]*domain
	places  map[string]*place
	origins []*origin // at least one
	shares  tally     // lanes by account
	routed  tally     // of them, those whose domain is being looked up or waits for it
	flights map[flight]holder
	landed  map[flight]struct{}  // of them, those that ended since the claim under way began
	team    map[*worker]struct{} // all workers
	parked  map[*worker]struct{} // of them, those that wait for a job
	pauses  map[store.Lane]*pause
	conns   int
	held    tally     // workers by the account whose job they have
	leaving int       // workers whose attempt was broken off, and that are not gone
	lookAt  time.Time // no look for what is slow before; zero: none is needed; monotonic
	noting  bool      // the store is being told of dials
	noteAt  time.Time // and is to be told then; zero: of none; monotonic

	dirty   fifo[*site] // something changed there
	hungry  fifo[*site] // want more messages
	waiting rota[*site] // want a connection that the account's share does not allow yet

	unrouted rota[*domain] // next hops to be looked up
	routing  int           // look-ups under way
	claiming bool
	pause    time.Time // the store could not be written: no claim before; monotonic

	alarms   pace.Alarms[*site]      // sites that wait for a ceiling
	resting  int                     // lanes of sites that do
	profiles map[string]profileEntry // of accounts, lately asked
	conducts map[conductKey]*pace.Account
	kept     keptPace
	orders   overrides

	binding bool      // the addresses of sources are being looked at
	bindAt  time.Time // and are to be then; monotonic

	scan     scanState
	stopping bool
	keep     int // size of domains and sites at which unused ones are forgotten
}

// flight is a message's recipients at a domain while we have them in hand. What
// is in flight is not taken up a second time when its lease ends.
type flight struct {
	id     store.ID
	domain string
}

// tally counts by account.
type tally map[string]int

func (t tally) add(account string, n int) {
	if t[account] += n; t[account] == 0 {
		delete(t, account)
	}
}

// holder is who has a flight in hand.
type holder uint8

const (
	byWorker holder = iota
	byWalk
	byReturn // nobody: it is on its way back to the store
)

const (
	maxEvents  = 1024
	maxAtOnce  = 64               // events, and sites served, in one go
	maxReady   = 256              // lanes with new mail, likewise
	maxSleep   = 10 * time.Second // the store's clock may be set
	minForget  = 50_000
	maxKept    = 100_000
	maxRouting = 50
)

func newSchedule(m *Mailer) *schedule {
	return &schedule{
		m:       m,
		events:  make(chan func(), maxEvents),
		lanes:   map[store.Lane]*lane{},
		domains: map[string]*domain{},
		places:  map[string]*place{},
		origins: originsOf(m.config().Sources),
		shares:  tally{},
		routed:  tally{},
		flights: map[flight]holder{},
		landed:  map[flight]struct{}{},
		team:    map[*worker]struct{}{},
		held:    tally{},
		parked:  map[*worker]struct{}{},
		pauses:  map[store.Lane]*pause{},
		keep:    minForget,

		profiles: map[string]profileEntry{},
		conducts: map[conductKey]*pace.Account{},
	}
}

func (s *schedule) run(ctx context.Context) error {
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer s.cancel()
	s.m.stopped = s.ctx.Done()
	taking, stop := context.WithCancel(ctx)
	defer stop()
	s.taking = taking
	s.loadPace()
	s.readOverrides()
	s.do(func() { s.m.walk(taking, s) })
	s.do(func() { s.m.policies.Run(taking) })
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			s.drain()
			return nil
		case <-s.m.store.Failed():
			stop()
			s.cancel()
			s.drain()
			return s.m.store.Err()
		case <-s.m.store.Ready():
			s.measured(s.takeReady)
		case <-s.m.kick:
			s.retry(s.m.takeRetries())
		case <-s.m.probes:
		case fn := <-s.m.asks:
			fn(s)
		case <-s.m.tuned:
			s.tune()
		case fn := <-s.events:
			s.measured(func() { fn(); s.more() })
		case <-timer.C:
		}
		s.measured(s.step)
		timer.Reset(s.sleep())
	}
}

// measured runs a piece of the schedule's work.
func (s *schedule) measured(fn func()) {
	if s.m.timed != nil {
		s.m.timed(fn)
		return
	}
	fn()
}

// more does what else has come in, so that a step is made for all of it.
func (s *schedule) more() {
	for range maxAtOnce {
		select {
		case fn := <-s.events:
			fn()
		default:
			return
		}
	}
}

// do runs fn beside the owner.
func (s *schedule) do(fn func()) {
	s.beside++
	go func() {
		defer s.tell(func() { s.beside-- })
		fn()
	}()
}

// tell lets the owner run fn. It may be called by what do has started, and the
// owner takes all of it, to the end.
func (s *schedule) tell(fn func()) { s.events <- fn }

// step does what can be done now, so much of it that events do not wait long.
func (s *schedule) step() {
	now := s.m.store.Now()
	if s.scanDue(now) {
		s.scanLanes(now)
	}
	s.endOverrides(now)
	s.seeBlocked(now)
	s.wake(now)
	s.lookUp()
	for n := 0; s.dirty.len() > 0 && n < maxAtOnce; n++ {
		t := s.dirty.pop()
		t.dirty = false
		s.serve(t, now)
	}
	s.claim(now)
	s.relieve(now)
	s.noteDials()
	s.keepPace(now)
	s.watchAddrs()
	s.forget(now)
}

// touch has step look at a site.
func (s *schedule) touch(t *site) {
	if !t.dirty {
		t.dirty = true
		s.dirty.push(t)
	}
}

// takeReady admits the lanes that the store says have mail.
func (s *schedule) takeReady() {
	now := s.m.store.Now()
	for _, l := range s.m.store.TakeReady(maxReady) {
		s.admit(l, now)
	}
}

// admit takes a lane into the window, unless it is there, its site or domain is
// left alone for now, or there is no room: then a scan finds it later.
func (s *schedule) admit(key store.Lane, now time.Time) {
	if l := s.lanes[key]; l != nil {
		l.again = true
		return
	}
	if s.barred(key, now) {
		return // woken at the end of the pause
	}
	var home *site
	if d := s.domains[s.m.routeKey(key.Domain)]; d != nil {
		if d.place != nil {
			if home = s.siteFor(d.place, key.Account, now); home == nil || home.blocked(now) {
				return // woken at the end of the block
			}
			if !d.usable(now) {
				home = nil
			}
		}
	}
	if !s.room(home, key.Account) {
		s.scan.missed = true
		return
	}
	l := &lane{Lane: key, domain: s.domain(key.Domain)}
	s.lanes[key] = l
	s.shares.add(key.Account, 1)
	if home == nil {
		s.routed.add(key.Account, 1)
		l.domain.lanes = append(l.domain.lanes, l)
		s.want(l.domain, key.Account)
		return
	}
	s.join(home, l)
	s.touch(home)
}

// room shares the window so that no site and no account can fill it: an account
// may have three lanes for each that is free, a site, or the look-ups of an
// account, as many as are free, and an account at a site as many as the site may
// still have; a few are always allowed.
func (s *schedule) room(t *site, account string) bool {
	const few = 4
	window := s.m.config().Window
	if t != nil && t.rests && s.resting >= restingWindows*window {
		return false // it has lanes
	}
	free := window - (len(s.lanes) - s.resting)
	if mine := s.shares[account]; free <= 0 || mine >= few && mine >= 3*free {
		return false
	}
	here, left := s.routed[account], free
	if t != nil {
		here, left = 0, free-t.lanes
		if a := t.accounts[account]; a != nil {
			here = a.size
		}
	}
	return here < few || here < left
}

// crammed reports whether no lane has room.
func (s *schedule) crammed() bool { return len(s.lanes)-s.resting >= s.m.config().Window }

// retire forgets a lane that does not stand in a turn.
func (s *schedule) retire(l *lane) {
	delete(s.lanes, l.Lane)
	s.shares.add(l.Account, -1)
	s.scan.retired = true
}

// retry is the operator's word that domain, or everything, is worth a try now.
func (s *schedule) retry(domains []string) {
	for _, name := range domains {
		s.m.hosts.forget()
		s.resume(name)
		if name == "" {
			for _, d := range s.domains {
				s.revive(d)
			}
			continue
		}
		if d := s.domains[s.m.routeKey(name)]; d != nil {
			s.revive(d)
			if d.place != nil {
				for _, t := range d.place.sites {
					s.resumePace(t)
				}
			}
		}
	}
	s.scan.at, s.scan.from = time.Time{}, nil
}

func (s *schedule) revive(d *domain) {
	d.expires = time.Time{}
	if d.place != nil {
		for _, t := range d.place.sites {
			t.until = time.Time{}
		}
	}
}

// sleep is until something is to be done that nobody tells us.
func (s *schedule) sleep() time.Duration {
	if s.dirty.len() > 0 || len(s.scan.sites) > 0 {
		return 0
	}
	now := s.m.store.Now()
	wait := min(maxSleep, max(s.m.config().lasts(s.scan.at.Sub(now)), 0))
	if at := s.orders.next; !at.IsZero() {
		wait = min(wait, max(s.m.config().lasts(at.Sub(now)), 0))
	}
	if at := s.alarms.Next(); !at.IsZero() {
		wait = min(wait, max(s.m.config().lasts(at.Sub(now)), 0))
	}
	if !s.pause.IsZero() {
		wait = min(wait, max(time.Until(s.pause), 0))
	}
	if !s.lookAt.IsZero() {
		wait = min(wait, max(time.Until(s.lookAt), 0))
	}
	if !s.bindAt.IsZero() && !s.binding {
		wait = min(wait, max(time.Until(s.bindAt), 0))
	}
	if !s.noteAt.IsZero() && !s.noting {
		wait = min(wait, max(time.Until(s.noteAt), 0))
	}
	return wait
}

// forget drops what is known of domains and sites that nothing waits for, when
// there are many; when there are too many, also which ones are down, since a
// probe of each costs less.
func (s *schedule) forget(now time.Time) {
	if len(s.domains)+len(s.places) < s.keep {
		return
	}
	s.drop(func(d *domain) bool { return d.unused(now) }, func(t *site) bool { return t.unused(now) })
	if len(s.domains)+len(s.places) > maxKept {
		s.drop((*domain).deserted, (*site).deserted)
	}
	s.keep = min(max(minForget, 2*(len(s.domains)+len(s.places))), 2*maxKept)
}

// drop forgets the domains chosen, and then sites that no domain leads to.
func (s *schedule) drop(domains func(*domain) bool, sites func(*site) bool) {
	for name, d := range s.domains {
		if domains(d) {
			delete(s.domains, name)
		}
	}
	used := map[*place]bool{}
	for _, d := range s.domains {
		if d.place != nil {
			used[d.place] = true
		}
	}
	for key, p := range s.places {
		if used[p] || !p.every(func(t *site) bool { return !t.dirty && !t.hungry && t.waiting == nil && sites(t) }) {
			continue
		}
		for _, t := range p.sites {
			s.kept.put(t, s.m.store.Now())
			s.alarms.Drop(t)
		}
		delete(s.places, key)
	}
}
