// Package settings is what the operator has set for deliveries, with the defaults, and the
// figures that follow from it: waits, limits, the store's clock.
package settings

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"relay/mailer/client"
	"relay/mailer/dialer"
	"relay/mailer/pace"
	"relay/mailer/policy"
	"relay/mailer/route"
	"relay/mailer/sign"
	"relay/mailer/source"
	"relay/mailer/suppress"
	"relay/mailer/verdict"
	"relay/store/record"
)

// Config of a Mailer. Zero fields have the defaults named.
type Config struct {
	Hostname string // EHLO name, and Reporting-MTA of DSNs; needed

	Resolver     string                 // name server, host:port; "": the system's
	Trusted      bool                   // Resolver is believed what it says of DNSSEC; else only one on loopback
	DNS          route.Resolver         // used instead of Resolver where set
	Smarthost    route.Route            // next hop of all mail; zero: MX
	Routes       map[string]route.Route // next hops of single domains, lower case A-labels
	Port         int                    // of MX hosts; 0: 25
	AllowPrivate bool                   // loopback and private addresses are next hops like others
	Self         []netip.Addr           // ours: a next hop with such an address is a loop

	Retry          []time.Duration // waits after the first, second … attempt, the last repeats; nil: DefaultRetry
	Expire         time.Duration   // life of a message, for the walk that expires what is never tried; 0: 4 days
	NoticeExpire   time.Duration   // life of a DSN; 0: 1 day
	NoticesPerHour int             // DSNs about one account's mail in an hour; 0: no limit
	DelayAfter     time.Duration   // age at which a delay DSN is due; 0: 4 hours
	ReturnMax      int64           // octets up to which a DSN returns the whole message; 0: 50,000

	Rows                  *pace.Rows      // what providers take; nil: pace.Default
	Profile               pace.Profile    // how much of that is used; "": pace.Normal
	NewProfile            pace.Profile    // likewise, by accounts without a record, if it is slower; "": pace.Prudent
	FirstCap              int             // recipients that a new account may reach on its first day; 0: record.StartCap, below 0: any number
	SiteConnections       int             // to one site at once; 0: 20 to a static route, as the row says to MX hosts
	MessagesPerConnection int             // 0: no limit to a static route, as the row says to MX hosts
	Connections           int             // in all, of which an account has a share; 0: 500
	Sources               []source.Source // where connections come from; nil: one that the system chooses

	OnSource func(name string, err error) // a source's address vanished, or with nil came back; nil: nobody is told

	Rules    *verdict.Rules // that judge replies; nil: verdict.Default
	Suppress *suppress.Rows // what follows from refusals for a recipient; nil: suppress.Default

	Returns string // domain at which relay takes what comes back, for messages with VERP; "": nowhere

	HostKey *sign.Key // signs relay's own mail, and that of accounts with ServiceSignature; nil: nothing does

	MTASTS   bool           // policies of MTA-STS hold
	DANE     bool           // TLSA records do
	Reports  bool           // TLS is counted for domains that want reports
	Policies policy.Fetcher // of policies of MTA-STS; nil: HTTPS
	RootCAs  *x509.CertPool // for TLS that must be verified; nil: the system's
	Dialer   dialer.Dialer  // nil: TCP
	Timeouts client.Timeouts

	DialTimeout time.Duration // of one address; 0: 30 s
	IdleTimeout time.Duration // for which a connection waits for the next message; 0: 3 s
	Drain       time.Duration // for which running transactions may go on at the end; 0: 30 s
	Window      int           // lanes in memory; 0: 10,000
	Speed       int64         // how many times faster than time the store's clock runs; 0: 1
}

// DefaultRetry is when a deferred message is tried again, each with a jitter of a tenth.
var DefaultRetry = []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute,
	40 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour}

// SetDefaults fills fields that are zero.
func (c *Config) SetDefaults() {
	duration := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	number := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	if len(c.Retry) == 0 {
		c.Retry = DefaultRetry
	}
	duration(&c.Expire, 4*24*time.Hour)
	duration(&c.NoticeExpire, 24*time.Hour)
	duration(&c.DelayAfter, 4*time.Hour)
	duration(&c.DialTimeout, 30*time.Second)
	duration(&c.IdleTimeout, 3*time.Second)
	duration(&c.Drain, 30*time.Second)
	number(&c.Connections, 500)
	number(&c.Window, 10_000)
	c.Speed = max(c.Speed, 1)
	if c.Rows == nil {
		c.Rows = pace.Default()
	}
	c.Profile = cmp.Or(c.Profile, pace.Normal)
	c.NewProfile = cmp.Or(c.NewProfile, pace.Prudent)
	c.FirstCap = cmp.Or(c.FirstCap, record.StartCap)
	if c.ReturnMax <= 0 {
		c.ReturnMax = 50_000
	}
	c.Sources = slices.Clone(c.Sources)
	if len(c.Sources) == 0 {
		c.Sources = []source.Source{{}}
	}
	for i := range c.Sources {
		c.Sources[i].EHLO = cmp.Or(c.Sources[i].EHLO, c.Hostname)
	}
	if c.Rules == nil {
		c.Rules = verdict.Default()
	}
	if c.Suppress == nil {
		c.Suppress = suppress.Default()
	}
	if c.Dialer == nil {
		c.Dialer = dialer.TCP{}
	}
}

// Validate names every field that makes no sense.
func (c *Config) Validate() error {
	var errs []error
	if c.Hostname == "" {
		errs = append(errs, errors.New("hostname is missing"))
	}
	for _, d := range c.Retry {
		if d <= 0 {
			errs = append(errs, fmt.Errorf("retry after %v is not in the future", d))
		}
	}
	return errors.Join(errs...)
}
