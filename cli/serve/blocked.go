package serve

import (
	"context"
	"fmt"

	"relay/mailer/blocklist"
	"relay/mailer/records"
	"relay/report/jobs"
)

// blocked asks blocklists about a domain, through the configured name server. A public one
// is not asked: lists refuse it, or answer it falsely.
func (r *Relay) blocked(ctx context.Context, domain string) (records.Blocks, error) {
	if _, err := r.names(); err != nil {
		return records.Blocks{}, err
	}
	if who := blocklist.Public(r.dns.Servers()); who != "" {
		return records.Blocks{}, fmt.Errorf("%w: the name server is that of %s", jobs.ErrPublicResolver, who)
	}
	lists, err := r.config().Delivery.Lists()
	if err != nil {
		return records.Blocks{}, err
	}
	return records.Blocked(ctx, r.dns, lists.Of(blocklist.Domains), domain)
}
