package cli

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"relay/cli/config"
	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/finding"
	commands "relay/cli/host"
	"relay/cli/hostname"
	"relay/cli/proof"
	"relay/cli/reach"
	"relay/report/api/act"
	"relay/report/api/host"
	"relay/report/jobs"
	"relay/report/jobs/calendar"
	"relay/report/words"
	"relay/store"
	"relay/store/highwater"
)

// configuration reads it, with one finding for each thing that is wrong; false:
// there is nothing to go on with.
func (c *checker) configuration() bool {
	var err error
	c.cfg, err = c.where.Load()
	if bad, is := errors.AsType[*config.Error](err); is {
		advice := ""
		for i, p := range bad.Problems {
			if i == len(bad.Problems)-1 {
				advice = "mend the file; every key has a default and may be left out"
			}
			c.add("configuration", finding.Failed, advice, "%s: %s", bad.Place(p), p.Text)
		}
		return false
	}
	if err != nil {
		c.add("configuration", finding.Failed, cmp.Or(exit.Hint(err), "name the right file with --config FILE"), "%s", strings.TrimPrefix(err.Error(), "configuration: "))
		return false
	}
	c.add("configuration", finding.OK, "", "%s", cmp.Or(c.cfg.File(), "no file, defaults"))
	if c.dir, err = c.where.Dir(&c.cfg); err != nil {
		c.add("data directory", finding.Failed, "name one with --data DIR", "%v", err)
		return false
	}
	c.hostname()
	return true
}

func (c *checker) hostname() {
	name := c.cfg.Host()
	if !hostname.Full(name) {
		c.add("hostname", finding.Warning, `set hostname = "smtp.your.domain" in relay.toml: many receivers refuse mail from hosts without a full name`,
			"%s is not a full name", name)
		return
	}
	c.add("hostname", finding.OK, "", "%s", name)
}

func (c *checker) directory() {
	info, err := os.Stat(string(c.dir))
	switch {
	case errors.Is(err, os.ErrNotExist):
		c.add("data directory", finding.OK, "", "%s is not there yet; relay serve makes it", c.dir)
	case err != nil:
		c.add("data directory", finding.Failed, "run as the user that owns it", "%v", err)
	case !info.IsDir():
		c.add("data directory", finding.Failed, "move the file away", "%s is no directory", c.dir)
	case unix.Access(string(c.dir), unix.W_OK) != nil:
		c.add("data directory", finding.Failed, "run as the user that owns it", "%s cannot be written", c.dir)
	case info.Mode().Perm()&0o077 != 0:
		c.add("data directory", finding.Warning, "chmod 700 "+string(c.dir), "%s may be read by others (mode %04o)", c.dir, info.Mode().Perm())
	default:
		c.add("data directory", finding.OK, "", "%s", c.dir)
	}
}

// numbers looks at the file of the last number of an invoice, without which no relay
// starts.
func (c *checker) numbers() {
	if err := highwater.Writable(c.dir.Numbers()); err != nil {
		c.add("last invoice", finding.Failed, exit.Hint(err), "%v", err)
	}
}

// relay asks the one that runs, or tries whether the store opens.
func (c *checker) relay() {
	running := reach.Service{Socket: c.dir.Socket()}
	defer running.Close()
	ctx, cancel := context.WithTimeout(c.ctx, commands.HealthLimit)
	defer cancel()
	h, err := host.Health.Call(ctx, &running, &host.None{})
	switch {
	case err == nil && !h.Healthy:
		c.health = h
		c.add("process", finding.Failed, advice(h), "runs, but: %s", h.Unwell())
	case err == nil:
		c.health = h
		c.add("process", finding.OK, "", "%s runs, pid %d, for %s", h.Version, h.PID, words.Span(time.Since(h.Started)))
	case errors.Is(err, context.DeadlineExceeded):
		c.silent = true
		c.add("process", finding.Failed, "see its log; a restart is safe at any time", "does not answer within %s", commands.HealthLimit)
	case !errors.Is(err, control.ErrAbsent):
		c.silent = true
		c.add("process", finding.Failed, exit.Hint(err), "%v", err)
	default:
		c.add("process", finding.OK, "", "no relay runs")
	}
	switch {
	case c.health != nil:
		c.hold = c.health.Clock
		c.store(h.File, h.Free, store.Totals{Messages: h.Messages, Bytes: h.Octets})
		c.judgeBackup(h.Backup)
	case c.silent: // it has the store
		c.unopened = true
	case c.dir.IsNew():
		c.add("store file", finding.OK, "", "there is none yet; relay serve makes one")
	default:
		c.openStore()
	}
}

