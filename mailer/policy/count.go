package policy

import (
	"crypto/tls"
	"fmt"

	"relay/store/sites"
)

// Types of policies in reports (RFC 8460 §4.2).
const (
	typeSTS  = "sts"
	typeTLSA = "tlsa"
	typeNone = "no-policy-found"
)

// Count is a connection to a host as a report has it: offered says whether the host has
// STARTTLS; a nil state is a connection in the clear.
func (t *Terms) Count(host string, state *tls.ConnectionState, offered bool) sites.TLSCount {
	c := t.counted(host)
	if err := t.Tested(host, state); err != nil {
		c.Result, c.Why = err.Result, Cause(err)
		return c
	}
	switch {
	case state != nil:
	case offered:
		c.Result = ResultFailed
	default:
		c.Result = ResultNoTLS
	}
	return c
}

// CountFailed is the same for one that was not made.
func (t *Terms) CountFailed(host string, err *Error) sites.TLSCount {
	c := t.counted(host)
	c.Result, c.Why = err.Result, Cause(err)
	return c
}

// counted is the policy under which a connection counts.
func (t *Terms) counted(host string) sites.TLSCount {
	c := sites.TLSCount{Domain: t.Domain, Type: typeNone, TLSFailure: sites.TLSFailure{Host: host}}
	switch h := t.hosts[host]; {
	case h.base != "" || h.err != nil:
		c.Type = typeTLSA
		for _, r := range h.records {
			c.Policy = append(c.Policy, fmt.Sprintf("%d %d %d %x", r.Usage, r.Selector, r.Matching, r.Data))
		}
	case t.sts != nil && t.sts.Mode != ModeNone:
		c.Type, c.MX = typeSTS, t.sts.MX
		c.Policy = []string{"version: STSv1", "mode: " + t.sts.Mode}
		for _, mx := range t.sts.MX {
			c.Policy = append(c.Policy, "mx: "+mx)
		}
		c.Policy = append(c.Policy, fmt.Sprintf("max_age: %d", t.sts.MaxAge))
	}
	c.Policy, c.MX = within(c.Policy), within(c.MX)
	return c
}

// mostCounted is how many octets of a policy's lines are counted under. A domain may publish
// far more, and each connection to it is a write.
const mostCounted = 2 << 10

// within are the first lines, as many as are counted under.
func within(lines []string) []string {
	size := 0
	for i, line := range lines {
		if size += len(line); size > mostCounted {
			return lines[:i:i]
		}
	}
	return lines
}
