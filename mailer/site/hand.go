package site

import (
	"slices"
	"time"

	"relay/mailer/attempt"
)

// Hand is a worker as the schedule knows it.
type Hand struct {
	*attempt.Worker
	Site *Site
	Open bool         // it has a connection
	Done int          // jobs
	Then *attempt.Job // that follows the one it has; nil: none is promised

	Hired time.Time
	Job   *attempt.Job // that it has; nil: it waits
	Since time.Time    // when it was given
	Noted bool         // the store knows, or need not, that it is dialled for

	Leaving bool // the attempt was broken off
}

// Connected notes that a worker has opened a connection.
func (w *Hand) Connected() {
	if !w.Open {
		w.Open = true
		w.Site.Open++
	}
	w.Site.Up, w.Site.Until = true, time.Time{}
}

// Closed notes that a worker has no connection.
func (w *Hand) Closed() {
	if w.Open {
		w.Open = false
		w.Site.Open--
	}
}

// Unidle takes a worker out of those of the site that wait for a message.
func (s *Site) Unidle(w *Hand) {
	i := slices.Index(s.Idle, w)
	s.Idle = slices.Delete(s.Idle, i, i+1)
}
