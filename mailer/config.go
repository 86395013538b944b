package mailer

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"relay/mailer/client"
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

	HostKey *sign.Key // signs relay's own mail, and that of accounts with ServiceSignature; nil: nothing does

	MTASTS   bool           // policies of MTA-STS hold
	DANE     bool           // TLSA records do
	Reports  bool           // TLS is counted for domains that want reports
	Policies policy.Fetcher // of policies of MTA-STS; nil: HTTPS
	RootCAs  *x509.CertPool // for TLS that must be verified; nil: the system's
	Dialer   Dialer         // nil: TCP
	Timeouts client.Timeouts

	DialTimeout time.Duration // of one address; 0: 30 s
	IdleTimeout time.Duration // for which a connection waits for the next message; 0: 3 s
	Drain       time.Duration // for which running transactions may go on at the end; 0: 30 s
	Window      int           // lanes in memory; 0: 10,000
	Speed       int64         // how many times faster than time the store's clock runs; 0: 1
}

// Dialer opens connections to next hops. from is the local address, the zero
// Addr leaving it to the system.
type Dialer interface {
	Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error)
}

// DefaultRetry is when a deferred message is tried again, each with a jitter of a tenth.
var DefaultRetry = []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute,
	40 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour}

// maxBlock is the longest that a site is left alone: longer, and mail would wait
// for hours at a host that is up again.
const maxBlock = time.Hour

func (c *Config) setDefaults() {
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
		c.Dialer = tcpDialer{}
	}
}

// validate names every field that cannot be.
func (c *Config) validate() error {
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

// fixedConnections to a static route, unless it says otherwise.
const fixedConnections = 20

// rowOf is what the provider of a path takes. A static route has a row of its own.
func (c *Config) rowOf(p *route.Path) *pace.Row {
	if p.Fixed {
		l := pace.Limits{Connections: cmp.Or(p.Connections, fixedConnections)}
		return &pace.Row{Name: fixedRow, Prudent: l, Normal: l}
	}
	return c.Rows.Match(strings.Split(p.Site, ","))
}

// fixedRow is the name of the row of a static route.
const fixedRow = "route"

// limits of a row under a profile, with what the operator set for all sites.
func (c *Config) limits(r *pace.Row, p pace.Profile) pace.Limits {
	l := r.Limits(p)
	l.Connections = cmp.Or(c.SiteConnections, l.Connections)
	l.Messages = cmp.Or(c.MessagesPerConnection, l.Messages)
	return l
}

// wait is the time after attempt number tries, 1 being the first.
func (c *Config) wait(tries int) time.Duration {
	return c.Retry[min(max(tries, 1), len(c.Retry))-1]
}

// shown is how far the store's clock goes in d.
func (c *Config) shown(d time.Duration) time.Duration { return d * time.Duration(c.Speed) }

// lasts is how long it takes the store's clock to go d further, rounded up.
func (c *Config) lasts(d time.Duration) time.Duration {
	return (d + time.Duration(c.Speed) - 1) / time.Duration(c.Speed)
}

// jittered is d, a tenth more or less.
func jittered(d time.Duration) time.Duration {
	tenth := int64(d / 10)
	if tenth <= 0 {
		return d
	}
	return d + time.Duration(rand.Int64N(2*tenth+1)-tenth)
}

// retryAt is the next try after attempt number tries.
func (c *Config) retryAt(now time.Time, tries int) time.Time {
	return now.Add(jittered(c.wait(tries)))
}

// block is how long a site is left alone that has failed so many times in a
// row: never longer than the message that found it waits for its own next try.
func (c *Config) block(failures int) time.Duration {
	return min(c.wait(failures), maxBlock) * 9 / 10
}

type tcpDialer struct{}

// Bind implements Binder.
func (tcpDialer) Bind(from netip.Addr) error { return Bind(from) }

// Bind fails if connections cannot come from an address: this machine lacks it.
func Bind(from netip.Addr) error {
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0)))
	if err != nil {
		return err
	}
	return l.Close()
}

func (tcpDialer) Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{Control: showProgress}
	if from.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	return d.DialContext(ctx, "tcp", to.String())
}
