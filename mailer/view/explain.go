package view

import (
	"cmp"
	"slices"
	"time"

	"relay/mailer/client"
	"relay/mailer/pace"
	"relay/mailer/policy"
	"relay/mailer/route"
	"relay/mailer/source"
	"relay/store/egress"
)

// Explanation is the way of an account's mail to a domain, and what keeps it.
type Explanation struct {
	Way      string       // one of the Ways
	Hosts    []route.Host // in the order in which they are tried
	Port     int
	TLS      client.TLSMode
	Terms    *policy.Terms // what the domain asks of TLS
	Fault    string        // why there is no way; "": there is one
	Site     Site          // zero with a fault
	Profile  pace.Profile  // of the account
	Own      bool          // it has that profile itself
	Ceilings []Ceiling     // none with a fault
	Source   source.Source
	Outlook  Outlook

	Overrides []egress.Override // in force for this mail
}

// Ways to a domain.
const (
	WaySmarthost = "smarthost"
	WayRoute     = "route" // of the domain's own
	WayMX        = "mx"
)

// Ceiling is one limit of how fast mail may go.
type Ceiling struct {
	Name        string         // "site": of our source there; "account": of the account's mail there
	Row         pace.Limits    // at most
	Rate        float64        // messages a minute now; 0: any number
	Connections int            // now
	Next        time.Time      // when a message may begin; zero: now
	Since       time.Time      // when it went below Row; zero: it is at it
	Day         *source.Warmth // of a warm-up: messages today; nil: of others
	Why         string         // the reply that led there
	Binds       bool           // of all ceilings it is the one that keeps mail, or would first
}

// Names of ceilings.
const (
	CeilingSite    = "site"
	CeilingAccount = "account"
	CeilingSources = "sources" // of all sources together
	CeilingWarmUp  = "warm-up" // of the source, a day
)

// Bind marks the ceiling that binds: the one that lets a message begin last, of those the slowest.
// Of two that are alike it is the first. There must be one.
func Bind(list []Ceiling) {
	first := slices.MinFunc(list, func(a, b Ceiling) int {
		return cmp.Or(b.Next.Compare(a.Next), cmp.Compare(rateOr(a.Rate), rateOr(b.Rate)))
	})
	for i := range list {
		list[i].Binds = list[i].Name == first.Name
	}
}

// rateOr has no rate behind all others.
func rateOr(rate float64) float64 {
	if rate == 0 {
		return pace.Any
	}
	return rate
}

// After is t, or zero if that is not after now.
func After(now, t time.Time) time.Time {
	if t.After(now) {
		return t
	}
	return time.Time{}
}
