package mailer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"relay/mailer/source"
	"relay/store"
)

// Binder is a Dialer that knows whether connections can come from an address. Of one that
// is no Binder all addresses are believed.
type Binder interface {
	Bind(from netip.Addr) error
}

// bind fails if the machine lacks an address.
func (c *Config) bind(a netip.Addr) error {
	b, ok := c.Dialer.(Binder)
	if !ok || !a.IsValid() {
		return nil
	}
	return b.Bind(a)
}

// ErrLacked says that the machine lacks a source's address.
var ErrLacked = errors.New("this machine cannot send from that address")

// bindAll names the sources whose addresses the machine lacks.
func (c *Config) bindAll() error {
	var errs []error
	for i := range c.Sources {
		if err := c.bind(c.Sources[i].Addr); err != nil {
			errs = append(errs, fmt.Errorf("source %s: %w: %w", c.Sources[i].Name(), ErrLacked, err))
		}
	}
	return errors.Join(errs...)
}

const bindEvery = 30 * time.Second // between looks for addresses that vanished or came back

// watchAddrs looks whether the machine has all addresses still.
func (s *schedule) watchAddrs() {
	if s.binding || s.stopping || time.Now().Before(s.bindAt) || !slices.ContainsFunc(s.origins, func(o *origin) bool { return o.Addr.IsValid() }) {
		return
	}
	s.binding = true
	all, cfg := slices.Clone(s.origins), s.m.config()
	s.do(func() {
		errs := make([]error, len(all))
		for i, o := range all {
			errs[i] = cfg.bind(o.Addr)
		}
		s.tell(func() {
			s.binding, s.bindAt = false, time.Now().Add(bindEvery)
			for i, o := range all {
				s.addrIs(o, errs[i])
			}
		})
	})
}

// addrIs takes note that an address is there, or is not.
func (s *schedule) addrIs(o *origin, err error) {
	if o.gone == (err != nil) || !slices.Contains(s.origins, o) {
		return
	}
	o.gone = err != nil
	s.m.logSourceGone(o, err)
	if tell := s.m.config().OnSource; tell != nil {
		s.do(func() { tell(o.name, err) })
	}
	s.reconsider(o)
}

// lacks reports whether a connection could not be made because the machine lacks the
// source's address.
func (m *Mailer) lacks(from *source.Source, err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) && m.config().bind(from.Addr) != nil
}

// reconsider has all that waits for a source find its way anew.
func (s *schedule) reconsider(o *origin) {
	for t := range s.allSites {
		if t.origin == o {
			s.disband(t)
			s.giveBack(t.queue.take())
			s.touch(t)
		}
	}
	s.scan.at, s.scan.from = time.Time{}, nil
}

// SourcesChanged has the mailer read again what the store has about sources.
func (m *Mailer) SourcesChanged(ctx context.Context) error {
	return m.ask(ctx, func(s *schedule) { s.readStates() })
}

// readStates takes over what the store has about sources.
func (s *schedule) readStates() {
	list, err := s.m.store.SourceStates()
	if err != nil {
		s.m.logStoreError("sources", err)
		return
	}
	for _, o := range s.origins {
		st := store.SourceState{}
		if i := slices.IndexFunc(list, func(v store.SourceState) bool { return v.Name == o.name }); i >= 0 && o.name != "" {
			st = list[i]
		}
		if tell := s.m.config().OnSource; tell != nil && !st.Gone.IsZero() && !o.gone {
			s.do(func() { tell(o.name, nil) }) // it came back while no relay ran
		}
		drained, isListed, culprit := st.Drained != nil, st.Listed(), st.Culprit
		if o.drained == drained && o.listed == isListed && o.culprit == culprit {
			continue
		}
		o.drained, o.listed, o.culprit = drained, isListed, culprit
		s.reconsider(o)
	}
}

// setSources takes over the sources of a configuration. One that is not there any more
// ends with the messages that it carries.
func (s *schedule) setSources(list []source.Source) {
	var all []*origin
	for i := range list {
		name := list[i].Name()
		k := slices.IndexFunc(s.origins, func(o *origin) bool { return o.name == name })
		if k < 0 {
			all = append(all, s.revived(&list[i]))
			continue
		}
		o := s.origins[k]
		all = append(all, o)
		if !same(o.Source, &list[i]) {
			o.take(&list[i])
			s.reconsider(o)
		}
	}
	for _, o := range s.origins {
		if !slices.Contains(all, o) {
			o.gone = true
			s.keepWarm(o)
			s.reconsider(o)
		}
	}
	s.origins = all
	s.readStates()
}

// take puts a source under another configuration.
func (o *origin) take(src *source.Source) {
	o.Source, o.via = src, nil
	if src.WarmUp == 0 {
		o.warm = nil
	} else if o.warm == nil {
		o.warm = map[string]*warmth{}
	}
	for _, w := range o.warm {
		w.first = src.WarmUp
	}
}

