package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"relay/cli/build"
	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/proof"
	"relay/cli/reach"
	"relay/cli/serve"
	"relay/cli/shell"
	"relay/report/api"
	"relay/report/api/act"
	"relay/store"
)

// newEnv is what the commands of this command line are given.
func (p *program) newEnv() *shell.Env {
	e := &shell.Env{Stdin: p.Stdin, Stdout: p.Stdout, Stderr: p.Stderr, Service: &lazyService{p: p}, Running: &runningService{p: p}}
	if p.inner != nil {
		e.Service = serviceWithin(p.inner, p.scope)
		e.Running = e.Service
	}
	return e
}

// serviceWithin is the service for a command line that another process sent.
func serviceWithin(r *serve.Relay, s *scope) shell.Service {
	a := act.Actor{Kind: act.Operator, UID: -1}
	if s != nil {
		a = act.Actor{Kind: act.Reseller, Name: s.reseller}
	}
	return innerService{&act.Local{Handler: r.Service, Actor: a}, r.Cfg.Zone(), r.Store}
}

type innerService struct {
	*act.Local
	zone  *time.Location
	store *store.Store
}

// Zone implements shell.Service.
func (s innerService) Zone() *time.Location { return s.zone }

// Operator implements shell.Service.
func (s innerService) Operator() bool { return s.Actor.Kind == act.Operator }

// Now implements shell.Service.
func (s innerService) Now() time.Time { return s.store.Now() }

// Currency implements shell.Service.
func (s innerService) Currency() string { return s.store.Currency() }

// Close implements shell.Service.
func (s innerService) Close() error { return nil }

// lazyService reads the configuration with the first request: where the service is
// follows from it.
type lazyService struct {
	p *program
	reach.Service
	ready bool
}

// Do implements act.Caller.
func (s *lazyService) Do(req *http.Request) (*http.Response, error) {
	if !s.ready {
		if err := s.p.reach(&s.Service); err != nil {
			return nil, err
		}
		s.ready = true
	}
	return s.Service.Do(req)
}

// Operator implements shell.Service: it is known before the first request.
func (s *lazyService) Operator() bool { return !s.p.hasToken(s.p.named.Given) }

// runningService is that of a relay which runs on this machine.
type runningService struct {
	p *program
	reach.Service
	dir place.Dir
}

// Do implements act.Caller.
func (s *runningService) Do(req *http.Request) (resp *http.Response, err error) {
	if s.dir == "" {
		if s.dir, err = s.p.whereRunning(); err != nil {
			return nil, err
		}
		s.Socket = s.dir.Socket()
	}
	if s.Version = ""; req.Method != http.MethodGet { // one of another version may still be asked how it is
		s.Version = build.Read().Version
	}
	if resp, err = s.Service.Do(req); errors.Is(err, control.ErrAbsent) {
		return nil, absent(s.dir)
	}
	return resp, err
}

// whereRunning is the data directory of a relay that runs. A configuration that was
// broken since it started does not matter where the directory is named.
func (p *program) whereRunning() (place.Dir, error) {
	cfg, err := p.where.Load()
	if err != nil && p.where.Data == "" && p.getenv("RELAY_DATA") == "" {
		return "", err
	}
	return p.where.Dir(&cfg)
}

// absent is the error of a command that needs a running relay.
func absent(dir place.Dir) error {
	return exit.Fail(exit.Unreachable, "start it: relay serve; or name its data directory with --data DIR", "%w in %s", control.ErrAbsent, dir)
}

// reach says where the service is: elsewhere, with --api, or on this machine.
func (p *program) reach(s *reach.Service) (err error) {
	s.Version = build.Read().Version
	if s.Token, err = p.bearer(); err != nil {
		return err
	}
	if s.Base = p.away(); s.Base != "" || p.named.Given["api"] {
		if s.Token == "" {
			return exit.Usage("name it with --token-file FILE, or RELAY_TOKEN", "--api needs a reseller's token")
		}
		return checkAPI(s.Base)
	}
	cfg, dir, err := p.where.Home()
	if err != nil {
		return err
	}
	s.Socket = dir.Socket()
	s.Open = func() (reach.Store, error) {
		st, err := p.open(&cfg, dir)
		if err != nil {
			return nil, err
		}
		return &openedStore{Store: st, dir: dir, acts: serve.Acts(p.machine(), cfg, dir, st, slog.New(slog.NewTextHandler(p.Stderr, nil)))}, nil
	}
	return nil
}

// openedStore is a store that a command opened itself.
type openedStore struct {
	*store.Store
	dir  place.Dir
	acts *act.Service
	bad  bool // the file turned out to be damaged
}

// Local implements reach.Store: the actor is the operator, or the holder of a token.
func (o *openedStore) Local(token string) (*act.Local, error) {
	l := &act.Local{Handler: api.New(o.acts), Actor: act.Actor{Kind: act.Operator, UID: os.Getuid()}, Guard: o.guard}
	if token == "" {
		return l, nil
	}
	var err error
	l.Actor, err = o.acts.Holder(token)
	return l, err
}

func (o *openedStore) guard(fn func() error) error {
	err := proof.Guard(o.dir.Store(), fn)
	o.bad = o.bad || errors.Is(err, proof.ErrDamaged)
	return err
}

// Close leaves a damaged store alone.
func (o *openedStore) Close() error {
	if o.bad {
		return nil
	}
	return proof.Guard(o.dir.Store(), o.Store.Close)
}

// runSent runs a command line that came over the control socket.
func runSent(ctx context.Context, r *serve.Relay, req control.Request, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{App: App{Stdin: stdin, Stdout: stdout, Stderr: stderr}, inner: r}
	if req.Reseller != "" {
		p.scope = &scope{req.Reseller}
	}
	return exit.Report(stderr, p.run(ctx, req.Args))
}
