package cli

import (
	"errors"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"

	"relay/cli/build"
	"relay/cli/clock"
	"relay/cli/config"
	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/proof"
	"relay/cli/reach"
	"relay/cli/serve"
	"relay/cli/shell"
	"relay/mailer/notice"
	"relay/mailer/settings"
	"relay/report/api"
	"relay/report/api/act"
	"relay/store"
)

// newEnv returns what the commands of this command line work with.
func (p *program) newEnv() *shell.Env {
	return &shell.Env{Stdin: p.Stdin, Stdout: p.Stdout, Stderr: p.Stderr, Service: &lazyService{p: p}, Running: &runningService{p: p}}
}

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

// runningService is the service of the relay that runs on this machine.
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
	if s.Version = ""; req.Method != http.MethodGet { // a relay of another version may still be asked for its health
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
	if err != nil && p.where.Data == "" && p.where.Env("RELAY_DATA") == "" {
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
		if s.Token != "" && dir.IsNew() { // a new store has no resellers, so no token is valid
			return nil, act.UnknownToken
		}
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
	bad  atomic.Bool // the file turned out to be damaged
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
	if errors.Is(err, proof.ErrDamaged) { // the handlers of two acts may end at the same time
		o.bad.Store(true)
	}
	return err
}

// Close closes the store, unless it is damaged: closing would write to it.
func (o *openedStore) Close() error {
	if o.bad.Load() {
		return nil
	}
	return proof.Guard(o.dir.Store(), o.Store.Close)
}

// open opens the store for a command, and makes a new one where there is none.
func (p *program) open(cfg *config.Config, dir place.Dir) (*store.Store, error) {
	if err := dir.Make(); err != nil {
		return nil, err
	}
	fresh := dir.IsNew()
	log := slog.New(slog.NewTextHandler(p.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	st, err := proof.OpenStore(dir.Store(), clock.Guard(cfg, p.Wall, p.Kept, store.Options{Zone: cfg.Zone(), Log: log, Billing: cfg.Billing.Store(), Look: cfg.NextLook, HighWater: dir.Numbers()}))
	if err != nil {
		return nil, err
	}
	notice.Word(st.Spool, settings.Config{Hostname: cfg.Host(), NoticeExpire: cfg.Delivery.NoticeExpire.Duration,
		NoticesPerHour: cfg.Delivery.NoticesPerHour}) // of mail that the command drops
	if fresh {
		p.env.Note("new store %s", dir.Store())
		if err := dir.Adopt(dir.Store()); err != nil {
			return nil, errors.Join(err, st.Close())
		}
	}
	return st, nil
}
