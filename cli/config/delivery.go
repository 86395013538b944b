package config

import (
	"cmp"
	"net"
	"os"
	"time"

	"relay/cli/exit"
	"relay/mailer/client"
	"relay/mailer/pace"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/mailer/suppress"
	"relay/mailer/verdict"
	"relay/store/books"
	"relay/store/strangers"
)

// Delivery is the [delivery] section: how mail goes out.
type Delivery struct {
	Resolver        string     `toml:"resolver"`
	TrustedResolver string     `toml:"trusted_resolver"`
	MTASTS          bool       `toml:"mta_sts"`
	DANE            bool       `toml:"dane"`
	TLSReports      bool       `toml:"tls_reports"`
	Smarthost       string     `toml:"smarthost"`
	SmarthostTLS    string     `toml:"smarthost_tls"`
	SmarthostUser   string     `toml:"smarthost_user"`
	SmarthostSecret string     `toml:"smarthost_password_file"`
	Port            int        `toml:"port"`
	AllowPrivate    bool       `toml:"allow_private"`
	Retry           []Duration `toml:"retry"`
	Expire          Duration   `toml:"expire"`
	NoticeExpire    Duration   `toml:"notice_expire"`
	NoticesPerHour  int        `toml:"notices_per_hour"`
	DelayAfter      Duration   `toml:"delay_after"`
	Rules           string     `toml:"rules"`
	Profile         string     `toml:"profile"`
	NewProfile      string     `toml:"new_profile"`
	FirstCap        int        `toml:"first_cap"`
	Providers       string     `toml:"providers"`
	Suppress        string     `toml:"suppress"`
	Blocklists      string     `toml:"blocklists"`

	Connections           int `toml:"connections"`
	SiteConnections       int `toml:"site_connections"`
	MessagesPerConnection int `toml:"messages_per_connection"`
}

var deliveryKeys = Section{Name: "delivery", Keys: []Key{
	{"resolver", "", unlessEmpty(isPeer), OnRestart, `host:port; default the system's`},
	{"trusted_resolver", "", unlessEmpty(isPeer), OnRestart, `asked in place of resolver; relay trusts what it proves by DNSSEC, as with one on loopback`},
	{"mta_sts", true, nil, OnRestart, `follow domains' policies on TLS (RFC 8461)`},
	{"dane", true, nil, OnRestart, `follow TLSA records; needs a resolver on loopback that validates, or trusted_resolver`},
	{"tls_reports", true, nil, OnRestart, `report each day to domains that ask how TLS with their hosts went (RFC 8460)`},
	{"smarthost", "", unlessEmpty(isPeer), OnRestart, `host:port; default MX`},
	{"smarthost_tls", "opportunistic", oneOf(tlsWords...), OnRestart, `or encrypt, starttls, implicit (the last two verify the certificate), none`},
	{"smarthost_user", "", with("smarthost_password_file"), OnRestart, `with smarthost_password_file; TLS is then verified, except to loopback`},
	{"smarthost_password_file", "", isCredential, OnRestart, `its first line is the password`},
	{"port", 25, isPort, OnRestart, `of MX hosts`},
	{"allow_private", false, nil, OnRestart, `deliver to loopback and private addresses`},
	{"retry", waits("5m", "10m", "20m", "40m", "1h", "2h", "4h", "6h"), all(hasWaits, each(timeFrom("1s"))), OnReload, `waits between attempts; the last repeats`},
	{"expire", Lasting("4d"), timeFrom("1m"), OnReload, `given up after`},
	{"notice_expire", Lasting("1d"), timeFrom("1m"), OnReload, `likewise, for relay's own DSNs`},
	{"notices_per_hour", 1000, countFrom(0), OnReload, `DSNs about one account's mail in an hour; others are counted, not sent; 0: no limit`},
	{"delay_after", Lasting("4h"), timeFrom("1m"), OnReload, `a delay is told after, where asked for`},
	{"rules", "", nil, OnReload, `your own rules on replies of next hops, a file that is read before relay's; default none`},
	{"profile", "normal", oneOf(books.Profiles...), OnReload, `prudent | normal | full: how much of what providers take is used, unless an account says otherwise`},
	{"new_profile", "prudent", oneOf(books.Profiles...), OnReload, `profile of accounts that have not yet delivered 1,000 e-mails by MX on seven clean days`},
	{"first_cap", 200, countFrom(0), OnReload, `recipients a day that a new account may reach by MX for the first time; doubles with each clean day; 0: no limit`},
	{"providers", "", nil, OnReload, `your own rows of what providers take, a file that is read over relay's; default none`},
	{"suppress", "", nil, OnReload, `your own rows of refusals that suppress a recipient, a file that is read over relay's; default none`},
	{"blocklists", "", nil, OnReload, `your own blocklists and keys, a file that is read over relay's; default none`},
	{"connections", 500, countFrom(1), OnReload, `to next hops at the same time, in all; an account may have three quarters of it`},
	{"site_connections", 0, countFrom(0), OnReload, `to one set of MX hosts; 0: as many as its provider takes, to a smarthost 20`},
	{"messages_per_connection", 0, countFrom(0), OnReload, `0: as many as the provider takes, any number to a smarthost`},
}}

