package act

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"sync"
)

// Local is the service in this process: requests go to its handler without a network.
type Local struct {
	Handler http.Handler
	Actor   Actor
	Guard   func(func() error) error // runs each handler, and turns a damaged store into an error; nil: handlers run as they are

	running sync.WaitGroup
}

// Wait returns when all handlers have ended. Call it before the store is closed: the last
// octet of an answer may be read a moment before its handler ends.
func (l *Local) Wait() { l.running.Wait() }

// Do implements Caller. The answer streams: the handler runs until its body is read, or
// closed.
func (l *Local) Do(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(WithActor(req.Context(), l.Actor))
	r, w := io.Pipe()
	a := &reply{header: http.Header{}, body: w, begun: make(chan struct{})}
	ended := make(chan error, 1)
	l.running.Go(func() {
		err := l.guard(func() error { return a.serve(l.Handler, inbound(req, ctx)) })
		if err != nil {
			_ = w.CloseWithError(failedHere{err})
		}
		_ = w.Close()
		ended <- err
	})
	select {
	case <-a.begun:
	case err := <-ended:
		if err != nil {
			cancel()
			return nil, err
		}
		a.WriteHeader(http.StatusOK)
	}
	return &http.Response{
		Status: http.StatusText(a.status), StatusCode: a.status, Header: a.sent, Request: req,
		Body: &localBody{r, cancel},
	}, nil
}

func (l *Local) guard(fn func() error) error {
	if l.Guard == nil {
		return fn()
	}
	return l.Guard(fn)
}

// inbound returns a client's request as a server sees it.
func inbound(req *http.Request, ctx context.Context) *http.Request {
	in := req.Clone(ctx)
	in.RequestURI = req.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	return in
}

type localBody struct {
	io.Reader
	cancel context.CancelFunc
}

// Close ends the handler.
func (b *localBody) Close() error {
	b.cancel()
	return b.Reader.(*io.PipeReader).Close()
}

// reply is the handler's http.ResponseWriter.
type reply struct {
	header, sent http.Header
	status       int
	body         *io.PipeWriter
	cause        error // why the answer was cut off
	begun        chan struct{}
}

// serve runs the handler. A handler cuts its answer off by a panic, which becomes an error.
func (a *reply) serve(h http.Handler, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			err = cmp.Or(a.cause, io.ErrUnexpectedEOF)
		} else if p != nil {
			panic(p)
		}
	}()
	h.ServeHTTP(a, r)
	return nil
}

func (a *reply) Header() http.Header { return a.header }

func (a *reply) WriteHeader(status int) {
	if a.status == 0 {
		a.status, a.sent = status, a.header.Clone()
		close(a.begun)
	}
}

func (a *reply) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if len(b) == 0 {
		return 0, nil // a pipe would wait for a reader
	}
	return a.body.Write(b)
}

// Flush has nothing to do: a pipe holds nothing back.
func (a *reply) Flush() {}
