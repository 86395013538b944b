package host

import (
	"context"
	"fmt"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/cli/zonefile"
	"relay/report/api/host"
	"relay/report/jobs"
	"relay/report/words"
)

// JobCommand is relay job.
func JobCommand(e *shell.Env) *cli.Command {
	return shell.Group("job", "scheduled jobs", jobList(e), jobRun(e))
}

// aboutJobs is the help of relay job list.
const aboutJobs = "Schedules are in cron's notation: minute, hour, day, month, weekday, in the operator's zone. A time that summer time skips counts when the clock is changed; one that occurs twice counts the first time. A job that was due while no relay ran is run once when it starts. RESULT is how its last run ended; below the list stands why a job fails. You are told by mail when one begins to fail.\n\n" +
	"  close         bills and ends months and terms that are over\n" +
	"  dun           suspends accounts for invoices that stay unpaid\n" +
	"  warn          tells customers that their term ends soon\n" +
	"  prune-trace   forgets traces that are older than trace_keep\n" +
	"  domains       looks in the DNS whether customers' domains are delegated\n" +
	"  suppressions  forgets suppressions whose time is over\n" +
	"  usage         has the daily look at what customers have used, and tells them\n" +
	"  blocklists    asks blocklists about the sources\n" +
	"  tls-reports   sends domains the reports on TLS that they ask for\n" +
	"  store-check   proves a copy of the store, by the schedule check in [backup]\n" +
	"  digest        tells you how the relay stands, if there is something to tell\n" +
	"  backup        makes the copy of [backup], where a schedule is set"

func jobList(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "list", Usage: "scheduled jobs, with their last and next runs",
		Description: aboutJobs,
	}, func(ctx context.Context, _ []string) error {
		var stands *jobs.State // nil: the books go on
		var failing []jobs.State
		err := shell.List(ctx, e, host.ListJobs, &host.AllJobs{}, shell.Rows[jobs.State]{
			Columns: []term.Column{{Head: "JOB"}, {Head: "SCHEDULE", Least: 10}, {Head: "DONE"}, {Head: "NEXT"}, {Head: "RESULT"}},
			Cells: func(j *jobs.State) []string {
				if j.Stands != nil && j.Wall != nil {
					stands = j
				}
				done := "never"
				if j.Done != nil {
					done = words.Stamp(*j.Done, e.Zone())
				}
				if j.Error != "" {
					failing = append(failing, *j)
				}
				return []string{j.Job, j.Schedule, done, words.Stamp(j.Next, e.Zone()), j.Result}
			},
		})
		if err != nil || e.JSON {
			return err
		}
		if err := sayFailing(e, failing); err != nil || stands == nil {
			return err
		}
		return e.Say("\n%s: %s do nothing.\n%s", words.ClockStands(*stands.Stands, *stands.Wall, e.Zone()), jobs.OfBooks, jobs.ClockAdvice)
	})
}

// sayFailing says below the list why jobs fail.
func sayFailing(e *shell.Env, list []jobs.State) error {
	for i := range list {
		j := &list[i]
		text := j.Job + " failed " + words.Stamp(*j.Failed, e.Zone()) + ", as in all runs since " + words.Stamp(*j.Since, e.Zone()) + ": " + words.Clean(j.Error)
		if j.Failed.Equal(*j.Since) {
			text = j.Job + " failed " + words.Stamp(*j.Failed, e.Zone()) + ": " + words.Clean(j.Error)
		}
		if err := e.Say("\n%s", strings.Join(term.Wrap(text, term.Columns), "\n")); err != nil {
			return err
		}
	}
	return nil
}

func jobRun(e *shell.Env) *cli.Command {
	var in host.JobRun
	return shell.Command(&cli.Command{
		Name: "run", ArgsUsage: "JOB", Usage: "run a job now",
		Description: `JOB is a name from relay job list. Running a job early or twice does no harm: it repeats nothing.

While the books stand still because the clock looks wrong, close without --at confirms that the clock is right: the books continue by it, and periods that are over by it are closed for good.

With --at, close and dun leave out what became due after that time. With --dry-run, warn shows which customers it would warn.

  relay job run close
  relay job run warn --dry-run`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "at", Usage: "`TIME` only what was due then: 2026-12-01, \"2026-12-01 08:00\", or RFC 3339", Destination: &in.Body.At},
			&cli.BoolFlag{Name: "dry-run", Usage: "change nothing, show what warn would do", Destination: &in.Body.DryRun},
		},
	}, func(ctx context.Context, args []string) error {
		in.Job = args[0]
		did, err := host.RunJob.Call(ctx, e.Service, &in)
		if err != nil {
			return err
		}
		if c, ok := did.Result.(*jobs.Closing); ok && c.Believed != nil {
			e.Note("the clock is believed, the books go on at %s", words.Stamp(*c.Believed, e.Zone()))
		}
		if err := e.Done(did, "%s", jobText(did.Result)); err != nil {
			return err
		}
		return jobFailures(did.Result)
	})
}

// jobFailures returns the command's error if a job could not do everything.
func jobFailures(did jobs.Result) error {
	if c, ok := did.(*jobs.Check); ok && c.Err() != nil {
		return exit.Fail(exit.Failed, "relay check --store lists the problems; restore the newest backup that is whole: relay restore FILE", "%w", c.Err())
	}
	list := did.Failures()
	if len(list) == 0 {
		return nil
	}
	return exit.Fail(exit.Failed, "the others are done; relay check --store proves the file", "%s failed, among them %s: %s",
		words.Plural(int64(len(list)), "account"), list[0].Account, list[0].Error)
}

