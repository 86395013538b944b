package sources

import (
	"context"
	"fmt"
	"slices"
	"time"

	"relay/report/api/act"
	"relay/report/api/field"
	"relay/store/egress"
	"relay/store/spool"
	"relay/store/spooled"
)

// Source is one that mail leaves from.
type Source struct {
	Source    string            `json:"source" doc:"Its address, or host:port of the server that its mail goes through. system: the system chooses an address, none is configured."`
	Address   string            `json:"address" doc:"Empty: none."`
	EHLO      string            `json:"ehlo"`
	Pool      string            `json:"pool" doc:"Of accounts that use it; empty: of all that have no pool."`
	Standby   bool              `json:"standby" doc:"It takes mail only while no other of its pool is in good standing."`
	State     string            `json:"state" enum:"active,standby,waiting,drained,listed,gone" doc:"waiting: its first day is yet to come. listed: on a blocklist; others take its mail. gone: the machine lacks its address."`
	Since     *time.Time        `json:"since" doc:"It takes no mail before; null: it always did."`
	WarmUp    int               `json:"warm_up" doc:"Messages to one provider on its first day; 0: it needs no warm-up."`
	Drained   *Drained          `json:"drained" doc:"null: it is not."`
	Listed    []Listing         `json:"listed" doc:"Blocklists that have it."`
	Culprit   string            `json:"culprit" doc:"Account whose mail stays while it is listed; empty: none."`
	Asked     *time.Time        `json:"asked" doc:"When blocklists were asked last; null: not yet."`
	Today     *int              `json:"today" doc:"Messages since midnight UTC; null: no relay runs."`
	Providers []act.ProviderUse `json:"providers"`
}

