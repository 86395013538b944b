package cli

import (
	"cmp"
	"io"
	"log/slog"
	"os"
	"time"

	"relay/cli/build"
	"relay/cli/config"
	"relay/cli/host"
	"relay/cli/logline"
	"relay/report/api/act"
	"relay/smtp"
)

// newLog is the relay's log on standard error, in the shape that was asked for.
// What goes into systemd's journal carries its priority; Postfix's shape keeps the
// time even there, as tools want the whole line.
func newLog(w io.Writer, c *config.Config) *slog.Logger {
	level, journal := c.LogLevel(), logline.IsJournal(w, os.Getenv("JOURNAL_STREAM"))
	switch {
	case c.Log.Format == "postfix":
		return slog.New(logline.NewPostfix(w, logline.Options{Level: level, Host: c.Host(), Zone: c.Zone(), Journal: journal}))
	case c.Log.Format == "json":
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	case journal:
		return slog.New(logline.Journal(w, level))
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// One function per event.

func (r *relay) logStarting() {
	r.log.Info("relay starting", "version", build.Read().Version, "pid", os.Getpid(), "hostname", r.hostname,
		"data", string(r.dir), "config", cmp.Or(r.cfg.File(), "none, defaults"))
}

func (r *relay) logListening(l smtp.Listener) {
	r.log.Info("listening", "addr", l.Addr().String(), "tls", string(l.Mode))
}

func (r *relay) logSkipped(l config.Listen, advice string) {
	r.log.Warn("port skipped", "addr", l.Addr, "tls", l.TLS, "advice", advice)
}

func (r *relay) logSelfSigned(c *certificate) {
	r.log.Warn("NO CERTIFICATE IS CONFIGURED: using a self-signed one, which mail programs will complain about; set cert and key in [tls]",
		"file", c.cert, "sha256", c.fingerprint(), "not_after", c.current.Leaf.NotAfter)
}

func (r *relay) logPlainName() {
	r.log.Warn("hostname is not a full name: many receivers refuse that; set hostname", "hostname", r.hostname)
}

func (r *relay) logReady(took time.Duration) {
	r.log.Info("relay ready", "socket", r.dir.Socket(), "ms", took.Milliseconds())
}

func (r *relay) logDraining(why string) {
	r.log.Info("relay draining; a second signal ends it at once", "reason", why, "at_most", r.config().Drain.String())
}

func (r *relay) logStopped(took time.Duration) {
	r.log.Info("relay stopped", "ms", took.Milliseconds())
}

func (r *relay) logAtOnce() { r.log.Warn("relay ends at once") }

func (r *relay) logStoreFailed(err error) {
	r.log.Error("the store failed: the relay stops, and must be started again when the disk is in order", "err", err)
}

func (r *relay) logUnusedSocket(name, addr string) {
	r.log.Warn("a socket that the service manager passed is not used: no [[listen]] names it", "socket", name, "addr", addr)
}

// logNoSign is once for each sign of life that is not given.
func (r *relay) logNoSign(p act.Probe) {
	r.log.Error("no sign of life for the service manager's watchdog", "probe", p.Name, "err", p.Error, "ms", p.MS)
}

func (r *relay) logReloaded(list []act.Change) {
	for _, c := range list {
		if c.Restart {
			r.log.Warn("a changed setting needs a restart", "key", c.Key, "old", c.Old, "new", c.New)
		} else {
			r.log.Info("setting changed", "key", c.Key, "old", c.Old, "new", c.New)
		}
	}
	r.log.Info("configuration read again", "config", cmp.Or(r.config().File(), "none, defaults"), "result", host.ReloadSummary(list))
}

func (r *relay) logRefused(err error) {
	r.log.Error("the new configuration is refused, nothing has changed", "err", err)
}
