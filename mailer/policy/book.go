package policy

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"relay/mailer/route"
	"relay/store/quiet"
	"relay/store/room"
	"relay/store/sites"
	"relay/store/spool"
)

// Names is the DNS, with what DNSSEC says of its answers. route.DNS is one.
type Names interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	SecureMX(ctx context.Context, domain string) (bool, error)
	SecureNames(ctx context.Context, host string) ([]string, error)
	LookupTLSA(ctx context.Context, name string) (list []route.TLSA, secure bool, err error)
}

// Config of a Book.
type Config struct {
	Names   Names // nil: nothing is looked up
	Fetcher Fetcher
	MTASTS  bool           // policies of MTA-STS are looked up
	DANE    bool           // TLSA records are
	Reports bool           // it is noted which domains want reports
	Port    int            // of MX hosts, in the names of TLSA records
	RootCAs *x509.CertPool // that vouch for certificates; nil: the system's

	Lasts func(time.Duration) time.Duration // how long the store's clock takes for that; nil: as long
}

// Book finds the terms of domains, and keeps their policies. It is safe for any number of
// goroutines.
type Book struct {
	cfg   Config
	spool *spool.Spool
	log   *slog.Logger
	often *quiet.Log
	turns chan struct{} // a place for each fetch

	asked  atomic.Int32 // entries of asks
	mu     sync.Mutex
	failed map[string]failure // of fetches, by domain
	asks   map[string]*Terms  // of domains that want reports
}

// failure is a policy that could not be fetched. Its time is the store's.
type failure struct {
	id    string
	why   string
	n     int // in a row
	until time.Time
}

const (
	failedFirst = 10 * time.Minute // until the next fetch; doubled at each failure in a row
	failedMost  = 2 * time.Hour
	maxFailed   = 10_000
	maxAsks     = 50_000
)

// NewBook makes a Book of the policies that are stored.
func NewBook(sp *spool.Spool, cfg Config, log *slog.Logger) *Book {
	if cfg.Lasts == nil {
		cfg.Lasts = func(d time.Duration) time.Duration { return d }
	}
	cfg.MTASTS, cfg.DANE = cfg.MTASTS && cfg.Names != nil, cfg.DANE && cfg.Names != nil
	return &Book{cfg: cfg, spool: sp, log: log, often: quiet.New(log), turns: make(chan struct{}, maxFetches),
		failed: map[string]failure{}, asks: map[string]*Terms{}}
}

// Terms are what a domain asks of the hosts on the way to it. With a function, they are not
// known yet: a policy must be fetched, which it does within FetchTime. It ends with ctx.
func (b *Book) Terms(ctx context.Context, domain string, path *route.Path) (*Terms, func() *Terms) {
	if b == nil || path == nil || path.Fixed || strings.HasPrefix(domain, "[") {
		return nil, nil
	}
	t := &Terms{Domain: domain, own: path.Own, roots: b.cfg.RootCAs}
	if t.Clear() {
		return t, nil
	}
	var wg sync.WaitGroup
	if b.cfg.DANE {
		wg.Go(func() { b.dane(ctx, t, path) })
	}
	if b.cfg.Names != nil && b.cfg.Reports {
		wg.Go(func() { t.told = b.wantsReports(ctx, domain) })
	}
	id := ""
	if b.cfg.MTASTS {
		t.sts, id = b.kept(ctx, domain)
	}
	wg.Wait()
	if id == "" {
		return b.remember(t.complete()), nil
	}
	return nil, func() *Terms {
		if p := b.fetch(ctx, domain, id); p != nil {
			t.sts = p
		}
		return b.remember(t.complete())
	}
}

// kept is the stored policy of a domain that is in force, and the id of the one that is to
// be fetched; "": none is.
func (b *Book) kept(ctx context.Context, domain string) (p *sites.TLSPolicy, fetch string) {
	now := b.spool.Now()
	p, err := b.spool.Sites.TLSPolicy(domain)
	if err != nil {
		if !errors.Is(err, room.ErrNotFound) {
			b.logStore(err)
		}
		p = nil
	}
	if p != nil && !p.Valid(now) {
		p = nil
	}
	if p != nil && now.Sub(p.Used) > usedEvery {
		if err := b.spool.Sites.UseTLSPolicy(domain); err != nil {
			b.logStore(err)
		}
	}
	texts, err := b.cfg.Names.LookupTXT(ctx, "_mta-sts."+domain)
	if err != nil {
		return p, "" // no record, or no answer: what was fetched before holds
	}
	id := recordID(texts)
	if id == "" || p != nil && p.ID == id || b.rests(domain, id, now) {
		return p, ""
	}
	return p, id
}

// usedEvery is how often the store is told that a policy is in use.
const usedEvery = 24 * time.Hour

// fetch gets the policy of a domain and stores it; nil: it cannot be had now.
func (b *Book) fetch(ctx context.Context, domain, id string) *sites.TLSPolicy {
	p := b.replace(ctx, domain, id, b.spool.Now())
	if p != nil {
		b.logFetched(p)
	}
	return p
}

