package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"relay/cli/control"
	"relay/cli/term"
	"relay/mailer"
	"relay/report/words"
)

// connections are those to next hops, as a relay that runs has them; nil: it does
// not say soon.
func (r *relay) connections(ctx context.Context) *control.Connections {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	p, err := r.mail.Pool(ctx)
	if err != nil {
		return nil
	}
	return viewPool(&p)
}

func viewPool(p *mailer.Pool) *control.Connections {
	v := &control.Connections{Limit: p.Limit, InUse: p.Used, Waiting: p.Waiting, Accounts: []control.Holder{}}
	for _, h := range p.Held {
		v.Accounts = append(v.Accounts, control.Holder{Account: h.Account, Connections: h.Connections, OldestSeconds: int64(h.Oldest / time.Second)})
	}
	return v
}

// busyLines say that all connections are in use, or that an account has used up its
// share of them, and whose they are; none: neither is so.
func busyLines(c *control.Connections) []string {
	var text string
	switch {
	case c == nil:
		return nil
	case c.InUse >= c.Limit:
		text = fmt.Sprintf("%s: %s", allInUse(c.Limit), holders(c.Accounts))
	case len(c.Waiting) > 0:
		text = fmt.Sprintf("%s of %s to next hops are in use: %s", words.Number(int64(c.InUse)), words.Plural(int64(c.Limit), "connection"), holders(c.Accounts))
	default:
		return nil
	}
	if n := len(c.Waiting); n > 0 {
		text += "; " + waiters(c.Waiting, c.InUse < c.Limit)
	}
	return term.Fold(term.Clean(text), term.Columns-len(totalMark))
}

// totalMark begins the lines below a list.
const totalMark = "-- "

func allInUse(limit int) string {
	if limit == 1 {
		return "the only connection to next hops is in use"
	}
	return fmt.Sprintf("all %s to next hops are in use", words.Plural(int64(limit), "connection"))
}

// shownNames is how many accounts a line names.
const shownNames = 3

// holders names who has most, and sums up the others.
func holders(list []control.Holder) string {
	var parts []string
	rest := 0
	for i, h := range list {
		if i < shownNames {
			parts = append(parts, fmt.Sprintf("%s has %s", named(h.Account), words.Number(int64(h.Connections))))
		} else {
			rest += h.Connections
		}
	}
	if n := len(list) - shownNames; n > 0 {
		parts = append(parts, fmt.Sprintf("%s %s", words.Plural(int64(n), "other account"), words.Number(int64(rest))))
	}
	if len(parts) == 0 {
		return "none carries mail at this moment"
	}
	return strings.Join(parts, ", ")
}

func named(account string) string {
	if account == "" {
		return "relay's own mail"
	}
	return account
}

// waiters says who waits: for any connection, or beyond its share.
func waiters(list []string, share bool) string {
	var names []string
	for _, account := range list[:min(len(list), shownNames)] {
		names = append(names, named(account))
	}
	if n := len(list) - shownNames; n > 0 {
		names = append(names, words.Plural(int64(n), "other account"))
	}
	text := "mail waits of " + strings.Join(names, ", ")
	if share {
		text += ", beyond the share of an account"
	}
	return text
}

// poolView is what an account has of the connections to next hops, in all.
type poolView struct {
	Limit   int   `json:"limit"`
	InUse   int   `json:"in_use"`            // by all
	Account *int  `json:"account,omitempty"` // by the row's account
	Waits   *bool `json:"waits,omitempty"`   // it has mail that waits for one
}

// addPool says of each row what its account has of the connections.
func (t *topList) addPool(pool *control.Connections) {
	if t.pool = pool; pool == nil {
		return
	}
	for i := range t.rows {
		r := &t.rows[i]
		r.Pool = &poolView{Limit: pool.Limit, InUse: pool.InUse}
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
