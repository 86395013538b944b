package cli

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/calendar"
	"relay/report/words"
)

// task is a job, and what relay job run does of it: now, whether it is due or not,
// for what was due at an instant. The result is for programs, the text for people.
type task struct {
	job
	now   func(ctx context.Context, at time.Time) (result any, text string, err error)
	books bool                                                           // it goes by the clock of the books
	dated bool                                                           // it knows what was due at an instant; others know only of now
	try   func(ctx context.Context) (result any, text string, err error) // now, changing nothing; nil: there is no such thing
}

// word is the task's name on a command line.
func (t *task) word() string { return strings.ReplaceAll(t.name, " ", "-") }

func (p *program) jobCommand() *cli.Command {
	return group("job", "what is done by the calendar", p.jobList(), p.jobRun())
}

// jobView is a job as programs see it.
type jobView struct {
	Job      string     `json:"job"`
	Schedule string     `json:"schedule"` // cron's notation, in the operator's zone
	Done     *time.Time `json:"done"`     // when it ran last; null: never
	Next     time.Time  `json:"next"`     // by the schedule, while a relay runs
	Stands   *time.Time `json:"stands"`   // what the clock of the books shows while it stands still; null: it goes, or the job has its own
}

func (p *program) jobList() *cli.Command {
	return p.onStore(&cli.Command{
		Name: "list", Usage: "what is done by the calendar, when it was done and is next",
		Description: "Schedules are in cron's notation: minute, hour, day, month, weekday, in the operator's zone. Where summer time leaves a time out it comes when the clock is turned, and one that comes twice counts the first time. What was due while no relay ran is done once when it starts.",
	}, work{run: (*call).jobList})
}

func (c *call) jobList() error {
	r, err := c.worker()
	if err != nil {
		return err
	}
	var list []jobView
	for _, t := range r.tasks() {
		v, err := r.jobView(&t)
		if err != nil {
			return err
		}
		list = append(list, v)
	}
	if c.json {
		return encodeAll(c.Stdout, list)
	}
	t := newTable(column{head: "JOB"}, column{head: "SCHEDULE", least: 10}, column{head: "DONE"}, column{head: "NEXT"})
	for _, v := range list {
		done := "never"
		if v.Done != nil {
			done = words.Stamp(*v.Done, c.st.Zone())
		}
		t.add(v.Job, v.Schedule, done, words.Stamp(v.Next, c.st.Zone()))
	}
	if err := t.write(c.Stdout); err != nil {
		return err
	}
	if h := clockOf(c.st); h != nil {
		return c.say("\n%s: %s do nothing.\n%s", holdText(h, c.st.Zone()), booksJobs, clockAdvice)
	}
	return nil
}

func (r *relay) jobView(t *task) (v jobView, err error) {
	state, err := r.store.Job(t.name)
	if err != nil {
		return v, err
	}
	s, err := calendar.Parse(t.schedule)
	if err != nil {
		return v, fmt.Errorf("%s: %w", t.name, err)
	}
	v = jobView{Job: t.word(), Schedule: t.schedule, Next: s.Next(r.store.Now().In(r.store.Zone())).UTC()}
	if !state.Done.IsZero() {
		v.Done = &state.Done
	}
	if h := r.store.Hold(); h != nil && t.books {
		v.Stands = &h.Stands
	}
	return v, nil
}

func (p *program) jobRun() *cli.Command {
	var at string
	var dryRun bool
	return p.onStore(&cli.Command{
		Name: "run", ArgsUsage: "JOB", Usage: "do one of them now",
		Description: `JOB is one of relay job list. It does no harm to run a job that is not due, or twice: what is done is not done again.

While the clock is plainly wrong and the books stand still, close without --at is your word that it is right: the books go on by it, and what is over by it is closed for good.

With --at, close and dun leave out what has become due since then. With --dry-run, warn shows whom it would tell that a term ends.

  relay job run close
  relay job run warn --dry-run`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "at", Usage: "`TIME` only what was due then: 2026-12-01, \"2026-12-01 08:00\", or RFC 3339", Destination: &at},
			&cli.BoolFlag{Name: "dry-run", Usage: "change nothing, show what warn would do", Destination: &dryRun},
		},
	}, work{run: func(c *call) error { return c.jobRun(c.args[0], at, dryRun) }})
}

