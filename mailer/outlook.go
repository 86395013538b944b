package mailer

import (
	"context"
	"time"

	"relay/mailer/source"
	"relay/store"
)

// Wait is why mail that is due is not tried.
type Wait string

const (
	WaitDown      Wait = "down"        // the next hop is left alone after failures
	WaitSuspended Wait = "suspended"   // it told us to stop for a time
	WaitPaused    Wait = "paused"      // it breaks off mail of the account
	WaitLookup    Wait = "lookup"      // it is being looked up
	WaitPace      Wait = "pace"        // as much is sent to it as may be
	WaitAccount   Wait = "account"     // likewise, of the account's mail
	WaitWarmUp    Wait = "warm-up"     // the source has sent today what its warm-up allows
	WaitSource    Wait = "source"      // none of the account's sources may be used
	WaitSite      Wait = "site"        // all connections that are allowed to it are in use
	WaitPool      Wait = "connections" // all connections are in use
	WaitShare     Wait = "share"       // the account has its share of the connections
	WaitOverride  Wait = "override"    // the operator has stopped it
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
	Until    time.Time // of WaitDown, WaitSuspended, WaitPaused, WaitPace, WaitAccount and WaitOverride
	Failures int       // in a row; of these two
	Why      string    // the last failure; likewise
	Limit    int       // connections allowed; of WaitSite and WaitPool. Of WaitPace and WaitAccount messages a minute
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
	if o := s.override(store.OverrideStop, p.Lane, s.placeFor(p.Lane), now); o != nil {
		return Outlook{Wait: WaitOverride, Until: o.Until, Why: o.Reason}
	}
	if s.paused(p.Lane, now) {
		is := s.pauses[p.Lane]
		return Outlook{Wait: WaitPaused, Until: is.until, Failures: is.failures, Why: is.why}
	}
	d := s.domains[s.m.routeKey(p.Lane.Domain)]
	switch {
	case d == nil || d.place == nil && !d.asking:
		return Outlook{}
	case d.place == nil:
		return Outlook{Wait: WaitLookup}
	}
	t := s.siteFor(d.place, p.Lane.Account, now)
	if t == nil {
		return Outlook{Wait: WaitSource}
	}
	return s.outlookAt(t, p.Lane.Account, now)
}

// outlookAt is for mail of an account to a site that is known.
func (s *schedule) outlookAt(t *site, account string, now time.Time) Outlook {
	switch {
	case t.down(now):
		return Outlook{Wait: WaitDown, Until: t.until, Failures: t.failures, Why: t.why}
	case t.cold(now):
		return Outlook{Wait: WaitWarmUp, Until: source.Turns(now), Limit: t.warm.Ceiling}
	case !t.origin.usable(now):
		return Outlook{Wait: WaitSource, Until: after(now, t.origin.Since)}
	case t.gate.Stopped(now):
		return Outlook{Wait: WaitSuspended, Until: t.gate.Next(now), Why: t.gate.State(now).Why}
	case t.workers > len(t.idle) && t.workers-len(t.idle) >= t.limit:
		return Outlook{Wait: WaitSite, Limit: t.limit}
	case s.full():
		return Outlook{Wait: WaitPool, Limit: s.m.config().Connections}
	case !s.modest(account):
		return Outlook{Wait: WaitShare}
	case t.free(now) == 0:
		return Outlook{Wait: WaitPace, Until: t.freeAt(now), Limit: int(t.gate.Rate(now))}
	}
	return s.accountOutlook(t, account, now)
}

// accountOutlook is what an account's own ceiling says.
func (s *schedule) accountOutlook(t *site, account string, now time.Time) Outlook {
	if c := s.conducts[conductKey{account, t.provider()}]; c != nil && c.Held(now) {
		return Outlook{Wait: WaitAccount, Until: c.HeldUntil(), Why: c.State(now).Why}
	}
	g, l := s.gateOf(t, account, s.profileOf(account), now)
	if g == nil || g.Free(now, l) > 0 {
		return Outlook{}
	}
	return Outlook{Wait: WaitAccount, Until: g.Next(now, l), Limit: l.Rate}
}
