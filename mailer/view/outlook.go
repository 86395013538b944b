// Package view has what the mailer shows of a moment: sites, sources, connections, and what
// mail waits for. These are values: nothing in them changes when the mailer goes on.
package view

import (
	"time"

	"relay/store/spooled"
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
	WaitHeld      Wait = "held"        // its account is suspended
)

// Place is a message's mail to a domain.
type Place struct {
	ID   spooled.ID
	Lane spooled.Lane
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
