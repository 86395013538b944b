package serve

import (
	"time"

	"relay/mailer/policy"
	"relay/report/api/act"
	"relay/store"
)

var tlsLevels = map[policy.Level]string{policy.Any: "any", policy.Encrypted: "encrypted", policy.Verified: "verified"}

// hostTLS is what a domain asks of TLS with a host.
func hostTLS(t *policy.Terms, host string) act.HostTLS {
	v := act.HostTLS{Level: tlsLevels[t.Level(host)], By: t.By(host)}
	if err := t.Permits(host); err != nil {
		v.Barred = err.Text
	}
	return v
}

func stsView(p *store.TLSPolicy) *act.STSPolicy {
	if p == nil {
		return nil
	}
	return &act.STSPolicy{Mode: p.Mode, MX: append([]string{}, p.MX...), Fetched: p.Fetched, Until: p.Fetched.Add(time.Duration(p.MaxAge) * time.Second)}
}
