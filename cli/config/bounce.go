package config

import (
	"cmp"
	"strings"

	"relay/report/letter"
	"relay/smtp/backmail"
)

// Bounce is the [bounce] section: where mail comes in that the world sends back.
type Bounce struct {
	Listen                []string `toml:"listen"` // none: nowhere
	Domain                string   `toml:"domain"`
	MaxMessage            Size     `toml:"max_message"`
	Connections           int      `toml:"connections"`
	ConnectionsPerAddress int      `toml:"connections_per_address"`
	Proxies               []string `toml:"proxies"`
}

var bounceKeys = Section{Name: "bounce", Before: `Where bounces, complaints and mail to postmaster and abuse come in. Their domain needs an
MX record that leads here; nothing else is taken, and nothing is relayed.`, Keys: []Key{
	{"listen", []string{}, all(each(all(isListenAddress, onlyOnce)), hasOperator), OnRestart, `[":25"]; default nowhere`},
	{"domain", "", unlessEmpty(isFullHost), OnRestart, `"bounce.example.org", of the addresses b+TOKEN@, bounce@, fbl@; default hostname`},
	{"max_message", octets("20MB"), sizeFrom("100KB"), OnReload, `of one message that comes back`},
	{"connections", 200, countFrom(1), OnReload, `at the same time, in all`},
	{"connections_per_address", 20, countFrom(1), OnReload, `at the same time; IPv6: of a /64; loopback is exempt`},
	{"proxies", []string{}, each(isNetwork), OnReload, `balancers that send the PROXY protocol here: "192.0.2.10", "10.0.0.0/8"`},
}}

// hasOperator refuses a listener where nobody reads what comes to postmaster (RFC 5321 §4.5.1).
func hasOperator(v *validator, key string, value any) {
	operator, _, ok := letter.Recipient(v.c.Operator())
	switch {
	case len(value.([]string)) == 0:
	case !ok:
		v.bad(key, "somebody must read what comes to postmaster and abuse: set operator in [report]")
	case v.c.BackNames().Own(operator):
		v.bad(key, "%s, the operator in [report], would come back here: name a mailbox elsewhere", operator)
	}
}

// BackNames are the domains at which mail comes back.
func (c *Config) BackNames() backmail.Names {
	return backmail.NamesOf(cmp.Or(c.Bounce.Domain, c.Host()), c.Host())
}

// TakesBack reports whether relay takes the mail that comes back.
func (c *Config) TakesBack() bool { return len(c.Bounce.Listen) > 0 }

// ReturnDomain is the domain at which relay takes what comes back; "": nowhere.
func (c *Config) ReturnDomain() string {
	if !c.TakesBack() {
		return ""
	}
	return c.BackNames().Domain
}

// BackMail is the configuration of the listener for mail that comes back. Certificate and
// handlers are the caller's.
func (c *Config) BackMail() backmail.Config {
	operator, _, _ := letter.Recipient(c.Operator())
	b, l := &c.Bounce, &c.Limits
	return backmail.Config{
		Names:                 c.BackNames(),
		Zone:                  c.Zone(),
		Operator:              strings.TrimSpace(operator),
		Lifetime:              c.Delivery.Expire.Duration,
		MaxMessage:            b.MaxMessage.Bytes,
		Connections:           b.Connections,
		ConnectionsPerAddress: b.ConnectionsPerAddress,
		Proxies:               b.Balancers(),
		Errors:                l.Errors,
		IdleTimeout:           l.IdleTimeout.Duration,
		DataTimeout:           l.DataTimeout.Duration,
		Drain:                 c.Drain.Duration,
	}
}
