package check

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
	"relay/report/api/act"
	"relay/report/api/host"
	"relay/report/words"
	"relay/store/highwater"
)

// home is the look at the relay itself: configuration, data directory, process, store.
type home struct {
	*look
	relay *process
}

// process is the relay of the data directory, as the check found it.
type process struct {
	health *act.Health // nil: no relay answers
	silent bool        // a relay may run, but it does not answer
	clock  *act.Clock  // why the clock of the books stands still; nil: it does not
}

// all looks at everything but the configuration, which configured has read.
func (h *home) all(prove bool) {
	h.directory()
	h.numbers()
	h.templates()
	h.process()
	if h.storeFile(prove) && prove {
		h.proveStore()
	}
}

// configured reads the configuration, with a finding for each of its problems. It
// returns false if the rest of the check depends on what is missing.
func (h *home) configured() bool {
	var err error
	h.cfg, err = h.Where.Load()
	if bad, is := errors.AsType[*config.Error](err); is {
		advice := ""
		for i, p := range bad.Problems {
			if i == len(bad.Problems)-1 {
				advice = "mend the file; every key has a default and may be left out"
			}
			h.add("configuration", finding.Failed, advice, "%s: %s", bad.Place(p), p.Text)
		}
		return false
	}
	if err != nil {
		h.add("configuration", finding.Failed, cmp.Or(exit.Hint(err), "name the right file with --config FILE"), "%s", strings.TrimPrefix(err.Error(), "configuration: "))
		return false
	}
	h.add("configuration", finding.OK, "", "%s", cmp.Or(h.cfg.File(), "no file, defaults"))
	if h.dir, err = h.Where.Dir(&h.cfg); err != nil {
		h.add("data directory", finding.Failed, "name one with --data DIR", "%v", err)
		return false
	}
	h.hostname()
	return true
}

// hostname judges the name in EHLO. Short names work, but many receivers refuse them.
func (h *home) hostname() {
	name := h.cfg.Host()
	if !hostname.Full(name) {
		h.add("hostname", finding.Warning, `set hostname = "smtp.your.domain" in relay.toml: many receivers refuse mail from hosts without a full name`,
			"%s is not a full name", name)
		return
	}
	h.add("hostname", finding.OK, "", "%s", name)
}

// directory judges the data directory. It must be the relay's alone: it holds mail and
// hashes of passwords.
func (h *home) directory() {
	info, err := os.Stat(string(h.dir))
	switch {
	case errors.Is(err, os.ErrNotExist):
		h.add("data directory", finding.OK, "", "%s is not there yet; relay serve makes it", h.dir)
	case err != nil:
		h.add("data directory", finding.Failed, "run as the user that owns it", "%v", err)
	case !info.IsDir():
		h.add("data directory", finding.Failed, "move the file away", "%s is not a directory", h.dir)
	case unix.Access(string(h.dir), unix.W_OK) != nil:
		h.add("data directory", finding.Failed, "run as the user that owns it", "%s cannot be written", h.dir)
	case info.Mode().Perm()&0o077 != 0:
		h.add("data directory", finding.Warning, "chmod 700 "+string(h.dir), "%s may be read by others (mode %04o)", h.dir, info.Mode().Perm())
	default:
		h.add("data directory", finding.OK, "", "%s", h.dir)
	}
}

// numbers looks at the file of the highest invoice number: relay does not start if it
// cannot write the file.
func (h *home) numbers() {
	if err := highwater.Writable(h.dir.Numbers()); err != nil {
		h.add("last invoice", finding.Failed, exit.Hint(err), "%v", err)
	}
}

// templates reads the operator's own words of mail, if there are some, with a finding for each
// mistake.
func (h *home) templates() {
	dir := h.cfg.Report.Words
	if dir == "" {
		return
	}
	_, err := h.cfg.Report.Templates()
	if err == nil {
		h.add("templates", finding.OK, "", "%s is in order", dir)
		return
	}
	for line := range strings.Lines(strings.TrimPrefix(err.Error(), "report.templates: ")) {
		h.add("templates", finding.Failed, exit.Hint(err), "%s", strings.TrimSpace(line))
	}
}

// process asks the running relay how it is. An answer that does not come is not the same
// as no relay: a relay that hangs has the store and the ports.
func (h *home) process() {
	ctx, cancel := context.WithTimeout(h.ctx, commands.HealthLimit)
	defer cancel()
	now, err := host.Health.Call(ctx, h.Running, &act.None{})
	switch {
	case err == nil:
		h.relay.health = now
		if !now.Healthy {
			h.add("process", finding.Failed, advice(now), "runs, but: %s", now.Unwell())
			return
		}
		h.add("process", finding.OK, "", "%s runs, pid %d, for %s", now.Version, now.PID, words.Span(time.Since(now.Started)))
	case errors.Is(err, context.DeadlineExceeded):
		h.relay.silent = true
		h.add("process", finding.Failed, "see its log; a restart is safe at any time", "does not answer within %s", commands.HealthLimit)
	case !errors.Is(err, control.ErrAbsent):
		h.relay.silent = true
		h.add("process", finding.Failed, exit.Hint(err), "%v", err)
	default:
		h.add("process", finding.OK, "", "no relay runs")
	}
}

// advice for a relay that runs and is not well. A failed probe of the intake alone means
// that the disk is full.
func advice(h *act.Health) string {
	for _, p := range h.Probes {
		if p.Error != "" && p.Name != act.IntakeProbe || h.Problem != "" {
			return "see its log; mend the disk and start it again"
		}
	}
	return "make space; relay compact gives back what its file does not use"
}
