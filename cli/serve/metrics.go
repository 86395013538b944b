package serve

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"relay/cli/build"
	"relay/cli/exit"
	"relay/cli/kernel"
	"relay/mailer"
	"relay/mailer/attempt"
	"relay/mailer/pace"
	"relay/report/metrics"
	"relay/smtp"
	"relay/smtp/backmail"
	"relay/smtp/wire"
	"relay/store/meter"
	"relay/store/outcomes"
)

// Limits of the listener of metrics, which a scraper or two use.
const (
	metricsConnections = 8
	metricsRead        = 10 * time.Second
	metricsTime        = 30 * time.Second
	metricsIdle        = 2 * time.Minute
	metricsHeader      = 8 << 10
)

// listenMetrics opens the address of metrics.
func (r *Relay) listenMetrics() error {
	addr := r.cfg.Metrics.Listen
	if addr == "" {
		return nil
	}
	l, err := r.host.Listen("tcp", addr)
	if err != nil {
		return exit.Fail(exit.Failed, cmp.Or(kernel.BindAdvice(err), "see [metrics] in the configuration"), "metrics: listen on %s: %w", addr, err)
	}
	r.metrics = l
	r.Log.Info("metrics listening", "component", "cli", "addr", l.Addr().String())
	return nil
}

// runMetrics answers scrapes until ctx is done. One under way is cut off: the next one comes
// anyway.
func (r *Relay) runMetrics(ctx context.Context) error {
	server := &http.Server{
		Handler:           metrics.Handler(r.measured(), r.Log),
		ReadHeaderTimeout: metricsRead,
		ReadTimeout:       metricsRead,
		WriteTimeout:      metricsTime,
		IdleTimeout:       metricsIdle,
		MaxHeaderBytes:    metricsHeader,
		ErrorLog:          slog.NewLogLogger(r.Log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(netutil.LimitListener(r.metrics, metricsConnections)); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// measured is what a scrape asks.
func (r *Relay) measured() *metrics.Relay {
	return &metrics.Relay{Version: build.Read().Version, Store: r.store, Jobs: r.jobs().States,
		Intake:      func() metrics.Intake { return intakeOf(r.smtp) },
		Back:        func() *metrics.Back { return backOf(r.returns) },
		Delivery:    func(ctx context.Context) metrics.Delivery { return deliveryOf(ctx, r.mail) },
		Disk:        r.disk,
		Certificate: r.certificateEnds,
	}
}

// certificateEnds is when the certificate of the listeners expires; zero: there is none.
func (r *Relay) certificateEnds() time.Time {
	if c := r.certificateHealth(); c != nil {
		return c.Ends
	}
	return time.Time{}
}

func intakeOf(s *smtp.Server) metrics.Intake {
	m, l := s.Meters(), s.Load()
	return metrics.Intake{Messages: m.Messages.Value(), Recipients: m.Recipients.Value(), Octets: m.Octets.Value(),
		Refusals: byReply(&m.Refusals), Connections: l.Connections, Limit: l.Most, Waiting: l.Hashing}
}

func byReply(t *meter.Table[wire.Refusal]) map[string]int64 {
	m := map[string]int64{}
	t.Each(func(k wire.Refusal, n int64) { m[k.String()] += n })
	return m
}

// backOf is nil where nothing is taken that comes back.
func backOf(s *backmail.Server) *metrics.Back {
	if s == nil {
		return nil
	}
	b := &metrics.Back{Messages: map[string]int64{}, Refusals: byReply(&s.Meters().Refusals), Connections: s.Connections()}
	s.Meters().Messages.Each(func(k backmail.Kind, n int64) { b.Messages[string(k)] += n })
	return b
}

func deliveryOf(ctx context.Context, m *mailer.Mailer) metrics.Delivery {
	d := metrics.Delivery{Latency: m.Meters().Latency.Shape()}
	m.Meters().Outcomes.Each(func(k attempt.Attempted, n int64) {
		if k.Provider == pace.AnyOther {
			k.Provider = outcomes.OtherProviders
		}
		d.Outcomes = append(d.Outcomes, metrics.Outcome{Provider: k.Provider, State: string(k.State), Count: n})
	})
	if l, err := m.Load(ctx); err == nil {
		d.Load = &metrics.Load{Connections: l.Connections, Limit: l.Most, Waiting: l.Waiting, Lanes: l.Lanes,
			Open: l.Sites - l.Down - l.Stopped, Down: l.Down, Stopped: l.Stopped}
	}
	return d
}
