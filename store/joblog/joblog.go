// Package joblog keeps what the scheduled jobs have done, and how their last runs ended.
//
// Bucket "jobs", key name, JSON. A job that changes the store records what it did in the
// transaction of the last change (Done), and what it has to tell is stored with its state: a
// crash leaves both or neither, and the next start runs the job again.
package joblog

import (
	"strings"
	"time"

	"relay/store/bucket"
	"relay/store/news"
	"relay/store/room"
)

// State is what a scheduled job has done. Bucket "jobs", key name, JSON.
type State struct {
	Last string    `json:"last"` // the last period or instant that is done, in the job's own words
	Done time.Time `json:"done"`

	Error  string    `json:"error,omitempty"` // of the last run; "": it succeeded
	Failed time.Time `json:"failed,omitzero"` // of Error: when that run failed
	Since  time.Time `json:"since,omitzero"`  // of Error: since when every run has failed
	Told   time.Time `json:"told,omitzero"`   // when the operator was told last that it fails
}

// tellAgain is how long the operator is not told again of a job that works and fails in turn.
const tellAgain = 24 * time.Hour

// due reports whether the operator is to be told that the job fails: once until it works
// again, and at most once in a while.
func (j *State) due(now time.Time) bool {
	return j.Told.IsZero() || j.Told.After(now) || j.Told.Before(j.Since) && now.Sub(j.Told) >= tellAgain
}

// Jobs keeps the states of jobs. Its methods may be called from any goroutine.
type Jobs struct {
	db   *room.DB
	news *news.News
}

// New keeps the states of jobs in a store. A job that fails is told by way of news.
func New(db *room.DB, tell *news.News) *Jobs { return &Jobs{db: db, news: tell} }

// State of a job, the zero state when it never ran.
func (l *Jobs) State(name string) (j State, err error) {
	err = l.db.View(func(t room.Tx) error { j, err = stateOf(&t, name); return err })
	return j, err
}

func stateOf(t *room.Tx, name string) (j State, err error) {
	_, err = t.Read(bucket.Jobs, []byte(name), &j)
	return j, err
}

func put(t *room.Tx, name string, j *State) error { return t.Write(bucket.Jobs, []byte(name), j) }

// Set stores what a job has done, and with it what is to be told. How its runs end is stored
// by Fails and Works.
func (l *Jobs) Set(name string, j State, tell ...news.Item) error {
	return l.db.Update(0, func(t room.Tx) error {
		was, err := stateOf(&t, name)
		if err != nil {
			return err
		}
		was.Last, was.Done = j.Last, j.Done
		for _, n := range tell {
			if err := l.news.Add(&t, n); err != nil {
				return err
			}
		}
		return put(&t, name, &was)
	})
}

// Done stores that the work that was due at an instant is done. An earlier instant than the
// recorded one changes nothing, unless the recorded one is yet to come: the clock was wrong then.
func (l *Jobs) Done(name string, at time.Time) error {
	return l.db.Update(0, func(t room.Tx) error { return Done(&t, name, at) })
}

// Done is Jobs.Done as part of another transaction; without a name it does nothing.
func Done(t *room.Tx, name string, at time.Time) error {
	if name == "" {
		return nil
	}
	j, err := stateOf(t, name)
	if err != nil {
		return err
	}
	if last, err := time.Parse(time.RFC3339Nano, j.Last); err == nil && at.Before(last) && !last.After(t.Wall) {
		at = last
	}
	j.Last, j.Done = at.UTC().Format(time.RFC3339Nano), t.Wall
	return put(t, name, &j)
}

// Fails stores that a run of a job failed, and why. With tell the operator is told, unless that was
// done since Works; the mail names the job as a command line does. fresh: the run before did not fail
// with this error.
func (l *Jobs) Fails(name, why string, tell bool) (fresh bool, err error) {
	err = l.db.Update(0, func(t room.Tx) error {
		j, err := stateOf(&t, name)
		if err != nil {
			return err
		}
		fresh = j.Error != why
		if j.Error == "" {
			j.Since = t.Wall
		}
		if tell && j.due(t.Wall) {
			j.Told = t.Wall
			if err := l.news.Add(&t, news.Item{Kind: news.FailedJob, About: strings.ReplaceAll(name, " ", "-"), Why: why}); err != nil {
				return err
			}
		}
		j.Error, j.Failed = why, t.Wall
		return put(&t, name, &j)
	})
	return fresh, err
}

// Works stores that a run of a job succeeded, if the one before it failed: was reports that.
func (l *Jobs) Works(name string) (was bool, err error) {
	j, err := l.State(name)
	if err != nil || j.Error == "" {
		return false, err
	}
	err = l.db.Update(0, func(t room.Tx) error {
		is, err := stateOf(&t, name)
		if err != nil {
			return err
		}
		return put(&t, name, &State{Last: is.Last, Done: is.Done, Told: is.Told})
	})
	return true, err
}
