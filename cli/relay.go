package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"relay/cli/control"
	"relay/mailer"
	"relay/mailer/client"
	"relay/mailer/route"
	"relay/smtp"
	"relay/store"
)

// relay is the running appliance.
type relay struct {
	app      *App
	cfg      Config
	dir      place
	log      *slog.Logger
	hostname string
	started  time.Time
	now      func() time.Time // the wall clock of the business

	store     *store.Store
	mail      *mailer.Mailer
	smtp      *smtp.Server
	listeners []smtp.Listener
	control   net.Listener
}

// assemble opens and builds everything, and starts nothing. What it has opened
// when it fails, close closes.
func (r *relay) assemble() error {
	st, err := openStore(r.dir.store(), store.Options{Now: r.now, Zone: r.cfg.zone(), Log: r.log})
	if errors.Is(err, store.ErrLocked) {
		return fail(exitTryAgain, "a relay is running there already, or a command is at work",
			"%w", err)
	}
	if err != nil {
		return err
	}
	r.store = st
	if r.control, err = control.Listen(r.dir.socket()); errors.Is(err, control.ErrPath) {
		return fail(exitConfig, "choose a data_dir with a shorter path", "%w", err)
	} else if err != nil {
		return err
	}
	if r.mail, err = r.newMailer(); err != nil {
		return err
	}
	if r.smtp, err = r.newSMTP(); err != nil {
		return err
	}
	return r.listenAll()
}

// close gives back what assemble opened and no part has closed. The store is last.
func (r *relay) close() error {
	for _, l := range r.listeners {
		_ = l.Close() // closed by its part, as a rule
	}
	if r.control != nil {
		_ = r.control.Close()
	}
	if r.store == nil {
		return nil
	}
	return r.store.Close()
}

func (r *relay) newMailer() (*mailer.Mailer, error) {
	d := &r.cfg.Delivery
	hop, err := smarthost(d)
	if err != nil {
		return nil, err
	}
	return mailer.New(r.store, mailer.Config{
		Hostname:              r.hostname,
		Resolver:              d.Resolver,
		Smarthost:             hop,
		Port:                  d.Port,
		AllowPrivate:          d.AllowPrivate,
		Self:                  r.self(),
		Retry:                 durations(d.Retry),
		Expire:                d.Expire.Duration,
		NoticeExpire:          d.NoticeExpire.Duration,
		DelayAfter:            d.DelayAfter.Duration,
		SiteConnections:       d.SiteConnections,
		MessagesPerConnection: d.MessagesPerConnection,
		Connections:           d.Connections,
		Drain:                 r.cfg.Drain.Duration,
	}, r.log)
}

// self is this machine's addresses, where delivery to them would come back in:
// when the relay listens on the port that it delivers to.
func (r *relay) self() []netip.Addr {
	loops := false
	for _, l := range r.cfg.listen() {
		loops = loops || portOf(l.Addr) == r.cfg.Delivery.Port
	}
	if !loops {
		return nil
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil // the route's other checks for loops remain
	}
	var self []netip.Addr
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLoopback() {
			self = append(self, p.Addr())
		}
	}
	return self
}

// smarthost is the next hop of all mail; zero: MX.
func smarthost(d *Delivery) (route.Route, error) {
	if d.Smarthost == "" {
		return route.Route{}, nil
	}
	host, _, err := net.SplitHostPort(d.Smarthost)
	if err != nil {
		return route.Route{}, fail(exitConfig, "", "delivery.smarthost: %w", err)
	}
	hop := route.Route{Host: host, Port: portOf(d.Smarthost)}
	switch d.SmarthostTLS {
	case "none":
		hop.TLS = client.TLSNone
	case "starttls":
		hop.TLS = client.TLSRequired
	case "implicit":
		hop.TLS = client.TLSImplicit
	default:
		hop.TLS = client.TLSOpportunistic
	}
	if d.SmarthostUser != "" {
		password, err := readSecret(d.SmarthostSecret)
		if err != nil {
			return hop, fail(exitConfig, "", "delivery.smarthost_password_file: %w", err)
		}
		hop.Auth = &client.Auth{Username: d.SmarthostUser, Password: password}
	}
	return hop, nil
}

// readSecret is the first line of a file.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", fmt.Errorf("%s: the first line is empty", path)
	}
	return line, nil
}

func (r *relay) newSMTP() (*smtp.Server, error) {
	l := &r.cfg.Limits
	cfg := smtp.Config{
		Hostname:               r.hostname,
		Zone:                   r.cfg.zone(),
		Lifetime:               r.cfg.Delivery.Expire.Duration,
		MaxMessage:             l.MaxMessage.Bytes,
		Connections:            l.Connections,
		ConnectionsPerAddress:  l.ConnectionsPerAddress,
		ConnectionsPerAccount:  l.ConnectionsPerAccount,
		MessagesPerConnection:  l.MessagesPerConnection,
		Errors:                 l.Errors,
		FailedLogins:           l.FailedLogins,
		FailedLoginsPerAddress: l.FailedLoginsPerAddress,
		BanTime:                l.BanTime.Duration,
		IdleTimeout:            l.IdleTimeout.Duration,
		DataTimeout:            l.DataTimeout.Duration,
		Drain:                  r.cfg.Drain.Duration,
	}
	if r.cfg.needsTLS() {
		cert, err := r.certificate()
		if err != nil {
			return nil, err
		}
		cfg.TLS = cert.config()
	}
	return smtp.New(r.store, cfg, r.log)
}

func (r *relay) certificate() (*certificate, error) {
	if r.cfg.TLS.Cert != "" {
		c, err := loadCertificate(r.cfg.TLS.Cert, r.cfg.TLS.Key, r.log)
		if err != nil {
			return nil, fail(exitConfig, "see [tls] in the configuration", "%w", err)
		}
		return c, nil
	}
	c, err := selfSigned(r.dir, r.hostname, time.Now(), r.log)
	if err != nil {
		return nil, err
	}
	r.logSelfSigned(c)
	return c, nil
}

// command runs a command line that came over the control socket.
func (r *relay) command(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{App: App{Stdin: stdin, Stdout: stdout, Stderr: stderr}, inner: r}
	return report(stderr, p.run(ctx, args))
}

// health is what relay check asks for.
func (r *relay) health() control.Health {
	h := control.Health{Version: readBuild().Version, PID: os.Getpid(), Hostname: r.hostname, Started: r.started}
	for _, l := range r.listeners {
		h.Listeners = append(h.Listeners, control.Listener{Addr: l.Addr().String(), TLS: string(l.Mode)})
	}
	sum, err := r.store.Totals()
	if err = errors.Join(err, r.store.Err()); err != nil {
		h.Problem = err.Error()
	}
	h.Messages, h.Octets = sum.Messages, sum.Bytes
	h.File, h.Free = r.store.Size()
	return h
}
