package mailer

import (
	"time"

	"relay/mailer/accounts"
	"relay/mailer/pace"
	"relay/mailer/paceentry"
	"relay/store/spool"
)

// hold stores that an account is held at a provider, and that both sides are to be told.
func (s *schedule) hold(key accounts.Key, c *pace.Account, now time.Time) {
	st := c.State(now)
	h := spool.Hold{Account: key.Account, Provider: key.Provider, Reason: string(st.Reason), Why: st.Why, Until: st.Held,
		State: paceentry.Of(key.Name(), st)}
	s.beside.Do(func() {
		s.m.stored("hold", s.m.spool.HoldAccount(h))
	})
}

// tellSlowed has the customer told that its mail goes slower there. That it is slower is stored
// with the paces, within a minute.
func (s *schedule) tellSlowed(key accounts.Key, c *pace.Account, now time.Time) {
	st := c.State(now)
	s.beside.Do(func() {
		s.m.stored("slowed", s.m.spool.SlowAccount(key.Account, key.Provider, string(st.Reason), st.Why))
	})
}
