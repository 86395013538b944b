package smtp

import (
	"crypto/tls"
	"math"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"relay/smtp/align"
	"relay/store"
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

	Judge *align.Judge // of who messages are from; nil: nobody judges. It is for the life of the server

	Invoice func(*store.Invoice) string // names one that is to be paid in a reply; nil: by its number

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

	Proxies []netip.Prefix // balancers: what comes from there begins with a PROXY header

	IdleTimeout time.Duration // between two commands; 0: 5 min (RFC 5321 §4.5.3.2.7)
	DataTimeout time.Duration // between two pieces of content, not for all of it; 0: 5 min
	Drain       time.Duration // what runs may take so long to finish; 0: 30 s
}

// Names of limits that are not worth a setting.
const (
	maxLine        = 2048     // octets of a command line (RFC 5321 §4.5.3.1.4 with extensions)
	maxResponse    = 12 << 10 // octets of a SASL response (RFC 4954 §4)
	maxCommands    = 15_000   // commands between two accepted messages, more than a plan has recipients
	maxBeforeLogin = 50       // commands before login
	maxHops        = 50       // Received fields (RFC 5321 §6.3)
	maxDelay       = 15 * time.Second
	timeToLogin    = time.Minute
	handshakeTime  = 30 * time.Second
	proxyTime      = 5 * time.Second // for a PROXY header to come
	faultTime      = 5 * time.Second // how long the end of a refused DATA is waited for
	lingerTime     = 300 * time.Millisecond
	lingerOctets   = 1 << 20
)

// withDefaults fills in what is zero and makes negative limits large.
func (c Config) withDefaults() Config {
	if c.Hostname == "" {
		if c.Hostname, _ = os.Hostname(); c.Hostname == "" {
			c.Hostname = "localhost"
		}
	}
	limit(&c.MaxMessage, 100_000_000)
	limit(&c.MaxHeader, 256<<10)
	limit(&c.StagedPerAccount, 4*min(c.MaxMessage, noLimit/4))
	c.StagedPerAccount = max(c.StagedPerAccount, 2*min(c.MaxMessage, noLimit/2))
	limit(&c.Connections, 2000)
	limit(&c.ConnectionsPerAddress, 50)
	limit(&c.ConnectionsPerAccount, 200)
	limit(&c.MessagesPerConnection, 10_000)
	limit(&c.Errors, 50)
	limit(&c.FailedLogins, 5)
	limit(&c.FailedLoginsPerAddress, 20)
	limit(&c.FailedLoginsPerLogin, 50)
	limit(&c.BanTime, 15*time.Minute)
	if c.LoginDelay == 0 {
		c.LoginDelay = 500 * time.Millisecond
	}
	limit(&c.IdleTimeout, 5*time.Minute)
	limit(&c.DataTimeout, 5*time.Minute)
	limit(&c.Drain, 30*time.Second)
	limit(&c.Lifetime, 4*24*time.Hour)
	return c
}

// limit puts the default in place of zero and a very large number in place of a
// negative one.
func limit[T int | int64 | time.Duration](v *T, def T) {
	switch {
	case *v == 0:
		*v = def
	case *v < 0:
		*v = T(noLimit)
	}
}

const noLimit = math.MaxInt >> 3

// isProxy reports whether the address is a listed balancer's.
func (c *Config) isProxy(a netip.Addr) bool {
	return slices.ContainsFunc(c.Proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}
