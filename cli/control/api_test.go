package control

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"relay/report/api/act"
)

// guard is a Guard that notes what it is told.
type guard struct {
	mu     sync.Mutex
	exempt bool
	banned time.Time
	wrong  []string
}

func (g *guard) Exempt(netip.Addr) bool { return g.exempt }
func (g *guard) Banned(netip.Addr) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.banned
}

func (g *guard) WrongToken(from netip.Addr, token string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wrong = append(g.wrong, from.String()+" "+token)
}

func (g *guard) ban(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.banned = until
}

// serveAPI answers until the test ends, and returns where.
func serveAPI(t *testing.T, a *API) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if a.Guard == nil {
		a.Guard = &guard{exempt: true}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// trusting knows every token, as that of the reseller of that name, for whom run answers.
func trusting(run func(name string)) *Server {
	return &Server{
		Log:     slog.New(slog.DiscardHandler),
		Holder:  func(token string) (act.Actor, error) { return reseller(token, nil) },
		Service: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { run(act.ActorOf(r.Context()).Name) }),
	}
}

func reseller(name string, err error) (act.Actor, error) {
	return act.Actor{Kind: act.Reseller, Name: name}, err
}

func nothing(string) {}

func TestAddressOf(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1:1": "192.0.2.1/32", "[2001:db8::1]:1": "2001:db8::/64", "[2001:db8::ffff:1]:1": "2001:db8::/64",
		"[::ffff:192.0.2.1]:1": "192.0.2.1/32", "[fe80::1%eth0]:1": "fe80::/64", "x": "::/64",
	} {
		if got := site(addressOf(in)).String(); got != want {
			t.Errorf("address of %s: %s, want %s", in, got, want)
		}
	}
}

func TestServer_tokens(t *testing.T) {
	s := &Server{
		Log: slog.New(slog.DiscardHandler),
		Holder: func(token string) (act.Actor, error) {
			switch token {
			case "good":
				return reseller("webco", nil)
			case "broken":
				return reseller("", errors.New("the disk is on fire"))
			}
			return reseller("", act.UnknownToken)
		},
		Service: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "<"+act.ActorOf(r.Context()).Name+">")
		}),
	}
	run := func(t *testing.T, c *Client) (int, string) {
		t.Helper()
		defer c.Close()
		status, text, err := ask(t.Context(), c, strings.NewReader(`{"reseller":"rival"}`))
		if err != nil {
			t.Error(err)
		}
		return status, text
	}
	const unknown = http.StatusUnauthorized
	t.Run("on the socket", func(t *testing.T) {
		path := socketPath(t)
		serve(t, path, s)
		for token, want := range map[string]string{"": "<>", "good": "<webco>"} {
			if status, got := run(t, clientWith(path, token)); got != want {
				t.Errorf("%q: %d %q", token, status, got)
			}
		}
		for _, token := range []string{"bad", "empty", strings.Repeat("x", 300)} {
			if status, got := run(t, clientWith(path, token)); status != unknown {
				t.Errorf("%q: %d %q", token, status, got)
			}
		}
		if status, got := run(t, clientWith(path, "broken")); status != http.StatusInternalServerError || strings.Contains(got, "fire") {
			t.Errorf("%d %q", status, got)
		}
	})
	t.Run("over a network", func(t *testing.T) {
		g := &guard{}
		base := "http://" + serveAPI(t, &API{Server: s, Guard: g})
		if status, got := run(t, NewRemote(base, "good")); got != "<webco>" {
			t.Errorf("%d %q", status, got)
		}
		if status, got := run(t, NewRemote(base, "")); status != unknown {
			t.Errorf("without a token: %d %q", status, got)
		}
		if status, got := run(t, NewRemote(base, "bad")); status != unknown {
			t.Errorf("with a wrong one: %d %q", status, got)
		}
		if got, want := strings.Join(g.wrong, ", "), "127.0.0.1 , 127.0.0.1 bad"; got != want {
			t.Errorf("counted %q, want %q", got, want)
		}
		c := NewRemote(base, "good")
		defer c.Close()
		if status, _, err := ask(t.Context(), c, strings.NewReader(strings.Repeat("x", apiBody+1))); status != http.StatusRequestEntityTooLarge {
			t.Errorf("more than there may be: %d, %v", status, err)
		}
	})
}

// TestAPI_largeBodies: an act that takes a document gets a large body, from the actors that it
// is for only.
func TestAPI_largeBodies(t *testing.T) {
	got := make(chan int, 1)
	s := trusting(nothing)
	s.Service = largeFor{"good", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- len(b)
	})}
	s.Holder = func(token string) (act.Actor, error) { return reseller(token, nil) }
	base := "http://" + serveAPI(t, &API{Server: s, Guard: &guard{}})
	body := strings.Repeat("x", 10*apiBody)
	for name, c := range map[string]*Client{"API": NewRemote(base, "good"), "other": NewRemote(base, "other")} {
		status, _, err := ask(t.Context(), c, io.MultiReader(strings.NewReader(body))) // without its length
		c.Close()
		if name == "other" {
			if err != nil || status != http.StatusRequestEntityTooLarge {
				t.Errorf("%s: %d, %v", name, status, err)
			}
			continue
		}
		if n := <-got; err != nil || status != http.StatusOK || n != len(body) {
			t.Errorf("%s: %d, %d octets, %v", name, status, n, err)
		}
	}
}

