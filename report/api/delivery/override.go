package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/report/words"
	"relay/store"
	"relay/store/egress"
	"relay/store/maildomain"
)

// LongestOverride is how long an override may hold.
const LongestOverride = 30 * 24 * time.Hour

// NewOverride is the request to have mail go otherwise for a time.
type NewOverride struct {
	Body struct {
		Target  string `json:"target" doc:"A site, an account or a domain."`
		Kind    string `json:"kind,omitempty" enum:"site,account,domain" doc:"What the target is; empty: an account of that name, else a site, else a domain."`
		Do      string `json:"do" enum:"slow,stop,bounce,source" doc:"slow: to rate. stop: mail waits, and does not age. bounce: mail fails when it is due. source: an account's or a site's mail leaves by that source."`
		Rate    int    `json:"rate,omitempty" minimum:"0" maximum:"1000000" doc:"Of slow: messages a minute, at each site."`
		Source  string `json:"source,omitempty" doc:"Of source: its address, or the server that it goes through."`
		Reason  string `json:"reason" doc:"Why; senders of mail that is bounced read it."`
		Seconds int64  `json:"seconds" minimum:"1" maximum:"2592000" doc:"How long it holds."`
	}
}

// AddOverride is the act delivery override add. It holds over a restart, and also where no
// relay runs yet.
var AddOverride = act.New(act.Spec{Name: "delivery override add", Route: "POST /v1/delivery/overrides", Summary: "Slow, stop or bounce mail of a site, an account or a domain for a time, or send it from another source", May: act.Operator}, addOverride)

func addOverride(ctx context.Context, s *act.Service, in *NewOverride) (*act.Override, error) {
	b := &in.Body
	const widest = 200 // characters
	reason := strings.TrimSpace(b.Reason)
	if reason == "" || len([]rune(reason)) > widest || words.Clean(reason) != reason {
		return nil, act.Invalid("reason", "", ": one line of plain text, up to %d characters", widest)
	}
	o := egress.Override{Do: egress.OverrideDo(b.Do), Rate: b.Rate, Source: b.Source, Reason: reason, By: s.Order(ctx, false).By}
	if (b.Rate > 0) != (o.Do == egress.OverrideSlow) {
		return nil, act.Invalid("rate", "", ": messages a minute, from 1, with slow only")
	}
	var err error
	if o.Kind, o.Target, err = target(ctx, s, b.Kind, b.Target); err != nil {
		return nil, err
	}
	if err := checkSource(s, &o); err != nil {
		return nil, err
	}
	if o, err = s.Store.Egress.AddOverride(o, time.Duration(b.Seconds)*time.Second); err != nil {
		return nil, err
	}
	return act.OverrideOf(&o), follow(ctx, s)
}

// checkSource refuses a source that there is none of.
func checkSource(s *act.Service, o *egress.Override) error {
	if o.Do != egress.OverrideSource {
		if o.Source != "" {
			return act.Invalid("source", "", ": with source only")
		}
		return nil
	}
	if o.Kind == egress.OverrideDomain {
		return act.Fail(act.Wrong, "name the account, or the domain's site: {delivery sites}", "a source cannot be chosen for a domain")
	}
	mail, err := deliveries(s)
	if err != nil {
		return err
	}
	names := mail.SourceNames()
	if !slices.Contains(names, o.Source) {
		return act.Invalid("source", "{source list}", " %q: one of %s", o.Source, strings.Join(names, ", "))
	}
	return nil
}

// target finds what a name stands for.
func target(ctx context.Context, s *act.Service, kind, name string) (egress.OverrideKind, string, error) {
	if kind == "" || kind == string(egress.OverrideAccount) {
		_, err := s.Store.Books.Account(name)
		switch {
		case err == nil:
			return egress.OverrideAccount, name, nil
		case kind != "" || !errors.Is(err, store.ErrNotFound):
			return "", "", act.Unlisted(err, "account", name)
		}
	}
	if kind == "" || kind == string(egress.OverrideSite) {
		site, err := siteNamed(ctx, s, name)
		if err != nil || site != "" {
			return egress.OverrideSite, site, err
		}
		if kind != "" || strings.Contains(name, ",") {
			return "", "", act.Fail(act.NoSuch, "{delivery sites} shows those that there was mail for lately", "no site %q", name)
		}
	}
	_, domain, ok := maildomain.Parse(name)
	if !ok || strings.HasPrefix(domain, "[") || !strings.Contains(domain, ".") {
		return "", "", act.Fail(act.NoSuch, "{account list}, {delivery sites}", "%q is no account, site or domain", name)
	}
	return egress.OverrideDomain, domain, nil
}

// siteNamed is the site of that name, or the one whose first host it is; "": none is known.
func siteNamed(ctx context.Context, s *act.Service, name string) (string, error) {
	if s.Running == nil || s.Running.Mail == nil {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	all, err := s.Running.Mail.AllSites(ctx)
	if err != nil {
		return "", act.Fail(act.Unreachable, "try again", "%w", err)
	}
	for i := range all {
		if first, _, _ := strings.Cut(all[i].Name, ","); all[i].Name == name || first == name {
			return all[i].Name, nil
		}
	}
	return "", nil
}

// follow has the running relay go by what is stored.
func follow(ctx context.Context, s *act.Service) error {
	if s.Running == nil || s.Running.Mail == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if err := s.Running.Mail.Overridden(ctx); err != nil {
		return act.Fail(act.Unreachable, "try again", "it is stored, but not in force yet: %w", err)
	}
	return nil
}

// Overrides is the request for those in force.
type Overrides struct {
	Ended bool `query:"ended" doc:"Also those of the last week that have ended."`
}

// ListOverrides is the act delivery override list.
var ListOverrides = act.New(act.Spec{Name: "delivery override list", Route: "GET /v1/delivery/overrides", Summary: "Overrides in force", May: act.Operator}, listOverrides)

func listOverrides(_ context.Context, s *act.Service, in *Overrides) (*[]act.Override, error) {
	all, err := s.Store.Egress.Overrides()
	list := []act.Override{}
	for i := range all {
		if o := &all[i]; in.Ended || o.InForce(s.Store.Now()) {
			list = append(list, *act.OverrideOf(o))
		}
	}
	return &list, err
}

// OverrideName is a request on one override.
type OverrideName struct {
	Number int64 `path:"number"`
}

// CancelOverride is the act delivery override cancel.
var CancelOverride = act.New(act.Spec{Name: "delivery override cancel", Route: "DELETE /v1/delivery/overrides/{number}", Summary: "End an override", May: act.Operator}, cancelOverride)

func cancelOverride(ctx context.Context, s *act.Service, in *OverrideName) (*act.Override, error) {
	o, err := s.Store.Egress.CancelOverride(uint64(max(0, in.Number)))
	if errors.Is(err, store.ErrNotFound) {
		return nil, act.Fail(act.NoSuch, "{delivery override list}", "no override %d is in force", in.Number)
	}
	if err != nil {
		return nil, fmt.Errorf("cancel override %d: %w", in.Number, err)
	}
	return act.OverrideOf(&o), follow(ctx, s)
}