// replace gets the policy of a domain and stores it in place of the one before; nil: it
// cannot be had now.
func (b *Book) replace(ctx context.Context, domain, id string, used time.Time) *sites.TLSPolicy {
	within, cancel := context.WithTimeout(ctx, FetchTime)
	defer cancel()
	p, err := b.get(within, domain)
	if err != nil {
		if ctx.Err() == nil { // else the caller had no time, which says nothing of the domain
			b.fails(domain, id, err)
		}
		return nil
	}
	p.Domain, p.ID, p.Fetched, p.Used = domain, id, b.spool.Now(), used
	b.works(domain)
	if err := b.spool.Sites.PutTLSPolicy(p); err != nil {
		b.logStore(err)
	}
	return p
}

func (b *Book) get(ctx context.Context, domain string) (*sites.TLSPolicy, error) {
	select {
	case b.turns <- struct{}{}:
		defer func() { <-b.turns }()
	case <-ctx.Done():
		return nil, errors.New("too many policies are being fetched")
	}
	text, err := b.cfg.Fetcher.Fetch(ctx, domain)
	if err != nil {
		return nil, err
	}
	return Parse(text)
}

// rests reports whether a policy is not fetched, because that failed a moment ago.
func (b *Book) rests(domain, id string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, ok := b.failed[domain]
	return ok && f.id == id && now.Before(f.until) && f.until.Sub(now) <= failedMost
}

// works forgets that a policy could not be fetched.
func (b *Book) works(domain string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.failed, domain)
}

// Trouble says why the policy of a domain could not be fetched when that was tried last;
// "": it could, or there is none.
func (b *Book) Trouble(domain string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed[domain].why
}

func (b *Book) fails(domain, id string, err error) {
	b.logNotFetched(domain, err)
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.failed[domain]
	if f.id != id {
		f = failure{id: id}
	}
	if len(b.failed) >= maxFailed {
		clear(b.failed)
	}
	f.until = b.spool.Now().Add(min(failedFirst<<min(f.n, 10), failedMost))
	f.n++
	f.why = Cause(err)
	b.failed[domain] = f
}

// dane looks up the TLSA records of the hosts, where DNSSEC proved the way to them.
func (b *Book) dane(ctx context.Context, t *Terms, path *route.Path) {
	secure, err := b.cfg.Names.SecureMX(ctx, t.Domain)
	if err != nil || !secure {
		return // the MX was looked up a moment ago, so an error is an accident
	}
	t.proved = true
	found := make([]dane, len(path.Hosts))
	var wg sync.WaitGroup
	for i := range path.Hosts {
		wg.Go(func() { found[i] = b.host(ctx, t.Domain, path.Hosts[i].Name) })
	}
	wg.Wait()
	t.hosts = make(map[string]dane, len(found))
	for i, h := range found {
		t.hosts[path.Hosts[i].Name] = h
	}
}

// host looks up the TLSA records of one host. An error, also one that may be an attack,
// keeps mail from it (RFC 7672 §2.2).
func (b *Book) host(ctx context.Context, domain, host string) dane {
	bases, err := b.cfg.Names.SecureNames(ctx, host)
	if err != nil {
		return dane{err: err}
	}
	for _, base := range bases {
		list, secure, err := b.cfg.Names.LookupTLSA(ctx, tlsaName(b.cfg.Port, base))
		switch {
		case err != nil:
			return dane{err: err}
		case secure && len(list) > 0:
			return dane{base: base, names: []string{base, host, domain}, records: usable(list)}
		}
	}
	return dane{}
}

// Run fetches stored policies anew once a day, and forgets those that have expired, until
// ctx is done.
func (b *Book) Run(ctx context.Context) {
	if b == nil || !b.cfg.MTASTS {
		return
	}
	defer b.often.Flush()
	for {
		b.Refresh(ctx)
		timer := time.NewTimer(b.cfg.Lasts(refreshStep))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

const (
	refreshStep  = time.Hour // between two looks
	refreshAfter = 24 * time.Hour
	refreshIdle  = 30 * 24 * time.Hour // not used for so long, a policy is left to expire
	refreshBatch = 100
)

// Refresh fetches what is older than a day.
func (b *Book) Refresh(ctx context.Context) {
	after := ""
	for ctx.Err() == nil {
		list, err := b.spool.Sites.TLSPolicies(after, refreshBatch)
		if err != nil {
			b.logStore(err)
			return
		}
		for i := range list {
			b.refresh(ctx, &list[i])
			after = list[i].Domain
		}
		if len(list) < refreshBatch {
			return
		}
	}
}

func (b *Book) refresh(ctx context.Context, p *sites.TLSPolicy) {
	now := b.spool.Now()
	age, life := now.Sub(p.Fetched), time.Duration(p.MaxAge)*time.Second
	idle := now.Sub(p.Used) > refreshIdle
	switch {
	case !p.Valid(now) && (idle || age > life+refreshIdle):
		if err := b.spool.Sites.DropTLSPolicy(p.Domain); err != nil {
			b.logStore(err)
		}
		return
	case idle || age >= 0 && age < min(refreshAfter, life/2):
		return
	}
	id := p.ID
	if texts, err := b.cfg.Names.LookupTXT(ctx, "_mta-sts."+p.Domain); err == nil {
		if is := recordID(texts); is != "" {
			id = is
		} else if !p.Valid(now) {
			return
		}
	}
	if b.rests(p.Domain, id, now) || ctx.Err() != nil {
		return
	}
	if next := b.replace(ctx, p.Domain, id, p.Used); next != nil && id != p.ID {
		b.logFetched(next)
	}
}
