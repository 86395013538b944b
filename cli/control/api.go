package control

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

// ErrToken is a token that is nobody's.
var ErrToken = errors.New("the relay does not know this token")

// Limits of the API, which strangers can reach.
const (
	apiConnections = 256
	apiCommands    = 16       // at the same time; others wait
	apiEach        = 4        // of these, of one reseller
	apiBody        = 64 << 10 // octets of a command line and its standard input
	apiHeader      = 16 << 10 // octets
	apiTime        = 5 * time.Minute
)

// API is POST /v1/run for resellers, over a network. Each request carries a token;
// who has none learns nothing but that.
type API struct {
	Server *Server     // whose Command and Who it is
	TLS    *tls.Config // nil: none, on loopback

	strikes strikes
	running chan struct{}
	each    sync.Map // chan struct{} by reseller
}

// Run answers until ctx is done, and then lets what runs end.
func (a *API) Run(ctx context.Context, l net.Listener) error {
	a.running = make(chan struct{}, apiCommands)
	l = netutil.LimitListener(l, apiConnections)
	if a.TLS != nil {
		l = tls.NewListener(l, a.TLS)
	}
	return a.Server.serve(ctx, l, &http.Server{
		Handler:           a,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      apiTime,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    apiHeader,
		ErrorLog:          slog.NewLogLogger(a.Server.Log.Handler(), slog.LevelDebug), // strangers' mistakes
	})
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from := addressOf(r.RemoteAddr)
	if a.strikes.out(from, time.Now()) {
		http.Error(w, "too many wrong tokens", http.StatusTooManyRequests)
		return
	}
	name, err := a.Server.who(r)
	switch {
	case errors.Is(err, ErrToken):
		a.refuse(w, r, from)
		return
	case err != nil:
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	case r.Method != http.MethodPost || r.URL.Path != "/v1/run":
		http.NotFound(w, r)
		return
	}
	own, _ := a.each.LoadOrStore(name, make(chan struct{}, apiEach))
	for _, room := range []chan struct{}{own.(chan struct{}), a.running} {
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
		case <-r.Context().Done():
			return
		}
	}
	r.Body = http.MaxBytesReader(w, r.Body, apiBody)
	a.Server.runFor(w, r, name)
}

// refuse a token, the later the more often the address was wrong.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, from netip.Addr) {
	wait := a.strikes.add(from, time.Now())
	a.Server.logRefused(r)
	select {
	case <-time.After(wait):
	case <-r.Context().Done():
	}
	http.Error(w, ErrToken.Error(), http.StatusUnauthorized)
}

// who has the token of a request; "": it carries none.
func (s *Server) who(r *http.Request) (name string, err error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > 256 || s.Who == nil {
		return "", ErrToken
	}
	name, err = s.Who(token)
	if err == nil && name == "" {
		err = ErrToken
	}
	return name, err
}

const (
	strikesOut  = 10 // wrong tokens of an address, then it is out
	strikesKeep = 15 * time.Minute
	strikesMost = 10_000 // addresses that are remembered
)

// strikes are the wrong tokens of addresses, IPv6 by their /64.
type strikes struct {
	mu sync.Mutex
	of map[netip.Addr]strike
}

type strike struct {
	n    int
	last time.Time
}

// out reports whether an address may not even ask. Loopback always may.
func (s *strikes) out(a netip.Addr, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.of[a]
	return k.n >= strikesOut && now.Sub(k.last) < strikesKeep && !a.IsLoopback()
}

// add counts a wrong token and returns how long its answer waits.
func (s *strikes) add(a netip.Addr, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[netip.Addr]strike{}
	}
	if len(s.of) >= strikesMost {
		s.forget(now)
	}
	k := s.of[a]
	if now.Sub(k.last) >= strikesKeep {
		k.n = 0
	}
	k = strike{k.n + 1, now}
	s.of[a] = k
	if a.IsLoopback() {
		k.n = 1
	}
	return min(time.Duration(k.n)*time.Second/2, 5*time.Second)
}

// forget what is old; all of it, where that makes no room.
func (s *strikes) forget(now time.Time) {
	for a, k := range s.of {
		if now.Sub(k.last) >= strikesKeep {
			delete(s.of, a)
		}
	}
	if len(s.of) >= strikesMost {
		clear(s.of)
	}
}

// addressOf a client, an IPv6 one by its /64, which is one customer's.
func addressOf(remote string) netip.Addr {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	a := ap.Addr().Unmap().WithZone("")
	if a.Is6() && !a.IsLoopback() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// NewRemote makes a client of the API at base, such as https://relay.example:8443.
func NewRemote(base, token string) *Client {
	c := &Client{path: base, base: strings.TrimSuffix(base, "/"), token: token}
	c.http.Transport = &http.Transport{
		DisableCompression: true,
		Proxy:              http.ProxyFromEnvironment,
		TLSClientConfig:    &tls.Config{MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			d := net.Dialer{Timeout: 10 * time.Second}
			return d.DialContext(ctx, network, addr)
		},
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the token is for nobody else
	return c
}

// WithToken makes the client one of the reseller whose token it is.
func (c *Client) WithToken(token string) *Client {
	c.token = token
	return c
}
