package jobs

import (
	"fmt"
	"time"

	"relay/report/jobs/calendar"
)

// State says when a job ran and when it is due.
type State struct {
	Job      string     `json:"job"`      // its word
	Schedule string     `json:"schedule"` // cron's notation, in the operator's zone
	Done     *time.Time `json:"done"`     // when a run last succeeded; null: never
	Next     time.Time  `json:"next"`     // by the schedule, while a relay runs
	Result   string     `json:"result"`   // of its last run: done, failed; "": it never ran
	Error    string     `json:"error"`    // why that failed; "": it did not
	Failed   *time.Time `json:"failed"`   // when
	Since    *time.Time `json:"failing_since"`
	Stands   *time.Time `json:"stands"` // what the clock of the books shows while it stands still; null: it goes, or the job has its own

	Wall *time.Time `json:"wall,omitempty"` // what the wall clock showed when that one stopped; nil: it goes
}

// States of all jobs.
func (r *Runner) States() (list []State, err error) {
	for _, j := range r.Jobs() {
		s, err := r.state(&j)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", j.Name, err)
		}
		list = append(list, s)
	}
	return list, nil
}

func (r *Runner) state(j *Job) (s State, err error) {
	last, err := r.store.Jobs.State(j.Name)
	if err != nil {
		return s, err
	}
	schedule, err := calendar.Parse(j.Schedule)
	if err != nil {
		return s, err
	}
	s = State{Job: j.Word(), Schedule: j.Schedule, Next: schedule.Next(r.store.Now().In(r.store.Zone())).UTC()}
	if !last.Done.IsZero() {
		s.Done, s.Result = &last.Done, "done"
	}
	if last.Error != "" {
		s.Result, s.Error, s.Failed, s.Since = "failed", last.Error, &last.Failed, &last.Since
	}
	if h := r.store.Hold(); h != nil && j.Books {
		s.Stands, s.Wall = &h.Stands, &h.Wall
	}
	return s, nil
}
