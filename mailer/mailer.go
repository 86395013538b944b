package mailer

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"relay/mailer/accounts"
	"relay/mailer/attempt"
	"relay/mailer/notice"
	"relay/mailer/policy"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/mailer/survey"
	"relay/mailer/untried"
	"relay/store/quiet"
	"relay/store/spool"
)

// Mailer delivers what is in the spool.
type Mailer struct {
	spool  *spool.Spool
	cfg    atomic.Pointer[settings.Config] // see Reconfigure
	log    *slog.Logger
	router *route.Router

	policies *policy.Book    // nil: there are none
	out      *attempt.Sender // makes the attempts
	untried  *untried.Ender
	quiet    *quiet.Log // for what may fail again and again

	looks  *survey.Surveyor
	probes chan struct{} // no capacity: what is sent was taken by the schedule
	asks   chan func(*schedule)
	tuned  chan struct{} // capacity 1: there is another configuration

	timed func(func()) // runs what the schedule does in one go; nil: it is not measured

	mu      sync.Mutex
	retries []string      // domains named to Retry
	kick    chan struct{} // capacity 1: retries has something
}

// New prepares a Mailer; Run starts it. It fails when cfg cannot be.
func New(sp *spool.Spool, cfg settings.Config, log *slog.Logger) (*Mailer, error) {
	if log == nil {
		log = slog.Default()
	}
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("mailer: %w", err)
	}
	cfg.SetDefaults()
	if err := cfg.BindAll(); err != nil {
		return nil, fmt.Errorf("mailer: %w", err)
	}
	dns, err := resolverOf(&cfg)
	if err != nil {
		return nil, fmt.Errorf("mailer: %w", err)
	}
	router, err := route.New(route.Config{
		Resolver:     dns,
		Hostname:     cfg.Hostname,
		Self:         cfg.Self,
		Port:         cfg.Port,
		AllowPrivate: cfg.AllowPrivate,
		Smarthost:    cfg.Smarthost,
		Routes:       cfg.Routes,
	})
	if err != nil {
		return nil, fmt.Errorf("mailer: %w", err)
	}
	log = log.With("component", "mailer")
	m := &Mailer{
		spool:  sp,
		log:    log,
		quiet:  quiet.New(log),
		router: router,
		probes: make(chan struct{}),
		asks:   make(chan func(*schedule)),
		tuned:  make(chan struct{}, 1),
		kick:   make(chan struct{}, 1),
	}
	m.cfg.Store(&cfg)
	m.policies = policy.NewBook(sp, policiesOf(&cfg, dns), log)
	m.out = attempt.NewSender(sp, &m.cfg, m.policies, log, m.quiet)
	m.untried = &untried.Ender{Spool: sp, Cfg: &m.cfg, Out: m.out, Log: log}
	m.looks = survey.New(router, m.policies, m.out.Links, &m.cfg, m.out.Judge)
	notice.WordLive(sp, &m.cfg)
	if err := accounts.LimitStrangers(sp, &cfg); err != nil {
		return nil, fmt.Errorf("mailer: %w", err)
	}
	return m, nil
}

// Run delivers until ctx is done; then it takes no new work, lets running
// transactions end within Config.Drain, gives back what was claimed and not
// tried, and returns nil. It returns an error when the store has failed. It is
// called once.
func (m *Mailer) Run(ctx context.Context) error {
	defer m.quiet.Flush()
	return newSchedule(m).run(ctx)
}

// Retry forgets that the site of domain is down, and its next hops with it; ""
// means all. What is due there is tried at once.
func (m *Mailer) Retry(domain string) {
	m.mu.Lock()
	m.retries = append(m.retries, domain)
	m.mu.Unlock()
	select {
	case m.kick <- struct{}{}:
	default:
	}
}

func (m *Mailer) takeRetries() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.retries
	m.retries = nil
	return list
}

// Survey looks at the way to a domain, and sends nothing, see survey.Surveyor.Look.
func (m *Mailer) Survey(ctx context.Context, domain, address string, tell func(*survey.Sight) error) error {
	return m.looks.Look(ctx, domain, address, tell)
}
