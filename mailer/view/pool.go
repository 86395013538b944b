package view

import "time"

// Load is what the mailer has in hand at a moment.
type Load struct {
	Connections int // open, or being made
	Most        int // that may be
	Waiting     int // accounts with mail for which only a connection is missing
	Lanes       int // with mail that is due, or rests
	Sites       int // that are known
	Down        int // of them, left alone after failures
	Stopped     int // of them, that told us to stop
}

// Pool is how the connections to next hops are used at a moment.
type Pool struct {
	Limit   int       // Config.Connections
	Used    int       // open, or being made; with those that wait for a message
	Held    []Holding // by accounts, the most first
	Waiting []string  // accounts with mail for which only a connection is missing, sorted
}

// Holding is what an account has of the connections.
type Holding struct {
	Account     string // "": relay's own mail
	Connections int
	Oldest      time.Duration // how long the first of its attempts has lasted
}
