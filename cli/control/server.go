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
	Service http.Handler                          // of the acts, by the actor in a request's context
	Holder  func(token string) (act.Actor, error) // whose token it is
	Log     *slog.Logger
	Drain   func() time.Duration // what runs may take so long to end; nil: not at all
}

// peer is who is at the other end of a connection.
type peer struct{ UID, PID int }

type peerKey struct{}

// callerUID is the user who asks; -1 where the kernel does not tell.
func callerUID(ctx context.Context) int {
	if p, ok := ctx.Value(peerKey{}).(peer); ok {
		return p.UID
	}
	return -1
}

// Run answers until ctx is done, and then lets what runs end.
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

// serve runs srv until ctx is done, and then lets what runs end.
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
	_ = srv.Shutdown(limit) // what does not end in time is cut off by Close
	_ = srv.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// withToken reports a request that is not the operator's own, even if its token is empty.
func withToken(r *http.Request) bool { return len(r.Header.Values("Authorization")) > 0 }

// act is asked for by the operator, or by the holder of the token that comes with it.
func (s *Server) act(w http.ResponseWriter, r *http.Request) {
	a := act.Actor{Kind: act.Operator, UID: callerUID(r.Context())}
	if withToken(r) {
		if !arrives(w, r) { // the token may be changed while it does
			return
		}
		var err error
		if a, err = s.Holder(bearer(r)); err != nil {
			s.logUnknown(r, err)
			act.WriteProblem(w, act.Veiled(err))
			return
		}
	}
	s.actFor(w, r, a)
}

// longRead is how long a read takes that the operator may ask about.
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

// Unwrap is for http.ResponseController.
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

// shortened is as much of a stranger's text as the log has room for.
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

// logUnknown notes a request of which nobody can say whose it is.
func (s *Server) logUnknown(r *http.Request, err error) {
	if act.ProblemOf(err).Type == act.Token {
		s.logRefused(r)
		return
	}
	s.Log.Error("tokens cannot be read", "component", "control", "remote", r.RemoteAddr, "err", err)
}
