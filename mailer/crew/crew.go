// Package crew has the workers, which are the connections in use, and shares them among
// accounts.
//
// Connections are shared as the window of lanes is: an account may have three for each that is
// free, and a few in any case. So an account that sends to hosts which keep connections waiting
// leaves a quarter of them to others, whose mail goes at once; with several such accounts it is
// less, but never nothing as long as one is free.
//
// When all are in use and an account waits that has hardly any, the oldest attempt of the account
// that has most is broken off, if it has lasted for some seconds: it counts as an attempt and
// says nothing about the site. It is not broken off once the final dot may have been sent, since
// the message may then be taken, nor while content moves. What keeps a connection that long is
// bounded too: client.Timeouts has one deadline from the connection to the reply to DATA, and a
// least rate for content.
//
// A Crew is without locks, for the goroutine of the schedule (see package mailer), which starts
// the workers and decides about sites. It does no I/O but to hand a worker its job.
package crew

import (
	"sync/atomic"
	"time"

	"relay/mailer/attempt"
	"relay/mailer/settings"
	"relay/mailer/site"
	"relay/mailer/turns"
)

// Crew is the workers, and the sites that want one.
type Crew struct {
	cfg *atomic.Pointer[settings.Config]

	team    map[*site.Hand]struct{} // all workers
	parked  map[*site.Hand]struct{} // of them, those that wait for a job
	held    turns.Tally             // workers by the account whose job they have
	conns   int                     // connections, and those being made
	leaving int                     // workers whose attempt was broken off, and that are not gone

	waiting turns.Rota[*site.Site] // want a connection that the account's share does not allow yet
	lookAt  time.Time              // no look for what is slow before; zero: none is needed; monotonic

	noting bool      // the store is being told of dials
	noteAt time.Time // and is to be told then; zero: of none; monotonic
}

// New is a crew without workers.
func New(cfg *atomic.Pointer[settings.Config]) *Crew {
	return &Crew{cfg: cfg, team: map[*site.Hand]struct{}{}, parked: map[*site.Hand]struct{}{}, held: turns.Tally{}}
}

// most is how many connections there may be.
func (c *Crew) most() int { return c.cfg.Load().Connections }

// Connections are those in use.
func (c *Crew) Connections() int { return c.conns }

// Empty reports whether there are no workers, and nothing is left of those that were.
func (c *Crew) Empty() bool {
	return c.conns == 0 && c.leaving == 0 && len(c.team) == 0 && len(c.parked) == 0 && len(c.held) == 0
}

// Next is when Relieve or Dialled is to be called; zero: nobody knows yet. It is of time as it
// passes.
func (c *Crew) Next() time.Time {
	if !c.noteAt.IsZero() && !c.noting && (c.lookAt.IsZero() || c.noteAt.Before(c.lookAt)) {
		return c.noteAt
	}
	return c.lookAt
}

// Hire adds a worker with its first job.
func (c *Crew) Hire(w *site.Hand, j *attempt.Job) {
	w.Site.Workers++
	w.Site.Conns++
	c.conns++
	c.team[w] = struct{}{}
	c.Assign(w, j)
}

// Assign has a worker that waits take a job.
func (c *Crew) Assign(w *site.Hand, j *attempt.Job) {
	c.take(w, j)
	w.Jobs <- j
}

// Follow has a worker take the job that it was promised.
func (c *Crew) Follow(w *site.Hand) {
	j := w.Then
	w.Then = nil
	c.take(w, j)
}

// Forgo puts a job that a worker was promised before the others of its account.
func (c *Crew) Forgo(w *site.Hand) {
	j := w.Then
	w.Then = nil
	j.Leave()
	w.Site.Queue.Unshift(j.Message.Account, j)
}

// take notes the job that a worker has from now on.
func (c *Crew) take(w *site.Hand, j *attempt.Job) {
	w.Job, w.Since, w.Noted = j, time.Now(), j.Again || j.Fault != nil
	c.held.Add(j.Message.Account, 1)
	if c.noteAt.IsZero() {
		c.noteAt = w.Since.Add(noteEvery)
	}
}

// Release notes that a worker's job has ended.
func (c *Crew) Release(w *site.Hand) {
	if w.Job != nil {
		c.held.Add(w.Job.Message.Account, -1)
		w.Job.Leave()
		w.Job = nil
	}
}

// Park lets a worker wait for a job.
func (c *Crew) Park(w *site.Hand) {
	w.Site.Idle = append(w.Site.Idle, w)
	c.parked[w] = struct{}{}
}

// Unpark takes the worker of a site that has waited for the shortest time; there must be one.
func (c *Crew) Unpark(t *site.Site) *site.Hand {
	w := t.Idle[len(t.Idle)-1]
	c.unpark(w)
	return w
}

func (c *Crew) unpark(w *site.Hand) {
	w.Site.Unidle(w)
	delete(c.parked, w)
}

// Dismiss ends a worker that waits for a job; it does nothing where one is on its way to it.
func (c *Crew) Dismiss(w *site.Hand) {
	if _, ok := c.parked[w]; ok {
		c.unpark(w)
		close(w.Jobs)
	}
}

// CloseIdle ends all workers of a site that wait.
func (c *Crew) CloseIdle(t *site.Site) {
	for len(t.Idle) > 0 {
		c.Dismiss(t.Idle[len(t.Idle)-1])
	}
}

// Gone notes that a worker has closed its connection and ends.
func (c *Crew) Gone(w *site.Hand) {
	c.Release(w)
	delete(c.team, w)
	if w.Leaving {
		c.leaving--
	}
	c.conns--
	w.Site.Workers--
	w.Site.Conns--
}

// TooMany reports whether a site, or all of them, have more connections than they may.
func (c *Crew) TooMany(t *site.Site, now time.Time) bool {
	return t.Workers > t.Gate.Connections(now) || c.conns > c.most()
}
