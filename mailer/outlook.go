package mailer

import (
	"context"
	"time"

	"relay/store"
)

// Wait is why mail that is due is not tried.
type Wait string

const (
	WaitDown   Wait = "down"        // the next hop is left alone after failures
	WaitPaused Wait = "paused"      // it breaks off mail of the account
	WaitLookup Wait = "lookup"      // it is being looked up
	WaitSite   Wait = "site"        // all connections that are allowed to it are in use
	WaitPool   Wait = "connections" // all connections are in use
	WaitShare  Wait = "share"       // the account has its share of the connections
)

// Place is a message's mail to a domain.
type Place struct {
	ID   store.ID
	Lane store.Lane
}

// Outlook is what the mailer knows at a moment of mail at a place.
type Outlook struct {
	InHand   bool      // it is being delivered, or about to be
	Wait     Wait      // "": nothing is known to keep it
	Until    time.Time // of WaitDown and WaitPaused
	Failures int       // in a row; of these two
	Why      string    // the last failure; likewise
	Limit    int       // connections allowed; of WaitSite and WaitPool
}

// Outlooks says of each place what comes next, in their order. It fails when the
// schedule does not answer before ctx ends.
func (m *Mailer) Outlooks(ctx context.Context, places []Place) ([]Outlook, error) {
	list := make([]Outlook, len(places))
	err := m.ask(ctx, func(s *schedule) {
		now := m.store.Now()
		for i, p := range places {
			list[i] = s.outlook(p, now)
		}
	})
	return list, err
}

func (s *schedule) outlook(p Place, now time.Time) Outlook {
	if who, flying := s.flights[flight{p.ID, p.Lane.Domain}]; flying && who == byWorker {
		return Outlook{InHand: true}
	}
	if s.paused(p.Lane, now) {
		is := s.pauses[p.Lane]
		return Outlook{Wait: WaitPaused, Until: is.until, Failures: is.failures, Why: is.why}
	}
	d := s.domains[s.m.routeKey(p.Lane.Domain)]
	switch {
	case d == nil || d.site == nil && !d.asking:
		return Outlook{}
	case d.site == nil:
		return Outlook{Wait: WaitLookup}
	}
	return s.outlookAt(d.site, p.Lane.Account, now)
}

// outlookAt is for mail of an account to a site that is known.
func (s *schedule) outlookAt(t *site, account string, now time.Time) Outlook {
	switch {
	case t.blocked(now):
		return Outlook{Wait: WaitDown, Until: t.until, Failures: t.failures, Why: t.why}
	case t.workers > len(t.idle) && t.workers-len(t.idle) >= t.limit:
		return Outlook{Wait: WaitSite, Limit: t.limit}
	case s.full():
		return Outlook{Wait: WaitPool, Limit: s.m.config().Connections}
	case !s.modest(account):
		return Outlook{Wait: WaitShare}
	}
	return Outlook{}
}
