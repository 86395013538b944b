package act

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// one is a listener of one connection.
type one struct {
	conn   chan net.Conn
	closed chan struct{}
}

func (l one) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l one) Close() error {
	close(l.closed)
	return nil
}

func (one) Addr() net.Addr { return &net.UnixAddr{} }

// over serves an act on one connection, whose client is the test; end closes it.
func over(t *testing.T, s *Service, a Any) (client net.Conn, end func()) {
	t.Helper()
	h := NewAPI(s, a)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(WithActor(r.Context(), operator)))
	})}
	l := one{make(chan net.Conn, 1), make(chan struct{})}
	ours, theirs := net.Pipe()
	l.conn <- theirs
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	method, path, _ := strings.Cut(a.About().Route, " ")
	fmt.Fprintf(ours, "%s %s HTTP/1.1\r\nHost: relay\r\n\r\n", method, path)
	return ours, func() {
		_ = ours.Close()
		if err := errors.Join(srv.Close(), <-done); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}
}

// cutOff waits for the error by which an answer ends whose client stands still.
func cutOff(t *testing.T, ended <-chan error, within time.Duration) {
	t.Helper()
	select {
	case err := <-ended:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the answer ended with %v", err)
		}
	case <-time.After(within):
		t.Errorf("the answer goes on after %v", within)
	}
}

// A client that takes nothing more must not hold the store's pages for ever.
func TestFile_clientStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		endless := NewFile(Spec{Name: "echo endless", Route: "GET /v1/endless", May: Operator}, func(_ context.Context, _ *Service, _ *struct{}, s *Sink) error {
			return untilError(ended, func() error { _, err := s.Write(make([]byte, 1<<16)); return err })
		})
		client, end := over(t, service(t), endless)
		defer end()
		for range 4 { // slow is not still
			time.Sleep(stillFor - time.Second)
			if _, err := io.ReadFull(client, make([]byte, 1<<17)); err != nil {
				t.Fatalf("a slow client is cut off: %v", err)
			}
		}
		cutOff(t, ended, time.Hour)
	})
}

// A relay that stops does not wait for a client that takes nothing of an answer: a command
// whose output a pager holds up must not keep it from starting again.
func TestStream_clientStandsStillAtTheStop(t *testing.T) {
	spec := Spec{Name: "echo endless", Route: "GET /v1/endless", May: Operator}
	for name, endless := range map[string]func(ended chan<- error) Any{
		"stream": func(ended chan<- error) Any {
			return NewStream(spec, func(_ context.Context, _ *Service, _ *struct{}, give func(*countRow) error) error {
				return untilError(ended, func() error { return give(&countRow{}) })
			})
		},
		"file": func(ended chan<- error) Any {
			return NewFile(spec, func(_ context.Context, _ *Service, _ *struct{}, s *Sink) error {
				return untilError(ended, func() error { _, err := s.Write(make([]byte, 1<<16)); return err })
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, stopping, ended := service(t), make(chan struct{}), make(chan error, 1)
				s.Running = &Running{Stopping: stopping}
				_, end := over(t, s, endless(ended))
				defer end()
				synctest.Wait()
				close(stopping)
				cutOff(t, ended, 2*lastFor)
			})
		})
	}
}

// untilError writes on and on, and tells the error by which that ends.
func untilError(ended chan<- error, write func() error) error {
	for {
		if err := write(); err != nil {
			ended <- err
			return err
		}
	}
}
