package delivery

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/store"
	"relay/store/spool"
)

// AllSites is the request for the sites that mail goes to.
type AllSites struct {
	Limit int `query:"limit" minimum:"0" doc:"Rows at most; 0: all."`
}

// Sites are the sites that mail goes to; those with the most waiting mail come first.
type Sites struct {
	Rows    []SiteRow `json:"rows"`
	All     int       `json:"all" doc:"Rows that there are."`
	Queued  int64     `json:"queued" doc:"Messages that wait, at all sites; one to several domains counts at each."`
	Unknown int64     `json:"unknown" doc:"Of them, to domains whose hosts relay has not looked up."`
}

// SiteRow is one site.
type SiteRow struct {
	act.SiteState
	Queued  int64      `json:"queued" doc:"Messages that wait."`
	Domains int        `json:"domains" doc:"That they are for."`
	Next    *time.Time `json:"next" doc:"When the first is due; null: none waits, or all are held."`
}

// ListSites is the act delivery sites. It needs a running relay.
var ListSites = act.New(act.Spec{Name: "delivery sites", Route: "GET /v1/delivery/sites", Summary: "Where mail goes: how fast, what waits, and what was replied", May: act.Operator}, listSites)

// answerTime is how long the running relay may take to answer.
const answerTime = 5 * time.Second

// deliveries returns the part of the running relay that delivers mail.
func deliveries(s *act.Service) (act.Deliveries, error) {
	if s.Running == nil || s.Running.Mail == nil {
		return nil, act.NotRunning()
	}
	return s.Running.Mail, nil
}

func listSites(ctx context.Context, s *act.Service, in *AllSites) (*Sites, error) {
	mail, err := deliveries(s)
	if err != nil {
		return nil, err
	}
	waiting, err := waitingMail(ctx, s.Store)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	states, err := mail.AllSites(ctx)
	if err != nil {
		return nil, act.Fail(act.Unreachable, "try again", "%w", err)
	}
	out := &Sites{Rows: make([]SiteRow, len(states)), All: len(states)}
	at := make(map[string]*SiteRow, len(states))
	for i := range states {
		out.Rows[i].SiteState = states[i]
		at[states[i].Name] = &out.Rows[i]
	}
	if err := out.count(ctx, mail, waiting, at); err != nil {
		return nil, err
	}
	slices.SortFunc(out.Rows, func(a, b SiteRow) int {
		return cmp.Or(cmp.Compare(b.Queued, a.Queued), cmp.Compare(b.Sent, a.Sent), strings.Compare(a.Name, b.Name))
	})
	if in.Limit > 0 && len(out.Rows) > in.Limit {
		out.Rows = out.Rows[:in.Limit]
	}
	return out, nil
}

// domainSum is the mail that waits for a domain.
type domainSum struct {
	messages int64
	next     time.Time // zero: all are held
}

// waitingMail sums up the queue by domain.
func waitingMail(ctx context.Context, st *store.Store) (map[string]domainSum, error) {
	sums := map[string]domainSum{}
	err := st.Spool.Lanes(ctx, func(l *spool.LaneSum) error {
		d := sums[l.Domain]
		d.messages += l.Messages
		if !l.Next.IsZero() && (d.next.IsZero() || l.Next.Before(d.next)) {
			d.next = l.Next
		}
		sums[l.Domain] = d
		return nil
	})
	return sums, err
}

// count adds the waiting mail of each domain to the row of its site.
func (v *Sites) count(ctx context.Context, mail act.Deliveries, waiting map[string]domainSum, at map[string]*SiteRow) error {
	domains := make([]string, 0, len(waiting))
	for name := range waiting {
		domains = append(domains, name)
	}
	sites, err := mail.Sites(ctx, domains)
	if err != nil {
		return act.Fail(act.Unreachable, "try again", "%w", err)
	}
	for name, d := range waiting {
		v.Queued += d.messages
		row := at[sites[name].Name]
		if row == nil {
			v.Unknown += d.messages
			continue
		}
		row.Queued += d.messages
		row.Domains++
		if !d.next.IsZero() && (row.Next == nil || d.next.Before(*row.Next)) {
			row.Next = &d.next
		}
	}
	return nil
}
