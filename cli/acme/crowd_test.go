package acme

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// Many who connect and say nothing are sent away for those who come after them.
func TestProofs_crowd(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proofs{}
	p.setPage("/proof", "here")
	ctx, cancel := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() { p.serveHTTP(ctx, l, slog.New(slog.DiscardHandler)) })
	defer ended.Wait()
	defer cancel()
	var silent []net.Conn
	for range mostVisitors + 10 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		silent = append(silent, c)
	}
	answer, err := http.Get("http://" + l.Addr().String() + "/proof")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); string(text) != "here" {
		t.Errorf("%q", text)
	}
	_ = silent[0].SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := silent[0].Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "timeout") {
		t.Errorf("the oldest is still there: %v", err)
	}
}

// exhausted is a listener of a machine that has no files left for a while.
type exhausted struct {
	silence
	left int
}

func (e *exhausted) Accept() (net.Conn, error) {
	if e.left--; e.left >= 0 {
		return nil, syscall.EMFILE
	}
	return e.silence.Accept()
}

// A machine that has no files left for a moment does not end the listener for good.
func TestProofs_noFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &exhausted{silence{ended: make(chan bool)}, 3}
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan bool)
		go func() { (&proofs{}).serveTLS(ctx, l); close(over) }()
		time.Sleep(time.Minute)
		select {
		case <-over:
			t.Error("it ended")
		default:
		}
		cancel()
		<-over
		if l.left >= 0 {
			t.Errorf("it tries no more: %d", l.left)
		}
	})
}
