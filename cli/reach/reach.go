// Package reach finds the service for a command: over the network, over the socket of
// the relay that runs on this machine, or in this process.
//
//  1. With the address of a relay elsewhere, requests go there, with a token.
//  2. Otherwise they go over the control socket. The first one that finds nobody there
//     opens the store, and the handler that a running relay has serves them here.
//  3. While another process has the store and does not answer, both are tried again for
//     a few seconds: a relay that starts has the store a moment before it answers.
//
// A store that was opened stays open until Close, so that the pages of a list are of one
// process. A crash leaves what the act's transaction left: all of it or nothing.
package reach

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"relay/cli/control"
	"relay/report/api/act"
	"relay/store"
)

// lockedFor is how long a command waits for a store that another process has.
const lockedFor = 5 * time.Second

// Service carries a command's requests.
type Service struct {
	Version string // of this program
	Token   string // of a reseller; "": the operator asks
	Base    string // of a relay elsewhere, such as https://relay.example:8443; "": this machine's
	Socket  string // of this machine's relay

	// Open opens the store for this process; nil: only a running relay is asked.
	Open func() (Store, error)

	remote *control.Client
	local  *act.Local
	store  Store

	// What the last answer said: see note.
	zone     *time.Location
	now      time.Time
	currency string
}

// Store is an open store and the service on it.
type Store interface {
	io.Closer
	Local(token string) (*act.Local, error)
}

// Do implements act.Caller.
func (s *Service) Do(req *http.Request) (*http.Response, error) {
	req.Header.Set(act.VersionHeader, s.Version)
	resp, err := s.send(req)
	if err == nil {
		s.note(resp)
	}
	return resp, err
}

// note keeps what each answer's headers say: the operator's zone, in which a face shows
// instants, the currency of its prices and relay's time.
func (s *Service) note(resp *http.Response) {
	s.currency = cmp.Or(resp.Header.Get(act.CurrencyHeader), s.currency)
	if t, err := time.Parse(time.RFC3339Nano, resp.Header.Get(act.TimeHeader)); err == nil {
		s.now = t
	}
	if name := resp.Header.Get(act.ZoneHeader); name != "" && (s.zone == nil || s.zone.String() != name) {
		if zone, err := time.LoadLocation(name); err == nil {
			s.zone = zone
		}
	}
}

// Zone is the operator's, as the last answer said; UTC before the first one.
func (s *Service) Zone() *time.Location {
	if s.zone == nil {
		return time.UTC
	}
	return s.zone
}

// Currency of the operator's prices, as the last answer said; "" before the first one.
func (s *Service) Currency() string { return s.currency }

// Operator reports whether requests are the operator's; those with a token are not.
func (s *Service) Operator() bool { return s.Token == "" }

// Now is relay's wall clock, as the last answer said: a sandbox has a clock of its own.
func (s *Service) Now() time.Time {
	if s.now.IsZero() {
		return time.Now()
	}
	return s.now
}

func (s *Service) send(req *http.Request) (*http.Response, error) {
	if s.local != nil {
		return s.local.Do(req)
	}
	if s.remote == nil {
		s.connect()
	}
	for deadline := time.Now().Add(lockedFor); ; {
		resp, err := s.remote.Do(req)
		if !errors.Is(err, control.ErrAbsent) || s.Open == nil {
			return resp, err
		}
		if err = s.open(); err == nil {
			return s.local.Do(req)
		}
		if !errors.Is(err, store.ErrLocked) || time.Now().After(deadline) {
			return nil, err
		}
		if err := pause(req.Context()); err != nil {
			return nil, err
		}
	}
}

func (s *Service) connect() {
	if s.Base != "" {
		s.remote = control.NewRemote(s.Base, s.Token)
		return
	}
	s.remote = control.NewClient(s.Socket)
	s.remote.Token = s.Token
}

// open opens the store: acts are done in this process from now on.
func (s *Service) open() (err error) {
	if s.store, err = s.Open(); err != nil {
		return err
	}
	s.local, err = s.store.Local(s.Token)
	return err
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(50 * time.Millisecond):
		return nil
	}
}

// Close closes connections, and the store once all its handlers have ended.
func (s *Service) Close() error {
	if s.remote != nil {
		s.remote.Close()
	}
	if s.local != nil {
		s.local.Wait()
	}
	if s.store != nil {
		return s.store.Close()
	}
	return nil
}
