package serve

import (
	"context"
	"log/slog"

	"relay/cli/build"
	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/mailer/verdict"
	"relay/report/api/act"
	"relay/smtp/guard"
	"relay/store"
)

// serviceOn returns the service on an open store.
func serviceOn(st *store.Store, cfg func() *config.Config, log *slog.Logger) *act.Service {
	return &act.Service{
		Store: st, Log: log, Version: build.Read().Version,
		Rules: func() *act.Rules { return rules(cfg()) },
	}
}

// rulesInForce returns the rules that judge replies; where no relay runs, the configuration's.
func (r *Relay) rulesInForce() (*verdict.Rules, error) {
	if rules := r.verdicts.Load(); rules != nil {
		return rules, nil
	}
	rules, err := r.cfg.Delivery.Verdicts()
	if err != nil {
		return nil, exit.Problem(err)
	}
	return rules, nil
}

// rules returns the parts of the configuration that acts follow.
func rules(c *config.Config) *act.Rules {
	r := &act.Rules{MostAccounts: c.Limits.AccountsPerReseller, Invoices: c.Invoices(nil), Smarthost: c.Delivery.Smarthost != "", Abuse: *c.Abuse.Rules(),
		Zone: c.SigningZone(), Pairs: c.SigningPairs(), Sources: sourceRules(c)}
	r.Returns = c.ReturnDomain()
	for _, p := range c.Payment {
		r.Methods = append(r.Methods, act.Method{Name: p.Method, Countries: p.Countries})
	}
	return r
}

// hostView is the running relay as the service sees it.
type hostView struct{ r *Relay }

// Health implements act.Host.
func (h hostView) Health(ctx context.Context) *act.Health { return h.r.health(ctx) }

// Reload implements act.Host.
func (h hostView) Reload() (*act.Reload, error) {
	list, err := h.r.reload()
	if err != nil {
		return nil, exit.Problem(err)
	}
	return &act.Reload{Config: h.r.config().File(), Changes: list}, nil
}

// bans of the SMTP server as the service sees them.
type bans struct{ *guard.Guard }

// Bans implements act.Bans.
func (b bans) Bans() (list []act.Ban) {
	for _, one := range b.Guard.Bans() {
		list = append(list, act.Ban(one))
	}
	return list
}

// Acts returns the service on a store that a command has opened itself, because no
// relay runs.
func Acts(m Machine, cfg config.Config, dir place.Dir, st *store.Store, log *slog.Logger) *act.Service {
	r := &Relay{host: m, cfg: cfg, dir: dir, hostname: cfg.Host(), Log: slog.New(slog.DiscardHandler)}
	r.workOn(st)
	r.acts.Log = log
	return r.acts
}
