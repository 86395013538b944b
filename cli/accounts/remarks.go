package accounts

import (
	"cmp"
	"context"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/accounts"
	"relay/report/api/field"
	"relay/report/words"
	"relay/store/remark"
)

func remarks(e *shell.Env) *cli.Command {
	in := &accounts.RemarksOf{}
	return shell.Command(&cli.Command{
		Name: "remarks", ArgsUsage: "NAME", Usage: "what receivers will hold against the account's mail",
		Description: `Shows for each day and domain of the From field which mail receivers will refuse or hide, why, and what to do: mail whose sender nothing proves, mail from freemail domains, bulk mail without a way to unsubscribe, and domains that near what Gmail takes for a bulk sender. Below it is how much went to each large provider.

relay looks at mail as it comes in; the last minute may be missing. relay account set NAME --auth refuse refuses mail that nothing proves, instead of taking it with a remark.`,
		Flags: []cli.Flag{&cli.IntFlag{Name: "days", Usage: "`N` days, today and those before it, up to 40 (default 7)", Destination: &in.Days}},
	}, func(ctx context.Context, args []string) error {
		in.Account = args[0]
		return shell.Show(ctx, e, accounts.ShowRemarks, in, showRemarks)
	})
}

func showRemarks(e *shell.Env, v *accounts.Remarks) error {
	if len(v.Remarks) == 0 {
		if err := e.Say("Nothing to remark."); err != nil {
			return err
		}
	}
	day := ""
	for i := range v.Remarks {
		r := &v.Remarks[i]
		if r.Day != day {
			lead := ""
			if day != "" {
				lead = "\n"
			}
			if err := e.Say("%s%s", lead, r.Day); err != nil {
				return err
			}
			day = r.Day
		}
		if err := showRemark(e, v.Account, r); err != nil {
			return err
		}
	}
	return showSent(e, v)
}

// showRemark writes what was seen, and below it what to do.
func showRemark(e *shell.Env, account string, r *accounts.Remark) error {
	lead := "  "
	for _, line := range term.Wrap(words.English.Remark(r.Remark, r.Domain, field.Or0(r.Policy), r.Count), term.Columns-4) {
		if err := e.Say("%s%s", lead, line); err != nil {
			return err
		}
		lead = "    "
	}
	lead = "    → "
	for _, line := range term.Wrap(remarkAdvice(account, r), term.Columns-6) {
		if err := e.Say("%s%s", lead, line); err != nil {
			return err
		}
		lead = "      "
	}
	return nil
}

// remarkAdvice is the next step.
func remarkAdvice(account string, r *accounts.Remark) string {
	domain := cmp.Or(r.Domain, "DOMAIN")
	switch r.Remark {
	case remark.Freemail:
		return "use a sender address at a domain of your own"
	case remark.Bulk:
		return "have the program that sends them add List-Unsubscribe, with an https address, and List-Unsubscribe-Post (RFC 8058)"
	case accounts.Volume:
		return "Gmail then wants SPF, DKIM and DMARC for the domain, one click to unsubscribe from marketing mail, and complaints below 0.3%: relay domain check " + domain + " --account " + account
	}
	return "have the mail signed: relay domain add " + domain + " --account " + account + " shows what to publish"
}

func showSent(e *shell.Env, v *accounts.Remarks) error {
	t := term.NewTable(term.Column{Head: "DAY"}, term.Column{Head: "FROM", Least: 20}, term.Column{Head: "PROVIDER"}, term.Column{Head: "E-MAILS", Right: true})
	for _, s := range v.Sent {
		t.Add(s.Day, cmp.Or(s.Domain, "others"), s.Provider, words.Number(s.Count))
	}
	return part(e, "Sent to large providers", t)
}
