package jobs

import (
	"context"
	"strings"
	"time"

	"relay/store/signing"
)

// askEach is how often blocklists are asked about a delegated domain.
const askEach = 24 * time.Hour

// askOf asks blocklists about a domain when that is due. Lists that do not answer are asked
// again with the next run.
func (r *Runner) askOf(ctx context.Context, s *Signing, one *signing.Domain, now time.Time, d *Delegation) error {
	if s.Blocked == nil || len(one.Selectors) == 0 || now.Sub(one.Asked) < askEach-time.Minute && !now.Before(one.Asked) {
		return nil
	}
	b, err := s.Blocked(ctx, one.Name)
	if err != nil || b.Asked == 0 {
		return ctx.Err()
	}
	listed := b.Names(one.Listed)
	switch {
	case len(listed) > len(one.Listed):
		d.Listed = append(d.Listed, one.Name+" ("+strings.Join(listed, ", ")+")")
		r.log.Warn("domain listed", "account", one.Account, "domain", one.Name, "lists", strings.Join(listed, ", "),
			"advice", "relay domain check "+one.Name+" --account "+one.Account+" says why")
	case len(listed) == 0 && len(one.Listed) > 0:
		d.Cleared = append(d.Cleared, one.Name)
		r.log.Info("domain listed no more", "account", one.Account, "domain", one.Name)
	}
	return r.store.Signing.AskedAt(one.Account, one.Name, listed)
}
