package smtp

import (
	"crypto/tls"
	"net"
	"os"
	"time"

	"relay/smtp/align"
	"relay/smtp/backmail"
	"relay/smtp/guard"
	"relay/smtp/wire"
	"relay/store/ledger"
)

// Mode says how a listener speaks TLS.
type Mode string

const (
	StartTLS Mode = "starttls" // plain at first; AUTH only after STARTTLS (RFC 3207)
	Implicit Mode = "implicit" // TLS from the first octet (RFC 8314 §3.3)
	None     Mode = "none"     // no TLS and no AUTH: known networks only
)

// Listener is a socket to take mail from and how it speaks TLS.
type Listener struct {
	net.Listener
	Mode Mode
}

// Config of the listener. A limit of zero stands for its default, a negative one
// for no limit.
type Config struct {
	Hostname string         // in greeting, Received and Message-ID; "": the host's own
	TLS      *tls.Config    // must be there when a listener is StartTLS or Implicit
	Zone     *time.Location // of dates in headers; nil: the store's
	Lifetime time.Duration  // of a message until it expires; 0: 4 days

	Returns string // domain of the reverse-path of mail of accounts with VERP; "": that of its sender

	Judge *align.Judge // of who messages are from; nil: nobody judges. It is for the life of the server

	Addresses backmail.Names   // of relay itself
	Answer    backmail.Handler // to test@ and errors@ of these, for customers; nil: mail to them goes where other mail goes

	Invoice func(*ledger.Invoice) string // names one that is to be paid in a reply; nil: by its number

	MaxMessage int64 // octets of content; 0: 100 MB
	MaxHeader  int64 // octets of its header; 0: 256 KiB

	StagedPerAccount int64 // octets of messages that are coming in, on disk and not accepted yet; 0: 4 times MaxMessage; at least twice that

	Connections           int // in all; 0: 2000
	ConnectionsPerAddress int // IPv4 address or IPv6 /64, loopback and proxies excepted; 0: 50
	ConnectionsPerAccount int // logged in or known by network; 0: 200
	MessagesPerConnection int // 0: 10000
	Errors                int // mistakes of the client between two accepted messages; 0: 50

	FailedLogins           int           // on one connection; 0: 5
	FailedLoginsPerAddress int           // different ones within BanTime, loopback and proxies excepted; 0: 20
	FailedLoginsPerLogin   int           // of one user name, likewise; more than one address may try, or it alone could lock a customer out; 0: 50
	BanTime                time.Duration // how long an address stays out, or a user name is locked, the first time; 0: 15 min
	LoginDelay             time.Duration // the first failed login waits that long, each further one twice as long; 0: 500 ms, negative: none

	MessagesPerMinute   int // of an account, all its connections together; 0 or negative: no limit
	RecipientsPerMinute int // likewise

	Proxies wire.Proxies // balancers: what comes from there begins with a PROXY header

	IdleTimeout time.Duration // between two commands; 0: 5 min (RFC 5321 §4.5.3.2.7)
	DataTimeout time.Duration // between two pieces of content, not for all of it; 0: 5 min
	Drain       time.Duration // what runs may take so long to finish; 0: 30 s
}

// Names of limits that are not worth a setting.
const (
	maxResponse    = 12 << 10 // octets of a SASL response (RFC 4954 §4)
	maxCommands    = 15_000   // commands between two accepted messages, more than a plan has recipients
	maxBeforeLogin = 50       // commands before login
	maxDelay       = 15 * time.Second
	timeToLogin    = time.Minute
)

// withDefaults fills in what is zero and makes negative limits large.
func (c Config) withDefaults() Config {
	if c.Hostname == "" {
		if c.Hostname, _ = os.Hostname(); c.Hostname == "" {
			c.Hostname = "localhost"
		}
	}
	wire.Limit(&c.MaxMessage, 100_000_000)
	wire.Limit(&c.MaxHeader, 256<<10)
	wire.Limit(&c.StagedPerAccount, 4*min(c.MaxMessage, wire.NoLimit/4))
	c.StagedPerAccount = max(c.StagedPerAccount, 2*min(c.MaxMessage, wire.NoLimit/2))
	wire.Limit(&c.Connections, 2000)
	wire.Limit(&c.ConnectionsPerAddress, 50)
	wire.Limit(&c.ConnectionsPerAccount, 200)
	wire.Limit(&c.MessagesPerConnection, 10_000)
	wire.Limit(&c.Errors, 50)
	wire.Limit(&c.FailedLogins, 5)
	wire.Limit(&c.FailedLoginsPerAddress, 20)
	wire.Limit(&c.FailedLoginsPerLogin, 50)
	wire.Limit(&c.BanTime, 15*time.Minute)
	if c.LoginDelay == 0 {
		c.LoginDelay = 500 * time.Millisecond
	}
	wire.Limit(&c.IdleTimeout, 5*time.Minute)
	wire.Limit(&c.DataTimeout, 5*time.Minute)
	wire.Limit(&c.Drain, 30*time.Second)
	wire.Limit(&c.Lifetime, 4*24*time.Hour)
	return c
}

// guardLimits are what the guard goes by.
func (c *Config) guardLimits() guard.Limits {
	return guard.Limits{PerAddress: c.FailedLoginsPerAddress, PerLogin: c.FailedLoginsPerLogin, BanTime: c.BanTime}
}
