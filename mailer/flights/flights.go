// Package flights knows which messages the mailer has in hand, so that none is taken up twice.
//
// A flight is a message's recipients at one domain, from the moment the mailer takes up a claim
// of them until their outcome is stored. The store claims them a second time when their lease
// ends meanwhile; such a claim is for nothing as long as a worker has the flight. A flight that
// ended while a claim was under way is remembered until that claim is there: the claim may be
// from before the outcome was stored, or from after it, and goes back to the store, which is
// right in both cases.
//
// Flights are a value without locks, for the goroutine of the schedule (see package mailer).
// Nothing of them is stored: the next start has the claimed messages due again.
package flights

import (
	"relay/store/spool"
	"relay/store/spooled"
)

// Flight is a message's recipients at a domain while we have them in hand.
type Flight struct {
	ID     spooled.ID
	Domain string
}

// Of is the flight of a claim.
func Of(c *spool.Claimed) Flight { return Flight{c.Message.ID, c.Domain} }

// holder is who has a flight in hand.
type holder uint8

const (
	byWorker holder = iota
	byMoment        // its outcome is being stored without an attempt
	byReturn        // nobody: it is on its way back to the store
)

// Flights are those under way.
type Flights struct {
	held     map[Flight]holder
	landed   map[Flight]struct{} // those that ended since the claim under way began
	claiming bool
}

// New returns Flights of which none is under way.
func New() *Flights {
	return &Flights{held: map[Flight]holder{}, landed: map[Flight]struct{}{}}
}

// Len is how many there are.
func (a *Flights) Len() int { return len(a.held) }

// Has reports whether somebody has a flight in hand.
func (a *Flights) Has(f Flight) bool {
	_, flying := a.held[f]
	return flying
}

// WithWorker reports whether a worker has a flight, or it waits for one.
func (a *Flights) WithWorker(f Flight) bool {
	who, flying := a.held[f]
	return flying && who == byWorker
}

// Claim begins a claim.
func (a *Flights) Claim() { a.claiming = true }

// Claiming reports whether a claim is under way.
func (a *Flights) Claiming() bool { return a.claiming }

// Claimed ends a claim, once TakeOff was asked about all that it brought.
func (a *Flights) Claimed() {
	a.claiming = false
	clear(a.landed)
}

// TakeOff has a worker take up a flight that was claimed. Otherwise back reports whether the
// claim goes back to the store. It does not where a worker has the flight: that has only got a
// longer lease. It does where the flight is in hand for a moment, or ended since the claim began:
// what was claimed may be from before it was settled. Returning it changes nothing where the
// settling came after it; where it came before, the mail would wait until the lease is over.
func (a *Flights) TakeOff(f Flight) (taken, back bool) {
	who, flying := a.held[f]
	_, landed := a.landed[f]
	switch {
	case !flying && !landed:
		a.held[f] = byWorker
		return true, false
	case !flying || who != byWorker:
		return false, true
	}
	return false, false
}

// TakeUp has somebody other than a worker take up a flight for a moment. It reports false when
// the flight is in hand.
func (a *Flights) TakeUp(f Flight) bool {
	if a.Has(f) {
		return false
	}
	a.held[f] = byMoment
	return true
}

// Land ends a flight that is settled.
func (a *Flights) Land(f Flight) {
	if a.claiming {
		a.landed[f] = struct{}{}
	}
	delete(a.held, f)
}

// Return notes that a claim is on its way back to the store.
func (a *Flights) Return(f Flight) { a.held[f] = byReturn }

// Returned ends a flight whose claim is back in the store.
func (a *Flights) Returned(f Flight) { delete(a.held, f) }
