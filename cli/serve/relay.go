package serve

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"relay/cli/acme"
	"relay/cli/asked"
	"relay/cli/clock"
	"relay/cli/config"
	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/hostkey"
	"relay/cli/memlimit"
	"relay/cli/place"
	"relay/cli/proof"
	"relay/cli/trial"
	"relay/mailer"
	"relay/mailer/pace"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/mailer/sign"
	"relay/mailer/suppress"
	"relay/mailer/verdict"
	"relay/report/api"
	"relay/report/api/act"
	"relay/report/jobs"
	"relay/report/letter/wording"
	"relay/smtp"
	"relay/smtp/align"
	"relay/smtp/backmail"
	"relay/store"
)

// Relay is one relay: its configuration, its store and its parts. New makes it, Run runs
// it once.
type Relay struct {
	Log      *slog.Logger
	Clock    clock.Clock                   // the wall clock of the business; zero: the system's
	Hangups  <-chan os.Signal              // each asks for a reload; nil: none comes
	Reread   func() (config.Config, error) // the configuration as it is now; nil: it cannot be read again
	Stopping chan struct{}                 // closed when it begins to stop

	host     Machine
	cfg      config.Config // the one it was started with; see config
	dir      place.Dir
	hostname string
	started  time.Time
	memory   int64 // octets that the machine grants it; 0: no limit is known

	store     *store.Store
	mail      *mailer.Mailer
	smtp      *smtp.Server
	listeners []smtp.Listener
	back      []net.Listener   // where mail comes back
	returns   *backmail.Server // of back; nil: there is none
	control   net.Listener
	api       net.Listener   // nil: there is none
	metrics   net.Listener   // likewise
	cert      *certificate   // of the listeners; nil: none needs one
	keeper    *acme.Keeper   // of a certificate from an authority; nil: none is asked
	proofs    []net.Listener // that the service manager passed for the authority's proof
	service   http.Handler   // of the acts
	acts      *act.Service
	hop       route.Route            // of mail without a [[route]]; zero: MX
	routes    map[string]route.Route // by domain
	hostKey   *sign.Key              // see readHostKey
	verdicts  atomic.Pointer[verdict.Rules]
	rows      atomic.Pointer[pace.Rows]
	suppress  atomic.Pointer[suppress.Rows]
	words     atomic.Pointer[wording.Set] // see wordings
	notify    *notifier
	desk      *asked.Desk // of mail to test@ and errors@

	reloading sync.Mutex
	live      atomic.Pointer[config.Config] // in force since the last reload; nil: cfg
	logs      *logSwitch                    // under Log
	parts     *parts                        // while it runs

	making sync.Once
	runner *jobs.Runner // see jobs

	resolving sync.Once
	dns       *route.DNS // see names
	noDNS     error
}

// assemble opens and builds everything, and starts nothing. After an error, close gives
// back what it had opened.
func (r *Relay) assemble() error {
	var st *store.Store
	err := r.notify.during("opening the store", func() (err error) {
		st, err = proof.OpenStore(r.dir.Store(), r.storeOptions())
		return err
	})
	if errors.Is(err, store.ErrLocked) {
		return exit.Fail(exit.TryAgain, "a relay is running there already, or a command is at work",
			"%w", err)
	}
	if err != nil {
		return err
	}
	r.workOn(st)
	r.service = api.New(r.acts)
	if err := st.Books.CheckCurrency(r.cfg.Billing.Currency); err != nil {
		return err
	}
	r.dir.RemoveUnfinished()
	if err := r.listen(); err != nil {
		return err
	}
	if r.mail, err = r.newMailer(); err != nil {
		return err
	}
	if r.smtp, err = r.newSMTP(); err != nil {
		return err
	}
	for _, l := range r.listeners {
		r.logListening(l)
	}
	if r.returns, err = r.newBackMail(); err != nil {
		return err
	}
	r.acts.Running = &act.Running{Host: hostView{r}, Bans: bans{r.smtp.Guard()}, Mail: deliveries{r.mail}, Stopping: r.Stopping,
		Submission: &trial.Submission{Config: r.config, Hostname: r.hostname, Listeners: r.listeners}}
	return nil
}

// listen opens the control socket, the listeners for mail and that of the API.
func (r *Relay) listen() (err error) {
	if r.control, err = control.Listen(r.dir.Socket()); errors.Is(err, control.ErrPath) {
		return exit.Fail(exit.Config, "choose a data_dir with a shorter path", "%w", err)
	} else if err != nil {
		return err
	}
	return errors.Join(r.listenAll(), r.listenAPI(), r.listenMetrics())
}

// workOn gives the relay and its service an open store.
func (r *Relay) workOn(st *store.Store) {
	r.store, r.acts = st, serviceOn(st, r.config, r.Log)
	r.acts.Jobs, r.acts.Hostname, r.acts.Verdicts, r.acts.Names = r.jobs(), r.hostname, r.rulesInForce, r.names
	r.acts.CheckSource, r.acts.Blocked = r.checkSource, r.blocked
	r.desk = r.newDesk()
}

