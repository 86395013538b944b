// Package offer lists the names that completion offers, such as those of accounts. For each
// kind it asks the act that lists them, and stops reading when completion has enough.
package offer

import (
	"cmp"
	"context"
	"strconv"

	"relay/cli/shell"
	"relay/report/api/accounts"
	"relay/report/api/act"
	"relay/report/api/answer"
	"relay/report/api/billing"
	"relay/report/api/delivery"
	"relay/report/api/field"
	"relay/report/api/host"
	"relay/report/api/mail"
	"relay/report/api/owners"
	"relay/report/api/plans"
	"relay/report/api/sources"
	"relay/report/jobs"
	"relay/store/people"
)

// Names calls add for each name of a kind, with a text that tells them apart, and stops at
// its first error.
func Names(ctx context.Context, c act.Caller, k shell.Kind, t *shell.Typing, add func(word, text string) error) error {
	return lists[k](ctx, c, t, add)
}

// list gives the names of one kind to add.
type list func(ctx context.Context, c act.Caller, t *shell.Typing, add func(word, text string) error) error

// of makes a list of an act: ask makes the request, show takes name and text from a row.
func of[In, Row any](l *act.List[In, Row], ask func(*shell.Typing) In, show func(*Row) (word, text string)) list {
	return func(ctx context.Context, c act.Caller, t *shell.Typing, add func(word, text string) error) error {
		in := ask(t)
		return l.Each(ctx, c, &in, 0, func(r *Row) error { return add(show(r)) })
	}
}

// whole makes a list of an act that answers with all rows at once.
func whole[In, Row any](a *act.Act[In, []Row], in *In, show func(*Row) (word, text string)) list {
	return func(ctx context.Context, c act.Caller, _ *shell.Typing, add func(word, text string) error) error {
		rows, err := a.Call(ctx, c, in)
		if err != nil {
			return err
		}
		for i := range *rows {
			if err := add(show(&(*rows)[i])); err != nil {
				return err
			}
		}
		return nil
	}
}

// all makes the request without a filter.
func all[In any](*shell.Typing) (in In) { return in }

var lists = map[shell.Kind]list{
	shell.Accounts: of(accounts.List, func(t *shell.Typing) accounts.AccountList { return accounts.AccountList{Prefix: t.Begun} },
		func(a *accounts.Account) (string, string) { return a.Account, a.Plan }),
	shell.Customers: of(owners.ListCustomers, all, func(c *owners.Customer) (string, string) { return c.Customer, field.Or0(c.Contact) }),
	shell.Resellers: of(owners.ListResellers, all, func(r *owners.Reseller) (string, string) { return r.Reseller, field.Or0(r.Contact) }),
	shell.Plans:     of(plans.List, all, func(p *answer.Plan) (string, string) { return p.Name, "" }),
	shell.Invoices:  of(billing.ListInvoices, all, invoice),
	shell.OpenInvoices: of(billing.ListInvoices, func(*shell.Typing) billing.Invoices { return billing.Invoices{Open: true} },
		invoice),
	shell.Jobs: of(host.ListJobs, all, func(j *jobs.State) (string, string) { return j.Job, "" }),
	shell.Logins: of(accounts.ListCredentials, func(t *shell.Typing) accounts.LoginList { return accounts.LoginList{Account: t.Args[0]} },
		func(c *accounts.Credential) (string, string) { return c.Login, c.Note }),
	shell.Networks: of(accounts.ListNetworks, func(t *shell.Typing) accounts.NetworkList { return accounts.NetworkList{Account: t.Args[0]} },
		func(n *people.Network) (string, string) { return n.Prefix.String(), "" }),
	shell.Bans:     of(host.ListBans, all, func(b *host.Ban) (string, string) { return cmp.Or(b.Network, b.Login), "" }),
	shell.Messages: of(mail.ListQueue, all, func(m *mail.Message) (string, string) { return m.ID.String(), m.Account }),
	shell.Sources:  whole(sources.List, &act.None{}, func(s *sources.Source) (string, string) { return s.Source, s.State }),
	shell.Overrides: whole(delivery.ListOverrides, &delivery.Overrides{}, func(o *act.Override) (string, string) {
		return strconv.FormatInt(o.Number, 10), o.Do + " " + o.Target
	}),
}

func invoice(i *answer.Invoice) (word, text string) { return i.Name, i.Account }
