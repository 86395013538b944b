package control

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestStrikes(t *testing.T) {
	var s strikes
	now := time.Now()
	stranger, here := addressOf("192.0.2.1:25"), addressOf("127.0.0.1:25")
	for n := range strikesOut {
		if s.out(stranger, now) {
			t.Fatalf("out after %d", n)
		}
		if wait := s.add(stranger, now); wait <= 0 || wait > 5*time.Second {
			t.Errorf("wait %s", wait)
		}
		s.add(here, now)
	}
	switch {
	case !s.out(stranger, now):
		t.Error("a stranger is not out")
	case s.out(here, now):
		t.Error("loopback is out")
	case s.out(addressOf("192.0.2.2:25"), now):
		t.Error("a neighbour is out")
	case s.out(stranger, now.Add(strikesKeep)):
		t.Error("it is out for ever")
	}
	a := netip.MustParseAddr("10.0.0.0")
	for range 2 * strikesMost {
		a = a.Next()
		s.add(a, now)
	}
	if len(s.of) > strikesMost {
		t.Errorf("%d addresses are remembered", len(s.of))
	}
}

func TestAddressOf(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1:1": "192.0.2.1", "[2001:db8::1]:1": "2001:db8::", "[2001:db8::ffff:1]:1": "2001:db8::",
		"[::ffff:192.0.2.1]:1": "192.0.2.1", "[::1]:1": "::1", "x": "invalid IP",
	} {
		if got := addressOf(in).String(); got != want {
			t.Errorf("addressOf(%s) = %s, want %s", in, got, want)
		}
	}
}

func TestServer_tokens(t *testing.T) {
	s := &Server{
		Log: slog.New(slog.DiscardHandler),
		Who: func(token string) (string, error) {
			switch token {
			case "good":
				return "webco", nil
			case "empty":
				return "", nil
			case "broken":
				return "", errors.New("the disk is on fire")
			}
			return "", ErrToken
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
			if got, err := run(t, NewClient(path).WithToken(token)); got != want || err != nil {
				t.Errorf("%q: %q, %v", token, got, err)
			}
		}
		for _, token := range []string{"bad", "empty", strings.Repeat("x", 300)} {
			if got, err := run(t, NewClient(path).WithToken(token)); got != "" || !errors.Is(err, ErrToken) {
				t.Errorf("%q: %q, %v", token, got, err)
			}
		}
		if got, err := run(t, NewClient(path).WithToken("broken")); got != "" || err == nil || strings.Contains(err.Error(), "fire") {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("over a network", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- (&API{Server: s}).Run(ctx, l) }()
		defer func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}()
		base := "http://" + l.Addr().String()
		if got, err := run(t, NewRemote(base, "good")); got != "<webco>" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if got, err := run(t, NewRemote(base, "")); got != "" || !errors.Is(err, ErrToken) {
			t.Errorf("without a token: %q, %v", got, err)
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
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("a line without an end: %s", resp.Status)
		}
	})
}

// Who held a request back until the token was changed does not get through.
func TestServer_tokenOfThen(t *testing.T) {
	var asked, ran atomic.Int32
	s := &Server{
		Log: slog.New(slog.DiscardHandler),
		Who: func(string) (string, error) {
			if asked.Add(1) > 1 {
				return "", ErrToken
			}
			return "webco", nil
		},
		Command: func(context.Context, Request, io.Reader, io.Writer, io.Writer) int { ran.Add(1); return 0 },
	}
	path := socketPath(t)
	serve(t, path, s)
	c := NewClient(path).WithToken("good")
	defer c.Close()
	if _, err := c.Run(t.Context(), Request{}, nil, io.Discard, io.Discard); !errors.Is(err, ErrToken) || ran.Load() != 0 {
		t.Errorf("%v, it ran %d times", err, ran.Load())
	}
}

// One reseller, with all that it can open, leaves room for others.
func TestAPI_room(t *testing.T) {
	hold, begun := make(chan struct{}), make(chan struct{}, 2*apiCommands)
	s := &Server{
		Log: slog.New(slog.DiscardHandler),
		Who: func(token string) (string, error) { return token, nil },
		Command: func(_ context.Context, req Request, _ io.Reader, _, _ io.Writer) int {
			if req.Reseller == "webco" {
				begun <- struct{}{}
				<-hold
			}
			return 0
		},
	}
	a := &API{Server: s, running: make(chan struct{}, apiCommands)}
	srv := httptest.NewServer(a)
	defer srv.Close()
	run := func(token string) error {
		c := NewRemote(srv.URL, token)
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
