package config

import (
	"net"
	"net/netip"
	"os"
	"regexp"
	"time"

	"relay/cli/exit"
	"relay/mailer/blocklist"
	"relay/mailer/client"
	"relay/mailer/route"
	"relay/mailer/source"
)

// Source is a [[source]] section: an address that mail leaves from.
type Source struct {
	Address   string `toml:"address"`
	EHLO      string `toml:"ehlo"`
	Pool      string `toml:"pool"`
	Standby   bool   `toml:"standby"`
	Since     string `toml:"since"`
	WarmUp    int    `toml:"warm_up"`
	Smarthost string `toml:"smarthost"`
	TLS       string `toml:"tls"`
	User      string `toml:"user"`
	Secret    string `toml:"password_file"`
}

var sourceKeys = Section{Name: "source", Many: true, Before: `Addresses of this machine that mail leaves from. Without any, the system chooses one. Limits
of providers hold for each of them.`, Keys: []Key{
	{"address", "", all(unlessEmpty(isHostAddress), oneWay), OnReload, `IPv4 or IPv6; this machine must have it`},
	{"ehlo", "", unlessEmpty(isHost), OnReload, `its name, which must lead back to it in the DNS; default the hostname`},
	{"pool", "", all(unlessEmpty(isPool), poolLives), OnReload, `for accounts that have it by account set --pool; default for all others`},
	{"standby", false, nil, OnReload, `takes mail only while no other of its pool is in good standing`},
	{"since", "", unlessEmpty(isDate), OnReload, `"2026-11-30": takes no mail before that day; default it always does`},
	{"warm_up", 0, countFrom(0), OnReload, `messages to one provider on its first day, doubled day by day; 0: no warm-up`},
	{"smarthost", "", unlessEmpty(isPeer), OnReload, `host:port of a server that mail goes through, in place of address`},
	{"tls", "opportunistic", oneOf("opportunistic", "starttls", "implicit", "none"), OnReload, `to it; or starttls, implicit (certificate verified), none`},
	{"user", "", with("password_file"), OnReload, `with password_file; TLS is then verified, except to loopback`},
	{"password_file", "", isCredential, OnReload, `its first line is the password`},
}}

// Name returns what tells a source from others: its address, or its smarthost.
func (s *Source) Name() string {
	if a, err := netip.ParseAddr(s.Address); err == nil {
		return a.Unmap().String()
	}
	return s.Smarthost
}

// From is when the source's first day begins; zero: it has no first day.
func (s *Source) From(zone *time.Location) time.Time {
	at, _ := time.ParseInLocation(time.DateOnly, s.Since, zone) // checked
	return at
}

func isHostAddress(v *validator, key string, value any) {
	a, err := netip.ParseAddr(value.(string))
	if err != nil || a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() {
		v.bad(key, "%q is not an address of a host", value)
		return
	}
	onlyOnce(v, key, a.Unmap().String())
}

// oneWay refuses a source that has neither address nor smarthost, or both.
func oneWay(v *validator, key string, value any) {
	section := key[:len(key)-len(".address")]
	other := valueIn(v.table(section), "smarthost").String()
	switch {
	case value == "" && other == "":
		v.bad(section, "it needs an address, or a smarthost")
	case value != "" && other != "":
		v.bad(section, "address and smarthost exclude each other")
	}
	if other == "" && (valueIn(v.table(section), "tls").String() != "opportunistic" || valueIn(v.table(section), "user").String() != "") {
		v.bad(section, "tls and user are for a smarthost")
	}
	if other != "" {
		onlyOnce(v, section+".smarthost", other)
	}
}

var poolRE = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$`)

// ValidPool reports a name that a pool of sources may have.
func ValidPool(name string) bool { return poolRE.MatchString(name) }

func isPool(v *validator, key string, value any) {
	if !ValidPool(value.(string)) {
		v.bad(key, "%q: lower case letters, digits, dots and hyphens", value)
	}
}

// poolLives refuses a pool of standbys alone, and sources without any for accounts that
// have no pool. It is said once, at the first source.
func poolLives(v *validator, key string, value any) {
	lives := map[string]bool{}
	for i := range v.c.Source {
		lives[v.c.Source[i].Pool] = lives[v.c.Source[i].Pool] || !v.c.Source[i].Standby
	}
	if !lives[value.(string)] && value != "" {
		v.bad(key, "the pool %q has standbys only", value)
	}
	if key == "source[0].pool" && !lives[""] {
		v.bad("source", "one without pool and standby is needed, for accounts that have no pool")
	}
}

func isDate(v *validator, key string, value any) {
	if _, err := time.Parse(time.DateOnly, value.(string)); err != nil {
		v.bad(key, "%q is not a day such as 2026-11-30", value)
	}
}

// Sources are those that mail leaves from; none: the system chooses. It reads the passwords.
func (c *Config) Sources() (list []source.Source, err error) {
	for i := range c.Source {
		s := &c.Source[i]
		one := source.Source{EHLO: s.EHLO, Pool: s.Pool, Standby: s.Standby, WarmUp: s.WarmUp}
		one.Addr, _ = netip.ParseAddr(s.Address) // checked
		one.Addr = one.Addr.Unmap()
		one.Since = s.From(c.Zone())
		if s.Smarthost != "" {
			if one.Via, err = s.via(i); err != nil {
				return nil, err
			}
		}
		list = append(list, one)
	}
	return list, nil
}

// via is the server that all mail of the source goes through.
func (s *Source) via(i int) (*route.Route, error) {
	host, _, err := net.SplitHostPort(s.Smarthost)
	if err != nil {
		return nil, exit.Fail(exit.Config, "write it as host:port", "source[%d].smarthost: %w", i, err)
	}
	hop := &route.Route{Host: host, Port: PortOf(s.Smarthost), TLS: tlsModes[s.TLS]}
	if s.User != "" {
		password, err := Secret(s.Secret)
		if err != nil {
			return nil, exit.Fail(exit.Config, exit.Hint(err), "source[%d].password_file: %w", i, err)
		}
		hop.Auth = &client.Auth{Username: s.User, Password: password}
	}
	return hop, nil
}

// Lists are the blocklists: relay's, with those of the operator's file over them.
func (d *Delivery) Lists() (*blocklist.Lists, error) {
	if d.Blocklists == "" {
		return blocklist.Default(), nil
	}
	text, err := os.ReadFile(d.Blocklists)
	if err != nil {
		return nil, exit.Fail(exit.Config, "it must be there and readable for relay's user", "delivery.blocklists: %w", err)
	}
	lists, err := blocklist.Read(d.Blocklists, text)
	if err != nil {
		return nil, exit.Fail(exit.Config, "the guide says what a list may have", "%w", err)
	}
	return lists, nil
}