// shownAccounts is how many accounts a job lists.
const shownAccounts = 20

// jobText says what a job did.
func jobText(did jobs.Result) string {
	switch v := did.(type) {
	case *jobs.Closing:
		return closingText(v)
	case *jobs.Dunning:
		return dunningText(v)
	case *jobs.Warnings:
		return warningsText(v)
	case *jobs.Watching:
		return watchingText(v)
	case *jobs.Pruning:
		return "removed " + words.Plural(int64(v.Events), "event") + " of the trace"
	case *jobs.Lapsing:
		return "removed " + words.Plural(int64(v.Removed), "suppression") + " whose time was over"
	case *jobs.Delegation:
		return delegationText(v)
	case *jobs.Standings:
		return standingsText(v)
	case *jobs.Reporting:
		return "sent " + words.Plural(int64(v.Reports), "report") + " on TLS"
	case *jobs.Check:
		return "proved " + words.Plural(v.Accounts, "account") + " and " + words.Plural(v.Messages, "message") + ": " + words.Plural(v.Problems, "problem")
	case *jobs.Digesting:
		return "the digest is being written; it is mailed if there is something to tell"
	case *jobs.Copying:
		return "made " + v.File
	}
	return "done"
}

func watchingText(v *jobs.Watching) string {
	if len(v.Found) == 0 {
		return "no account has passed another step of what it may use"
	}
	text := words.Plural(int64(len(v.Found)), "account") + " will be told:"
	for i, w := range v.Found {
		if i == shownAccounts {
			return text + fmt.Sprintf("\n%d more", len(v.Found)-i)
		}
		if text += "\n" + w.Account + ": " + w.Kind; w.Tenth > 0 {
			text += fmt.Sprintf(", %d%%", 10*w.Tenth)
		}
		if w.Also != "" {
			text += " and " + w.Also
		}
	}
	return text
}

func delegationText(v *jobs.Delegation) string {
	text := "looked at " + words.Plural(int64(v.Looked), "domain")
	for _, part := range []struct {
		list []string
		text string
	}{{v.Delegated, "delegated"}, {v.Lost, "no longer delegated as before"}, {v.Listed, "on blocklists"}, {v.Cleared, "on no blocklist any more"}, {v.Began, "signs from now on"}, {v.Ended, "signs no more"}} {
		if len(part.list) > 0 {
			text += "\n" + part.text + ": " + words.Some(part.list)
		}
	}
	for _, l := range v.Publish {
		text += "\npublish: " + zonefile.Line(l.Name+".", l.Type, l.Value)
	}
	return text
}

func standingsText(v *jobs.Standings) string {
	text := "asked about " + words.Plural(int64(v.Asked), "source")
	if v.Asked == 0 {
		text = "asked nothing: no mail leaves from a public address that relay knows"
	}
	for _, l := range v.Listed {
		text += "\n" + l.Source + " is on " + l.List
		if l.Text != "" {
			text += ": " + words.Clean(l.Text)
		}
	}
	for _, s := range v.Cleared {
		text += "\n" + s + " is on no list any more"
	}
	for _, u := range v.Unhealthy {
		text += "\n" + strings.Join(term.Wrap("not believed: "+words.Clean(u.Why), term.Columns), "\n  ")
	}
	for _, s := range v.Silent {
		text += "\n" + strings.Join(term.Wrap("no answer: "+words.Clean(s), term.Columns), "\n  ")
	}
	return text
}

func closingText(v *jobs.Closing) string {
	if v.Accounts == 0 {
		return "nothing to close"
	}
	return fmt.Sprintf("closed %s of %s, %s", words.Plural(int64(v.Periods), "period"), words.Plural(int64(v.Accounts), "account"), numbersOf(v.Invoices))
}

// numbersOf lists the first numbers of invoices.
func numbersOf(list []string) string {
	if len(list) == 0 {
		return "no invoice"
	}
	return words.Plural(int64(len(list)), "invoice") + ": " + words.Some(list)
}

func dunningText(v *jobs.Dunning) string {
	text := "no account to hold back"
	if n := v.Accounts; n > 0 {
		text = fmt.Sprintf("%s held back, unpaid: %s", words.Plural(int64(n), "account"), words.Some(v.Held))
	}
	if n := len(v.Expired); n > 0 {
		text += fmt.Sprintf("\n%s expired: %s", words.Plural(int64(n), "order"), numbersOf(v.Expired))
	}
	if n := len(v.Reminded); n > 0 {
		text += "\nreminded of " + numbersOf(v.Reminded)
	}
	return text
}

func warningsText(v *jobs.Warnings) string {
	did, text := "warned", "no account to warn"
	if v.DryRun {
		did = "would warn"
	}
	if n := v.Accounts; n > 0 {
		var names []string
		for i := range v.Warned {
			names = append(names, v.Warned[i].Account)
		}
		text = fmt.Sprintf("%s %s: %s", did, words.Plural(int64(n), "account"), words.Some(names))
	}
	if n := len(v.NoContact); n > 0 {
		text += fmt.Sprintf("\n%s without a contact: %s", words.Plural(int64(n), "account"), words.Some(v.NoContact))
	}
	return text
}
