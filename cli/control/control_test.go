package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"relay/report/api/act"
)

// socketPath in a directory whose name is short enough.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "relay.sock")
}

// serve answers on the socket until the test ends.
func serve(t *testing.T, path string, s *Server) {
	t.Helper()
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// lockedBuffer is for a log that is written by another goroutine.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// ask asks for an act that takes body.
func ask(ctx context.Context, c *Client, body io.Reader) (status int, text string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/v1/x", body)
	if err != nil {
		return 0, "", err
	}
	resp, err := c.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(all), err
}

func TestClient_Do(t *testing.T) {
	var log lockedBuffer
	path := socketPath(t)
	serve(t, path, &Server{
		Log: slog.New(slog.NewTextHandler(&log, nil)),
		Service: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			in, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			w.WriteHeader(http.StatusConflict)
			fmt.Fprintf(w, "%s %s %q", act.ActorOf(r.Context()), r.URL.Path, in)
		}),
	})
	c := NewClient(path)
	defer c.Close()
	status, text, err := ask(t.Context(), c, strings.NewReader("line\nline"))
	uid := fmt.Sprintf("uid %d", os.Geteuid())
	if want := uid + ` /v1/x "line\nline"`; status != http.StatusConflict || text != want || err != nil {
		t.Errorf("%d %q, %v, want %q", status, text, err, want)
	}
	if want := fmt.Sprintf("actor=%q method=POST path=/v1/x status=409 ", uid); !strings.Contains(log.String(), want) || !strings.Contains(log.String(), fmt.Sprintf("pid=%d", os.Getpid())) {
		t.Errorf("log %q does not say %q", log.String(), want)
	}
}

func TestClient_Do_endsWithTheClient(t *testing.T) {
	path := socketPath(t)
	started, ended := make(chan struct{}), make(chan struct{})
	serve(t, path, &Server{Service: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(started)
		<-r.Context().Done()
		close(ended)
	})})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	c := NewClient(path)
	defer c.Close()
	if _, _, err := ask(ctx, c, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Do = %v, want %v", err, context.Canceled)
	}
	<-ended
}

func TestClient_Do_broken(t *testing.T) {
	path := socketPath(t)
	serve(t, path, &Server{Service: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })})
	c := NewClient(path)
	defer c.Close()
	if _, _, err := ask(t.Context(), c, nil); !errors.Is(err, ErrBroken) {
		t.Errorf("Do = %v, want ErrBroken", err)
	}
}

func TestClient_absent(t *testing.T) {
	t.Run("no socket", func(t *testing.T) { absent(t, socketPath(t)) })
	t.Run("a socket of a killed relay", func(t *testing.T) {
		path := socketPath(t)
		leave(t, path)
		absent(t, path)
	})
	t.Run("a path that cannot be one", func(t *testing.T) {
		absent(t, filepath.Join(t.TempDir(), strings.Repeat("x", 120), "relay.sock"))
	})
}

func absent(t *testing.T, path string) {
	t.Helper()
	c := NewClient(path)
	defer c.Close()
	if _, _, err := ask(t.Context(), c, nil); !errors.Is(err, ErrAbsent) {
		t.Errorf("Do = %v, want ErrAbsent", err)
	}
}

// leave a socket where nobody listens.
func leave(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

func TestListen(t *testing.T) {
	t.Run("for its owner only, over a stale one", func(t *testing.T) {
		path := socketPath(t)
		leave(t, path)
		l, err := Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != fs.ModeSocket|0o600 {
			t.Errorf("mode %v, %v, want a socket with 0600", info.Mode(), err)
		}
	})
	t.Run("not over a file", func(t *testing.T) {
		path := socketPath(t)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if l, err := Listen(path); err == nil {
			l.Close()
			t.Error("Listen removed a file")
		}
	})
	t.Run("a path that is too long", func(t *testing.T) {
		_, err := Listen("/" + strings.Repeat("x", MaxPath))
		if !errors.Is(err, ErrPath) {
			t.Errorf("Listen = %v, want ErrPath", err)
		}
	})
}

func TestServer_Run_letsAnActEnd(t *testing.T) {
	path := socketPath(t)
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	running, release := make(chan struct{}), make(chan struct{})
	s := &Server{Log: slog.New(slog.DiscardHandler), Drain: func() time.Duration { return time.Minute },
		Service: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(running)
			<-release
			fmt.Fprint(w, "done")
		})}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, l) }()
	go func() { <-running; cancel(); close(release) }()
	c := NewClient(path)
	defer c.Close()
	if _, text, err := ask(t.Context(), c, nil); text != "done" || err != nil {
		t.Errorf("Do = %q, %v", text, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
