package accounts

import (
	"time"

	"relay/mailer/pace"
)

const (
	profileLife  = time.Minute
	mostProfiles = 100_000
)

// Profile is an account's profile and pool as they were a moment ago.
type Profile struct {
	Pace pace.Profile // its own, or that of the configuration, which is another one for new accounts
	Own  bool         // the account has a profile itself
	Pool string       // whose sources its mail leaves by

	until time.Time // monotonic
}

// Profile of an account; "" is relay's own mail.
func (a *Accounts) Profile(account string) Profile {
	if p, ok := a.profiles[account]; ok && time.Now().Before(p.until) {
		return p
	}
	p := Profile{until: time.Now().Add(profileLife)}
	own := ""
	if c, err := a.spool.Customer(account); err == nil {
		own, p.Pool = c.Delivery()
	}
	p.Own, p.Pace = own != "", a.choose(account, pace.Profile(own))
	if len(a.profiles) >= mostProfiles {
		clear(a.profiles)
	}
	a.profiles[account] = p
	return p
}

// Reconfigured has all profiles looked up anew.
func (a *Accounts) Reconfigured() { clear(a.profiles) }

// choose is an account's own profile, or else the configured one, which is slower until the account
// has a record. An account that was slowed down for what came back of its mail is prudent.
func (a *Accounts) choose(account string, own pace.Profile) pace.Profile {
	cfg := a.config()
	if account == "" {
		return cfg.Profile
	}
	r, _, err := a.spool.Strangers.Record(account)
	switch {
	case err == nil && r.Slow > 0:
		return pace.Prudent
	case own != "":
		return own
	case err != nil || r.Proven || pace.Slower(cfg.Profile, cfg.NewProfile) == cfg.Profile:
		return cfg.Profile
	}
	return cfg.NewProfile
}
