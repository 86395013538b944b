package delivery

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/act"
	api "relay/report/api/delivery"
	"relay/report/words"
)

func explain(e *shell.Env) *cli.Command {
	in := &api.Question{}
	return shell.Command(&cli.Command{
		Name: "explain", ArgsUsage: "ADDRESS", Usage: "how mail to an address goes, and what keeps it",
		Description: `Shows the way of mail to ADDRESS, which may be a domain too: its route and hosts, the site and its provider's row, every ceiling with its figures now, which of them binds and since when, the source, the TLS policy, and when the next message that waits for the domain is tried. Nothing is sent.

The ceiling that binds is the one that keeps mail, or would be the first to.

  relay delivery explain jo@example.net --account acme`,
		Flags: []cli.Flag{&cli.StringFlag{Name: "account", Usage: "`NAME` whose mail (default of any account without a profile of its own)", Destination: &in.Account}},
	}, func(ctx context.Context, args []string) error {
		in.Address = args[0]
		v, err := api.Explain.Call(ctx, e.Service, in)
		if err != nil {
			return err
		}
		if e.JSON {
			return term.Encode(e.Stdout, v)
		}
		return term.WriteFields(e.Stdout, explainFields(v, e.Now(), e.Zone()))
	})
}

var routes = map[string]string{"mx": "the MX hosts of %s", "smarthost": "the smarthost", "route": "a route of %s"}

func explainFields(v *api.Explanation, now time.Time, zone *time.Location) []term.Field {
	route := routes[v.Route]
	if strings.Contains(route, "%") {
		route = fmt.Sprintf(route, v.Domain)
	}
	list := []term.Field{{"address", v.Address}, {"account", accountText(v)}, {"route", route}}
	if v.Suppression != nil {
		list = append(list, term.Field{"suppressed", suppressionText(v.Suppression, zone)})
	}
	if v.Fault != "" {
		return append(list, term.Field{"fault", words.Clean(v.Fault)}, term.Field{"next attempt", nextText(v, now)})
	}
	for _, h := range v.Hosts {
		list = append(list, term.Field{"host", fmt.Sprintf("%s [%s]:%d%s", h.Name, strings.Join(h.Addresses, ", "), v.Port, hostTLSText(&h.TLS))})
	}
	list = append(list, term.Field{"row", limitsText(v.Site.Provider, v.Site.Row) + recipientsText(v.Site.Row)})
	if s := v.Site; s.Suspended != nil {
		list = append(list, term.Field{"suspended", "until " + words.Stamp(*s.Suspended, zone) + ": " + words.Clean(s.SlowedBy)})
	} else if s.DownUntil != nil {
		list = append(list, term.Field{"down", "until " + words.Stamp(*s.DownUntil, zone) + ": " + words.Clean(s.Why)})
	}
	for i := range v.Ceilings {
		list = append(list, term.Field{v.Ceilings[i].Name + " now", ceilingText(&v.Ceilings[i], now, zone)})
	}
	for i := range v.Overrides {
		o := &v.Overrides[i]
		what := overrideText(o, "is")
		if o.Do == "stop" {
			what += " (binds)"
		}
		list = append(list, term.Field{"override", fmt.Sprintf("%d: %s, until %s: %s", o.Number, what, words.Stamp(o.Until, zone), words.Clean(o.Reason))})
	}
	if v.First != nil {
		list = append(list, term.Field{"first sendings", firstText(v.First)})
	}
	source := v.Source.EHLO
	if v.Source.Name != "" {
		source = v.Source.Name + " as " + source
	}
	if v.Source.Pool != "" {
		source += ", pool " + v.Source.Pool
	}
	return append(list, term.Field{"source", source}, term.Field{"TLS", tlsText(v)}, term.Field{"next attempt", nextText(v, now)})
}

// Names of what asks for TLS.
var tlsBy = map[string]string{"dane": "DANE", "mta-sts": "MTA-STS", "route": "its route"}

