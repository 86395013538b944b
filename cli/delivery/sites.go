package delivery

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/act"
	api "relay/report/api/delivery"
	"relay/report/api/field"
	"relay/report/words"
)

// watchEvery is how often --watch draws again.
const watchEvery = 2 * time.Second

func sites(e *shell.Env) *cli.Command {
	in := &api.AllSites{}
	var limit *int64
	var watch bool
	return shell.Command(&cli.Command{
		Name: "sites", Usage: "where mail goes: how fast, what waits, and what was replied",
		Description: `A line for each site, which is a set of MX hosts that share connections and limits: how many messages wait for it, connections that are open of those allowed, messages in the last minute of those allowed in a minute, and recipients delivered, deferred and failed since relay knows the site. The ones with the most that waits come first. Below it are the source that mail leaves by, its provider's row where it goes slower than that, until when it is suspended or down, and the last replies that were no success.

Sites to which no mail went lately are not shown.`,
		Flags: []cli.Flag{
			shell.CountFlag("limit", "`N` at most this many sites, or unlimited (default 20)", &limit),
			&cli.BoolFlag{Name: "watch", Usage: "draw again every two seconds, on a terminal", Destination: &watch},
		},
	}, func(ctx context.Context, _ []string) error {
		in.Limit = int(field.Or(limit, 20))
		if watch && (e.JSON || !term.IsTerminal(e.Stdout)) {
			return exit.Usage("without --watch it writes what is now", "--watch needs a terminal")
		}
		for {
			list, err := api.ListSites.Call(ctx, e.Service, in)
			if err != nil {
				return err
			}
			if e.JSON {
				return term.EncodeAll(e.Stdout, list.Rows)
			}
			var b bytes.Buffer
			if watch {
				b.WriteString("\x1b[H\x1b[2J") // home, and clear
			}
			b.WriteString(sitesText(list, e.Now(), e.Zone(), term.Width(e.Stdout)))
			if _, err := e.Stdout.Write(b.Bytes()); err != nil || !watch {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(watchEvery):
			}
		}
	})
}

// sitesText is the table of sites, with remarks below each.
func sitesText(list *api.Sites, now time.Time, zone *time.Location, width int) string {
	if len(list.Rows) == 0 {
		return "No mail went out lately\n"
	}
	tab := term.NewTable(term.Column{Head: "SITE", Least: 24}, term.Column{Head: "QUEUED", Right: true}, term.Column{Head: "CONN", Right: true},
		term.Column{Head: "A MINUTE", Right: true}, term.Column{Head: "DELIVERED", Right: true}, term.Column{Head: "DEFERRED", Right: true}, term.Column{Head: "FAILED", Right: true})
	for i := range list.Rows {
		r := &list.Rows[i]
		tab.Add(siteName(&r.SiteState), words.Number(r.Queued), fmt.Sprintf("%d/%d", r.Connections, r.Now.Connections),
			fmt.Sprintf("%d/%s", r.Sent, rateText(r.Now.Rate)), words.Number(r.Delivered), words.Number(r.Deferred), words.Number(r.Failed))
	}
	var b strings.Builder
	b.WriteString(tab.Text(width, func(i int) []string { return siteRemarks(&list.Rows[i].SiteState, now, zone) }))
	if n := list.All - len(list.Rows); n > 0 {
		fmt.Fprintf(&b, "-- and %s\n", words.Plural(int64(n), "other site"))
	}
	if list.Unknown > 0 {
		fmt.Fprintf(&b, "-- %s to domains whose hosts are not looked up\n", words.Plural(list.Unknown, "message"))
	}
	return b.String()
}

// siteName is the first of the site's hosts, and how many others there are.
func siteName(s *act.SiteState) string {
	host, more, many := strings.Cut(s.Name, ",")
	if many {
		host += fmt.Sprintf(" +%d", 1+strings.Count(more, ","))
	}
	return host
}

// rateText is messages a minute, rounded down.
func rateText(rate *float64) string {
	if rate == nil {
		return "any"
	}
	return words.Number(int64(math.Floor(*rate)))
}

// siteRemarks says below a site which source mail leaves by, what stops or slows it, and its
// last bad replies.
func siteRemarks(s *act.SiteState, now time.Time, zone *time.Location) (lines []string) {
	if s.Source != "" {
		lines = append(lines, "from "+s.Source)
	}
	switch {
	case s.Suspended != nil:
		lines = append(lines, fmt.Sprintf("suspended until %s: %s", words.Stamp(*s.Suspended, zone), words.Clean(s.SlowedBy)))
	case s.DownUntil != nil:
		lines = append(lines, fmt.Sprintf("down, next probe in %s: %s", words.Span(s.DownUntil.Sub(now)), words.Clean(s.Why)))
	case s.SlowedSince != nil:
		lines = append(lines, fmt.Sprintf("slower than its row (%s)", limitsText(s.Provider, s.Row)),
			fmt.Sprintf("since %s: %s", words.Stamp(*s.SlowedSince, zone), words.Clean(s.SlowedBy)))
	}
	for _, r := range s.Replies {
		if r.Reply != s.SlowedBy && r.Reply != s.Why {
			lines = append(lines, fmt.Sprintf("%s ago: %s", words.Span(now.Sub(r.Time)), words.Clean(r.Reply)))
		}
	}
	return lines
}

// limitsText is a row: Google, 3 connections, 50 messages each, 100 a minute.
func limitsText(provider string, l act.Limits) string {
	parts := []string{provider, words.Plural(int64(l.Connections), "connection")}
	if l.Messages != nil {
		parts = append(parts, words.Plural(int64(*l.Messages), "message")+" each")
	}
	if l.Rate != nil {
		parts = append(parts, words.Number(int64(*l.Rate))+" a minute")
	} else {
		parts = append(parts, "any number a minute")
	}
	return strings.Join(parts, ", ")
}
