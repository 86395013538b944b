package delivery

import (
	"cmp"
	"context"
	"slices"
	"time"

	"relay/mailer/verdict"
	"relay/report/api/act"
	"relay/store/sites"
)

// Limits of the list of replies that no rule knew.
const (
	mostGroups = 1000
	mostHosts  = 5 // that are named for a group
	groupLife  = 31 * 24 * time.Hour
)

// Unclassified is a group of replies that no rule knew. Their texts differ only in
// addresses, ids and numbers.
type Unclassified struct {
	Reply  string    `json:"reply" doc:"In lower case; a * stands for what differs."`
	Count  int64     `json:"count" doc:"Recipients that were told so."`
	Stages []string  `json:"stages"`
	MX     []string  `json:"mx" doc:"Hosts that said so, five at most; labels with digits are a *."`
	Hosts  int       `json:"hosts" doc:"How many there are."`
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
}

// ListUnclassified lists the groups of replies that no rule knew.
var ListUnclassified = act.New(act.Spec{Name: "delivery unclassified", Route: "GET /v1/delivery/unclassified", Summary: "Replies of the last month that no rule knew, grouped, the most frequent first",
	May: act.Operator}, unclassified)

func unclassified(_ context.Context, s *act.Service, _ *act.None) (*[]Unclassified, error) {
	kept, err := s.Store.Sites.ReplyKinds()
	if err != nil {
		return nil, err
	}
	since := s.Store.Now().Add(-groupLife)
	groups := map[string]*Unclassified{}
	for i := range kept {
		if h := &kept[i]; h.Verdict.Category == string(verdict.Uncategorized) && h.Last.After(since) {
			gather(groups, h)
		}
	}
	list := make([]Unclassified, 0, len(groups))
	for _, g := range groups {
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b Unclassified) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), b.Last.Compare(a.Last), cmp.Compare(a.Reply, b.Reply))
	})
	list = list[:min(len(list), mostGroups)]
	return &list, nil
}

// gather adds a kind of reply to the group of its text.
func gather(groups map[string]*Unclassified, h *sites.ReplyKind) {
	r := parsed(h)
	_, text := r.Masked()
	g := groups[text]
	if g == nil {
		g = &Unclassified{Reply: text, First: h.First, Last: h.Last}
		groups[text] = g
	}
	g.Count += h.Count
	if h.First.Before(g.First) {
		g.First = h.First
	}
	if h.Last.After(g.Last) {
		g.Last = h.Last
	}
	if !slices.Contains(g.Stages, h.Stage) {
		g.Stages = append(g.Stages, h.Stage)
	}
	if slices.Contains(g.MX, h.MX) {
		return
	}
	if g.Hosts++; len(g.MX) < mostHosts {
		g.MX = append(g.MX, h.MX)
	}
}

// RulesFile is the request to try a file of rules on the stored replies.
type RulesFile struct {
	Body struct {
		Name     string `json:"name,omitempty" doc:"Of the file, for what is wrong with it."`
		Document string `json:"document" doc:"TOML: rules as they would stand in the operator's own file."`
	}
}

// Replay is what a file of rules would change.
type Replay struct {
	Tried   int            `json:"tried" doc:"Kinds of replies."`
	Changed []ReplayChange `json:"changed"`
}

// ReplayChange is a kind of reply with another verdict under the new rules.
type ReplayChange struct {
	MX     string    `json:"mx"`
	Stage  string    `json:"stage"`
	Reply  string    `json:"reply" doc:"In lower case; a * stands for what differs."`
	Count  int64     `json:"count" doc:"Recipients that were told so."`
	Last   time.Time `json:"last"`
	Before Judgement `json:"before"`
	After  Judgement `json:"after"`
}

// MostOctets is the largest file of rules.
const MostOctets = 1 << 20

// TryRules is the act that tries rules without loading them.
var TryRules = act.New(act.Spec{Name: "delivery replay", Route: "POST /v1/delivery/replay", Summary: "What another file of rules would change for the replies of late",
	May: act.Operator, Largest: 2 * MostOctets}, tryRules)

func tryRules(_ context.Context, s *act.Service, in *RulesFile) (*Replay, error) {
	if len(in.Body.Document) > MostOctets {
		return nil, act.Fail(act.Data, "leave out what is in relay's own rules", "the file is larger than %d octets", MostOctets)
	}
	now, err := s.Verdicts()
	if err != nil {
		return nil, err
	}
	next, err := verdict.Read(cmp.Or(in.Body.Name, "document"), []byte(in.Body.Document))
	if err != nil {
		return nil, act.Fail(act.Data, "the guide says what a rule may have", "%w", err)
	}
	kept, err := s.Store.Sites.ReplyKinds()
	if err != nil {
		return nil, err
	}
	out := &Replay{Tried: len(kept), Changed: []ReplayChange{}}
	for i := range kept {
		if c := change(&kept[i], now, next); c.Before != c.After {
			out.Changed = append(out.Changed, c)
		}
	}
	slices.SortFunc(out.Changed, func(a, b ReplayChange) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reply, b.Reply), cmp.Compare(a.MX, b.MX))
	})
	return out, nil
}

// change judges a kind of reply by both rules.
func change(h *sites.ReplyKind, now, next *verdict.Rules) ReplayChange {
	r := parsed(h)
	return ReplayChange{MX: h.MX, Stage: h.Stage, Reply: h.Reply, Count: h.Count, Last: h.Last,
		Before: view(now.Judge(r)), After: view(next.Judge(r))}
}

// parsed reads a stored reply. Its stage is always known: the mailer has written it.
func parsed(h *sites.ReplyKind) verdict.Reply {
	stage, _ := verdict.ParseStage(h.Stage)
	return verdict.Parse(h.MX, stage, h.Reply)
}
