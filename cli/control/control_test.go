package control

import (
	"bufio"
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

func TestClient_Run(t *testing.T) {
	var log lockedBuffer
	path := socketPath(t)
	serve(t, path, &Server{
		Log: slog.New(slog.NewTextHandler(&log, nil)),
		Command: func(_ context.Context, req Request, stdin io.Reader, stdout, stderr io.Writer) int {
			in, err := io.ReadAll(stdin)
			if err != nil {
				t.Error(err)
			}
			fmt.Fprintf(stdout, "out %q %q\n", req.Args, in)
			fmt.Fprint(stderr, "err\n")
			_, _ = stdout.Write(bytes.Repeat([]byte("ü\xff"), pieceSize))
			return 67
		},
	})
	c := NewClient(path)
	defer c.Close()
	var out, stderr bytes.Buffer
	code, err := c.Run(t.Context(), Request{Args: []string{"a", "b c"}}, strings.NewReader("line\nline"), &out, &stderr)
	if code != 67 || err != nil {
		t.Fatalf("Run = %d, %v, want 67", code, err)
	}
	first, rest, _ := strings.Cut(out.String(), "\n")
	if want := `out ["a" "b c"] "line\nline"`; first != want {
		t.Errorf("stdout %q, want %q", first, want)
	}
	if rest != strings.Repeat("ü\xff", pieceSize) {
		t.Errorf("%d octets came through changed", len(rest))
	}
	if stderr.String() != "err\n" {
		t.Errorf("stderr %q", stderr.String())
	}
	if want := fmt.Sprintf("uid=%d pid=%d", os.Geteuid(), os.Getpid()); !strings.Contains(log.String(), want) {
		t.Errorf("log %q does not say %q", log.String(), want)
	}
}

// A command that ends before it has read its standard input leaves an orderly connection.
func TestServer_Run_standardInputIsLeft(t *testing.T) {
	var log lockedBuffer
	path := socketPath(t)
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &Server{Log: slog.New(slog.NewTextHandler(&log, nil)), Drain: func() time.Duration { return time.Minute },
		Command: func(context.Context, Request, io.Reader, io.Writer, io.Writer) int { return 1 }}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, l) }()
	for range 50 {
		c := NewClient(path)
		if code, err := c.Run(t.Context(), Request{}, strings.NewReader("a-long-password\n"), io.Discard, io.Discard); code != 1 || err != nil {
			t.Errorf("Run = %d, %v, want 1", code, err)
		}
		c.Close()
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), "panic") {
		t.Errorf("log %s", log.String())
	}
}

func TestClient_Run_endsWithTheClient(t *testing.T) {
	path := socketPath(t)
	started := make(chan struct{})
	ended := make(chan struct{})
	serve(t, path, &Server{Command: func(ctx context.Context, _ Request, _ io.Reader, _, _ io.Writer) int {
		close(started)
		<-ctx.Done()
		close(ended)
		return 1
	}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	c := NewClient(path)
	defer c.Close()
	if _, err := c.Run(ctx, Request{}, nil, io.Discard, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want %v", err, context.Canceled)
	}
	<-ended
}

func TestClient_brokenAnswers(t *testing.T) {
	path := socketPath(t)
	serve(t, path, &Server{
		Command: func(_ context.Context, _ Request, _ io.Reader, stdout, _ io.Writer) int {
			fmt.Fprint(stdout, strings.Repeat("x", 2*pieceSize))
			panic(http.ErrAbortHandler)
		},
	})
	c := NewClient(path)
	defer c.Close()
	if _, err := c.Run(t.Context(), Request{}, nil, io.Discard, io.Discard); !errors.Is(err, ErrBroken) {
		t.Errorf("Run = %v, want ErrBroken", err)
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
	if _, err := c.Run(t.Context(), Request{}, nil, io.Discard, io.Discard); !errors.Is(err, ErrAbsent) {
		t.Errorf("Run = %v, want ErrAbsent", err)
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

func TestServer_Run_letsACommandEnd(t *testing.T) {
	path := socketPath(t)
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	running, release := make(chan struct{}), make(chan struct{})
	s := &Server{Log: slog.New(slog.DiscardHandler), Drain: func() time.Duration { return time.Minute },
		Command: func(context.Context, Request, io.Reader, io.Writer, io.Writer) int {
			close(running)
			<-release
			return 3
		}}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, l) }()
	go func() { <-running; cancel(); close(release) }()
	c := NewClient(path)
	defer c.Close()
	if code, err := c.Run(t.Context(), Request{}, nil, io.Discard, io.Discard); code != 3 || err != nil {
		t.Errorf("Run = %d, %v, want 3", code, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestReadRequest(t *testing.T) {
	for in, want := range map[string]string{
		`{"args":["a"]}` + "\nrest": "a", `{"args":["a"]}`: "a", `{"args":[],"Reseller":"x"}`: "",
		"": "EOF", "\n": "unexpected end", `{"args":`: "unexpected end", "x\n": "invalid character",
	} {
		r := bufio.NewReader(strings.NewReader(in))
		req, err := readRequest(r)
		if got := strings.Join(req.Args, " "); err == nil && got != want || err != nil && !strings.Contains(err.Error(), want) || req.Reseller != "" {
			t.Errorf("readRequest(%q) = %+v, %v, want %s", in, req, err, want)
		}
		if rest, _ := io.ReadAll(r); strings.HasSuffix(in, "rest") && string(rest) != "rest" {
			t.Errorf("%q is left", rest)
		}
	}
}
