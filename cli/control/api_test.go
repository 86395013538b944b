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

// trusting knows every token, as the reseller of that name.
func trusting(command Command) *Server {
	return &Server{
		Log:     slog.New(slog.DiscardHandler),
		Holder:  func(token string) (act.Actor, error) { return reseller(token, nil) },
		Service: http.NotFoundHandler(),
		Command: command,
	}
}

func reseller(name string, err error) (act.Actor, error) {
	return act.Actor{Kind: act.Reseller, Name: name}, err
}

func nothing(context.Context, Request, io.Reader, io.Writer, io.Writer) int { return 0 }

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
		Command: func(_ context.Context, req Request, _ io.Reader, stdout, _ io.Writer) int {
			_, _ = io.WriteString(stdout, "<"+req.Reseller+">")
			return 0
		},
	}
	run := func(t *testing.T, c *Client) (string, error) {
		defer c.Close()
		var out strings.Builder
		_, err := c.Run(t.Context(), Request{Reseller: "rival"}, nil, &out, io.Discard)
		return out.String(), err
	}
	t.Run("on the socket", func(t *testing.T) {
		path := socketPath(t)
		serve(t, path, s)
		for token, want := range map[string]string{"": "<>", "good": "<webco>"} {
			if got, err := run(t, clientWith(path, token)); got != want || err != nil {
				t.Errorf("%q: %q, %v", token, got, err)
			}
		}
		for _, token := range []string{"bad", "empty", strings.Repeat("x", 300)} {
			if got, err := run(t, clientWith(path, token)); got != "" || !errors.Is(err, ErrToken) {
				t.Errorf("%q: %q, %v", token, got, err)
			}
		}
		if got, err := run(t, clientWith(path, "broken")); got != "" || err == nil || strings.Contains(err.Error(), "fire") {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("over a network", func(t *testing.T) {
		g := &guard{}
		base := "http://" + serveAPI(t, &API{Server: s, Guard: g})
		if got, err := run(t, NewRemote(base, "good")); got != "<webco>" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if got, err := run(t, NewRemote(base, "")); got != "" || !errors.Is(err, ErrToken) {
			t.Errorf("without a token: %q, %v", got, err)
		}
		if got, err := run(t, NewRemote(base, "bad")); got != "" || !errors.Is(err, ErrToken) {
			t.Errorf("with a wrong one: %q, %v", got, err)
		}
		if got, want := strings.Join(g.wrong, ", "), "127.0.0.1 , 127.0.0.1 bad"; got != want {
			t.Errorf("counted %q, want %q", got, want)
		}
		req, err := http.NewRequest("POST", base+"/v1/run", strings.NewReader(strings.Repeat("x", apiBody+1)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer good")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("more than there may be: %s", resp.Status)
		}
	})
}

// Who held a request back until the token was changed does not get through.
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
	s.Command = func(_ context.Context, req Request, _ io.Reader, _, _ io.Writer) int {
		t.Errorf("a command runs for %q", req.Reseller)
		return 0
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
		{http.MethodPost, "/v1/run", "", http.StatusUnauthorized},
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

func TestServer_tokenOfThen(t *testing.T) {
	var asked, ran atomic.Int32
	s := &Server{
		Log: slog.New(slog.DiscardHandler),
		Holder: func(string) (act.Actor, error) {
			if asked.Add(1) > 1 {
				return reseller("", act.UnknownToken)
			}
			return reseller("webco", nil)
		},
		Command: func(context.Context, Request, io.Reader, io.Writer, io.Writer) int { ran.Add(1); return 0 },
	}
	path := socketPath(t)
	serve(t, path, s)
	c := clientWith(path, "good")
	defer c.Close()
	if _, err := c.Run(t.Context(), Request{}, nil, io.Discard, io.Discard); !errors.Is(err, ErrToken) || ran.Load() != 0 {
		t.Errorf("%v, it ran %d times", err, ran.Load())
	}
}

// One reseller, with all that it can open, leaves room for others.
func TestAPI_room(t *testing.T) {
	hold, begun := make(chan struct{}), make(chan struct{}, 2*apiCommands)
	s := trusting(func(_ context.Context, req Request, _ io.Reader, _, _ io.Writer) int {
		if req.Reseller == "webco" {
			begun <- struct{}{}
			<-hold
		}
		return 0
	})
	base := "http://" + serveAPI(t, &API{Server: s})
	run := func(token string) error {
		c := NewRemote(base, token)
		defer c.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := c.Run(ctx, Request{}, nil, io.Discard, io.Discard)
		return err
	}
	done := make(chan error)
	for range 2 * apiCommands {
		go func() { done <- run("webco") }()
	}
	for range apiEach {
		<-begun
	}
	if err := run("rival"); err != nil {
		t.Errorf("another reseller: %v", err)
	}
	close(hold)
	for range 2 * apiCommands {
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
	_, err := c.Run(t.Context(), Request{}, nil, io.Discard, io.Discard)
	if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "try again in 3600 s") || asked.Load() != 0 {
		t.Errorf("%v; the token was looked up %d times", err, asked.Load())
	}
	g.ban(time.Time{})
	if _, err := c.Run(t.Context(), Request{}, nil, io.Discard, io.Discard); err != nil {
		t.Error(err)
	}
}

func TestCaller_take(t *testing.T) {
	var c caller
	now := time.Now()
	for n := range apiRate {
		if wait := c.take(now); wait != 0 {
			t.Fatalf("command %d waits %s", n, wait)
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
	s := trusting(func(context.Context, Request, io.Reader, io.Writer, io.Writer) int { ran.Add(1); return 0 })
	base := "http://" + serveAPI(t, &API{Server: s})
	run := func(token string) error {
		c := NewRemote(base, token)
		defer c.Close()
		_, err := c.Run(t.Context(), Request{}, nil, io.Discard, io.Discard)
		return err
	}
	var err error
	for n := 0; err == nil && n < 10*apiRate; n++ {
		err = run("webco")
	}
	if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "more than 600 requests a minute: try again in 1 s") || ran.Load() < apiRate {
		t.Errorf("after %d commands: %v", ran.Load(), err)
	}
	if err := run("rival"); err != nil {
		t.Errorf("another reseller: %v", err)
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
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
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
		for end := time.Now().Add(5 * time.Second); !dial(); time.Sleep(10 * time.Millisecond) {
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
	s := trusting(func(context.Context, Request, io.Reader, io.Writer, io.Writer) int { ran.Add(1); return 0 })
	s.Holder = func(token string) (act.Actor, error) {
		if token == "old" && good.Load() == 0 {
			return reseller("", act.UnknownToken)
		}
		return reseller("webco", nil)
	}
	good.Store(1)
	base := "http://" + serveAPI(t, &API{Server: s})
	var ends []*io.PipeWriter
	done := make(chan error)
	for range apiEach {
		body, end := io.Pipe()
		ends = append(ends, end)
		go func() {
			c := NewRemote(base, "old")
			defer c.Close()
			_, err := c.Run(t.Context(), Request{}, body, io.Discard, io.Discard)
			done <- err
		}()
		if _, err := io.WriteString(end, "pass"); err != nil {
			t.Fatal(err)
		}
	}
	c := NewRemote(base, "new")
	defer c.Close()
	if _, err := c.Run(t.Context(), Request{}, nil, io.Discard, io.Discard); err != nil || ran.Load() != 1 {
		t.Errorf("beside slow ones: %v, %d ran", err, ran.Load())
	}
	good.Store(0)
	for _, end := range ends {
		_ = end.Close()
		if err := <-done; !errors.Is(err, ErrToken) {
			t.Errorf("with the old token: %v", err)
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
