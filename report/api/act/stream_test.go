package act

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
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

// A client that takes nothing more must not hold the store's pages for ever.
func TestFile_clientStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		endless := NewFile(Spec{Name: "echo endless", Route: "GET /v1/endless", May: Operator}, func(_ context.Context, _ *Service, _ *struct{}, s *Sink) error {
			for {
				if _, err := s.Write(make([]byte, 1<<16)); err != nil {
					ended <- err
					return err
				}
			}
		})
		h := NewAPI(service(t), endless)
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(w, r.WithContext(WithActor(r.Context(), operator)))
		})}
		l := one{make(chan net.Conn, 1), make(chan struct{})}
		ours, theirs := net.Pipe()
		l.conn <- theirs
		done := make(chan error, 1)
		go func() { done <- srv.Serve(l) }()
		fmt.Fprint(ours, "GET /v1/endless HTTP/1.1\r\nHost: relay\r\n\r\n")
		for range 4 { // slow is not still
			time.Sleep(stillFor - time.Second)
			if _, err := io.ReadFull(ours, make([]byte, 1<<17)); err != nil {
				t.Fatalf("a slow client is cut off: %v", err)
			}
		}
		select {
		case err := <-ended:
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the copy ended with %v", err)
			}
		case <-time.After(time.Hour):
			t.Error("the copy goes on after an hour")
		}
		_ = ours.Close()
		if err := errors.Join(srv.Close(), <-done); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}