func (c *call) jobRun(name, at string, dryRun bool) error {
	r, err := c.worker()
	if err != nil {
		return err
	}
	all := r.tasks()
	i := slices.IndexFunc(all, func(t task) bool { return t.word() == name || t.name == name })
	if i < 0 {
		return noJob(name)
	}
	t := &all[i]
	when := c.now()
	if at != "" {
		if when, err = c.jobMoment(t, at); err != nil {
			return err
		}
	}
	if t.name == closeJob && at == "" {
		if when, err = c.believeClock(); err != nil {
			return err
		}
	}
	var v any
	var text string
	switch {
	case !dryRun:
		v, text, err = t.now(c.ctx, when)
	case t.try != nil:
		v, text, err = t.try(c.ctx)
	default:
		err = usage("", "--dry-run is for %s", warnJob)
	}
	if err != nil {
		return err
	}
	if err := c.done(v, "%s", text); err != nil {
		return err
	}
	return jobFailures(v)
}

func noJob(name string) error {
	if name == backupJob {
		return fail(exitFailed, "make a copy with: relay backup; set schedule in [backup] for one by the calendar", "no schedule for a backup is configured")
	}
	return fail(exitFailed, "relay job list shows all", "no job %q", name)
}

// jobMoment reads --at.
func (c *call) jobMoment(t *task, text string) (at time.Time, err error) {
	if !t.dated {
		return at, usage("", "--at is for %s and %s", closeJob, dunJob)
	}
	if at, err = parseMoment(text, c.st.Zone()); err != nil {
		return at, usage("", "--at: %w", err)
	}
	if now := c.now(); at.After(now) {
		return at, usage("a month is closed when it is over; relay sandbox --at shows one that is to come",
			"--at %s is yet to come: it is %s", words.Stamp(at, c.st.Zone()), words.Stamp(now, c.st.Zone()))
	}
	return at, nil
}

// jobFailures is what the command ends with when a job could not do everything.
func jobFailures(result any) error {
	var list []failing
	switch v := result.(type) {
	case closeView:
		list = v.Failed
	case dunView:
		list = v.Failed
	case warnView:
		list = v.Failed
	}
	if len(list) == 0 {
		return nil
	}
	return fail(exitFailed, "the others are done; relay check --store proves the file", "%s failed, among them %s: %s",
		words.Plural(int64(len(list)), "account"), list[0].Account, list[0].Error)
}

// worker is the running relay, or one that has nothing but the open store.
func (c *call) worker() (*relay, error) {
	if c.inner != nil {
		return c.inner, nil
	}
	cfg, dir, err := c.home()
	if err != nil {
		return nil, err
	}
	return &relay{app: &c.App, cfg: cfg, dir: dir, store: c.st, hostname: hostname(&cfg), log: slog.New(slog.DiscardHandler)}, nil
}

func (r *relay) closeNow(ctx context.Context, at time.Time) (any, string, error) {
	v, err := r.settleMonths(ctx, at)
	text := "nothing to close"
	if v.Accounts > 0 {
		text = fmt.Sprintf("closed %s of %s, %s", words.Plural(int64(v.Periods), "period"), words.Plural(int64(v.Accounts), "account"), numbersOf(v.Invoices))
	}
	return v, text, err
}

// numbersOf invoices, the first ones.
func numbersOf(list []string) string {
	if len(list) == 0 {
		return "no invoice"
	}
	return words.Plural(int64(len(list)), "invoice") + ": " + firstOf(list[:min(len(list), changeTold)], len(list))
}

func (r *relay) dunNow(ctx context.Context, at time.Time) (any, string, error) {
	v, err := r.holdUnpaid(ctx, at)
	text := "nobody to hold back"
	if n := v.Accounts; n > 0 {
		text = fmt.Sprintf("%s held back, unpaid: %s", words.Plural(int64(n), "account"), firstOf(v.Held[:min(n, changeTold)], n))
	}
	if n := len(v.Expired); n > 0 {
		text += fmt.Sprintf("\n%s expired: %s", words.Plural(int64(n), "order"), numbersOf(v.Expired))
	}
	return v, text, err
}

// pruneView is the result of pruning, as programs see it.
type pruneView struct {
	Job    string `json:"job"`
	Events int    `json:"events"`
	MS     int64  `json:"ms"`
}

func (r *relay) pruneNow(ctx context.Context, _ time.Time) (any, string, error) {
	start := time.Now()
	n, err := r.prune(ctx)
	return pruneView{"prune-trace", n, time.Since(start).Milliseconds()}, "removed " + words.Plural(int64(n), "event") + " of the trace", err
}

// backupView is the result of a backup, as programs see it.
type backupView struct {
	Job     string `json:"job"`
	File    string `json:"file"`
	Removed int    `json:"removed"` // older ones
	MS      int64  `json:"ms"`
}

func (r *relay) backupNow(ctx context.Context, _ time.Time) (any, string, error) {
	start := time.Now()
	cfg := r.config().Backup
	path, _, gone, err := r.makeBackup(ctx, &cfg)
	return backupView{backupJob, path, gone, time.Since(start).Milliseconds()}, "made " + path, err
}
