// Package accounts knows how fast the mail of each account may go, and where it may not: its
// profile and pool, how providers took its mail, and the ceilings at a site that follow from both
// and from the operator's overrides.
//
// An account that has a profile of its own, is slowed by an override, or is slowed at a provider
// has a gate of its own at each site there; those that go by the configuration's profile share one
// where others take more. What providers say of an account's mail slows it at that provider, or
// holds it there for a day; no other account is slower for it.
//
// Profile and pool are read from the store, and hold for a minute. Conducts, which are what is
// known of an account at a provider, come from the store at the start; those that changed are told
// to it about once a minute (package pacebook). A crash forgets what changed since, but for a hold,
// which the schedule stores at once.
//
// Accounts are without locks, for the goroutine of the schedule (see package mailer).
package accounts

import (
	"sync/atomic"

	"relay/mailer/pace"
	"relay/mailer/settings"
	"relay/mailer/site"
	"relay/store/spool"
)

// Accounts is what is known of all accounts.
type Accounts struct {
	spool  *spool.Spool
	cfg    *atomic.Pointer[settings.Config]
	orders *site.Overrides // in force

	profiles map[string]Profile
	conducts map[Key]*pace.Account
	news     map[Key]bool // conducts that the store is to be told of
}

// New knows nothing yet. orders are the overrides in force, which their owner replaces in place.
func New(sp *spool.Spool, cfg *atomic.Pointer[settings.Config], orders *site.Overrides) *Accounts {
	return &Accounts{spool: sp, cfg: cfg, orders: orders,
		profiles: map[string]Profile{}, conducts: map[Key]*pace.Account{}, news: map[Key]bool{}}
}

func (a *Accounts) config() *settings.Config { return a.cfg.Load() }
