package backmail

import (
	"crypto/tls"
	"time"

	"relay/smtp/returned"
	"relay/smtp/wire"
	"relay/store/mailreply"
	"relay/store/refusals"
	"relay/store/returns"
	"relay/store/spooled"
)

// Config of the listener. A limit of zero stands for its default, a negative one
// for no limit.
type Config struct {
	Names    Names
	TLS      *tls.Config    // for STARTTLS; nil: it is not offered
	Zone     *time.Location // of dates in headers; nil: the store's
	Operator string         // address that gets what comes to abuse@ and postmaster@; "": they are refused for now
	Lifetime time.Duration  // of what is passed on; 0: 4 days

	// Judge says what a reply means that a report quotes, and what follows for the
	// recipient; of a complaint there is no reply. nil: nothing is known.
	Judge  func(kind returns.Kind, reply string) (mailreply.Verdict, *refusals.Rule)
	Answer Handler                      // to test@ and errors@; nil: these addresses are not taken
	Desk   func(*Incoming, *Case) error // a complaint at abuse@ that was counted; nil: nobody answers

	MaxMessage int64 // octets of content; 0: 20 MB

	Connections           int // in all; 0: 200
	ConnectionsPerAddress int // IPv4 address or IPv6 /64, loopback and proxies excepted; 0: 20
	MessagesPerMinute     int // of one address, likewise; 0: 1200
	Errors                int // mistakes of the client between two accepted messages; 0: 20

	Proxies wire.Proxies // balancers: what comes from there begins with a PROXY header

	IdleTimeout time.Duration // between two commands; 0: 5 min (RFC 5321 §4.5.3.2.7)
	DataTimeout time.Duration // between two pieces of content, not for all of it; 0: 5 min
	Drain       time.Duration // what runs may take so long to finish; 0: 30 s
}

// Case is a complaint that somebody wrote to abuse@ and that was counted for an account.
type Case struct {
	Desk      string     // the address that an answer goes to: the reverse-path, never ""
	Account   string     // whose mail the complaint is about
	Message   spooled.ID // that mail; zero: the report does not say which
	Recipient string     // of that mail; "": the report masks it
	Reporter  string     // domain that complains
	Report    *returned.Mail
}

// withDefaults fills in what is zero and makes negative limits large.
func (c Config) withDefaults() Config {
	wire.Limit(&c.MaxMessage, 20_000_000)
	wire.Limit(&c.Connections, 200)
	wire.Limit(&c.ConnectionsPerAddress, 20)
	wire.Limit(&c.MessagesPerMinute, 1200)
	wire.Limit(&c.Errors, 20)
	wire.Limit(&c.IdleTimeout, 5*time.Minute)
	wire.Limit(&c.DataTimeout, 5*time.Minute)
	wire.Limit(&c.Drain, 30*time.Second)
	wire.Limit(&c.Lifetime, 4*24*time.Hour)
	return c
}
