package view

import (
	"time"

	"relay/mailer/pace"
)

// Reply is a reply of a site that something came of.
type Reply struct {
	Time     time.Time
	Text     string
	Category string
	Slows    string // what: site, source or account; "": nothing
}

// Site is what the mailer knows at a moment of where a domain's mail goes. It is
// only known of what there was mail for lately.
type Site struct {
	Name        string    // of the place: its hosts, as a rule
	Source      string    // its name; "": the only one
	Connections int       // open, or being made
	Limit       int       // connections allowed now
	Claimed     int       // messages that wait for a connection
	Down        time.Time // left alone until then; zero: it is not
	Failures    int       // in a row
	Why         string    // the last failure

	Row       pace.Row    // what its provider takes; without a name where it is not known
	Limits    pace.Limits // of that, what is used
	Pace      float64     // messages a minute now; 0: any number
	Allowed   int         // connections now; Limit feels its way up to it
	Sent      float64     // in the last minute
	Suspended time.Time   // it told us to stop until then; zero: it did not
	Since     time.Time   // when it told us to go slower, or to stop; zero: it goes at its row
	Reply     string      // what it said then
	Delivered int64       // recipients, since the site is known
	Deferred  int64
	Failed    int64
	Last      []Reply // the newest last
}
