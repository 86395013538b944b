// Package domains has the command domain, for signing domains and signing keys.
package domains

import (
	"context"
	"fmt"
	"os"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/finding"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/cli/zonefile"
	api "relay/report/api/domains"
	"relay/report/words"
)

// Command is relay domain.
func Command(e *shell.Env) *cli.Command {
	return shell.Group("domain", "domains whose mail is signed, and their DNS records", add(e), list(e), check(e), remove(e), keys(e))
}

// accountFlag makes the flag --account, for the domain's account.
func accountFlag(to *string, needed bool) cli.Flag {
	usage := "`NAME` whose domain it is"
	if !needed {
		usage += " (default: the only account that has it)"
	}
	return &cli.StringFlag{Name: "account", Usage: usage, Required: needed, Destination: to}
}

// named fills in the request. Without --account it looks for the only account that has the
// domain.
func named(ctx context.Context, e *shell.Env, in *api.Name, domain string) error {
	if in.Domain = domain; in.Account != "" {
		return nil
	}
	var of []string
	err := api.List.Each(ctx, e.Service, &api.AllDomains{}, 0, func(d *api.Domain) error {
		if strings.EqualFold(d.Domain, strings.TrimSuffix(domain, ".")) {
			of = append(of, d.Account)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case len(of) == 0:
		return exit.Fail(exit.Failed, "relay domain list shows all", "no account has the domain %s", domain)
	case len(of) > 1:
		return exit.Usage("name one with --account", "several accounts have the domain %s: %s", domain, strings.Join(of, ", "))
	}
	in.Account = of[0]
	return nil
}

func add(e *shell.Env) *cli.Command {
	in := &api.NewDomain{}
	return shell.Command(&cli.Command{
		Name: "add", ArgsUsage: "DOMAIN", Usage: "sign mail of a domain, once its owner delegates it",
		Flags: []cli.Flag{accountFlag(&in.Account, true)},
		Description: `Shows the CNAME records that the domain's owner publishes, once: keys are changed behind them. Mail of the account with the domain, or one below it, in its From field is signed as soon as the DNS shows the records; relay looks every ten minutes, and relay domain check at once.

An account may send from any address. Only the domains that are added here are signed.

The records lead to keys that you publish below your own domain: relay domain keys shows them.

  relay domain add example.com --account acme`,
	}, func(ctx context.Context, args []string) error {
		in.Body.Domain = args[0]
		return shell.Show(ctx, e, api.Add, in, func(e *shell.Env, d *api.Domain) error {
			return e.Say("%s is signed for %s once its owner has published:\n%s", d.Domain, d.Account, zoneLines(d.Records))
		})
	})
}

// zoneLines writes records as lines of a zone file.
func zoneLines(list []api.Record) string {
	var lines []string
	for _, r := range list {
		value := r.Value
		if r.Type == "CNAME" {
			value += "."
		}
		lines = append(lines, zonefile.Line(r.Name+".", r.Type, value))
	}
	return strings.Join(lines, "\n")
}

func list(e *shell.Env) *cli.Command {
	in := &api.AllDomains{}
	return shell.Command(&cli.Command{
		Name: "list", Usage: "domains whose mail is signed",
		Flags:       []cli.Flag{&cli.StringFlag{Name: "account", Usage: "`NAME` only those of this account", Destination: &in.Account}},
		Description: `A domain is waiting until the DNS shows its records, partly while it shows some of them, and then delegated. LOOKED is when relay asked the DNS last.`,
	}, func(ctx context.Context, _ []string) error {
		return shell.List(ctx, e, api.List, in, shell.Rows[api.Domain]{
			Columns: []term.Column{{Head: "DOMAIN"}, {Head: "ACCOUNT", Least: 12}, {Head: "STATE"}, {Head: "SINCE"}, {Head: "LOOKED"}},
			Cells: func(d *api.Domain) []string {
				looked := "never"
				if d.Looked != nil {
					looked = words.Stamp(*d.Looked, e.Zone())
				}
				return []string{d.Domain, d.Account, d.State, words.Stamp(d.Since, e.Zone()), looked}
			},
		})
	})
}

func check(e *shell.Env) *cli.Command {
	in := &api.Name{}
	return shell.Command(&cli.Command{
		Name: "check", ArgsUsage: "DOMAIN", Usage: "look at a domain's records as receivers do, and say what to publish",
		Flags: []cli.Flag{accountFlag(&in.Account, false)},
		Description: `Looks at SPF, the records of both selectors, DMARC, alignment, MX, and blocklists of domains; then shows what became of the signed mail of the last 30 days at each provider, with the reply that refused most of it. Exit code 1 when one of them failed: some receivers refuse mail of the domain then.

  relay domain check example.com --account acme`,
	}, func(ctx context.Context, args []string) error {
		if err := named(ctx, e, in, args[0]); err != nil {
			return err
		}
		v, err := api.Check.Call(ctx, e.Service, in)
		if err != nil {
			return err
		}
		found := findings(v)
		return finding.Answer(e, v, found, func() error { return showFindings(e, v, found) })
	})
}

// findings are those of a check, as a terminal shows them.
func findings(v *api.CheckedDomain) []finding.Finding {
	list := make([]finding.Finding, len(v.Findings))
	for i, f := range v.Findings {
		list[i] = finding.Finding{Check: f.Record, Status: finding.Status(f.Status), Detail: f.Detail, Advice: f.Publish}
	}
	return list
}

func showFindings(e *shell.Env, v *api.CheckedDomain, found []finding.Finding) error {
	const width = len("blocklists")
	if err := e.Say("%s of %s: %s", v.Domain.Domain, v.Domain.Account, v.Domain.State); err != nil {
		return err
	}
	if err := finding.WriteAll(e.Stdout, found, width, term.Coloured(e.Stdout, os.Getenv)); err != nil {
		return err
	}
	return showResults(e, v.Results)
}

// showResults writes what became of the domain's mail at each provider.
func showResults(e *shell.Env, list []api.DomainResult) error {
	if len(list) == 0 {
		return nil
	}
	if err := e.Say("\nsigned mail of the last 30 days"); err != nil {
		return err
	}
	s := term.NewStream(e.Output(), 0, "", term.Column{Head: "PROVIDER"}, term.Column{Head: "DELIVERED", Right: true}, term.Column{Head: "DEFERRED", Right: true},
		term.Column{Head: "FAILED", Right: true}, term.Column{Head: "MOST OFTEN REFUSED BY", Least: 12})
	for i := range list {
		r := &list[i]
		said := ""
		if f := r.Refusal; f != nil {
			said = fmt.Sprintf("%d: %s", f.Count, words.Clean(f.Reply))
		}
		if err := s.Add(r, r.Provider, words.Number(r.Delivered), words.Number(r.Deferred), words.Number(r.Failed), said); err != nil {
			return err
		}
	}
	return s.End(nil)
}

func remove(e *shell.Env) *cli.Command {
	in := &api.Name{}
	return shell.Command(&cli.Command{
		Name: "remove", ArgsUsage: "DOMAIN", Usage: "sign mail of a domain no more",
		Flags:       []cli.Flag{accountFlag(&in.Account, false)},
		Description: `The account may go on sending from the domain, unsigned. What is signed already goes out as it is.`,
	}, func(ctx context.Context, args []string) error {
		if err := named(ctx, e, in, args[0]); err != nil {
			return err
		}
		return shell.Show(ctx, e, api.Remove, in, func(e *shell.Env, v *api.RemovedDomain) error {
			return e.Say("mail of %s is not signed any more for %s; its owner may take the records away in a week", v.Removed, v.Account)
		})
	})
}

func keys(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "keys", Usage: "the keys that sign, as lines for your own zone",
		Description: `Makes the keys, unless they are there. All domains share them: you publish these records below your own domain, see zone in [dkim], and the CNAMEs of your customers' domains lead there.

A key signs once the DNS shows it. After six months the other one of its pair takes over; a week later, when the last signature of the old one has expired, a new key takes its place, and the log has its record for you to publish.

  relay domain keys >>keys.zone`,
	}, func(ctx context.Context, _ []string) error {
		return shell.Show(ctx, e, api.Keys, &api.AllKeys{}, func(e *shell.Env, list *[]api.SigningKey) error {
			for _, k := range *list {
				if err := e.Say("; %s: %s\n%s", k.Selector, keyState(&k), zonefile.Line(k.Record.Name+".", k.Record.Type, k.Record.Value)); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// keyState describes the state of a key, for a comment in a zone file.
func keyState(k *api.SigningKey) string {
	text := map[string]string{"signs": "signs mail", "ready": "waits for its turn", "retiring": "signs no more; stays until its last signature has expired"}[k.State]
	if text == "" {
		return "the DNS does not show it yet"
	}
	if k.Published == nil {
		return fmt.Sprintf("%s, but the DNS does not show it", text)
	}
	return text
}
