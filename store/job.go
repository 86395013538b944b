package store

import (
	"strings"
	"time"
)

// JobState is what a scheduled job has done. Bucket "jobs", key name, JSON.
type JobState struct {
	Last string    `json:"last"` // the last period or instant that is done, in the job's own words
	Done time.Time `json:"done"`

	Error  string    `json:"error,omitempty"` // of the last run; "": it succeeded
	Failed time.Time `json:"failed,omitzero"` // of Error: when that run failed
	Since  time.Time `json:"since,omitzero"`  // of Error: since when every run has failed
	Told   time.Time `json:"told,omitzero"`   // when the operator was told last that it fails
}

// tellJobAgain is how long nobody is told again of a job that works and fails in turn.
const tellJobAgain = 24 * time.Hour

// due reports whether the operator is to be told that the job fails: once until it works
// again, and at most once in a while.
func (j *JobState) due(now time.Time) bool {
	return j.Told.IsZero() || j.Told.After(now) || j.Told.Before(j.Since) && now.Sub(j.Told) >= tellJobAgain
}

// Job returns the state of a job, the zero state when it never ran.
func (s *Store) Job(name string) (j JobState, err error) {
	err = s.view(func(t *tx) error { _, err := t.get(jobs, []byte(name), &j); return err })
	return j, err
}

// SetJob stores what a job has done, and with it what is to be told. How its runs end is
// stored by JobFails and JobWorks.
func (s *Store) SetJob(name string, j JobState, tell ...News) error {
	return s.update(0, func(t *tx) error {
		was := JobState{}
		if _, err := t.get(jobs, []byte(name), &was); err != nil {
			return err
		}
		was.Last, was.Done = j.Last, j.Done
		for _, n := range tell {
			if err := t.addNews(n); err != nil {
				return err
			}
		}
		return t.put(jobs, []byte(name), was)
	})
}

// JobFails stores that a run of a job failed, and why. With tell the operator is told, by the
// job's word on a command line, unless that was done since JobWorks. fresh: the run before
// did not fail with this error.
func (s *Store) JobFails(name, why string, tell bool) (fresh bool, err error) {
	err = s.update(0, func(t *tx) error {
		j := JobState{}
		if _, err := t.get(jobs, []byte(name), &j); err != nil {
			return err
		}
		fresh = j.Error != why
		if j.Error == "" {
			j.Since = t.wall
		}
		if tell && j.due(t.wall) {
			j.Told = t.wall
			if err := t.addNews(News{Kind: NewsFailedJob, About: strings.ReplaceAll(name, " ", "-"), Why: why}); err != nil {
				return err
			}
		}
		j.Error, j.Failed = why, t.wall
		return t.put(jobs, []byte(name), j)
	})
	return fresh, err
}

// JobWorks stores that a run of a job succeeded, if the one before it failed: was says so.
func (s *Store) JobWorks(name string) (was bool, err error) {
	j, err := s.Job(name)
	if err != nil || j.Error == "" {
		return false, err
	}
	err = s.update(0, func(t *tx) error {
		is := JobState{}
		if _, err := t.get(jobs, []byte(name), &is); err != nil {
			return err
		}
		return t.put(jobs, []byte(name), JobState{Last: is.Last, Done: is.Done, Told: is.Told})
	})
	return true, err
}