// largeFor takes large bodies from one reseller.
type largeFor struct {
	name string
	http.Handler
}

func (l largeFor) Largest(_ *http.Request, who act.Actor) int64 {
	if who.Name == l.name {
		return 64 << 20
	}
	return apiBody
}

// A program that passes its customers' requests on to the socket passes their tokens on:
// none of them gets the store, nor acts as the operator with an empty one.
func TestServer_tokensAtTheSocket(t *testing.T) {
	s := trusting(nothing)
	s.Holder = func(token string) (act.Actor, error) {
		switch token {
		case "":
			return reseller("", act.UnknownToken)
		case "broken":
			return reseller("", errors.New("the store is on fire"))
		}
		return reseller(token, nil)
	}
	s.Service = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := act.ActorOf(r.Context()); a.Kind == act.Operator {
			t.Errorf("%s %s comes from the operator", r.Method, r.URL.Path)
		}
		http.NotFound(w, r)
	})
	path := socketPath(t)
	serve(t, path, s)
	c := NewClient(path)
	defer c.Close()
	for _, one := range []struct {
		method, path, token string
		want                int
	}{
		{http.MethodGet, "/v1/backup", "Bearer webco", http.StatusNotFound},
		{http.MethodPost, "/v1/backup", "Bearer webco", http.StatusNotFound},
		{http.MethodGet, "/v1/backup", "", http.StatusUnauthorized},
		{http.MethodGet, "/v1/accounts", "", http.StatusUnauthorized},
		{http.MethodGet, "/v1/accounts", "Bearer broken", http.StatusInternalServerError},
	} {
		r, err := http.NewRequestWithContext(t.Context(), one.method, one.path, strings.NewReader(`"2026-01-01T00:00:00Z"`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header["Authorization"] = []string{one.token}
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(resp.Body); resp.StatusCode != one.want || strings.Contains(string(text), "store") {
			t.Errorf("%s %s with %q: %d %s, want %d", one.method, one.path, one.token, resp.StatusCode, text, one.want)
		}
		resp.Body.Close()
	}
}

func TestAPI_tokensCannotBeRead(t *testing.T) {
	s := trusting(nothing)
	s.Holder = func(string) (act.Actor, error) { return reseller("", errors.New("the store is on fire")) }
	c := NewRemote("http://"+serveAPI(t, &API{Server: s}), "any")
	defer c.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/accounts", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusInternalServerError || strings.Contains(string(text), "store") {
		t.Errorf("a stranger is told %d %s", resp.StatusCode, text)
	}
}

// Not even that is answered without a token, or to an address that is banned.
func TestAPI_optionsOfAll(t *testing.T) {
	s := trusting(nothing)
	s.Holder = func(string) (act.Actor, error) { return reseller("", act.UnknownToken) }
	conn, err := net.Dial("tcp", serveAPI(t, &API{Server: s}))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = io.WriteString(conn, "OPTIONS * HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n")
	if answer, _ := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 401 ") {
		t.Errorf("%v, %s", err, answer)
	}
}

// A client that held a request back until its token was changed does not get through.
func TestServer_tokenOfThen(t *testing.T) {
	var changed atomic.Bool
	s := trusting(func(string) { t.Error("it runs") })
	s.Holder = func(string) (act.Actor, error) {
		if changed.Load() {
			return reseller("", act.UnknownToken)
		}
		return reseller("webco", nil)
	}
	path := socketPath(t)
	serve(t, path, s)
	c := clientWith(path, "good")
	defer c.Close()
	body, end := io.Pipe()
	go func() {
		_, _ = io.WriteString(end, "the first half")
		changed.Store(true)
		_ = end.Close()
	}()
	if status, text, err := ask(t.Context(), c, body); status != http.StatusUnauthorized || err != nil {
		t.Errorf("%d %s, %v", status, text, err)
	}
}

