package mailer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"relay/mailer/pace"
	"relay/mailer/verdict"
	"relay/store"
)

// An account's record is kept by the store, in the transactions of Accept, Claim and Settle
// (see store.Record). The mailer says which mail it is about, which is delivered by MX only,
// and what each reply means for it.

// limitStrangers has the store limit first sendings as the configuration says.
func limitStrangers(st *store.Store, cfg *Config) error {
	routes, hosts := maps.Clone(cfg.Routes), cfg.Smarthost.Host
	return st.SetStrangers(store.Strangers{
		Cap: max(0, cfg.FirstCap),
		Direct: func(domain string) bool {
			r, ok := routes[domain]
			if ok {
				return r.Host == ""
			}
			return hosts == ""
		},
		Way: fmt.Sprintf("%s %s", hosts, strings.Join(slices.Sorted(maps.Keys(routes)), " ")),
	})
}

// markOf is what an outcome says of the account; "" where mail did not go by MX.
func markOf(a *attempt, t *target) store.Mark {
	if p := a.job.path; p == nil || p.Fixed && a.job.site.origin.Via == nil { // a source's own server stands in for MX hosts
		return ""
	}
	switch v := &t.verdict; {
	case v.Class == verdict.Delivered:
		return store.MarkDelivered
	case unknown(v):
		return store.MarkUnknown
	case v.Slows == verdict.Account:
		return store.MarkBlamed
	}
	return store.MarkOther
}

// unknown reports whether a reply says that there is no such recipient.
func unknown(v *verdict.Verdict) bool {
	return v.Category == verdict.InvalidRecipient || v.Category == verdict.InactiveMailbox
}

// newProfile is that of an account without one of its own: the configured one, or a slower
// one until the account has a record.
func (s *schedule) newProfile(account string) pace.Profile {
	cfg := s.m.config()
	if account == "" || pace.Slower(cfg.Profile, cfg.NewProfile) == cfg.Profile {
		return cfg.Profile
	}
	if r, _, err := s.m.store.Record(account); err != nil || r.Proven {
		return cfg.Profile
	}
	return cfg.NewProfile
}

// hold stores that an account is held at a provider, and that both sides are to be told.
func (s *schedule) hold(key conductKey, c *pace.Account, now time.Time) {
	st := c.State(now)
	h := store.Hold{Account: key.account, Provider: key.provider, Reason: string(st.Reason), Why: st.Why, Until: st.Held,
		State: entryOf(accountKey+key.account+"\x00"+key.provider, st)}
	s.do(func() {
		if err := s.m.store.HoldAccount(h); err != nil {
			s.m.logStoreError("hold", err)
		} else {
			s.m.storeWorks("hold")
		}
	})
}

// tellSlowed has the customer told that its mail goes slower there. That it is slower is stored
// with the paces, within a minute.
func (s *schedule) tellSlowed(key conductKey, c *pace.Account, now time.Time) {
	st := c.State(now)
	s.do(func() {
		if err := s.m.store.SlowAccount(key.account, key.provider, string(st.Reason), st.Why); err != nil {
			s.m.logStoreError("slowed", err)
		} else {
			s.m.storeWorks("slowed")
		}
	})
}

// doChores does what the store has left to be done for accounts, and reports whether there
// is more.
func (m *Mailer) doChores() bool {
	more, err := m.store.DoChores()
	if err != nil {
		m.logStoreError("chores", err)
		return false
	}
	m.storeWorks("chores")
	return more
}
