package mail

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/store"
	"relay/store/spool"
	"relay/store/spooled"
)

// Top is the request for where mail waits.
type Top struct {
	By    string `query:"by" doc:"What a row is for: domain, account or both. Default both."`
	Limit int    `query:"limit" minimum:"0" doc:"Rows at most; 0: all."`
}

// Tops is where mail waits, the most first.
type Tops struct {
	Rows        []TopRow         `json:"rows"`
	All         int              `json:"all" doc:"Rows that there are."`
	Messages    int64            `json:"messages" doc:"In the queue."`
	Recipients  int64            `json:"recipients" doc:"Not delivered yet."`
	Connections *act.Connections `json:"connections" doc:"To next hops; null: not known."`
}

// TopRow is mail that waits together.
type TopRow struct {
	Domain     string     `json:"domain,omitempty"`
	Account    string     `json:"account,omitempty"`
	Messages   int64      `json:"messages"`
	Recipients int64      `json:"recipients"`
	Held       int64      `json:"held" doc:"Of the messages."`
	Oldest     time.Time  `json:"oldest" doc:"When it was accepted."`
	Next       *time.Time `json:"next" doc:"When the first is tried; null: all are held."`
	Reply      string     `json:"reply" doc:"Last reply to the oldest."`
	Site       *act.Site  `json:"site" doc:"null: not known."`
	Pool       *Pool      `json:"connections" doc:"null: not known."`

	oldest spooled.ID
}

// Pool is what an account has of the connections to next hops, in all.
type Pool struct {
	_ struct{} `nullable:"true"`

	Limit   int   `json:"limit"`
	InUse   int   `json:"in_use" doc:"By all."`
	Account *int  `json:"account,omitempty" doc:"By the row's account."`
	Waits   *bool `json:"waits,omitempty" doc:"It has mail that waits for one."`
}

// TopQueue says where mail waits.
var TopQueue = act.New(act.Spec{Name: "queue top", Route: "GET /v1/queue/top", Summary: "Where mail waits: by domain and account, the largest queues first", May: act.Operator}, topQueue)

func topQueue(ctx context.Context, s *act.Service, in *Top) (*Tops, error) {
	t := &topper{by: in.By, limit: in.Limit}
	if t.by == "" {
		t.by = "both"
	}
	if !slices.Contains([]string{"domain", "account", "both"}, t.by) {
		return nil, act.Invalid("by", "", ": domain, account or both, not %q", in.By)
	}
	if err := t.read(ctx, s.Store); err != nil {
		return nil, err
	}
	for i := range t.Rows {
		if err := t.Rows[i].sample(s.Store); err != nil {
			return nil, err
		}
	}
	if s.Running != nil && s.Running.Mail != nil {
		t.addSites(ctx, s.Running.Mail)
		t.addWaits(ctx, s.Running.Mail)
		t.addPool(s.Running.Mail.Connections(ctx))
	}
	sum, err := s.Store.Spool.Totals()
	t.Messages, t.Recipients = sum.Messages, sum.Recipients
	return &t.Tops, err
}

// topper keeps the rows with the most messages, of any number.
type topper struct {
	Tops
	by    string
	limit int // 0: none
}

// read the queue's keys.
func (t *topper) read(ctx context.Context, st *store.Store) error {
	accounts := map[string]*TopRow{}
	err := st.Spool.Lanes(ctx, func(sum *spool.LaneSum) error {
		if t.by != "account" {
			t.add(sum)
			return nil
		}
		row := accounts[sum.Account]
		if row == nil {
			row = &TopRow{Account: sum.Account}
			accounts[sum.Account] = row
		}
		row.add(sum)
		return nil
	})
	for _, row := range accounts {
		t.Rows = append(t.Rows, *row)
		t.All++
	}
	t.shrink()
	return err
}

// add takes a lane; lanes of a domain come one after the other.
func (t *topper) add(sum *spool.LaneSum) {
	if n := len(t.Rows); t.by == "domain" && n > 0 && t.Rows[n-1].Domain == sum.Domain {
		t.Rows[n-1].add(sum)
		return
	}
	if t.limit > 0 && len(t.Rows) >= 2*t.limit+1000 { // never much more than is shown
		t.shrink()
	}
	row := TopRow{Domain: sum.Domain}
	if t.by == "both" {
		row.Account = sum.Account
	}
	row.add(sum)
	t.Rows = append(t.Rows, row)
	t.All++
}

