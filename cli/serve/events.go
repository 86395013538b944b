package serve

import (
	"cmp"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"relay/cli/build"
	"relay/cli/config"
	"relay/cli/host"
	"relay/cli/logline"
	"relay/report/api/act"
	"relay/smtp"
)

// newLog returns the relay's log on standard error, in the configured format. Lines
// for systemd's journal carry its priority instead of a time; Postfix's format keeps
// the time even there, since its tools expect the whole line.
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

func (r *Relay) logStarting() {
	r.Log.Info("relay starting", "version", build.Read().Version, "pid", os.Getpid(), "hostname", r.hostname,
		"data", string(r.dir), "config", cmp.Or(r.cfg.File(), "none, defaults"))
}

func (r *Relay) logListening(l smtp.Listener) {
	r.Log.Info("listening", "addr", l.Addr().String(), "tls", string(l.Mode))
}

func (r *Relay) logListeningBack(l net.Listener) {
	r.Log.Info("listening for what comes back", "addr", l.Addr().String())
}

func (r *Relay) logSkipped(l config.Listen, advice string) {
	r.Log.Warn("port skipped", "addr", l.Addr, "tls", l.TLS, "advice", advice)
}

func (r *Relay) logSelfSigned(c *certificate) {
	r.Log.Warn("NO CERTIFICATE IS CONFIGURED: using a self-signed one, which mail programs will complain about; set acme, or cert and key, in [tls]",
		"file", c.cert, "sha256", c.fingerprint(), "not_after", c.current.Leaf.NotAfter)
}

func (r *Relay) logPlainName() {
	r.Log.Warn("hostname is not a full name: many receivers refuse that; set hostname", "hostname", r.hostname)
}

func (r *Relay) logReady(took time.Duration) {
	r.Log.Info("relay ready", "socket", r.dir.Socket(), "ms", took.Milliseconds())
}

func (r *Relay) logDraining(why string) {
	r.Log.Info("relay draining; a second signal ends it at once", "reason", why, "at_most", r.config().Drain.String())
}

func (r *Relay) logStopped(took time.Duration) {
	r.Log.Info("relay stopped", "ms", took.Milliseconds())
}

func (r *Relay) logAtOnce() { r.Log.Warn("relay ends at once") }

func (r *Relay) logStoreFailed(err error) {
	r.Log.Error("the store failed: the relay stops, and must be started again when the disk is in order", "err", err)
}

func (r *Relay) logUnusedSocket(name, addr string) {
	r.Log.Warn("a socket that the service manager passed is not used: no [[listen]] names it", "socket", name, "addr", addr)
}

// logNoSign is called once for each sign of life that is not given.
func (r *Relay) logNoSign(p act.Probe) {
	r.Log.Error("no sign of life for the service manager's watchdog", "probe", p.Name, "err", p.Error, "ms", p.MS)
}

func (r *Relay) logReloaded(list []act.Change) {
	for _, c := range list {
		if c.Restart {
			r.Log.Warn("a changed setting needs a restart", "key", c.Key, "old", c.Old, "new", c.New)
		} else {
			r.Log.Info("setting changed", "key", c.Key, "old", c.Old, "new", c.New)
		}
	}
	r.Log.Info("configuration read again", "config", cmp.Or(r.config().File(), "none, defaults"), "result", host.ReloadSummary(list))
}

func (r *Relay) logRefused(err error) {
	r.Log.Error("the new configuration is refused, nothing has changed", "err", err)
}