// close gives back what assemble opened and no part has closed. The store is last.
func (r *Relay) close() error {
	for _, l := range r.listeners {
		_ = l.Close() // closed by its part, as a rule
	}
	for _, l := range slices.Concat(r.back, r.proofs) {
		_ = l.Close()
	}
	if r.control != nil {
		_ = r.control.Close()
	}
	for _, l := range []net.Listener{r.api, r.metrics} {
		if l != nil {
			_ = l.Close()
		}
	}
	if r.store == nil {
		return nil
	}
	return r.store.Close()
}

func (r *Relay) newMailer() (*mailer.Mailer, error) {
	hop, err := r.cfg.Delivery.NextHop()
	if err != nil {
		return nil, err
	}
	r.hop = hop
	if r.hostKey, err = r.readHostKey(); err != nil {
		return nil, err
	}
	if r.routes, err = r.cfg.Routes(); err != nil {
		return nil, err
	}
	rules, err := r.cfg.Delivery.Verdicts()
	if err != nil {
		return nil, err
	}
	rows, err := r.cfg.Delivery.Rows()
	if err != nil {
		return nil, err
	}
	suppressing, err := r.cfg.Delivery.Suppressing()
	if err != nil {
		return nil, err
	}
	r.suppress.Store(suppressing)
	r.verdicts.Store(rules)
	r.rows.Store(rows)
	if _, err := r.cfg.Delivery.Lists(); err != nil {
		return nil, err
	}
	sources, err := r.cfg.Sources()
	if err != nil {
		return nil, err
	}
	cfg := r.mailerConfig(&r.cfg)
	cfg.Sources = sources
	m, err := mailer.New(r.store.Spool, cfg, r.Log)
	return m, lackedSource(err)
}

// readHostKey reads the key that signs relay's own mail; nil: relay init made none.
func (r *Relay) readHostKey() (*sign.Key, error) {
	path, err := hostkey.Newest(r.dir.DKIM())
	if err != nil || path == "" {
		return nil, err
	}
	k, err := hostkey.Read(path)
	if err != nil {
		return nil, fmt.Errorf("the host's DKIM key: %w", err)
	}
	return &sign.Key{Domain: strings.ToLower(r.hostname), Selector: k.Selector, Private: k.Private}, nil
}

func (r *Relay) mailerConfig(c *config.Config) settings.Config {
	m := c.Mailer()
	m.Hostname, m.Smarthost, m.Self, m.Speed = r.hostname, r.hop, r.self(), r.Clock.Rate()
	m.Returns = c.ReturnDomain()
	m.Routes, m.OnSource = r.routes, r.jobs().SourceGone
	m.Rules, m.Rows, m.HostKey, m.Suppress = r.verdicts.Load(), r.rows.Load(), r.hostKey, r.suppress.Load()
	return m
}

// self returns this machine's addresses if mail that is delivered to them would come
// back in, because the relay listens on the port that it delivers to.
func (r *Relay) self() []netip.Addr {
	loops := false
	for _, l := range r.listeners {
		loops = loops || config.PortOf(l.Addr().String()) == r.cfg.Delivery.Port
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

func (r *Relay) newSMTP() (*smtp.Server, error) {
	cfg := r.smtpConfig(&r.cfg)
	cfg.Judge = align.New(r.store, r.hostname, senders{r}, r.Log)
	if r.cfg.API.NeedsTLS() || len(r.back) > 0 || slices.ContainsFunc(r.listeners, func(l smtp.Listener) bool { return l.Mode != smtp.None }) {
		cert, err := r.certificate(&r.cfg)
		if err != nil {
			return nil, err
		}
		r.cert, cfg.TLS = cert, cert.config()
	}
	return smtp.New(r.store, cfg, r.Log)
}

func (r *Relay) smtpConfig(c *config.Config) smtp.Config {
	s := c.SMTP()
	s.Hostname, s.Addresses, s.Answer = r.hostname, r.desk.Addresses, r.desk.Answer
	return s
}

// certificate returns the one that the configuration names, or a self-signed one. With an
// authority that is for the time until it has issued one.
func (r *Relay) certificate(cfg *config.Config) (*certificate, error) {
	if cfg.TLS.Cert != "" {
		c, err := loadCertificate(cfg.TLS.Cert, cfg.TLS.Key, r.Log)
		if err != nil {
			return nil, exit.Fail(exit.Config, cmp.Or(exit.Hint(err), "see [tls] in the configuration"), "%w", err)
		}
		return c, nil
	}
	c, err := selfSigned(r.dir, r.hostname, time.Now(), r.Log)
	if err != nil {
		return nil, err
	}
	if cfg.TLS.Contact == "" {
		r.logSelfSigned(c)
		return c, nil
	}
	if r.keeper, err = r.newKeeper(cfg); err != nil {
		return nil, err
	}
	c.keeper = r.keeper
	return c, nil
}

// storeOptions returns the options of the relay's store. Only the system's clock is
// guarded: the sandbox's differs from it on purpose.
func (r *Relay) storeOptions() store.Options {
	o := store.Options{Now: r.Clock.Now, Zone: r.cfg.Zone(), Log: r.Log, Billing: r.cfg.Billing.Store(), Look: r.cfg.NextLook, Abuse: r.cfg.Abuse.Rules(), Theft: r.cfg.Abuse.Theft(), Memory: memlimit.Bodies(r.memory), HighWater: r.dir.Numbers()}
	if r.Clock == (clock.Clock{}) {
		o = clock.Guard(&r.cfg, r.host.Wall, r.host.Kept, o)
	}
	return o
}