// shrink leaves the rows that may be shown.
func (t *topper) shrink() {
	slices.SortFunc(t.Rows, func(a, b TopRow) int {
		return cmp.Or(-cmp.Compare(a.Messages, b.Messages), -cmp.Compare(a.Recipients, b.Recipients),
			strings.Compare(a.Domain, b.Domain), strings.Compare(a.Account, b.Account))
	})
	if t.limit > 0 && len(t.Rows) > t.limit {
		t.Rows = t.Rows[:t.limit]
	}
	if t.Rows == nil {
		t.Rows = []TopRow{}
	}
}

func (r *TopRow) add(sum *spool.LaneSum) {
	if r.Messages == 0 || sum.Oldest.Compare(r.oldest) < 0 {
		r.oldest = sum.Oldest
	}
	r.Messages += sum.Messages
	r.Recipients += sum.Recipients
	r.Held += sum.Held
	if next := sum.Next; !next.IsZero() && (r.Next == nil || next.Before(*r.Next)) {
		r.Next = &next
	}
}

// sample reads the oldest message of a row.
func (r *TopRow) sample(st *store.Store) error {
	r.Oldest = r.oldest.Timestamp().UTC()
	m, err := st.Spool.QueueMessage(r.oldest)
	if errors.Is(err, store.ErrNotFound) {
		return nil // delivered meanwhile
	}
	if err != nil {
		return err
	}
	r.Oldest = m.Accepted
	for i := range m.Recipients {
		rcpt := &m.Recipients[i]
		if !rcpt.State.Final() && (r.Domain == "" || rcpt.Domain == r.Domain) && rcpt.Reply != "" {
			r.Reply = rcpt.Reply
			return nil
		}
	}
	return nil
}

// addSites asks the mailer about the rows' domains, if it answers soon.
func (t *topper) addSites(ctx context.Context, mail act.Deliveries) {
	if t.by == "account" {
		return
	}
	var domains []string
	for i := range t.Rows {
		domains = append(domains, t.Rows[i].Domain)
	}
	ctx, cancel := context.WithTimeout(ctx, outlookTime)
	defer cancel()
	sites, _ := mail.Sites(ctx, domains) // not known: not shown
	for i := range t.Rows {
		if site, ok := sites[t.Rows[i].Domain]; ok {
			t.Rows[i].Site = &site
		}
	}
}

// addWaits puts off the time of rows whose mail is due, but waits: for the next day of a
// warm-up, say, or until its next hop is tried again.
func (t *topper) addWaits(ctx context.Context, mail act.Deliveries) {
	if t.by != "both" {
		return
	}
	places := make([]act.Place, len(t.Rows))
	for i := range t.Rows {
		places[i].Lane = spooled.Lane{Domain: t.Rows[i].Domain, Account: t.Rows[i].Account}
	}
	ctx, cancel := context.WithTimeout(ctx, outlookTime)
	defer cancel()
	said, err := mail.Outlooks(ctx, places)
	if err != nil {
		return // it is busy
	}
	for i, o := range said {
		if r := &t.Rows[i]; r.Next != nil && o.Wait != nil && o.Wait.Until != nil && o.Wait.Until.After(*r.Next) {
			r.Next = o.Wait.Until
		}
	}
}

// addPool says of each row how many connections its account has.
func (t *topper) addPool(pool *act.Connections) {
	if t.Connections = pool; pool == nil {
		return
	}
	for i := range t.Rows {
		r := &t.Rows[i]
		r.Pool = &Pool{Limit: pool.Limit, InUse: pool.InUse}
		if t.by == "domain" {
			continue
		}
		held, waits := 0, slices.Contains(pool.Waiting, r.Account)
		for _, h := range pool.Accounts {
			if h.Account == r.Account {
				held = h.Connections
			}
		}
		r.Pool.Account, r.Pool.Waits = &held, &waits
	}
}
