package control

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"relay/report/api/act"
)

// Limits of the API, which strangers can reach.
const (
	apiConnections = 256
	apiAddress     = 16               // of these, from one address; none for those that Guard exempts
	apiRate        = 600              // requests a minute of one actor; a long list takes one for each page
	apiActs        = 16               // at the same time; others wait
	apiEach        = 4                // of these, of one reseller
	apiRoom        = 10 * time.Second // the longest wait for a place among apiActs
	apiBody        = 64 << 10         // octets of a request that needs no place among apiLarge
	apiLargest     = 16 << 20         // octets of a request to an act that takes a document
	apiLarge       = 2                // such requests at the same time; others wait
	apiHeader      = 16 << 10         // octets
	apiRead        = 30 * time.Second // for a request to arrive whole
	apiTime        = 5 * time.Minute  // for its answer to be read by the client
)

// Guard bans addresses that guess tokens.
type Guard interface {
	Exempt(netip.Addr) bool                   // nothing is counted for it
	Banned(netip.Addr) time.Time              // until when it is kept out; zero: it is not
	WrongToken(from netip.Addr, token string) // counts it, and returns once it may be answered
}

// API serves acts over a network. A request without a valid token learns nothing else.
type API struct {
	Server *Server     // has the Service and the Holder of tokens
	TLS    *tls.Config // nil: none, on loopback only
	Guard  Guard

	running chan struct{}
	large   chan struct{}
	callers sync.Map // *caller by reseller
}

// Run answers until ctx is done, and then lets requests under way end.
func (a *API) Run(ctx context.Context, l net.Listener) error {
	a.running, a.large = make(chan struct{}, apiActs), make(chan struct{}, apiLarge)
	l = netutil.LimitListener(&fairListener{Listener: l, exempt: a.Guard.Exempt, of: map[netip.Prefix]int{}}, apiConnections)
	if a.TLS != nil {
		l = tls.NewListener(l, a.TLS)
	}
	return a.Server.serve(ctx, l, &http.Server{
		Handler:                      a,
		DisableGeneralOptionsHandler: true, // OPTIONS * needs a token too
		ReadHeaderTimeout:            10 * time.Second,
		ReadTimeout:                  apiRead,
		WriteTimeout:                 apiTime,
		IdleTimeout:                  apiRead,
		MaxHeaderBytes:               apiHeader,
		ErrorLog:                     slog.NewLogLogger(a.Server.Log.Handler(), slog.LevelDebug), // strangers' mistakes
	})
}

// ServeHTTP implements http.Handler: bans and the token come before everything else.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from := addressOf(r.RemoteAddr)
	if until := a.Guard.Banned(from); !until.IsZero() {
		tooMany(w, time.Until(until), "too many wrong tokens or logins from your address")
		return
	}
	actor, err := a.Server.Holder(bearer(r))
	if err != nil {
		p := act.Veiled(err)
		if p.Type == act.Token {
			a.Guard.WrongToken(from, bearer(r))
		} else {
			a.Server.logUnknown(r, err)
		}
		act.WriteProblem(w, p)
		return
	}
	a.run(w, r, actor)
}

// run does an act once the whole request has arrived, so that a slow client takes no
// place from others. It looks the token up again, since that may have changed meanwhile.
func (a *API) run(w http.ResponseWriter, r *http.Request, actor act.Actor) {
	found, _ := a.callers.LoadOrStore(actor.String(), &caller{running: make(chan struct{}, apiEach)})
	c := found.(*caller)
	if wait := c.take(time.Now()); wait > 0 {
		tooMany(w, wait, fmt.Sprintf("more than %d requests a minute", apiRate))
		return
	}
	most := a.Server.most(r, actor)
	if most > apiBody {
		leave, ok := enter(w, r, a.large)
		if !ok {
			return
		}
		defer leave()
	}
	if !arrives(w, r, most) {
		return
	}
	leave, ok := enter(w, r, c.running, a.running)
	if !ok {
		return
	}
	defer leave()
	if now, err := a.Server.Holder(bearer(r)); err != nil || now.String() != actor.String() { // the token was changed since the request began
		a.Server.logRefused(r)
		act.WriteProblem(w, act.ProblemOf(act.UnknownToken))
		return
	}
	a.Server.actFor(w, r, actor)
}

// enter waits for a place in each of the rooms, and answers where it lasts too long. leave
// gives them back.
func enter(w http.ResponseWriter, r *http.Request, rooms ...chan struct{}) (leave func(), ok bool) {
	ctx, cancel := context.WithTimeout(r.Context(), apiRoom)
	defer cancel()
	for i, room := range rooms {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			leaveAll(rooms[:i])
			tooMany(w, apiRoom, "too many requests at the same time")
			return nil, false
		}
	}
	return func() { leaveAll(rooms) }, true
}

func leaveAll(rooms []chan struct{}) {
	for _, room := range rooms {
		<-room
	}
}

// arrives waits for the whole request, and answers one that is cut short or too long.
func arrives(w http.ResponseWriter, r *http.Request, most int64) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		p := act.ProblemOf(act.Fail(act.Wrong, "divide it, and send the parts one after the other", "more than %d octets", most))
		p.Status = http.StatusRequestEntityTooLarge
		act.WriteProblem(w, p)
		return false
	} else if err != nil {
		act.WriteProblem(w, act.ProblemOf(act.Fail(act.Wrong, "", "the request did not come whole")))
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return true
}

// tooMany answers 429 with the reason and the time after which to try again.
func tooMany(w http.ResponseWriter, wait time.Duration, why string) {
	seconds := int(wait/time.Second) + 1
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	p := act.ProblemOf(act.Fail(act.Busy, "nothing was done: wait, and try again", "the relay takes no more for now: %s: try again in %d s", why, seconds))
	p.Status = http.StatusTooManyRequests
	act.WriteProblem(w, p)
}

// caller counts what one actor has under way and has sent in the last minute.
type caller struct {
	running chan struct{}

	mu   sync.Mutex
	back time.Time // when all its apiRate requests are free again
}

// take counts a request and returns zero, or how long to wait for one.
func (c *caller) take(now time.Time) time.Duration {
	const step = time.Minute / apiRate
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.back.Before(now) {
		c.back = now
	}
	if wait := c.back.Add(step).Sub(now) - time.Minute; wait > 0 {
		return wait
	}
	c.back = c.back.Add(step)
	return 0
}

// bearer returns the token of a request; "": there is none, or it cannot be one.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || len(token) > 256 {
		return ""
	}
	return token
}

// addressOf returns a client's address, without port and zone.
func addressOf(remote string) netip.Addr {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.IPv6Unspecified()
	}
	return ap.Addr().Unmap().WithZone("")
}
