package cli

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"relay/cli/calendar"
	"relay/store"
)

// job is done by the calendar. run is told to end by its context, logs what goes
// wrong, and may be called more often than it is due.
type job struct {
	name     string // under which the store knows when it was done
	schedule string // cron's notation, in the operator's zone
	run      func(context.Context)
}

// jobs of the relay. What was due while it was down is done at the start.
func (r *relay) jobs() []job {
	var all []job
	for _, t := range r.tasks() {
		all = append(all, t.job)
	}
	return all
}

// tasks are the jobs, with what a command can do with them.
func (r *relay) tasks() []task {
	all := []task{
		{job: job{closeJob, closeSchedule, r.closeMonths}, now: r.closeNow, books: true, dated: true},
		{job: job{dunJob, dunSchedule, r.dun}, now: r.dunNow, books: true, dated: true},
		{job: job{warnJob, warnSchedule, r.warn}, now: r.warnNow, books: true, try: r.warnTry},
		{job: job{pruneJob, pruneSchedule, r.pruneTrace}, now: r.pruneNow},
	}
	if schedule := r.config().Backup.Schedule; schedule != "" {
		all = append(all, task{job: job{backupJob, schedule, r.runBackup}, now: r.backupNow})
	}
	return all
}

// pruneSchedule is once an hour, not on the hour, when everybody else is busy.
const pruneSchedule = "17 * * * *"

// runJobs is the alarm clock of what is done by the calendar, which is that of
// the business's clock. What was due while the relay was down is done at the
// start.
func (r *relay) runJobs(ctx context.Context) error {
	return r.runAll(ctx, append(r.jobs(), r.beside...))
}

// runAll has cron watch before it does what is due at the start, so that nothing
// falls between the two.
func (r *relay) runAll(ctx context.Context, jobs []job) error {
	log := cronLog{r.log}
	c := cron.New(cron.WithLocation(r.cfg.zone()), cron.WithLogger(log))
	chain := cron.NewChain(onceMore, cron.Recover(log)) // the other order never runs a job again that panicked once
	var all []cron.Job
	for _, j := range jobs {
		schedule, err := calendar.Parse(j.schedule)
		if err != nil {
			return fmt.Errorf("%s: %w", j.name, err)
		}
		run := chain.Then(cron.FuncJob(func() { j.run(ctx) }))
		c.Schedule(alarm{r.clock, r.cfg.zone(), schedule}, run)
		all = append(all, run)
	}
	c.Start()
	c.Entries() // it answers once it has looked at the clock
	for _, run := range all {
		run.Run()
	}
	<-ctx.Done()
	<-c.Stop().Done()
	r.often().Flush()
	return nil
}

// onceMore lets a job that is due while it runs run again afterwards, once.
func onceMore(j cron.Job) cron.Job {
	var mu sync.Mutex
	var running, again bool
	begin := func() bool {
		mu.Lock()
		defer mu.Unlock()
		again = running
		running = true
		return !again
	}
	end := func() bool {
		mu.Lock()
		defer mu.Unlock()
		running, again = again, false
		return !running
	}
	return cron.FuncJob(func() {
		if !begin() {
			return
		}
		for done := false; !done; done = end() {
			j.Run()
		}
	})
}

// pruneJob is the name under which the store knows how far the trace is pruned.
const pruneJob = "prune trace"

// pruneTrace removes what is older than trace_keep.
func (r *relay) pruneTrace(ctx context.Context) {
	start := time.Now()
	n, err := r.prune(ctx)
	if err != nil {
		r.logJobFailed(pruneJob, err)
		return
	}
	r.logTracePruned(n, time.Since(start))
}

// prune goes an hour of traces at a time, so that it soon ends with ctx however
// much there is after a long time down.
func (r *relay) prune(ctx context.Context) (total int, err error) {
	until := r.store.Past().Add(-r.config().TraceKeep.Duration)
	state, err := r.store.Job(pruneJob)
	if err != nil {
		return 0, err
	}
	from, err := time.Parse(time.RFC3339, state.Last)
	if err != nil { // never done
		from = until
	}
	for more := true; more && ctx.Err() == nil; from = from.Add(time.Hour) {
		if more = from.Before(until); !more {
			from = until
		}
		n, err := r.store.PruneTrace(from)
		if err == nil {
			err = r.store.SetJob(pruneJob, store.JobState{Last: from.UTC().Format(time.RFC3339), Done: r.store.Now()})
		}
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

// cronLog lets cron speak through the relay's log.
type cronLog struct{ *slog.Logger }

// Info is cron's chatter.
func (l cronLog) Info(msg string, kv ...any) { l.Debug("cron: "+msg, kv...) }

// Error is a job that panicked.
func (l cronLog) Error(err error, msg string, kv ...any) {
	l.Logger.Error("cron: "+msg, append(kv, "err", err)...)
}
