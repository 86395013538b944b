package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/mailer"
	"relay/report/words"
	"relay/store"
)

func (p *program) queueTop() *cli.Command {
	by := "both"
	limit := shell.CountFlag{N: 20}
	return p.onStore(&cli.Command{
		Name: "top", Usage: "where mail waits: by domain and account, the most first",
		Description: `A line for each domain's mail of an account, or with --by for each domain, or each account: how many messages and recipients wait, how old the oldest is, and when the next one is tried. Below it what that oldest one was told last, and, while a relay runs, how its next hop is: down until when, or how many connections there are. When all connections to next hops are in use, or an account has used up its share of them, the last lines say whose they are.

A message to several domains counts at each of them; the last line counts it once.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "by", Usage: "`WHAT` domain, account or both (default both)", Value: by, Destination: &by},
			&cli.GenericFlag{Name: "limit", Usage: "`N` at most so many lines, or unlimited (default 20)", Value: &limit},
		},
	}, work{run: func(c *call) error {
		if !slices.Contains([]string{"domain", "account", "both"}, by) {
			return exit.Usage("", "--by: domain, account or both, not %q", by)
		}
		top, err := c.top(by, int(limit.N))
		if err != nil {
			return err
		}
		if c.json {
			return term.EncodeAll(c.Stdout, top.rows)
		}
		return c.writeTop(top, by)
	}})
}

// topRow is mail that waits together, as programs see it.
type topRow struct {
	Domain     string     `json:"domain,omitempty"`
	Account    string     `json:"account,omitempty"`
	Messages   int64      `json:"messages"`
	Recipients int64      `json:"recipients"`
	Held       int64      `json:"held"`        // of the messages
	Oldest     time.Time  `json:"oldest"`      // when it was accepted
	Next       *time.Time `json:"next"`        // when the first is due; null: all are held
	Reply      string     `json:"reply"`       // what the oldest was told last
	Site       *siteView  `json:"site"`        // null: not known
	Pool       *poolView  `json:"connections"` // null: not known

	oldest store.ID
}

// siteView is what the running relay knows of a next hop.
type siteView struct {
	Name        string     `json:"name"`
	Connections int        `json:"connections"`
	Limit       int        `json:"limit"`
	Claimed     int        `json:"claimed"`    // messages that wait for a connection
	DownUntil   *time.Time `json:"down_until"` // null: it is not down
	Failures    int        `json:"failures"`   // in a row
	Why         string     `json:"why"`
}

// topList keeps the rows with the most messages of as many as there are.
type topList struct {
	by    string
	limit int // 0: none
	rows  []topRow
	all   int                  // rows that there were
	pool  *control.Connections // nil: not known
}

// top reads the queue's keys, and a message of each row that is shown.
func (c *call) top(by string, limit int) (*topList, error) {
	t := &topList{by: by, limit: limit}
	accounts := map[string]*topRow{}
	err := c.st.Lanes(c.ctx, func(sum *store.LaneSum) error {
		if by != "account" {
			t.add(sum)
			return nil
		}
		row := accounts[sum.Account]
		if row == nil {
			row = &topRow{Account: sum.Account}
			accounts[sum.Account] = row
		}
		row.add(sum)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, row := range accounts {
		t.rows = append(t.rows, *row)
		t.all++
	}
	t.shrink()
	for i := range t.rows {
		if err := c.sample(&t.rows[i]); err != nil {
			return nil, err
		}
	}
	if by != "account" {
		c.addSites(t.rows)
	}
	if c.inner != nil {
		t.addPool(c.inner.connections(c.ctx))
	}
	return t, nil
}

// add takes a lane; lanes of a domain come one after the other.
func (t *topList) add(sum *store.LaneSum) {
	if n := len(t.rows); t.by == "domain" && n > 0 && t.rows[n-1].Domain == sum.Domain {
		t.rows[n-1].add(sum)
		return
	}
	if t.limit > 0 && len(t.rows) >= 2*t.limit+1000 { // never much more than is shown
		t.shrink()
	}
	row := topRow{Domain: sum.Domain}
	if t.by == "both" {
		row.Account = sum.Account
	}
	row.add(sum)
	t.rows = append(t.rows, row)
	t.all++
}

// shrink leaves what may be shown.
func (t *topList) shrink() {
	slices.SortFunc(t.rows, func(a, b topRow) int {
		return cmp.Or(-cmp.Compare(a.Messages, b.Messages), -cmp.Compare(a.Recipients, b.Recipients),
			strings.Compare(a.Domain, b.Domain), strings.Compare(a.Account, b.Account))
	})
	if t.limit > 0 && len(t.rows) > t.limit {
		t.rows = t.rows[:t.limit]
	}
}

func (r *topRow) add(sum *store.LaneSum) {
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
func (c *call) sample(r *topRow) error {
	r.Oldest = r.oldest.Timestamp().UTC()
	m, err := c.st.QueueMessage(r.oldest)
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

// addSites asks the mailer, if there is one and it answers soon.
func (c *call) addSites(rows []topRow) {
	if c.inner == nil {
		return
	}
	var domains []string
	for i := range rows {
		domains = append(domains, rows[i].Domain)
	}
	ctx, cancel := context.WithTimeout(c.ctx, time.Second)
	defer cancel()
	sites, _ := c.inner.mail.Sites(ctx, domains) // not known: not shown
	for i := range rows {
		if s, ok := sites[rows[i].Domain]; ok {
			rows[i].Site = viewSite(&s)
		}
	}
}

func viewSite(s *mailer.Site) *siteView {
	v := &siteView{Name: s.Name, Connections: s.Connections, Limit: s.Limit, Claimed: s.Claimed, Failures: s.Failures, Why: s.Why}
	if !s.Down.IsZero() {
		down := s.Down
		v.DownUntil = &down
	}
	return v
}

func (c *call) writeTop(t *topList, by string) error {
	if len(t.rows) == 0 {
		return c.say("The queue is empty")
	}
	tab := term.NewTable(topColumns(by)...)
	for i := range t.rows {
		tab.Add(t.rows[i].cells(by, c.wall())...)
	}
	widths := tab.Widths()
	heads := make([]string, len(tab.Columns))
	for i := range heads {
		heads[i] = tab.Columns[i].Head
	}
	if err := c.say("%s", tab.Line(widths, heads)); err != nil {
		return err
	}
	for i := range t.rows {
		lines := append([]string{tab.Line(widths, tab.Rows[i])}, t.rows[i].remarks(c.wall())...)
		if err := c.say("%s", strings.Join(lines, "\n")); err != nil {
			return err
		}
	}
	return c.writeTotal(t, by)
}

func topColumns(by string) []term.Column {
	domain, account := term.Column{Head: "DOMAIN", Least: 20}, term.Column{Head: "ACCOUNT", Least: 12}
	numbers := []term.Column{{Head: "MESSAGES", Right: true}, {Head: "RECIPIENTS", Right: true},
		{Head: "OLDEST", Right: true}, {Head: "NEXT", Right: true}}
	switch by {
	case "domain":
		return append([]term.Column{domain}, numbers...)
	case "account":
		return append([]term.Column{account}, numbers...)
	}
	return append([]term.Column{domain, account}, numbers...)
}

func (r *topRow) cells(by string, now time.Time) []string {
	next := "held"
	switch {
	case r.Next == nil:
	case r.Next.After(now):
		next = words.Span(r.Next.Sub(now))
	default:
		next = "now"
	}
	cells := []string{words.Number(r.Messages), words.Number(r.Recipients), words.Span(now.Sub(r.Oldest)), next}
	switch by {
	case "domain":
		return append([]string{r.Domain}, cells...)
	case "account":
		return append([]string{r.Account}, cells...)
	}
	return append([]string{r.Domain, r.Account}, cells...)
}

// remarks are the lines below a row.
func (r *topRow) remarks(now time.Time) (lines []string) {
	if r.Reply != "" {
		lines = append(lines, term.Cut("  "+term.Clean(r.Reply), term.Columns))
	}
	if r.Held > 0 && r.Next != nil {
		lines = append(lines, fmt.Sprintf("  %s held", words.Number(r.Held)))
	}
	if s := r.Site; s != nil {
		switch {
		case s.DownUntil != nil:
			text := fmt.Sprintf("  next hop down, next probe in %s, %s", words.Span(s.DownUntil.Sub(now)), words.Plural(int64(s.Failures), "failure"))
			if s.Why != "" && !strings.Contains(r.Reply, s.Why) {
				text += ": " + term.Clean(s.Why)
			}
			lines = append(lines, term.Cut(text, term.Columns))
		case s.Connections > 0:
			lines = append(lines, fmt.Sprintf("  %s of %s open, %s in hand", words.Number(int64(s.Connections)),
				words.Plural(int64(s.Limit), "connection"), words.Number(int64(s.Claimed))))
		}
	}
	return lines
}

func (c *call) writeTotal(t *topList, by string) error {
	sum, err := c.st.Totals()
	if err != nil {
		return err
	}
	unit := map[string]string{"both": "line", "domain": "domain", "account": "account"}[by]
	shown := words.Plural(int64(t.all), unit)
	if n := len(t.rows); n < t.all {
		shown = fmt.Sprintf("the first %s of %s", words.Number(int64(n)), shown)
	}
	lines := []string{fmt.Sprintf("%s, %s; %s", words.Plural(sum.Messages, "message"), words.Plural(sum.Recipients, "recipient"), shown)}
	lines = append(lines, busyLines(t.pool)...)
	return c.say("%s", totalMark+strings.Join(lines, "\n"+totalMark))
}