// advice for a relay that runs and is not well.
func advice(h *act.Health) string {
	for _, p := range h.Probes {
		if p.Error != "" && p.Name != act.IntakeProbe || h.Problem != "" {
			return "see its log; mend the disk and start it again"
		}
	}
	return "make space; relay compact gives back what its file does not use"
}

// OpenStore looks at the store of a relay that does not run.
func (c *checker) openStore() {
	st, err := proof.OpenStore(c.dir.Store(), c.storeOptions())
	if errors.Is(err, store.ErrOlder) {
		c.unopened = true
		c.add("store file", finding.OK, exit.Hint(err), "is of an older relay")
		return
	}
	if err != nil {
		c.unopened = true
		c.add("store file", finding.Failed, cmp.Or(exit.Hint(err), "relay restore FILE brings back a backup"), "does not open: %v", err)
		return
	}
	var sum store.Totals
	var backup time.Time
	var file, free int64
	c.hold = act.ClockOf(st)
	var wrong error // a relay would not start
	err = proof.Guard(c.dir.Store(), func() error {
		file, free = st.Size()
		wrong = st.CheckCurrency(c.cfg.Billing.Currency)
		var errs [2]error
		sum, errs[0] = st.Totals()
		backup, _, errs[1] = jobs.LastBackup(st)
		return errors.Join(errs[0], errs[1], st.Close())
	})
	if err != nil {
		c.add("store file", finding.Failed, "relay check --store tells more", "cannot be read: %v", err)
		return
	}
	c.store(file, free, sum)
	if wrong != nil {
		c.add("currency", finding.Failed, exit.Hint(wrong), "%v", wrong)
	}
	c.judgeBackup(backup)
}

func (c *checker) store(file, free int64, sum store.Totals) {
	const text = "%s, %s%s of it free; %s (%s) queued"
	args := []any{words.Size(file), words.Size(free), words.Percent(free, file), words.Plural(sum.Messages, "message"), words.Size(sum.Bytes)}
	if host.CompactionPays(file, free) {
		c.add("store file", finding.Warning, "relay compact gives about "+words.Size(free)+" back to the disk; without it the space is used again by new mail", text, args...)
		return
	}
	c.add("store file", finding.OK, "", text, args...)
}

// late is what a backup may take, and a machine that was off for a moment.
const late = 2 * time.Hour

// judgeBackup judges the scheduled backups; done is the instant of the last copy.
func (c *checker) judgeBackup(done time.Time) {
	when := words.Stamp(done, c.cfg.Zone())
	if done.After(time.Now().Add(time.Minute)) {
		c.add("backup", finding.Warning, "set the clock right, then: relay backup", "the last was %s, which is yet to come", when)
		return
	}
	if c.cfg.Backup.Schedule == "" {
		if done.IsZero() {
			c.add("backup", finding.OK, `set schedule in [backup], or run relay backup FILE from cron`, "none is scheduled")
			return
		}
		c.add("backup", finding.OK, "", "none is scheduled; the last was %s", when)
		return
	}
	schedule, err := calendar.Parse(c.cfg.Backup.Schedule)
	if err != nil { // Validate has seen to that
		return
	}
	now := time.Now().In(c.cfg.Zone())
	switch due := schedule.Next(done.In(c.cfg.Zone())); {
	case done.IsZero():
		c.add("backup", finding.Warning, "let the relay run at that time, and look into its log", "none was made yet; the next is due %s", words.Stamp(schedule.Next(now), c.cfg.Zone()))
	case now.After(due.Add(late)):
		c.add("backup", finding.Warning, "let the relay run at that time, and look into its log", "overdue since %s; the last was %s", words.Stamp(due, c.cfg.Zone()), when)
	default:
		c.add("backup", finding.OK, "", "the last was %s, the next is due %s", when, words.Stamp(due, c.cfg.Zone()))
	}
}
