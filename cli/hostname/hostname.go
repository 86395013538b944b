// Package hostname reads the name that a host has in the DNS.
package hostname

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"

	"relay/cli/config"
)

// Full reports whether a host can be found by its name from anywhere.
func Full(host string) bool {
	_, err := netip.ParseAddr(host)
	return err != nil && config.IsHostName(host) && strings.Contains(host, ".")
}

// Organization is the registered domain: example.org of smtp.example.org (RFC 7489 §3.2).
func Organization(host string) string {
	domain, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil { // host is a public suffix itself
		return host
	}
	return domain
}