// Drained is the order that a source gets no mail.
type Drained struct {
	_ struct{} `nullable:"true"`

	Since  time.Time `json:"since"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Listing is an entry of a blocklist.
type Listing struct {
	List   string    `json:"list"`
	Since  time.Time `json:"since"`
	Drains bool      `json:"drains" doc:"Others take the source's mail; otherwise you are only told."`
	Codes  []string  `json:"codes"`
	Text   string    `json:"text" doc:"Why, in the list's words."`
}

// Named is a request on one source.
type Named struct {
	Source string `path:"source"`
}

// DrainOrder is the request to drain a source.
type DrainOrder struct {
	Source string `path:"source"`
	Body   struct {
		Reason string `json:"reason,omitempty" maxLength:"200"`
	}
}

// Checked is what was found about a source.
type Checked struct {
	Source   Source              `json:"source"`
	Findings []act.SourceFinding `json:"findings"`
}

// Acts on sources.
var (
	List   = act.New(act.Spec{Name: "source list", Route: "GET /v1/sources", Summary: "Sources of outgoing mail, how they stand and what they send", May: act.Operator}, list)
	Drain  = act.New(act.Spec{Name: "source drain", Route: "POST /v1/sources/{source}/drain", Summary: "Give a source no more mail; others take what waits", May: act.Operator}, drain)
	Resume = act.New(act.Spec{Name: "source resume", Route: "POST /v1/sources/{source}/resume", Summary: "Give a drained source mail again", May: act.Operator}, resume)
	Check  = act.New(act.Spec{Name: "source check", Route: "POST /v1/sources/{source}/check", Summary: "Look at a source as receivers do, and say what to do", May: act.Operator}, check)
)

// systems is the name of the only source where none is configured.
const systems = "system"

func list(ctx context.Context, s *act.Service, _ *act.None) (*[]Source, error) {
	states, err := s.Store.Egress.SourceStates()
	if err != nil {
		return nil, err
	}
	use, err := used(ctx, s)
	if err != nil {
		return nil, err
	}
	all := []Source{}
	for _, r := range s.Rules().Sources {
		all = append(all, view(&r, stateOf(states, r.Name), use, s.Store.Now()))
	}
	return &all, nil
}

// used is what the running relay knows, by name; nil: none runs.
func used(ctx context.Context, s *act.Service) (map[string]act.SourceUse, error) {
	if s.Running == nil || s.Running.Mail == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return s.Running.Mail.SourceUse(ctx)
}

const answerTime = 5 * time.Second

func stateOf(states []egress.SourceState, name string) *egress.SourceState {
	if i := slices.IndexFunc(states, func(v egress.SourceState) bool { return v.Name == name }); i >= 0 && name != "" {
		return &states[i]
	}
	return &egress.SourceState{}
}

func view(r *act.SourceRule, st *egress.SourceState, use map[string]act.SourceUse, now time.Time) Source {
	v := Source{Source: r.Name, Address: r.Address, EHLO: r.EHLO, Pool: r.Pool, Standby: r.Standby, State: "active", Since: r.Since,
		WarmUp: r.WarmUp, Listed: []Listing{}, Culprit: st.Culprit, Asked: field.OrNull(st.Asked), Providers: []act.ProviderUse{}}
	if v.Source == "" {
		v.Source = systems
	}
	gone := !st.Gone.IsZero()
	if u, ok := use[r.Name]; ok {
		gone, v.Today = u.Gone, &u.Today
		v.Providers = append(v.Providers, u.Providers...)
	}
	if d := st.Drained; d != nil {
		v.Drained = &Drained{Since: d.Since, By: d.By, Reason: d.Reason}
	}
	for _, l := range st.Listings {
		v.Listed = append(v.Listed, Listing{l.List, l.Since, l.Drains, field.OrNone(l.Codes), l.Text})
	}
	switch {
	case gone:
		v.State = "gone"
	case v.Drained != nil:
		v.State = "drained"
	case st.Listed():
		v.State = "listed"
	case r.Since != nil && r.Since.After(now):
		v.State = "waiting"
	case r.Standby:
		v.State = "standby"
	}
	return v
}

// find is the source of that name in the configuration.
func find(s *act.Service, name string) (*act.SourceRule, error) {
	all := s.Rules().Sources
	i := slices.IndexFunc(all, func(r act.SourceRule) bool { return r.Name == name && name != "" })
	if i < 0 && !slices.ContainsFunc(all, func(r act.SourceRule) bool { return r.Name != "" }) {
		return nil, act.Fail(act.NoSuch, "name the machine's addresses in [[source]]; relay check looks at the host's own", "no source is configured: the system chooses the address")
	} else if i < 0 {
		return nil, act.Fail(act.NoSuch, "{source list} shows all", "no source %q", name)
	}
	return &all[i], nil
}

func drain(ctx context.Context, s *act.Service, in *DrainOrder) (*Source, error) {
	r, err := find(s, in.Source)
	if err != nil {
		return nil, err
	}
	by := act.ActorOf(ctx).String()
	return change(ctx, s, r, func(v *egress.SourceState, now time.Time) {
		if v.Drained == nil {
			v.Drained = &egress.Drain{Since: now}
		}
		v.Drained.By, v.Drained.Reason = by, in.Body.Reason
	})
}

func resume(ctx context.Context, s *act.Service, in *Named) (*Source, error) {
	r, err := find(s, in.Source)
	if err != nil {
		return nil, err
	}
	return change(ctx, s, r, func(v *egress.SourceState, _ time.Time) { v.Drained = nil })
}

// change stores a change, and has a running relay follow it.
func change(ctx context.Context, s *act.Service, r *act.SourceRule, fn func(*egress.SourceState, time.Time)) (*Source, error) {
	st, err := s.Store.Spool.ChangeSource(r.Name, func(v *egress.SourceState, now time.Time, _ spooled.ID) (*spool.Notice, error) {
		fn(v, now)
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	if s.Running != nil && s.Running.Mail != nil {
		ctx, cancel := context.WithTimeout(ctx, answerTime)
		defer cancel()
		if err := s.Running.Mail.SourcesChanged(ctx); err != nil {
			return nil, fmt.Errorf("stored, but the running relay does not follow yet: %w", err)
		}
	}
	use, err := used(ctx, s)
	if err != nil {
		return nil, err
	}
	v := view(r, &st, use, s.Store.Now())
	return &v, nil
}

func check(ctx context.Context, s *act.Service, in *Named) (*Checked, error) {
	r, err := find(s, in.Source)
	if err != nil {
		return nil, err
	}
	found, err := s.CheckSource(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	states, err := s.Store.Egress.SourceStates()
	if err != nil {
		return nil, err
	}
	use, err := used(ctx, s)
	if err != nil {
		return nil, err
	}
	return &Checked{Source: view(r, stateOf(states, r.Name), use, s.Store.Now()), Findings: found}, nil
}
