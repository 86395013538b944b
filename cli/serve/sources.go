package serve

import (
	"context"
	"errors"
	"slices"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/mailer/blocklist"
	"relay/mailer/dialer"
	"relay/mailer/settings"
	"relay/mailer/source"
	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/jobs"
)

// sourceRules are the sources of a configuration as acts see them; one where there are none.
func sourceRules(c *config.Config) (list []act.SourceRule) {
	for i := range c.Source {
		s := &c.Source[i]
		v := act.SourceRule{Name: s.Name(), Address: s.Address, EHLO: s.EHLO, Pool: s.Pool, Standby: s.Standby, WarmUp: s.WarmUp, Since: field.OrNull(s.From(c.Zone()))}
		if v.EHLO == "" {
			v.EHLO = c.Host()
		}
		list = append(list, v)
	}
	if list == nil {
		list = []act.SourceRule{{EHLO: c.Host()}}
	}
	return list
}

// standing is what the jobs know of sources and blocklists.
func (r *Relay) standing(c *config.Config) jobs.Sources {
	s := jobs.Sources{Private: c.Delivery.AllowPrivate}
	var err error
	if s.All, err = c.Sources(); err != nil {
		s.All = nil // a password is missing: a reload says so
	}
	if s.Lists, err = c.Delivery.Lists(); err != nil {
		s.Lists = blocklist.Default()
	}
	if _, err := r.names(); err == nil {
		s.Names, s.Servers = r.dns, r.dns.Servers()
	}
	if r.mail != nil {
		s.Culprit, s.Changed = r.mail.Culprit, r.mail.SourcesChanged
	}
	return s
}

// checkSource looks at a source as receivers do.
func (r *Relay) checkSource(ctx context.Context, name string) ([]act.SourceFinding, error) {
	c := r.config()
	all, err := c.Sources()
	if err != nil {
		return nil, exit.Problem(err)
	}
	i := slices.IndexFunc(all, func(s source.Source) bool { return s.Name() == name })
	if i < 0 {
		return nil, act.Fail(act.NoSuch, "{source list} shows all", "no source %q", name)
	}
	if all[i].EHLO == "" {
		all[i].EHLO = r.hostname
	}
	if _, err := r.names(); err != nil {
		return nil, act.Fail(act.Settings, "see resolver in [delivery]", "%w", err)
	}
	lists, err := c.Delivery.Lists()
	if err != nil {
		return nil, exit.Problem(err)
	}
	why := ""
	if who := blocklist.Public(r.dns.Servers()); who != "" {
		lists, why = nil, "the name server is that of "+who+", which lists refuse or answer falsely"
	}
	var bind error
	if all[i].Via == nil {
		bind = dialer.Bind(all[i].Addr)
	}
	list := []act.SourceFinding{}
	for _, f := range source.Check(ctx, r.dns, &all[i], bind, lists, why) {
		list = append(list, act.SourceFinding{Check: f.Check, Status: string(f.Status), Detail: f.Detail, Advice: f.Advice})
	}
	return list, nil
}

// sourceTrouble says what is wrong with each source that is not in order.
func (r *Relay) sourceTrouble() []string {
	list := []string{}
	states, err := r.store.Egress.SourceStates()
	if err != nil {
		return list
	}
	configured := r.config().Source
	for i := range states {
		v := &states[i]
		if len(configured) > 0 && !slices.ContainsFunc(configured, func(s config.Source) bool { return s.Name() == v.Name }) {
			continue
		}
		if !v.Gone.IsZero() {
			list = append(list, "Source "+v.Name+" is gone from the machine")
		}
		for _, l := range v.Listings {
			list = append(list, "Source "+v.Name+" is on the blocklist "+l.List)
		}
	}
	return list
}

// lackedSource puts the next step behind an error of sources that the machine lacks.
func lackedSource(err error) error {
	if errors.Is(err, settings.ErrLacked) {
		return exit.Fail(exit.Config, "give the address to the machine, or take its [[source]] out", "%w", err)
	}
	return err
}

// SourceUse implements act.Deliveries.
func (d deliveries) SourceUse(ctx context.Context) (map[string]act.SourceUse, error) {
	list, err := d.mail.Sources(ctx)
	all := map[string]act.SourceUse{}
	for _, s := range list {
		u := act.SourceUse{Gone: s.Gone, Today: s.Today, Providers: []act.ProviderUse{}}
		for _, p := range s.Use {
			v := act.ProviderUse{Provider: p.Provider, Today: p.Today, Day: p.Days, Blamed: p.Blamed}
			if p.Warm {
				v.Ceiling = &p.Ceiling
			}
			u.Providers = append(u.Providers, v)
		}
		all[s.Name] = u
	}
	return all, err
}

// SourcesChanged implements act.Deliveries.
func (d deliveries) SourcesChanged(ctx context.Context) error { return d.mail.SourcesChanged(ctx) }
