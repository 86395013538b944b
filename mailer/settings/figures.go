package settings

import (
	"cmp"
	"math/rand/v2"
	"strings"
	"time"

	"relay/mailer/pace"
	"relay/mailer/route"
)

// MaxBlock is the longest that a site is left alone: longer, and mail would wait
// for hours at a host that is up again.
const MaxBlock = time.Hour

// fixedConnections to a static route, unless it says otherwise.
const fixedConnections = 20

// RowOf returns what the provider of a path takes. A static route has a row of its own.
func (c *Config) RowOf(p *route.Path) *pace.Row {
	if p.Fixed {
		l := pace.Limits{Connections: cmp.Or(p.Connections, fixedConnections)}
		return &pace.Row{Name: FixedRow, Prudent: l, Normal: l}
	}
	return c.Rows.Match(strings.Split(p.Site, ","))
}

// FixedRow is the name of the row of a static route.
const FixedRow = "route"

// Limits returns those of a row under a profile, with what the operator set for all sites.
func (c *Config) Limits(r *pace.Row, p pace.Profile) pace.Limits {
	l := r.Limits(p)
	l.Connections = cmp.Or(c.SiteConnections, l.Connections)
	l.Messages = cmp.Or(c.MessagesPerConnection, l.Messages)
	return l
}

// Wait is the time after attempt number tries, 1 being the first.
func (c *Config) Wait(tries int) time.Duration {
	return c.Retry[min(max(tries, 1), len(c.Retry))-1]
}

// Shown is how far the store's clock goes in d.
func (c *Config) Shown(d time.Duration) time.Duration { return d * time.Duration(c.Speed) }

// Lasts is how long it takes the store's clock to go d further, rounded up.
func (c *Config) Lasts(d time.Duration) time.Duration {
	return (d + time.Duration(c.Speed) - 1) / time.Duration(c.Speed)
}

// Jittered is d, a tenth more or less.
func Jittered(d time.Duration) time.Duration {
	tenth := int64(d / 10)
	if tenth <= 0 {
		return d
	}
	return d + time.Duration(rand.Int64N(2*tenth+1)-tenth)
}

// RetryAt is the next try after attempt number tries.
func (c *Config) RetryAt(now time.Time, tries int) time.Time {
	return now.Add(Jittered(c.Wait(tries)))
}

// Block is how long a site is left alone after so many failures in a row. It is never
// longer than the message that found them waits for its own next try.
func (c *Config) Block(failures int) time.Duration {
	return min(c.Wait(failures), MaxBlock) * 9 / 10
}