// hostTLSText says what TLS with a host must be, if that is anything.
func hostTLSText(h *act.HostTLS) string {
	switch {
	case h.Barred != "":
		return ": not used, " + words.Clean(h.Barred)
	case h.Level == "verified":
		return ": TLS with its own certificate, for " + tlsBy[h.By]
	case h.Level == "encrypted":
		return ": TLS with any certificate, for " + tlsBy[h.By]
	}
	return ""
}

// tlsText is the route's word on TLS, and the domain's.
func tlsText(v *api.Explanation) string {
	text := v.TLS
	if p := v.MTASTS; p != nil {
		text += fmt.Sprintf("; MTA-STS %s, mx %s", p.Mode, words.Clean(strings.Join(p.MX, ", ")))
	}
	if v.DNSSEC {
		text += "; DNSSEC proves the MX (DANE)"
	}
	return text
}

func accountText(v *api.Explanation) string {
	switch {
	case v.Account == "":
		return "any, profile " + v.Profile
	case v.Own:
		return fmt.Sprintf("%s, profile %s of its own", v.Account, v.Profile)
	}
	return fmt.Sprintf("%s, profile %s", v.Account, v.Profile)
}

// firstText says what the account's limit of first sendings means for the recipient.
func firstText(f *api.FirstSending) string {
	text := fmt.Sprintf("%s of %s used today", words.Number(int64(f.Used)), words.Number(int64(f.Cap)))
	if f.Waiting > 0 {
		text += fmt.Sprintf(", %s wait", words.Number(f.Waiting))
	}
	if f.Known {
		return text + "; this recipient is known, and does not wait"
	}
	return text + "; to this recipient, a new one, mail that comes in now goes out on " + f.Day
}

// suppressionText says why mail to the address is not tried, and until when.
func suppressionText(s *api.SuppressedAddress, zone *time.Location) string {
	text := "not tried since " + words.Stamp(s.Since, zone)
	if s.Expires != nil {
		text += ", until " + words.Stamp(*s.Expires, zone)
	}
	text += ": " + s.Reason
	if s.Reply != "" {
		text += ", " + words.Clean(s.Reply)
	}
	return text
}

func recipientsText(l act.Limits) string {
	if l.Recipients == nil {
		return ""
	}
	return fmt.Sprintf(", %d recipients in a transaction", *l.Recipients)
}

// ceilingText says what a ceiling allows now, since when and why.
func ceilingText(c *act.Ceiling, now time.Time, zone *time.Location) string {
	if d := c.Day; d != nil {
		return dayText(c, now)
	}
	rate := "any number a minute"
	if c.Now.Rate != nil {
		rate = words.Number(int64(math.Floor(*c.Now.Rate))) + " a minute"
	}
	text := words.Plural(int64(c.Now.Connections), "connection") + ", " + rate
	if c.Binds {
		text += " (binds)"
	}
	if c.Since != nil {
		text += ", since " + words.Stamp(*c.Since, zone)
		if c.Why != "" {
			text += ": " + words.Clean(c.Why)
		}
	}
	if c.Next != nil {
		text += "; the next message in " + words.Span(c.Next.Sub(now))
	}
	return text
}

// dayText is the ceiling of a warm-up.
func dayText(c *act.Ceiling, now time.Time) string {
	text := fmt.Sprintf("%s of %s messages today, day %d", words.Number(int64(c.Day.Sent)), words.Number(int64(c.Day.Limit)), c.Day.Day)
	if c.Binds {
		text += " (binds)"
	}
	if c.Next != nil {
		text += "; the next message in " + words.Span(c.Next.Sub(now))
	}
	return text
}

func nextText(v *api.Explanation, now time.Time) string {
	switch {
	case v.Next == nil:
		return "no mail waits"
	case v.Next.After(now):
		return "in " + words.Span(v.Next.Sub(now))
	}
	return "now"
}
