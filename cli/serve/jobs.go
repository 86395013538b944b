package serve

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"relay/cli/backup"
	"relay/cli/build"
	"relay/cli/clock"
	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/term"
	"relay/mailer/records"
	"relay/mailer/route"
	"relay/report/api/host"
	"relay/report/jobs"
	"relay/report/jobs/calendar"
	"relay/report/letter/wording"
	"relay/store"
)

// jobs returns the relay's one runner of jobs, and makes it at the first call.
func (r *Relay) jobs() *jobs.Runner {
	r.making.Do(func() { r.runner = jobs.New(r.store, r.Log, r.jobConfig) })
	return r.runner
}

// jobConfig returns what the configuration in force says about the jobs.
func (r *Relay) jobConfig() jobs.Config {
	c := r.config()
	letters := c.Letters()
	letters.Host, letters.Invoices, letters.Templates = r.hostname, c.Invoices(r.store.Zone()), r.wordings(c)
	if r.mail != nil {
		letters.Digest = r.digest
	}
	return jobs.Config{
		TraceKeep: c.TraceKeep.Duration, Letters: letters, Looks: c.Looks(),
		Copies: r.copies(&c.Backup), Signing: r.signing(c), Sources: r.standing(c), Reports: r.reports(c),
		Speed: r.Clock.Rate(),
	}
}

// wordings are the words of mail in force. They are read at the first call and at a reload.
// What is wrong with the operator's is logged then: mail goes out with relay's own.
func (r *Relay) wordings(c *config.Config) *wording.Set {
	if set := r.words.Load(); set != nil {
		return set
	}
	set, err := c.Report.Templates()
	if err != nil {
		r.logTemplates(err)
	}
	r.words.CompareAndSwap(nil, set)
	return r.words.Load()
}

func (r *Relay) logTemplates(err error) {
	r.Log.Warn("templates of mail with mistakes; relay's own are used in their place", "err", err, "advice", "relay check names each")
}

// signing is what the jobs know of keys and domains. Without a DNS they ask none.
func (r *Relay) signing(c *config.Config) jobs.Signing {
	s := jobs.Signing{Zone: c.SigningZone(), Pairs: c.SigningPairs()}
	if names, err := r.names(); err == nil {
		s.Names, s.Blocked, s.Lets = names, r.blocked, r.lets()
	}
	return s
}

// names is the DNS as jobs and acts ask it.
func (r *Relay) names() (records.Names, error) {
	r.resolving.Do(func() {
		r.dns, r.noDNS = route.NewDNS(r.cfg.Delivery.DNS(lookPatience))
	})
	return r.dns, r.noDNS
}

// lookPatience is for one question: a person may wait.
const lookPatience = 2 * time.Second

// runJobs runs the scheduled jobs; the schedule goes by the business's clock. What was
// due while no relay ran is done at the start.
func (r *Relay) runJobs(ctx context.Context) error {
	defer r.jobs().Flush()
	return r.runAll(ctx, r.jobs().Jobs())
}

// runAll starts cron before it runs the jobs once, so that no due time falls between
// the two.
func (r *Relay) runAll(ctx context.Context, list []jobs.Job) error {
	log := cronLog{r.Log}
	c := cron.New(cron.WithLocation(r.cfg.Zone()), cron.WithLogger(log))
	chain := cron.NewChain(onceMore, cron.Recover(log)) // the other order never runs a job again that panicked once
	var all []cron.Job
	for _, j := range list {
		schedule, err := calendar.Parse(j.Schedule)
		if err != nil {
			return fmt.Errorf("%s: %w", j.Name, err)
		}
		run := chain.Then(cron.FuncJob(func() { j.Run(ctx) }))
		c.Schedule(clock.Alarm{Clock: r.Clock, Zone: r.cfg.Zone(), Schedule: schedule}, run)
		all = append(all, run)
	}
	c.Start()
	c.Entries() // returns once cron has read the clock
	for _, run := range all {
		run.Run()
	}
	<-ctx.Done()
	<-c.Stop().Done()
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

// cronLog writes cron's messages to the relay's log.
type cronLog struct{ *slog.Logger }

// Info logs cron's routine messages, at level debug.
func (l cronLog) Info(msg string, kv ...any) { l.Debug("cron: "+msg, kv...) }

// Error logs a job that panicked.
func (l cronLog) Error(err error, msg string, kv ...any) {
	l.Logger.Error("cron: "+msg, append(kv, "err", err)...)
}

// copies says where and when the scheduled backup writes its copies.
func (r *Relay) copies(b *config.Backup) jobs.Copies {
	s := backup.ShelfOf(b, r.dir)
	return jobs.Copies{Schedule: b.Schedule, Check: b.Check, Dir: s.Dir, Shelf: jobShelf{s, r.hostname}}
}

// jobShelf is a shelf as the job sees it.
type jobShelf struct {
	backup.Shelf
	host string // of the relay
}

// Put implements jobs.Shelf.
func (s jobShelf) Put(ctx context.Context, st *store.Store) (jobs.Copy, error) {
	m, path, err := s.Shelf.Put(ctx, host.CopierOf(st, s.host, build.Read().Version), unseen)
	if err != nil {
		return jobs.Copy{}, err
	}
	return jobs.Copy{Path: path, Size: m.Size, SHA256: m.SHA256, Created: m.Created}, nil
}

// Prove implements jobs.Shelf.
func (s jobShelf) Prove(ctx context.Context, st *store.Store) (jobs.Proof, error) {
	found, err := s.Shelf.Prove(ctx, host.CopierOf(st, s.host, build.Read().Version), unseen)
	is := &found.Stats
	return jobs.Proof{Accounts: is.Accounts, Messages: is.Messages, Octets: is.Bodies, Problems: is.Problems, Found: found.Problems}, err
}

// unseen is progress that nobody looks at.
func unseen(what string) *term.Progress { return term.NewProgress(io.Discard, what, 0) }

// Hint implements jobs.Shelf.
func (jobShelf) Hint(err error) string { return exit.Hint(err) }
