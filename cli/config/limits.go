package config

import "relay/smtp"

// Limits is the [limits] section: of what comes in.
type Limits struct {
	MaxMessage             Size     `toml:"max_message"`
	StagedPerAccount       Size     `toml:"staged_per_account"`
	Connections            int      `toml:"connections"`
	ConnectionsPerAddress  int      `toml:"connections_per_address"`
	ConnectionsPerAccount  int      `toml:"connections_per_account"`
	MessagesPerConnection  int      `toml:"messages_per_connection"`
	AccountsPerReseller    int      `toml:"accounts_per_reseller"`
	Errors                 int      `toml:"errors"`
	FailedLogins           int      `toml:"failed_logins"`
	FailedLoginsPerAddress int      `toml:"failed_logins_per_address"`
	FailedLoginsPerLogin   int      `toml:"failed_logins_per_login"`
	BanTime                Duration `toml:"ban_time"`
	MessagesPerMinute      int      `toml:"messages_per_minute"`
	RecipientsPerMinute    int      `toml:"recipients_per_minute"`
	IdleTimeout            Duration `toml:"idle_timeout"`
	DataTimeout            Duration `toml:"data_timeout"`
}

var limitKeys = Section{Name: "limits", Keys: []Key{
	{"max_message", octets("100MB"), sizeFrom("1KB"), OnReload, `of one message; decimal: 1MB is 1,000,000 bytes`},
	{"staged_per_account", octets("400MB"), sizeFrom("2KB"), OnReload, `of one account, while it comes in; twice max_message at least`},
	{"connections", 2000, countFrom(1), OnReload, `at the same time, in all; an eighth is for addresses that logged in before`},
	{"connections_per_address", 50, countFrom(1), OnReload, `at the same time; IPv6: of a /64; loopback is exempt`},
	{"connections_per_account", 200, countFrom(1), OnReload, `at the same time`},
	{"messages_per_connection", 10_000, countFrom(1), OnReload, `then the client has to connect again`},
	{"accounts_per_reseller", 1000, countFrom(1), OnReload, `that a reseller can add; the operator can add more`},
	{"errors", 20, countFrom(1), OnReload, `mistakes of a client, refused messages too, between two accepted ones`},
	{"failed_logins", 5, countFrom(1), OnReload, `in one connection`},
	{"failed_logins_per_address", 20, countFrom(1), OnReload, `then it is banned; 4 times as many ban its /24 or /56, 16 times its /48`},
	{"failed_logins_per_login", 50, countFrom(1), OnReload, `of one user name; then it is locked for unknown addresses`},
	{"ban_time", Lasting("15m"), timeFrom("1s"), OnReload, `of a first ban or lock; one that follows soon lasts twice as long`},
	{"messages_per_minute", 0, countFrom(0), OnReload, `of one account; 0: no limit`},
	{"recipients_per_minute", 0, countFrom(0), OnReload, `likewise`},
	{"idle_timeout", Lasting("5m"), timeFrom("1s"), OnReload, `a client that says nothing`},
	{"data_timeout", Lasting("5m"), timeFrom("1s"), OnReload, `a message of which nothing arrives`},
}}

// SMTP is the configuration of intake. Hostname and certificate are the caller's.
func (c *Config) SMTP() smtp.Config {
	l := &c.Limits
	return smtp.Config{
		Zone:                   c.Zone(),
		Lifetime:               c.Delivery.Expire.Duration,
		Invoice:                c.invoiceToPay,
		Returns:                c.ReturnDomain(),
		MaxMessage:             l.MaxMessage.Bytes,
		StagedPerAccount:       l.StagedPerAccount.Bytes,
		Connections:            l.Connections,
		ConnectionsPerAddress:  l.ConnectionsPerAddress,
		ConnectionsPerAccount:  l.ConnectionsPerAccount,
		MessagesPerConnection:  l.MessagesPerConnection,
		Errors:                 l.Errors,
		FailedLogins:           l.FailedLogins,
		FailedLoginsPerAddress: l.FailedLoginsPerAddress,
		FailedLoginsPerLogin:   l.FailedLoginsPerLogin,
		BanTime:                l.BanTime.Duration,
		MessagesPerMinute:      l.MessagesPerMinute,
		RecipientsPerMinute:    l.RecipientsPerMinute,
		Proxies:                c.Balancers(),
		IdleTimeout:            l.IdleTimeout.Duration,
		DataTimeout:            l.DataTimeout.Duration,
		Drain:                  c.Drain.Duration,
	}
}
