package store

import "time"

// JobState is what a scheduled job has done. Bucket "jobs", key name, JSON.
type JobState struct {
	Last string    `json:"last"` // the last period or instant that is done, in the job's own words
	Done time.Time `json:"done"`
}

// Job returns the state of a job, the zero state when it never ran.
func (s *Store) Job(name string) (j JobState, err error) {
	err = s.view(func(t *tx) error { _, err := t.get(jobs, []byte(name), &j); return err })
	return j, err
}

// SetJob stores the state of a job.
func (s *Store) SetJob(name string, j JobState) error {
	return s.update(0, func(t *tx) error { return t.put(jobs, []byte(name), j) })
}
