package jobs

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"relay/report/tell"
	"relay/store"
	"relay/store/quiet"
	"relay/store/spool"
	"relay/store/spooled"
)

// Names under which the store knows what a job has done.
const (
	Close   = "close"
	Dun     = "dun"
	Warn    = "warn"
	Usage   = "usage"
	Prune   = "prune trace"
	Backup  = "backup"
	Domains = "domains"

	TLSReports = "tls reports"
	StoreCheck = "store check"
	Digest     = "digest"

	Suppressions = "suppressions"
	Blocklists   = "blocklists"
)

// Schedules of the jobs. Months turn at midnight, whichever hours the day has; the
// other runs of close are a net. Dun has an hour that no change of clocks leaves out,
// warn one at which people read their mail. Prune keeps away from the full hour, which
// is busy.
const (
	closeSchedule   = "1 * * * *"
	dunSchedule     = "35 3 * * *"
	warnSchedule    = "30 8 * * *"
	pruneSchedule   = "17 * * * *"
	reportsSchedule = "43 2 * * *"
	domainsSchedule = "3-59/10 * * * *"
	listsSchedule   = "41 * * * *"

	suppressionsSchedule = "47 4 * * *"
)

// OfBooks are the jobs that go by the clock of the books.
const OfBooks = Close + ", " + Dun + " and " + Warn

// ClockAdvice is the next step while the books stand still.
const ClockAdvice = "set the clock right; if it is right: relay job run close"

// Config has the jobs' settings. They may change while relay runs.
type Config struct {
	TraceKeep time.Duration // age at which events of the trace are removed
	Letters   Letters
	Looks     Looks
	Copies    Copies
	Signing   Signing
	Sources   Sources
	Reports   Reports
	Speed     int64 // how many times as fast as time the clock of the business runs; 0: 1
}

// Letters is how customers and operator are written to.
type Letters struct {
	tell.Config
	WarnDays []int // days before the last one on which customers are warned
}

// Looks is when relay looks for what customers and operator are to be told.
type Looks struct {
	Schedule string // of the daily look at what customers have used; cron's notation
	Near     int    // percent of the allowance at which the limit is near
	Digest   string // of the operator's digest; "": none
}

// Copies is where and when copies of the store are made.
type Copies struct {
	Schedule string // cron's notation; "": never
	Check    string // when the store is proved; "": never
	Dir      string
	Shelf    Shelf
}

// Job is a scheduled job. Run logs what goes wrong, and may be called more often
// than the job is due; the others return it.
type Job struct {
	Name     string // see the constants
	Schedule string // cron's notation, in the operator's zone
	Books    bool   // it goes by the clock of the books
	Dated    bool   // it knows what was due at an instant; others know only of now

	Run func(context.Context)
	Now func(ctx context.Context, at time.Time) (Result, error) // whether it is due or not
	Try func(context.Context) (Result, error)                   // Now, without changing anything; nil: not supported

	run func(context.Context) error // behind Run
}

// Word is the job's name on a command line.
func (j *Job) Word() string { return strings.ReplaceAll(j.Name, " ", "-") }

// Result is what a job did: a *Closing, *Dunning, *Warnings, *Watching, *Pruning, *Delegation,
// *Lapsing, *Standings, *Reporting, *Check, *Digesting or *Copying.
type Result interface {
	// Failures lists what is tried again at the next run.
	Failures() []Failure
}

// Failure is an account that a job could not deal with.
type Failure struct {
	Account string `json:"account"`
	Error   string `json:"error"`
}

// Runner runs the jobs on a store. Its methods may be called from any goroutine.
type Runner struct {
	store  *store.Store
	log    *slog.Logger
	often  *quiet.Log // for what fails again and again
	config func() Config
	write  func(*store.Told, spooled.ID) ([]spool.Notice, error) // the mails of a piece of news
}

// New makes a Runner. config returns the configuration in force.
func New(st *store.Store, log *slog.Logger, config func() Config) *Runner {
	r := &Runner{store: st, log: log, often: quiet.New(log), config: config}
	r.write = r.Told
	return r
}

// Flush logs the failures that were only counted so far.
func (r *Runner) Flush() { r.often.Flush() }

// Jobs in the order in which they run at the start. Those with a schedule in the
// configuration are there if it is set.
func (r *Runner) Jobs() []Job {
	c := r.config()
	all := []Job{
		{Name: Close, Schedule: closeSchedule, Books: true, Dated: true, run: r.runClose, Now: dated(r.Close)},
		{Name: Dun, Schedule: dunSchedule, Books: true, Dated: true, run: r.runDun, Now: dated(r.Dun)},
		{Name: Warn, Schedule: warnSchedule, Books: true, run: r.runWarn,
			Now: undated(func(ctx context.Context) (*Warnings, error) { return r.Warn(ctx, false) }),
			Try: func(ctx context.Context) (Result, error) { return r.Warn(ctx, true) }},
		{Name: Prune, Schedule: pruneSchedule, run: r.runPrune, Now: undated(r.Prune)},
		{Name: Domains, Schedule: domainsSchedule, run: r.runDomains, Now: undated(r.Domains)},
		{Name: Suppressions, Schedule: suppressionsSchedule, run: r.runSuppressions, Now: undated(r.Suppressions)},
		{Name: Usage, Schedule: c.Looks.Schedule, run: r.runUsage, Now: undated(r.Usage)},
		{Name: Blocklists, Schedule: listsSchedule, run: r.runBlocklists, Now: undated(r.Blocklists)},
		{Name: TLSReports, Schedule: reportsSchedule, run: r.runTLSReports, Now: undated(r.TLSReports)},
		{Name: Backup, Schedule: c.Copies.Schedule, run: r.runBackup, Now: undated(r.Backup)},
		{Name: StoreCheck, Schedule: c.Copies.Check, run: r.runStoreCheck, Now: undated(r.StoreCheck)},
		{Name: Digest, Schedule: c.Looks.Digest, run: r.runDigest, Now: undated(r.Digest)},
	}
	all = slices.DeleteFunc(all, func(j Job) bool { return j.Schedule == "" })
	for i := range all {
		all[i] = r.guard(all[i])
	}
	return all
}

// dated and undated make Job.Now of a job that knows what was due at an instant, and of one
// that does not.
func dated[R Result](do func(context.Context, time.Time) (R, error)) func(context.Context, time.Time) (Result, error) {
	return func(ctx context.Context, at time.Time) (Result, error) { return do(ctx, at) }
}

func undated[R Result](do func(context.Context) (R, error)) func(context.Context, time.Time) (Result, error) {
	return func(ctx context.Context, _ time.Time) (Result, error) { return do(ctx) }
}

// Find returns the job of that name or word.
func (r *Runner) Find(name string) (j Job, ok bool) {
	for _, j := range r.Jobs() {
		if j.Name == name || j.Word() == name {
			return j, true
		}
	}
	return j, false
}

// did records that what was due at an instant is done. The work is done by then: see the
// package's doc.
func (r *Runner) did(name string, at time.Time) error { return r.store.Jobs.Done(name, at) }

// each calls walk, which goes from account to account. An account's error for which
// stop reports true ends the walk: all others would meet it too.
func (r *Runner) each(ctx context.Context, walk func(ctx context.Context, stop func(error) bool) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := walk(ctx, func(err error) bool {
		if !errors.Is(err, store.ErrFull) && r.store.Err() == nil {
			return false
		}
		cancel(err)
		return true
	})
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	return nil
}
