package cli

import (
	"fmt"
	"log/slog"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/jobs"
	"relay/report/words"
)

func (p *program) jobCommand() *cli.Command {
	return shell.Group("job", "what is done by the calendar", p.jobList(), p.jobRun())
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
	list, err := r.jobs().States()
	if err != nil {
		return err
	}
	if c.json {
		return term.EncodeAll(c.Stdout, list)
	}
	t := term.NewTable(term.Column{Head: "JOB"}, term.Column{Head: "SCHEDULE", Least: 10}, term.Column{Head: "DONE"}, term.Column{Head: "NEXT"})
	for _, v := range list {
		done := "never"
		if v.Done != nil {
			done = words.Stamp(*v.Done, c.st.Zone())
		}
		t.Add(v.Job, v.Schedule, done, words.Stamp(v.Next, c.st.Zone()))
	}
	if err := t.Print(c.Stdout); err != nil {
		return err
	}
	if h := clockOf(c.st); h != nil {
		return c.say("\n%s: %s do nothing.\n%s", holdText(h, c.st.Zone()), booksJobs, jobs.ClockAdvice)
	}
	return nil
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
	j, ok := r.jobs().Find(name)
	if !ok {
		return noJob(name)
	}
	when := c.now()
	if at != "" {
		if when, err = c.jobMoment(&j, at); err != nil {
			return err
		}
	}
	if j.Name == jobs.Close && at == "" {
		if when, err = c.believeClock(); err != nil {
			return err
		}
	}
	var did jobs.Result
	switch {
	case !dryRun:
		did, err = j.Now(c.ctx, when)
	case j.Try != nil:
		did, err = j.Try(c.ctx)
	default:
		err = exit.Usage("", "--dry-run is for %s", jobs.Warn)
	}
	if err != nil {
		return err
	}
	if err := c.done(did, "%s", jobText(did)); err != nil {
		return err
	}
	return jobFailures(did)
}

func noJob(name string) error {
	if name == jobs.Backup {
		return exit.Fail(exit.Failed, "make a copy with: relay backup; set schedule in [backup] for one by the calendar", "no schedule for a backup is configured")
	}
	return exit.Fail(exit.Failed, "relay job list shows all", "no job %q", name)
}

// jobMoment reads --at.
func (c *call) jobMoment(j *jobs.Job, text string) (at time.Time, err error) {
	if !j.Dated {
		return at, exit.Usage("", "--at is for %s and %s", jobs.Close, jobs.Dun)
	}
	if at, err = words.ParseMoment(text, c.st.Zone()); err != nil {
		return at, exit.Usage("", "--at: %w", err)
	}
	if now := c.now(); at.After(now) {
		return at, exit.Usage("a month is closed when it is over; relay sandbox --at shows one that is to come",
			"--at %s is yet to come: it is %s", words.Stamp(at, c.st.Zone()), words.Stamp(now, c.st.Zone()))
	}
	return at, nil
}

// jobFailures is the command's error when a job could not do everything.
func jobFailures(did jobs.Result) error {
	list := did.Failures()
	if len(list) == 0 {
		return nil
	}
	return exit.Fail(exit.Failed, "the others are done; relay check --store proves the file", "%s failed, among them %s: %s",
		words.Plural(int64(len(list)), "account"), list[0].Account, list[0].Error)
}

// worker is the running relay, or one that has nothing but the open store.
func (c *call) worker() (*relay, error) {
	if c.inner != nil {
		return c.inner, nil
	}
	cfg, dir, err := c.where.Home()
	if err != nil {
		return nil, err
	}
	return &relay{host: c.machine(), cfg: cfg, dir: dir, store: c.st, hostname: cfg.Host(), log: slog.New(slog.DiscardHandler)}, nil
}

// jobText says what a job did.
func jobText(did jobs.Result) string {
	switch v := did.(type) {
	case *jobs.Closing:
		return closingText(v)
	case *jobs.Dunning:
		return dunningText(v)
	case *jobs.Warnings:
		return warningsText(v)
	case *jobs.Pruning:
		return "removed " + words.Plural(int64(v.Events), "event") + " of the trace"
	case *jobs.Copying:
		return "made " + v.File
	}
	return "done"
}

func closingText(v *jobs.Closing) string {
	if v.Accounts == 0 {
		return "nothing to close"
	}
	return fmt.Sprintf("closed %s of %s, %s", words.Plural(int64(v.Periods), "period"), words.Plural(int64(v.Accounts), "account"), numbersOf(v.Invoices))
}

// numbersOf invoices, the first ones.
func numbersOf(list []string) string {
	if len(list) == 0 {
		return "no invoice"
	}
	return words.Plural(int64(len(list)), "invoice") + ": " + words.First(list[:min(len(list), words.Shown)], len(list))
}

func dunningText(v *jobs.Dunning) string {
	text := "nobody to hold back"
	if n := v.Accounts; n > 0 {
		text = fmt.Sprintf("%s held back, unpaid: %s", words.Plural(int64(n), "account"), words.First(v.Held[:min(n, words.Shown)], n))
	}
	if n := len(v.Expired); n > 0 {
		text += fmt.Sprintf("\n%s expired: %s", words.Plural(int64(n), "order"), numbersOf(v.Expired))
	}
	return text
}

func warningsText(v *jobs.Warnings) string {
	did, text := "warned", "nobody to warn"
	if v.DryRun {
		did = "would warn"
	}
	if n := v.Accounts; n > 0 {
		var names []string
		for i := range v.Warned[:min(n, words.Shown)] {
			names = append(names, v.Warned[i].Account)
		}
		text = fmt.Sprintf("%s %s: %s", did, words.Plural(int64(n), "account"), words.First(names, n))
	}
	if n := len(v.NoContact); n > 0 {
		text += fmt.Sprintf("\n%s without a contact: %s", words.Plural(int64(n), "account"), words.First(v.NoContact[:min(n, words.Shown)], n))
	}
	return text
}
