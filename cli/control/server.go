package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"relay/report/api/act"
)

// Command runs one command line and returns its exit code. Its context ends
// when the client goes away.
type Command func(ctx context.Context, req Request, stdin io.Reader, stdout, stderr io.Writer) int

// Server answers on the control socket.
type Server struct {
	Command Command
	Service http.Handler                          // of the acts, by the actor in a request's context
	Holder  func(token string) (act.Actor, error) // whose token it is
	Log     *slog.Logger
	Drain   func() time.Duration // what runs may take so long to end; nil: not at all
}

// peer is who is at the other end of a connection.
type peer struct{ UID, PID int }

type peerKey struct{}

// CallerUID is the user whose command has ctx; -1 where the kernel does not tell.
func CallerUID(ctx context.Context) int {
	if p, ok := ctx.Value(peerKey{}).(peer); ok {
		return p.UID
	}
	return -1
}

// Run answers until ctx is done, and then lets what runs end.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/run", s.run)
	mux.HandleFunc("/", s.act)
	return s.serve(ctx, l, &http.Server{
		Handler:           mux,
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

// run is for the operator, and for a reseller whose token comes with it.
func (s *Server) run(w http.ResponseWriter, r *http.Request) {
	// net/http cannot reuse a connection on which a request still comes in when
	// its answer is complete: it panics.
	w.Header().Set("Connection", "close")
	if !withToken(r) {
		s.runFor(w, r, "")
		return
	}
	switch name, err := s.who(r); {
	case errors.Is(err, ErrToken):
		s.logRefused(r)
		http.Error(w, ErrToken.Error(), http.StatusUnauthorized)
	case err != nil:
		http.Error(w, "try again later", http.StatusServiceUnavailable)
	default:
		s.runFor(w, r, name)
	}
}

// act is asked for by the operator, or by the holder of the token that comes with it.
func (s *Server) act(w http.ResponseWriter, r *http.Request) {
	a := act.Actor{Kind: act.Operator, UID: CallerUID(r.Context())}
	if withToken(r) {
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

// runFor runs a command line for a reseller; "": for the operator.
func (s *Server) runFor(w http.ResponseWriter, r *http.Request, reseller string) {
	stdin := bufio.NewReader(r.Body)
	req, err := readRequest(stdin)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if reseller != "" { // the token may be another one since the request began
		if name, err := s.who(r); err != nil || name != reseller {
			s.logRefused(r)
			http.Error(w, ErrToken.Error(), http.StatusUnauthorized)
			return
		}
	}
	req.Reseller = reseller
	c := http.NewResponseController(w)
	_ = c.EnableFullDuplex() // standard input is read while output is written; HTTP/1 of ours can
	w.Header().Set("Content-Type", "application/jsonl")
	out := newFrameWriter(w, c)
	start := time.Now()
	code := s.Command(r.Context(), req, stdin, out.stream(false), out.stream(true))
	s.logCommand(r, &req, code, time.Since(start))
	out.end(code)
}

// readRequest reads the first line, and leaves standard input.
func readRequest(r *bufio.Reader) (req Request, err error) {
	line, err := r.ReadBytes('\n')
	if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) { // nothing need follow it, not even a line end
		return req, err
	}
	return req, json.Unmarshal(line, &req)
}

// One function per event.

func (s *Server) logCommand(r *http.Request, req *Request, code int, d time.Duration) {
	if req.Reseller != "" {
		s.Log.Info("reseller's command", "component", "control", "reseller", req.Reseller, "remote", r.RemoteAddr,
			"args", shortened(fmt.Sprint(req.Args)), "code", code, "ms", d.Milliseconds())
		return
	}
	p, _ := r.Context().Value(peerKey{}).(peer)
	s.Log.Info("control command", "component", "control", "uid", p.UID, "pid", p.PID, "args", req.Args, "code", code, "ms", d.Milliseconds())
}

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