// same reports whether two sources are configured alike.
func same(a, b *source.Source) bool {
	x, y := *a, *b
	x.Via, y.Via = nil, nil
	if x != y || (a.Via == nil) != (b.Via == nil) {
		return false
	}
	return a.Via == nil || a.Via.Host == b.Via.Host && a.Via.Port == b.Via.Port && a.Via.TLS == b.Via.TLS &&
		(a.Via.Auth == nil) == (b.Via.Auth == nil) && (a.Via.Auth == nil || *a.Via.Auth == *b.Via.Auth)
}

// revived is a new source with what is remembered of its name.
func (s *schedule) revived(src *source.Source) *origin {
	o := newOrigin(src)
	for key, w := range s.kept.warm {
		name, provider, _ := strings.Cut(strings.TrimPrefix(key, warmKey), "\x00")
		if name == o.name && o.warm != nil {
			o.warm[provider] = &warmth{Warmth: w, first: src.WarmUp}
			delete(s.kept.warm, key)
		}
	}
	if u, ok := s.kept.sent[o.name]; ok {
		o.day, o.sent = u.Day, u.Sent
		delete(s.kept.sent, o.name)
	}
	return o
}

// keepWarm remembers the warm-up of a source that is gone, for when it comes back.
func (s *schedule) keepWarm(o *origin) {
	for provider, w := range o.warm {
		s.kept.warm[warmKeyOf(o, provider)] = w.Warmth
	}
}

const sentKey = "sent\x00" // source

// use is what a source has sent on a day, as the store has it.
type use struct {
	Day  int64          `json:"day"`
	Sent map[string]int `json:"sent"` // by provider
}

// useEntries are those of sources that sent something since they were asked last.
func (s *schedule) useEntries() (list []store.PaceEntry) {
	for _, o := range s.origins {
		if o.news {
			o.news = false
			list = append(list, entryOf(sentKey+o.name, use{o.day, o.sent}))
		}
	}
	return list
}

func (s *schedule) hasNews() bool {
	return slices.ContainsFunc(s.origins, func(o *origin) bool { return o.news })
}

// loadUse reads an entry about a source, of its warm-up or of what it sent.
func (s *schedule) loadUse(e *store.PaceEntry) {
	switch {
	case strings.HasPrefix(e.Key, warmKey):
		s.kept.warm[e.Key] = readWarmth(e.Value)
	case strings.HasPrefix(e.Key, sentKey):
		u := use{Sent: map[string]int{}}
		if json.Unmarshal(e.Value, &u) == nil && u.Sent != nil {
			s.kept.sent[strings.TrimPrefix(e.Key, sentKey)] = u
		}
	}
}

// SourceView is what the mailer knows of a source.
type SourceView struct {
	source.Source
	Name    string
	Gone    bool // the machine lacks its address
	Drained bool
	Listed  bool
	Culprit string // account that stays while it is listed
	Today   int    // messages
	Use     []ProviderUse
}

// ProviderUse is what a source sends to a provider.
type ProviderUse struct {
	Provider string
	Today    int
	Warm     bool // its warm-up is not over
	Ceiling  int  // messages today
	Days     int  // with mail, of the warm-up
	Blamed   bool // a reply today was about the address
}

// Sources returns all sources, in the order of the configuration. It fails when the schedule
// does not answer before ctx ends.
func (m *Mailer) Sources(ctx context.Context) (list []SourceView, err error) {
	err = m.ask(ctx, func(s *schedule) {
		now := m.store.Now()
		for _, o := range s.origins {
			list = append(list, o.view(now))
		}
	})
	return list, err
}

func (o *origin) view(now time.Time) SourceView {
	o.turn(now)
	v := SourceView{Source: *o.Source, Name: o.name, Gone: o.gone, Drained: o.drained, Listed: o.listed, Culprit: o.culprit}
	names := map[string]bool{}
	for name := range o.sent {
		names[name] = true
	}
	for name := range o.warm {
		names[name] = true
	}
	for name := range names {
		u := ProviderUse{Provider: name, Today: o.sent[name]}
		if w := o.warm[name]; w != nil {
			is := w.now(now)
			u.Warm, u.Ceiling, u.Days, u.Blamed = is.Ceiling < source.Warm, is.Ceiling, is.Days, is.Blamed
			u.Today = max(u.Today, is.Sent)
		}
		v.Today += u.Today
		v.Use = append(v.Use, u)
	}
	slices.SortFunc(v.Use, func(a, b ProviderUse) int { return strings.Compare(a.Provider, b.Provider) })
	return v
}

// Culprit returns the account of a pool that relay slows most for what was said of its mail;
// "": it slows none there. An account counts at each provider for as much as it lacks there
// of its pace. It fails when the schedule does not answer before ctx ends.
func (m *Mailer) Culprit(ctx context.Context, pool string) (account string, err error) {
	err = m.ask(ctx, func(s *schedule) {
		now, guilt := m.store.Now(), map[string]float64{}
		for key, c := range s.conducts {
			switch {
			case s.poolOf(key.account) != pool:
			case c.Held(now):
				guilt[key.account] += 100
			case c.Slow(now):
				guilt[key.account] += 100 - c.State(now).Share.At
			}
		}
		for name, g := range guilt {
			if g > guilt[account] || g == guilt[account] && name < account {
				account = name
			}
		}
	})
	return account, err
}
