package mailer

import (
	"relay/mailer/flights"
	"relay/mailer/walk"
	"relay/store/egress"
)

// newWalk is the walk of this schedule. It runs beside it.
func (s *schedule) newWalk() *walk.Walk {
	return walk.New(s.m.spool, &s.m.cfg, s.m.out, walk.Owner{
		TakeUp: func(due []walk.Passing) []walk.Passing {
			answer := make(chan []walk.Passing, 1)
			s.beside.Tell(func() { answer <- s.inspect(due) })
			return <-answer
		},
		Done: func(mine []walk.Passing) {
			s.beside.Tell(func() {
				for _, p := range mine {
					s.flights.Land(flights.Flight{ID: p.ID, Domain: p.Lane.Domain})
				}
			})
		},
	})
}

// inspect leaves those that are not in flight, and takes them up for the walk. A
// message whose time is over is given up without a further attempt only if there
// will be none soon: its site is down, or the attempt is due later.
func (s *schedule) inspect(due []walk.Passing) []walk.Passing {
	now := s.m.spool.Now()
	var mine []walk.Passing
	for _, p := range due {
		f := flights.Flight{ID: p.ID, Domain: p.Lane.Domain}
		if s.flights.Has(f) {
			continue
		}
		down := false
		if t := s.home(p.Lane, now); t != nil {
			down = t.Down(now)
			p.Why = t.Why
			if s.accounts.Held(t, p.Lane.Account, now) {
				p.Why = "the account's mail is held at this provider" // it is tried afterwards, and expires no earlier
			}
		}
		if is := s.pauses.Of(p.Lane, now); is != nil {
			down, p.Why = true, is.Why
		}
		if o := s.orders.Find(egress.OverrideStop, p.Lane, s.atlas.PlaceOf(p.Lane.Domain), now); o != nil {
			p.Expire, p.Why = false, "stopped by the operator: "+o.Reason
		}
		p.Expire = p.Expire && (p.Sure || down)
		if p.Expire || p.Delay {
			s.flights.TakeUp(f)
			mine = append(mine, p)
		}
	}
	return mine
}
