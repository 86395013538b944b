package control

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"relay/report/api/act"
)

// Server answers on the control socket.
type Server struct {
	Service http.Handler                          // serves the acts to the actor in a request's context
	Holder  func(token string) (act.Actor, error) // the actor that a token belongs to
	Log     *slog.Logger
	Drain   func() time.Duration // how long requests under way may take to end; nil: they are cut off
}

// peer is the process at the other end of a connection.
type peer struct{ UID, PID int }

type peerKey struct{}

// callerUID returns the user of the process that sent a request; -1: not known.
func callerUID(ctx context.Context) int {
	if p, ok := ctx.Value(peerKey{}).(peer); ok {
		return p.UID
	}
	return -1
}

// Run answers until ctx is done, and then lets requests under way end.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	return s.serve(ctx, l, &http.Server{
		Handler:           http.HandlerFunc(s.act),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, peerOf(c))
		},
	})
}

// serve runs srv until ctx is done, and then lets requests under way end.
func (s *Server) serve(ctx context.Context, l net.Listener, srv *http.Server) error {
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	var drain time.Duration
	if s.Drain != nil {
		drain = s.Drain()
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	_ = srv.Shutdown(limit) // Close cuts off what does not end in time
	_ = srv.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// sized is a Service that knows how much each of its acts takes.
type sized interface {
	Largest(*http.Request, act.Actor) int64 // octets of the body of an actor's request
}

// most is how many octets the body of an actor's request may have. One that says that it is
// short gets no more than it needs.
func (s *Server) most(r *http.Request, who act.Actor) int64 {
	is, ok := s.Service.(sized)
	if !ok || r.ContentLength >= 0 && r.ContentLength <= apiBody {
		return apiBody
	}
	return min(is.Largest(r, who), apiLargest)
}

// withToken reports whether a request brings a token, even an empty one: then it is not
// the operator's own.
func withToken(r *http.Request) bool { return len(r.Header.Values("Authorization")) > 0 }

// act serves a request on the socket: the operator's, or that of a token's holder.
func (s *Server) act(w http.ResponseWriter, r *http.Request) {
	a := act.Actor{Kind: act.Operator, UID: callerUID(r.Context())}
	if withToken(r) {
		holder, _ := s.Holder(bearer(r))
		if !arrives(w, r, s.most(r, holder)) {
			return
		}
		var err error
		if a, err = s.Holder(bearer(r)); err != nil { // again, since the token may have been changed meanwhile
			s.logUnknown(r, err)
			act.WriteProblem(w, act.Veiled(err))
			return
		}
	}
	s.actFor(w, r, a)
}

// longRead is how long a read must take to be logged at level info.
const longRead = time.Second

// actFor serves an act and logs it: at level info what changes something, and a read
// that takes long, such as a trace that is followed.
func (s *Server) actFor(w http.ResponseWriter, r *http.Request, a act.Actor) {
	start, seen := time.Now(), &statusWriter{ResponseWriter: w, status: http.StatusOK}
	defer func() { s.logAct(r, a, seen.status, time.Since(start)) }() // an answer that is cut off panics
	s.Service.ServeHTTP(seen, r.WithContext(act.WithActor(r.Context(), a)))
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// One function per event.

func (s *Server) logAct(r *http.Request, a act.Actor, status int, d time.Duration) {
	level := slog.LevelInfo
	if r.Method == http.MethodGet && d < longRead {
		level = slog.LevelDebug
	}
	attrs := []any{"component", "api", "actor", a.String(), "method", r.Method, "path", shortened(r.URL.Path), "status", status, "ms", d.Milliseconds()}
	if p, ok := r.Context().Value(peerKey{}).(peer); ok {
		attrs = append(attrs, "pid", p.PID)
	} else {
		attrs = append(attrs, "remote", r.RemoteAddr)
	}
	s.Log.Log(r.Context(), level, "act", attrs...)
}

// shortened bounds a stranger's text, so that it does not fill the log.
func shortened(text string) string {
	const most = 500
	if len(text) > most {
		text = text[:most] + "..."
	}
	return text
}

func (s *Server) logRefused(r *http.Request) {
	s.Log.Info("wrong token", "component", "control", "remote", r.RemoteAddr)
}

// logUnknown logs a request whose token could not be looked up, or has no holder.
func (s *Server) logUnknown(r *http.Request, err error) {
	if act.ProblemOf(err).Type == act.Token {
		s.logRefused(r)
		return
	}
	s.Log.Error("tokens cannot be read", "component", "control", "remote", r.RemoteAddr, "err", err)
}
