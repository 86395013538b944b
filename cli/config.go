package cli

import (
	_ "embed"
	"log/slog"
	"net/netip"
	"slices"
	"time"
	_ "time/tzdata" // a small host may have none of its own
)

// Config is relay.toml. Every key has a default, see Default.
type Config struct {
	Hostname  string   `toml:"hostname"`   // greeting, EHLO, Message-ID; "": the system's
	Timezone  string   `toml:"timezone"`   // in which months turn; "": the system's
	DataDir   string   `toml:"data_dir"`   // "": see program.place
	TraceKeep Duration `toml:"trace_keep"` // how long the trace of a message is kept
	Drain     Duration `toml:"drain"`      // what is under way may take so long to end when the relay stops
	Proxies   []string `toml:"proxies"`    // networks of balancers: what comes from there begins with a PROXY header

	TrustClock bool `toml:"trust_clock"` // months close and terms end by the system's clock, however wrong it is

	Listen   []Listen `toml:"listen"` // none: defaultListen
	TLS      TLS      `toml:"tls"`
	Limits   Limits   `toml:"limits"`
	Delivery Delivery `toml:"delivery"`
	Log      Log      `toml:"log"`
	Backup   Backup   `toml:"backup"`
	Sendmail Sendmail `toml:"sendmail"`
	Billing  Billing  `toml:"billing"`
	Payment  []PayBy  `toml:"payment"` // none: all methods, by billing.payment_text and payment_link
	API      API      `toml:"api"`

	source string // the file it was read from; "": there was none
}

// Listen is an address where mail comes in.
type Listen struct {
	Addr string `toml:"addr"` // host:port; port 0: any; systemd:NAME: the socket that the service manager passes under that name
	TLS  string `toml:"tls"`  // starttls, implicit, or none (known networks only)

	optional bool // skipped when it cannot be bound
}

// TLS is the certificate of the listeners.
type TLS struct {
	Cert string `toml:"cert"` // PEM file with the chain, or credential:NAME; "": self-signed
	Key  string `toml:"key"`  // PEM file, or credential:NAME
}

// Limits of what comes in.
type Limits struct {
	MaxMessage             Size     `toml:"max_message"`
	StagedPerAccount       Size     `toml:"staged_per_account"`      // of one account, on disk while it comes in
	Connections            int      `toml:"connections"`             // in all
	ConnectionsPerAddress  int      `toml:"connections_per_address"` // IPv6: per /64
	ConnectionsPerAccount  int      `toml:"connections_per_account"`
	MessagesPerConnection  int      `toml:"messages_per_connection"`
	AccountsPerReseller    int      `toml:"accounts_per_reseller"`     // below one that adds its own
	Errors                 int      `toml:"errors"`                    // mistakes of a client between two messages
	FailedLogins           int      `toml:"failed_logins"`             // in a connection
	FailedLoginsPerAddress int      `toml:"failed_logins_per_address"` // before it is banned
	FailedLoginsPerLogin   int      `toml:"failed_logins_per_login"`   // of one user name from anywhere, before it is locked for strangers
	BanTime                Duration `toml:"ban_time"`
	MessagesPerMinute      int      `toml:"messages_per_minute"`   // of one account; 0: no limit
	RecipientsPerMinute    int      `toml:"recipients_per_minute"` // likewise
	IdleTimeout            Duration `toml:"idle_timeout"`          // a client that says nothing
	DataTimeout            Duration `toml:"data_timeout"`          // a message of which nothing arrives
}

// Delivery is how mail goes out.
type Delivery struct {
	Resolver        string     `toml:"resolver"`                // host:port; "": the system's
	Smarthost       string     `toml:"smarthost"`               // host:port; "": MX
	SmarthostTLS    string     `toml:"smarthost_tls"`           // opportunistic, starttls or implicit (both verified), none
	SmarthostUser   string     `toml:"smarthost_user"`          // "": no login
	SmarthostSecret string     `toml:"smarthost_password_file"` // its first line is the password; or credential:NAME
	Port            int        `toml:"port"`                    // of MX hosts
	AllowPrivate    bool       `toml:"allow_private"`           // deliver to loopback and private addresses
	Retry           []Duration `toml:"retry"`                   // waits between attempts, the last repeats
	Expire          Duration   `toml:"expire"`                  // given up after
	NoticeExpire    Duration   `toml:"notice_expire"`           // likewise, for the relay's own DSNs
	NoticesPerHour  int        `toml:"notices_per_hour"`        // DSNs about one account's mail; 0: no limit
	DelayAfter      Duration   `toml:"delay_after"`             // a delay is told after, where asked for

	Connections           int `toml:"connections"`             // in all
	SiteConnections       int `toml:"site_connections"`        // to one set of MX hosts, or to the smarthost; 0: 10, or 20
	MessagesPerConnection int `toml:"messages_per_connection"` // before a connection is closed; 0: 100 to MX hosts
}

