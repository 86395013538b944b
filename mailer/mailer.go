package mailer

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"relay/mailer/policy"
	"relay/mailer/route"
	"relay/store"
	"relay/store/quiet"
)

// Mailer delivers what is in the spool.
type Mailer struct {
	store  *store.Store
	cfg    atomic.Pointer[Config] // see Reconfigure
	log    *slog.Logger
	router *route.Router
	hosts  hostMemory

	policies *policy.Book // nil: there are none
	doubts   doubts

	signatures signatures
	quiet      *quiet.Log // for what may fail again and again

	anyTLS    *tls.Config     // takes every certificate
	strictTLS *tls.Config     // takes those of the host
	stopped   <-chan struct{} // closed when the drain is over
	surveys   chan struct{}   // a place for each that is under way
	probes    chan struct{}   // no capacity: what is sent was taken by the schedule
	asks      chan func(*schedule)
	tuned     chan struct{} // capacity 1: there is another configuration

	timed func(func()) // runs what the schedule does in one go; nil: it is not measured

	mu      sync.Mutex
	retries []string      // domains named to Retry
	kick    chan struct{} // capacity 1: retries has something
}

// New prepares a Mailer; Run starts it. It fails when cfg cannot be.
func New(st *store.Store, cfg Config, log *slog.Logger) (*Mailer, error) {
	if log == nil {
		log = slog.Default()
	}
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("mailer: %w", err)
	}
	cfg.setDefaults()
	if err := cfg.bindAll(); err != nil {
		return nil, fmt.Errorf("mailer: %w", err)
	}
	dns, err := cfg.resolver()
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
		store:  st,
		log:    log,
		quiet:  quiet.New(log),
		router: router,
		anyTLS: &tls.Config{
			InsecureSkipVerify: true, // nobody vouches for an MX; what is encrypted is better than what is not
			ClientSessionCache: tls.NewLRUClientSessionCache(1000),
		},
		strictTLS: &tls.Config{RootCAs: cfg.RootCAs}, // never a certificate of our own: no authority makes such for clients
		surveys:   make(chan struct{}, maxSurveys),
		probes:    make(chan struct{}),
		asks:      make(chan func(*schedule)),
		tuned:     make(chan struct{}, 1),
		kick:      make(chan struct{}, 1),
	}
	m.cfg.Store(&cfg)
	m.policies = policy.NewBook(st, cfg.policies(dns), log)
	m.hosts.back = func(failures int) time.Duration { return m.config().lasts(m.config().block(failures)) }
	wordDSNs(st, &m.cfg)
	if err := limitStrangers(st, &cfg); err != nil {
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