// One reseller, with all that it can open, leaves room for others.
func TestAPI_room(t *testing.T) {
	hold, begun := make(chan struct{}), make(chan struct{}, 2*apiActs)
	s := trusting(func(name string) {
		if name == "webco" {
			begun <- struct{}{}
			<-hold
		}
	})
	base := "http://" + serveAPI(t, &API{Server: s})
	run := func(token string) error {
		c := NewRemote(base, token)
		defer c.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		_, _, err := ask(ctx, c, nil)
		return err
	}
	done := make(chan error)
	for range 2 * apiActs {
		go func() { done <- run("webco") }()
	}
	for range apiEach {
		<-begun
	}
	if err := run("rival"); err != nil {
		t.Errorf("another reseller: %v", err)
	}
	close(hold)
	for range 2 * apiActs {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// Who is kept out is told so, whatever the token, and until when.
func TestAPI_banned(t *testing.T) {
	g := &guard{}
	g.ban(time.Now().Add(time.Hour))
	var asked atomic.Int32
	s := trusting(nothing)
	s.Holder = func(token string) (act.Actor, error) { asked.Add(1); return reseller(token, nil) }
	c := NewRemote("http://"+serveAPI(t, &API{Server: s, Guard: g}), "webco")
	defer c.Close()
	status, text, err := ask(t.Context(), c, nil)
	if status != http.StatusTooManyRequests || !strings.Contains(text, "try again in 3600 s") || asked.Load() != 0 {
		t.Errorf("%d %s, %v; the token was looked up %d times", status, text, err, asked.Load())
	}
	g.ban(time.Time{})
	if status, text, err := ask(t.Context(), c, nil); status != http.StatusOK {
		t.Errorf("%d %s, %v", status, text, err)
	}
}

func TestCaller_take(t *testing.T) {
	var c caller
	now := time.Now()
	for n := range apiRate {
		if wait := c.take(now); wait != 0 {
			t.Fatalf("request %d waits %s", n, wait)
		}
	}
	if wait := c.take(now); wait != time.Minute/apiRate {
		t.Errorf("one more waits %s", wait)
	}
	now = now.Add(time.Minute / apiRate)
	if wait := c.take(now); wait != 0 {
		t.Errorf("later it waits %s", wait)
	}
	if wait := c.take(now); wait == 0 {
		t.Error("two came back in the time of one")
	}
}

// One reseller that asks too often is told when to come again; others are not.
func TestAPI_rate(t *testing.T) {
	var ran atomic.Int32
	s := trusting(func(string) { ran.Add(1) })
	base := "http://" + serveAPI(t, &API{Server: s})
	run := func(token string) (int, string) {
		c := NewRemote(base, token)
		defer c.Close()
		status, text, err := ask(t.Context(), c, nil)
		if err != nil {
			t.Fatal(err)
		}
		return status, text
	}
	status, text := http.StatusOK, ""
	for n := 0; status == http.StatusOK && n < 10*apiRate; n++ {
		status, text = run("webco")
	}
	if status != http.StatusTooManyRequests || !strings.Contains(text, "more than 600 requests a minute: try again in 1 s") || ran.Load() < apiRate {
		t.Errorf("after %d requests: %d %s", ran.Load(), status, text)
	}
	if status, text := run("rival"); status != http.StatusOK {
		t.Errorf("another reseller: %d %s", status, text)
	}
}

// An address has its share of the connections, and gets it back.
func TestAPI_connections(t *testing.T) {
	for _, exempt := range []bool{false, true} {
		addr := serveAPI(t, &API{Server: trusting(nothing), Guard: &guard{exempt: exempt}})
		var open []net.Conn
		dial := func() (answered bool) {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, c)
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer webco\r\n\r\n"); err != nil {
				return false
			}
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Minute))
			b := make([]byte, 12)
			_, err = io.ReadFull(c, b)
			return err == nil
		}
		for n := range apiAddress {
			if !dial() {
				t.Errorf("exempt %t: connection %d is closed", exempt, n)
			}
		}
		if dial() != exempt {
			t.Errorf("exempt %t: one more is answered: %t", exempt, !exempt)
		}
		for _, c := range open {
			_ = c.Close()
		}
		for end := time.Now().Add(5 * time.Minute); !dial(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("what was closed still counts")
			}
		}
		for _, c := range open {
			_ = c.Close()
		}
	}
}

// A request that comes slowly takes nobody's room, and the token that counts is
// the one of the end.
func TestAPI_slow(t *testing.T) {
	var good, ran atomic.Int32
	s := trusting(func(string) { ran.Add(1) })
	s.Holder = func(token string) (act.Actor, error) {
		if token == "old" && good.Load() == 0 {
			return reseller("", act.UnknownToken)
		}
		return reseller("webco", nil)
	}
	good.Store(1)
	base := "http://" + serveAPI(t, &API{Server: s})
	var ends []*io.PipeWriter
	done := make(chan int)
	for range apiEach {
		body, end := io.Pipe()
		ends = append(ends, end)
		go func() {
			c := NewRemote(base, "old")
			defer c.Close()
			status, _, err := ask(t.Context(), c, body)
			if err != nil {
				t.Error(err)
			}
			done <- status
		}()
		if _, err := io.WriteString(end, "pass"); err != nil {
			t.Fatal(err)
		}
	}
	c := NewRemote(base, "new")
	defer c.Close()
	if status, _, err := ask(t.Context(), c, nil); status != http.StatusOK || ran.Load() != 1 {
		t.Errorf("beside slow ones: %d, %v, %d ran", status, err, ran.Load())
	}
	good.Store(0)
	for _, end := range ends {
		_ = end.Close()
		if status := <-done; status != http.StatusUnauthorized {
			t.Errorf("with the old token: %d", status)
		}
	}
	if ran.Load() != 1 {
		t.Errorf("%d ran", ran.Load())
	}
}

// withToken is a reseller's client of the socket at path.
func clientWith(path, token string) *Client {
	c := NewClient(path)
	c.Token = token
	return c
}
