package mailer

import (
	"context"

	"relay/mailer/site"
	"relay/mailer/view"
)

// SourceNames are the names of the configured sources; none where the system chooses.
func (m *Mailer) SourceNames() (list []string) {
	for _, s := range m.config().Sources {
		if name := s.Name(); name != "" {
			list = append(list, name)
		}
	}
	return list
}

// watchAddrs looks whether the machine has all addresses still.
func (s *schedule) watchAddrs() {
	if s.stopping {
		return
	}
	all, cfg := s.origins.Check(), s.m.config()
	if all == nil {
		return
	}
	s.beside.Do(func() {
		errs := make([]error, len(all))
		for i, o := range all {
			errs[i] = cfg.Bind(o.Addr)
		}
		s.beside.Tell(func() {
			s.origins.Checked()
			for i, o := range all {
				s.addrIs(o, errs[i])
			}
		})
	})
}

// addrIs takes note that an address is there, or is not.
func (s *schedule) addrIs(o *site.Origin, err error) {
	if o.Gone == (err != nil) || !s.origins.Has(o) {
		return
	}
	o.Gone = err != nil
	s.m.logSourceGone(o, err)
	if tell := s.m.config().OnSource; tell != nil {
		s.beside.Do(func() { tell(o.Name, err) })
	}
	s.reconsider(o)
}

// reconsider has all that waits for a source find its way anew.
func (s *schedule) reconsider(o *site.Origin) {
	for t := range s.atlas.Sites {
		if t.Origin == o {
			s.disband(t)
			s.giveBack(t, t.Queue.Take())
			s.touch(t)
		}
	}
	s.scan.Restart()
}

// SourcesChanged has the mailer read again what the store has about sources.
func (m *Mailer) SourcesChanged(ctx context.Context) error {
	return m.ask(ctx, func(s *schedule) { s.readStates() })
}

// readStates takes over what the store has about sources.
func (s *schedule) readStates() {
	list, err := s.m.spool.Egress.SourceStates()
	if err != nil {
		s.m.logStoreError("sources", err)
		return
	}
	changed, back := s.origins.SetStates(list)
	if tell := s.m.config().OnSource; tell != nil {
		for _, o := range back {
			s.beside.Do(func() { tell(o.Name, nil) })
		}
	}
	for _, o := range changed {
		s.reconsider(o)
	}
}

// setSources takes over the sources of the configuration.
func (s *schedule) setSources() {
	for _, o := range s.origins.Replace(s.m.config().Sources) {
		s.reconsider(o)
	}
	s.readStates()
}

// Sources returns all sources, in the order of the configuration. It fails when the schedule
// does not answer before ctx ends.
func (m *Mailer) Sources(ctx context.Context) (list []view.Source, err error) {
	err = m.ask(ctx, func(s *schedule) { list = s.origins.View(m.spool.Now()) })
	return list, err
}

// Culprit returns the account of a pool that relay slows most for what was said of its mail;
// "": it slows none there. An account counts at each provider for as much as it lacks there
// of its pace. It fails when the schedule does not answer before ctx ends.
func (m *Mailer) Culprit(ctx context.Context, pool string) (account string, err error) {
	err = m.ask(ctx, func(s *schedule) {
		account = s.accounts.Culprit(func(name string) bool { return s.poolOf(name) == pool }, m.spool.Now())
	})
	return account, err
}