func waits(texts ...string) (list []Duration) {
	for _, t := range texts {
		list = append(list, Lasting(t))
	}
	return list
}

func hasWaits(v *validator, key string, value any) {
	if len(value.([]Duration)) == 0 {
		v.bad(key, "at least one wait")
	}
}

// Mailer is the configuration of delivery. Hostname, smarthost, and what belongs to
// the machine are the caller's.
func (c *Config) Mailer() settings.Config {
	d := &c.Delivery
	return settings.Config{
		Resolver:              cmp.Or(d.TrustedResolver, d.Resolver),
		Trusted:               d.TrustedResolver != "",
		MTASTS:                d.MTASTS,
		DANE:                  d.DANE,
		Reports:               d.TLSReports,
		Port:                  d.Port,
		AllowPrivate:          d.AllowPrivate,
		Retry:                 durations(d.Retry),
		Expire:                d.Expire.Duration,
		NoticeExpire:          d.NoticeExpire.Duration,
		NoticesPerHour:        d.NoticesPerHour,
		DelayAfter:            d.DelayAfter.Duration,
		Profile:               pace.Profile(d.Profile),
		NewProfile:            pace.Profile(d.NewProfile),
		FirstCap:              capOf(d.FirstCap),
		SiteConnections:       d.SiteConnections,
		MessagesPerConnection: d.MessagesPerConnection,
		Connections:           d.Connections,
		Drain:                 c.Drain.Duration,
	}
}

// capOf is the mailer's cap of first sendings.
func capOf(n int) int {
	if n == 0 {
		return strangers.NoCap
	}
	return n
}

// DNS says which name servers to ask, with a time for each question.
func (d *Delivery) DNS(patience time.Duration) route.DNSConfig {
	cfg := route.DNSConfig{Timeout: patience, Trusted: d.TrustedResolver != ""}
	if s := cmp.Or(d.TrustedResolver, d.Resolver); s != "" {
		cfg.Servers = []string{s}
	}
	return cfg
}

// Verdicts are the rules on replies of next hops: relay's, and before them those of the
// operator's file.
func (d *Delivery) Verdicts() (*verdict.Rules, error) {
	if d.Rules == "" {
		return verdict.Default(), nil
	}
	text, err := os.ReadFile(d.Rules)
	if err != nil {
		return nil, exit.Fail(exit.Config, "it must be there and readable for relay's user", "delivery.rules: %w", err)
	}
	rules, err := verdict.Read(d.Rules, text)
	if err != nil {
		return nil, exit.Fail(exit.Config, "the guide says what a rule may have", "%w", err)
	}
	return rules, nil
}

// Rows are what providers take: relay's, with those of the operator's file over them.
func (d *Delivery) Rows() (*pace.Rows, error) {
	if d.Providers == "" {
		return pace.Default(), nil
	}
	text, err := os.ReadFile(d.Providers)
	if err != nil {
		return nil, exit.Fail(exit.Config, "it must be there and readable for relay's user", "delivery.providers: %w", err)
	}
	rows, err := pace.Read(d.Providers, text)
	if err != nil {
		return nil, exit.Fail(exit.Config, "the guide says what a row may have", "%w", err)
	}
	return rows, nil
}

// Suppressing are the rows that say which refusals suppress a recipient: relay's, with those
// of the operator's file over them.
func (d *Delivery) Suppressing() (*suppress.Rows, error) {
	if d.Suppress == "" {
		return suppress.Default(), nil
	}
	text, err := os.ReadFile(d.Suppress)
	if err != nil {
		return nil, exit.Fail(exit.Config, "it must be there and readable for relay's user", "delivery.suppress: %w", err)
	}
	rows, err := suppress.Read(d.Suppress, text)
	if err != nil {
		return nil, exit.Fail(exit.Config, "the guide says what a row may have", "%w", err)
	}
	return rows, nil
}

// durations of a list.
func durations(list []Duration) []time.Duration {
	out := make([]time.Duration, len(list))
	for i, d := range list {
		out[i] = d.Duration
	}
	return out
}

// tlsWords are the values of keys on TLS to a next hop.
var tlsWords = []string{"opportunistic", "encrypt", "starttls", "implicit", "none"}

var tlsModes = map[string]client.TLSMode{
	"encrypt": client.TLSEncrypted,
	"none":    client.TLSNone, "opportunistic": client.TLSOpportunistic, "starttls": client.TLSRequired, "implicit": client.TLSImplicit,
}

// NextHop is the smarthost; zero: MX. It reads the password.
func (d *Delivery) NextHop() (route.Route, error) {
	if d.Smarthost == "" {
		return route.Route{}, nil
	}
	host, _, err := net.SplitHostPort(d.Smarthost)
	if err != nil {
		return route.Route{}, exit.Fail(exit.Config, "write it as host:port", "delivery.smarthost: %w", err)
	}
	hop := route.Route{Host: host, Port: PortOf(d.Smarthost), TLS: tlsModes[d.SmarthostTLS]}
	if d.SmarthostUser != "" {
		password, err := Secret(d.SmarthostSecret)
		if err != nil {
			return hop, exit.Fail(exit.Config, exit.Hint(err), "delivery.smarthost_password_file: %w", err)
		}
		hop.Auth = &client.Auth{Username: d.SmarthostUser, Password: password}
	}
	return hop, nil
}
