package mailer

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync"

	"relay/mailer/route"
	"relay/store"
)

// Mailer delivers what is in the spool.
type Mailer struct {
	store  *store.Store
	cfg    Config
	log    *slog.Logger
	router *route.Router
	hosts  hostMemory
	quiet  quiet

	anyTLS    *tls.Config     // takes every certificate
	strictTLS *tls.Config     // takes those of the host
	stopped   <-chan struct{} // closed when the drain is over

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
	dns := cfg.DNS
	if dns == nil {
		var servers []string
		if cfg.Resolver != "" {
			servers = []string{cfg.Resolver}
		}
		d, err := route.NewDNS(route.DNSConfig{Servers: servers})
		if err != nil {
			return nil, fmt.Errorf("mailer: %w", err)
		}
		dns = d
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
	return &Mailer{
		store:  st,
		cfg:    cfg,
		log:    log.With("component", "mailer"),
		router: router,
		anyTLS: &tls.Config{
			InsecureSkipVerify: true, // nobody vouches for an MX; what is encrypted is better than what is not
			ClientSessionCache: tls.NewLRUClientSessionCache(1000),
		},
		strictTLS: &tls.Config{RootCAs: cfg.RootCAs},
		kick:      make(chan struct{}, 1),
	}, nil
}

// Run delivers until ctx is done; then it takes no new work, lets running
// transactions end within Config.Drain, gives back what was claimed and not
// tried, and returns nil. It returns an error when the store has failed. It is
// called once.
func (m *Mailer) Run(ctx context.Context) error {
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
