package cli

import (
	"io"
	"log/slog"
	"os"
	"time"

	"relay/smtp"
)

// newLog is the relay's log on standard error.
func newLog(w io.Writer, c *Config) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.level()}
	if c.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// One function per event.

func (r *relay) logStarting() {
	r.log.Info("relay starting", "version", readBuild().Version, "pid", os.Getpid(), "hostname", r.hostname,
		"data", string(r.dir), "config", orElse(r.cfg.source, "none, defaults"))
}

func (r *relay) logListening(l smtp.Listener) {
	r.log.Info("listening", "addr", l.Addr().String(), "tls", string(l.Mode))
}

func (r *relay) logSkipped(l Listen, advice string) {
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
	r.log.Info("relay ready", "socket", r.dir.socket(), "ms", took.Milliseconds())
}

func (r *relay) logDraining(why string) {
	r.log.Info("relay draining; a second signal ends it at once", "reason", why, "at_most", r.cfg.Drain.String())
}

func (r *relay) logStopped(took time.Duration) {
	r.log.Info("relay stopped", "ms", took.Milliseconds())
}

func (r *relay) logAtOnce() { r.log.Warn("relay ends at once") }

func (r *relay) logStoreFailed(err error) {
	r.log.Error("the store failed: the relay stops, and must be started again when the disk is in order", "err", err)
}

func (r *relay) logTracePruned(n int, took time.Duration) {
	r.log.Debug("trace pruned", "events", n, "ms", took.Milliseconds())
}

func (r *relay) logJobFailed(job string, err error) {
	r.log.Error("job failed", "job", job, "err", err)
}
