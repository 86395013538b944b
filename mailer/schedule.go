package mailer

import (
	"context"
	"time"

	"relay/mailer/accounts"
	"relay/mailer/atlas"
	"relay/mailer/beside"
	"relay/mailer/crew"
	"relay/mailer/flights"
	"relay/mailer/origins"
	"relay/mailer/pace"
	"relay/mailer/pacebook"
	"relay/mailer/scan"
	"relay/mailer/site"
	"relay/mailer/turns"
	"relay/mailer/window"
	"relay/store/spooled"
)

// schedule is what Run knows. One goroutine, the one in run, owns all of it;
// what takes time runs beside it and comes back through beside.Tell.
type schedule struct {
	m      *Mailer
	ctx    context.Context // of connections; ends when the drain is over
	cancel context.CancelFunc
	taking context.Context // of look-ups, and of connections being made; ends when the drain begins
	beside *beside.Work

	window  *window.Window
	atlas   *atlas.Atlas
	flights *flights.Flights
	crew    *crew.Crew
	scan    scan.Plan

	origins  *origins.Set
	accounts *accounts.Accounts
	paces    *pacebook.Book
	pauses   site.Pauses
	orders   site.Overrides
	draining map[spooled.Lane]bool // lanes whose mail is being bounced

	dirty  turns.FIFO[*site.Site]  // something changed there
	hungry turns.FIFO[*site.Site]  // want more messages
	alarms pace.Alarms[*site.Site] // wait for a ceiling

	pause    time.Time // the store could not be written: no claim before; monotonic
	stopping bool
}

const (
	maxAtOnce = 64               // events, and sites served, in one go
	maxReady  = 256              // lanes with new mail, likewise
	maxSleep  = 10 * time.Second // the store's clock may be set
)

func newSchedule(m *Mailer) *schedule {
	s := &schedule{
		m:        m,
		beside:   beside.New(),
		window:   window.New(&m.cfg),
		atlas:    atlas.New(&m.cfg),
		origins:  origins.New(m.config().Sources),
		flights:  flights.New(),
		crew:     crew.New(&m.cfg),
		pauses:   site.Pauses{},
		draining: map[spooled.Lane]bool{},
		paces:    pacebook.New(),
	}
	s.accounts = accounts.New(m.spool, &m.cfg, &s.orders)
	return s
}

func (s *schedule) run(ctx context.Context) error {
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer s.cancel()
	s.m.out.Stopped = s.ctx.Done()
	taking, stop := context.WithCancel(ctx)
	defer stop()
	s.taking = taking
	s.loadPace()
	s.readOverrides()
	s.beside.Do(func() { s.newWalk().Run(taking) })
	s.beside.Do(func() { s.m.policies.Run(taking) })
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			s.drain()
			return nil
		case <-s.m.spool.Failed():
			stop()
			s.cancel()
			s.drain()
			return s.m.spool.Err()
		case <-s.m.spool.Ready():
			s.measured(s.takeReady)
		case c := <-s.m.spool.Complaints():
			s.complained(c)
		case <-s.m.kick:
			s.retry(s.m.takeRetries())
		case <-s.m.probes:
		case fn := <-s.m.asks:
			fn(s)
		case <-s.m.tuned:
			s.tune()
		case fn := <-s.beside.Told():
			s.measured(func() { fn(); s.beside.More(maxAtOnce) })
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

// step does what can be done now, so much of it that events do not wait long.
func (s *schedule) step() {
	now := s.m.spool.Now()
	s.scanLanes(now)
	s.endOverrides(now)
	s.scan.SeeBlocked(now)
	s.wake(now)
	s.lookUp()
	for n := 0; s.dirty.Len() > 0 && n < maxAtOnce; n++ {
		t := s.dirty.Pop()
		t.Dirty = false
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
func (s *schedule) touch(t *site.Site) {
	if !t.Dirty {
		t.Dirty = true
		s.dirty.Push(t)
	}
}

// takeReady admits the lanes that the store says have mail.
func (s *schedule) takeReady() {
	now := s.m.spool.Now()
	for _, l := range s.m.spool.TakeReady(maxReady) {
		s.admit(l, now)
	}
}

// admit takes a lane into the window, unless it is there, its site or domain is
// left alone for now, or there is no room: then a scan finds it later.
func (s *schedule) admit(key spooled.Lane, now time.Time) {
	if l := s.window.Lane(key); l != nil {
		l.Again = true
		return
	}
	if s.barred(key, now) {
		return // woken at the end of the pause
	}
	var home *site.Site
	if d := s.atlas.Find(key.Domain); d != nil {
		if d.Place != nil {
			if home = s.siteFor(d.Place, key.Account, now); home == nil || home.Blocked(now) {
				return // woken at the end of the block
			}
			if !d.Usable(now) {
				home = nil
			}
		}
	}
	if !s.window.Room(home, key.Account) {
		s.scan.Missed()
		return
	}
	l := &site.Lane{Lane: key, NextHop: s.atlas.Domain(key.Domain)}
	s.window.Add(l)
	if home == nil {
		s.window.AwaitRoute(l)
		l.NextHop.Lanes = append(l.NextHop.Lanes, l)
		s.atlas.Want(l.NextHop, key.Account)
		return
	}
	s.join(home, l)
	s.touch(home)
}

// retire forgets a lane that does not stand in a turn.
func (s *schedule) retire(l *site.Lane) {
	s.window.Drop(l)
	s.scan.Freed()
}

// retry is the operator's word that domain, or everything, is worth a try now.
func (s *schedule) retry(domains []string) {
	for _, name := range domains {
		s.m.out.Hosts.Forget()
		s.pauses.Resume(name)
		if name == "" {
			for d := range s.atlas.Domains {
				d.Revive()
			}
			continue
		}
		if d := s.atlas.Find(name); d != nil {
			d.Revive()
			if d.Place != nil {
				for _, t := range d.Place.Sites {
					s.resumePace(t)
				}
			}
		}
	}
	s.scan.Restart()
}

// sleep is until something is to be done that nobody tells us.
func (s *schedule) sleep() time.Duration {
	if s.dirty.Len() > 0 || s.scan.Sites() {
		return 0
	}
	now := s.m.spool.Now()
	wait := min(maxSleep, max(s.m.config().Lasts(s.scan.At().Sub(now)), 0))
	if at := s.orders.Next; !at.IsZero() {
		wait = min(wait, max(s.m.config().Lasts(at.Sub(now)), 0))
	}
	if at := s.alarms.Next(); !at.IsZero() {
		wait = min(wait, max(s.m.config().Lasts(at.Sub(now)), 0))
	}
	if !s.pause.IsZero() {
		wait = min(wait, max(time.Until(s.pause), 0))
	}
	if at := s.crew.Next(); !at.IsZero() {
		wait = min(wait, max(time.Until(at), 0))
	}
	if at := s.origins.NextCheck(); !at.IsZero() {
		wait = min(wait, max(time.Until(at), 0))
	}
	return wait
}

// forget drops what is known of domains and sites that nothing waits for.
func (s *schedule) forget(now time.Time) {
	s.atlas.Forget(now, func(t *site.Site) {
		s.paces.Put(t, now)
		s.alarms.Drop(t)
	})
}
