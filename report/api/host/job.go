package host

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"relay/report/api/act"
	"relay/report/jobs"
	"relay/report/words"
	"relay/store"
)

// AllJobs is the request for the list of jobs.
type AllJobs struct{ act.Paging }

// JobRun is the request to run a job now.
type JobRun struct {
	Job  string `path:"job" doc:"Of the list of jobs."`
	Body struct {
		At     string `json:"at,omitempty" doc:"Only what was due then: 2026-12-01, '2026-12-01 08:00' in the operator's zone, or RFC 3339. For close and dun."`
		DryRun bool   `json:"dry_run,omitempty" doc:"Change nothing. For warn."`
	}
}

// Acts on scheduled jobs.
var (
	ListJobs = act.NewList(act.Spec{Name: "job list", Route: "GET /v1/jobs", Summary: "Scheduled jobs: when each ran last and is due next", May: act.Operator}, listJobs)
	RunJob   = act.New(act.Spec{Name: "job run", Route: "POST /v1/jobs/{job}/run", Summary: "Run a job now; it answers when the job is done", May: act.Operator}, runJob)
)

func listJobs(_ context.Context, s *act.Service, _ *AllJobs, page *act.Page[jobs.State]) error {
	list, err := s.Jobs.States()
	if err != nil {
		return err
	}
	skip := page.From != ""
	for i := range list {
		if skip {
			skip = list[i].Job != page.From
			continue
		}
		if err := page.Add(list[i], list[i].Job); err != nil {
			return err
		}
	}
	return nil
}

// JobResult is what a job did. Each job has its own answer.
type JobResult struct{ jobs.Result }

func runJob(ctx context.Context, s *act.Service, in *JobRun) (*JobResult, error) {
	j, ok := s.Jobs.Find(in.Job)
	if !ok {
		return nil, noJob(in.Job)
	}
	if in.Body.DryRun {
		if j.Try == nil {
			return nil, act.Invalid("dry_run", "", " is for %s", jobs.Warn)
		}
		did, err := j.Try(ctx)
		return &JobResult{did}, err
	}
	at, err := moment(s.Store, &j, in.Body.At)
	if err != nil {
		return nil, err
	}
	var believed *time.Time
	if j.Name == jobs.Close && in.Body.At == "" && s.Store.Hold() != nil {
		if err := s.Store.BelieveClock(); err != nil {
			return nil, err
		}
		at = s.Store.BookTime()
		believed = &at
	}
	did, err := j.Now(ctx, at)
	if c, ok := did.(*jobs.Closing); ok && c != nil {
		c.Believed = believed
	}
	return &JobResult{did}, err
}

// noJob is the problem of a job that does not exist, or is not configured.
func noJob(name string) error {
	if name == jobs.Backup {
		return act.Fail(act.NoSuch, "make a copy with: {backup}; set schedule in [backup] for scheduled ones", "no schedule for a backup is configured")
	}
	if name == jobs.StoreCheck || name == "store-check" {
		return act.Fail(act.NoSuch, "{check --store} proves the store now; set check in [backup] for a schedule", "no schedule for a proof of the store is configured")
	}
	return act.Fail(act.NoSuch, "{job list} shows all", "no job %q", name)
}

// moment returns the instant that a request names; now, if it names none.
func moment(st *store.Store, j *jobs.Job, text string) (at time.Time, err error) {
	now := st.BookTime()
	if text == "" {
		return now, nil
	}
	if !j.Dated {
		return at, act.Invalid("at", "", " is for %s and %s", jobs.Close, jobs.Dun)
	}
	if at, err = words.ParseMoment(text, st.Zone()); err != nil {
		return at, act.Invalid("at", "", ": %w", err)
	}
	if at.After(now) {
		return at, act.Invalid("at", "a month is closed when it is over; {sandbox --at} shows one that is to come",
			" %s is yet to come: it is %s", words.Stamp(at, st.Zone()), words.Stamp(now, st.Zone()))
	}
	return at, nil
}

// resultOf returns an empty answer of the job of that name; nil: there is no such job.
func resultOf(name string) jobs.Result {
	switch name {
	case jobs.Close:
		return &jobs.Closing{}
	case jobs.Dun:
		return &jobs.Dunning{}
	case jobs.Warn:
		return &jobs.Warnings{}
	case jobs.Usage:
		return &jobs.Watching{}
	case jobs.Prune:
		return &jobs.Pruning{}
	case jobs.Domains:
		return &jobs.Delegation{}
	case jobs.Suppressions:
		return &jobs.Lapsing{}
	case jobs.Blocklists:
		return &jobs.Standings{}
	case jobs.TLSReports:
		return &jobs.Reporting{}
	case jobs.StoreCheck:
		return &jobs.Check{}
	case jobs.Digest:
		return &jobs.Digesting{}
	case jobs.Backup:
		return &jobs.Copying{}
	}
	return nil
}

// MarshalJSON writes the job's own answer.
func (r JobResult) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	err := act.Encode(&b, r.Result)
	return b.Bytes(), err
}

// UnmarshalJSON reads the answer of the job that member "job" names.
func (r *JobResult) UnmarshalJSON(text []byte) error {
	var head struct {
		Job string `json:"job"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return err
	}
	if r.Result = resultOf(strings.ReplaceAll(head.Job, "-", " ")); r.Result == nil {
		return fmt.Errorf("the answer is of an unknown job %q", head.Job)
	}
	return json.Unmarshal(text, r.Result)
}

// Schema implements huma.SchemaProvider.
func (JobResult) Schema(r huma.Registry) *huma.Schema {
	s := &huma.Schema{Description: "By the job."}
	for _, name := range []string{jobs.Close, jobs.Dun, jobs.Warn, jobs.Usage, jobs.Prune, jobs.Domains, jobs.Suppressions, jobs.Blocklists, jobs.StoreCheck, jobs.Digest, jobs.Backup} {
		s.OneOf = append(s.OneOf, huma.SchemaFromType(r, reflect.TypeOf(resultOf(name)).Elem()))
	}
	return s
}
