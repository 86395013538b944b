// Package site has what the schedule remembers of where mail goes and waits: lanes, the domains
// and places that they lead to, and one site for each source that has mail for a place.
//
// A Place is where mail goes, an Origin is a source, and a Site is a place as one source sees
// it: its ceilings, its failures, its connections, and the accounts that take turns there. A
// Lane stands in its account's Turn at one site, and a Hand is the worker of one connection.
// Pauses are about lanes: mail of one account that the hosts of a domain break off. Overrides are
// the word of the operator about lanes and places.
//
// # When a site fails
//
// When all hosts of a site fail and no connection to it is open, the site is left
// alone for an interval that grows, the message that found it counts an attempt,
// and all other claims go back uncounted; after the interval one message
// probes. A message that asks for more TLS than its hosts have waits, or fails,
// alone: for all others they are up. A domain whose next hops cannot be looked up
// is a site of its own that always fails.
//
// A 421 after MAIL, or a connection closed there, is about the mail that it was
// said to: five attempts in a row that end so leave the account's mail to that
// domain alone for an interval that grows, and nobody else's. Unless it was said to
// one recipient, the site gets fewer connections for a while as well.
//
// # Who owns it
//
// Nothing here is stored, does I/O or starts a goroutine. All of it belongs to the goroutine of
// the schedule (see package mailer), so there are no locks. What is written down of ceilings and
// warm-ups is package paceentry's.
package site
