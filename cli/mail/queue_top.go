package mail

import (
	"context"
	"fmt"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/field"
	api "relay/report/api/mail"
	"relay/report/words"
)

func queueTop(e *shell.Env) *cli.Command {
	in := &api.Top{By: "both"}
	var limit *int64
	return shell.Command(&cli.Command{
		Name: "top", Usage: "where mail waits: by domain and account, the largest queues first",
		Description: `A line for each domain's mail of an account, or with --by for each domain, or each account: how many messages and recipients wait, how old the oldest is, and when the next one is tried. Below it are the last reply to that oldest message and, while a relay runs, the state of its next hop: until when it is down, or how many connections it has. When all connections to next hops are in use, or an account has used up its share of them, the last lines say whose they are.

A message to several domains counts at each of them; the last line counts it once.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "by", Usage: "`domain|account|both` what a line is for (default both)", Value: in.By, Destination: &in.By},
			shell.CountFlag("limit", "`N` at most this many lines, or unlimited (default 20)", &limit),
		},
	}, func(ctx context.Context, _ []string) error {
		in.Limit = int(field.Or(limit, 20))
		top, err := api.TopQueue.Call(ctx, e.Service, in)
		if err != nil {
			return err
		}
		if e.JSON {
			return term.EncodeAll(e.Stdout, top.Rows)
		}
		return writeTop(e, top, in.By)
	})
}

func writeTop(e *shell.Env, t *api.Tops, by string) error {
	if len(t.Rows) == 0 {
		return e.Say("The queue is empty")
	}
	tab := term.NewTable(topColumns(by)...)
	for i := range t.Rows {
		tab.Add(cells(&t.Rows[i], by, e.Now())...)
	}
	text := tab.Text(term.Width(e.Stdout), func(i int) []string { return remarks(&t.Rows[i], e.Now()) })
	if err := e.Say("%s", strings.TrimSuffix(text, "\n")); err != nil {
		return err
	}
	return writeTotal(e, t, by)
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

func cells(r *api.TopRow, by string, now time.Time) []string {
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
func remarks(r *api.TopRow, now time.Time) (lines []string) {
	if r.Reply != "" {
		lines = append(lines, words.Clean(r.Reply))
	}
	if r.Held > 0 && r.Next != nil {
		lines = append(lines, fmt.Sprintf("%s held", words.Number(r.Held)))
	}
	if s := r.Site; s != nil {
		switch {
		case s.DownUntil != nil:
			text := fmt.Sprintf("next hop down, next probe in %s, %s", words.Span(s.DownUntil.Sub(now)), words.Plural(int64(s.Failures), "failure"))
			if s.Why != "" && !strings.Contains(r.Reply, s.Why) {
				text += ": " + words.Clean(s.Why)
			}
			lines = append(lines, text)
		case s.Connections > 0:
			lines = append(lines, fmt.Sprintf("%s of %s open, %s in hand", words.Number(int64(s.Connections)),
				words.Plural(int64(s.Limit), "connection"), words.Number(int64(s.Claimed))))
		}
	}
	return lines
}

func writeTotal(e *shell.Env, t *api.Tops, by string) error {
	unit := map[string]string{"both": "line", "domain": "domain", "account": "account"}[by]
	total := words.Plural(t.Messages, "message") + ", " + words.Plural(t.Recipients, "recipient")
	if n := len(t.Rows); n < t.All {
		total += fmt.Sprintf("; %s of %s shown", words.Number(int64(n)), words.Plural(int64(t.All), unit))
	}
	lines := []string{total}
	lines = append(lines, BusyLines(t.Connections)...)
	return e.Say("%s", totalMark+strings.Join(lines, "\n"+totalMark))
}
