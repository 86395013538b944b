package config

import (
	"fmt"
	"net/netip"
	"strings"

	"relay/cli/exit"
	"relay/mailer/client"
	"relay/mailer/route"
	"relay/store/maildomain"
)

// Route is a [[route]] section: domains whose mail goes a way of its own.
type Route struct {
	Domains     []string `toml:"domains"`
	Host        string   `toml:"host"`
	Port        int      `toml:"port"`
	TLS         string   `toml:"tls"`
	User        string   `toml:"user"`
	Secret      string   `toml:"password_file"`
	Connections int      `toml:"connections"`
}

var routeKeys = Section{Name: "route", Many: true, Before: `Domains whose mail goes to one host, whatever their MX and the smarthost are. It has
limits of its own: what providers take does not hold there.`, Keys: []Key{
	{"domains", []string{}, all(hasDomains, each(isDomain)), OnRestart, `in full: subdomains are other domains`},
	{"host", "", isNextHop, OnRestart, `name or address; default the MX hosts of the domains, past the smarthost`},
	{"port", 0, isPortOrUsual, OnRestart, `0: 25, with implicit TLS 465`},
	{"tls", "opportunistic", all(oneOf(tlsWords...), implicitByHost), OnRestart, `or encrypt, starttls, implicit (the last two verify the certificate), none; without host: of the MX hosts, besides what the domain itself asks`},
	{"user", "", with("password_file"), OnRestart, `with password_file; TLS is then verified, except to loopback`},
	{"password_file", "", isCredential, OnRestart, `its first line is the password`},
	{"connections", 20, countFrom(0), OnRestart, `at once; any number of messages`},
}}

func hasDomains(v *validator, key string, value any) {
	if len(value.([]string)) == 0 {
		v.bad(key, "at least one domain")
	}
}

func isDomain(v *validator, key string, value any) {
	if _, _, ok := maildomain.Parse(value.(string)); !ok {
		v.bad(key, "%q is not a domain", value)
	}
}

// implicitByHost refuses TLS from the first octet to MX hosts, whose port has none.
func implicitByHost(v *validator, key string, value any) {
	section, _, _ := strings.Cut(key, ".")
	if value == "implicit" && valueIn(v.table(section), "host").String() == "" {
		v.bad(key, "implicit needs a host; MX hosts have starttls")
	}
}

// isNextHop is the name or the address of a host; "" leads to the MX hosts.
func isNextHop(v *validator, key string, value any) {
	if _, err := netip.ParseAddr(value.(string)); err != nil && value != "" {
		isHost(v, key, value)
	}
}

func isPortOrUsual(v *validator, key string, value any) {
	if value.(int) != 0 {
		isPort(v, key, value)
	}
}

// Routes are the ways of domains that have one of their own. It reads the passwords.
func (c *Config) Routes() (map[string]route.Route, error) {
	list := map[string]route.Route{}
	for i := range c.Route {
		r := &c.Route[i]
		hop := route.Route{Host: r.Host, Port: r.Port, TLS: tlsModes[r.TLS], Connections: r.Connections}
		if r.User != "" {
			password, err := Secret(r.Secret)
			if err != nil {
				return nil, exit.Fail(exit.Config, exit.Hint(err), "route[%d].password_file: %w", i, err)
			}
			hop.Auth = &client.Auth{Username: r.User, Password: password}
		}
		for _, name := range r.Domains {
			_, domain, _ := maildomain.Parse(name) // checked
			if _, twice := list[domain]; twice {
				return nil, exit.Fail(exit.Config, "name each domain in one [[route]]", "%s", fmt.Sprintf("route[%d].domains: %q is there twice", i, name))
			}
			list[domain] = hop
		}
	}
	return list, nil
}