// Log is what the relay says while it runs, on standard error.
type Log struct {
	Level  string `toml:"level"`  // debug, info, warn or error
	Format string `toml:"format"` // text, json, or postfix: the shape that tools for Postfix's log read
}

// Backup is the copy of the store that is made by the calendar.
type Backup struct {
	Schedule string `toml:"schedule"` // cron's notation, in the operator's zone; "": none is made
	Dir      string `toml:"dir"`      // where; "": backup in the data directory
	Keep     int    `toml:"keep"`     // so many of the newest are kept
}

// Sendmail is how relay sendmail hands over the host's own mail.
type Sendmail struct {
	Server string `toml:"server"`        // host:port; "": the relay's own listener on this machine
	User   string `toml:"user"`          // "": no login, the machine's network is known to an account
	Secret string `toml:"password_file"` // its first line is the password
	Local  string `toml:"local"`         // who gets mail to a name without a domain; "": that name at the hostname
}

// sampleConfig is every key with its default and what it is for.
//
//go:embed relay.toml
var sampleConfig string

// Default is the configuration of a relay without a file.
func Default() Config {
	return Config{
		TraceKeep: days(30),
		Drain:     lasting(25 * time.Second),
		Limits: Limits{
			MaxMessage:             Size{Bytes: 100_000_000},
			StagedPerAccount:       Size{Bytes: 400_000_000},
			Connections:            2000,
			ConnectionsPerAddress:  50,
			ConnectionsPerAccount:  200,
			MessagesPerConnection:  10_000,
			AccountsPerReseller:    1000,
			Errors:                 20,
			FailedLogins:           5,
			FailedLoginsPerAddress: 20,
			FailedLoginsPerLogin:   50,
			BanTime:                lasting(15 * time.Minute),
			IdleTimeout:            lasting(5 * time.Minute),
			DataTimeout:            lasting(5 * time.Minute),
		},
		Delivery: Delivery{
			SmarthostTLS: "opportunistic",
			Port:         25,
			Retry: []Duration{
				lasting(5 * time.Minute), lasting(10 * time.Minute), lasting(20 * time.Minute), lasting(40 * time.Minute),
				lasting(time.Hour), lasting(2 * time.Hour), lasting(4 * time.Hour), lasting(6 * time.Hour),
			},
			Expire:         days(4),
			NoticeExpire:   days(1),
			NoticesPerHour: 1000,
			DelayAfter:     lasting(4 * time.Hour),
			Connections:    500,
		},
		Log:     Log{Level: "info", Format: "text"},
		Backup:  Backup{Keep: 7},
		Billing: defaultBilling(),
		API:     API{TLS: "implicit"},
	}
}

// defaultListen is where a relay listens that was not told: submission needs
// privileges, so that its ports may be missing; 2525 never is.
func defaultListen() []Listen {
	return []Listen{
		{Addr: ":587", TLS: "starttls", optional: true},
		{Addr: ":465", TLS: "implicit", optional: true},
		{Addr: ":2525", TLS: "starttls"},
	}
}

// listen is the configured addresses, or the default ones.
func (c *Config) listen() []Listen {
	if len(c.Listen) == 0 {
		return defaultListen()
	}
	return c.Listen
}

// needsTLS reports whether a listener needs a certificate.
func (c *Config) needsTLS() bool {
	return c.API.needsTLS() || slices.ContainsFunc(c.listen(), func(l Listen) bool { return l.TLS != "none" })
}

// proxies are the balancers; Validate has seen that they can be read.
func (c *Config) proxies() []netip.Prefix {
	var list []netip.Prefix
	for _, text := range c.Proxies {
		if p, err := parseNetwork(text); err == nil {
			list = append(list, p)
		}
	}
	return list
}

// zone is the operator's; Validate has seen that it exists.
func (c *Config) zone() *time.Location {
	if c.Timezone == "" {
		return time.Local
	}
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// level is the log's; Validate has seen that it exists.
func (c *Config) level() slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(c.Log.Level)); err != nil {
		return slog.LevelInfo
	}
	return l
}

func lasting(d time.Duration) Duration { return Duration{Duration: d} }
func days(n int) Duration              { return lasting(time.Duration(n) * 24 * time.Hour) }

// durations of a list.
func durations(list []Duration) []time.Duration {
	out := make([]time.Duration, len(list))
	for i, d := range list {
		out[i] = d.Duration
	}
	return out
}
