package owners

import (
	"cmp"
	"context"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/field"
	"relay/report/api/owners"
	"relay/report/words"
)

// CustomerCommand is the group customer.
func CustomerCommand(e *shell.Env) *cli.Command {
	return shell.Group("customer", "who owns accounts, one or many",
		customerAdd(e), customerList(e), customerShow(e), customerSet(e), customerRemove(e))
}

// customerFlags are what add and set have in common.
func customerFlags(f *owners.CustomerFields) []cli.Flag {
	return []cli.Flag{
		shell.TextFlag("contact", "`ADDRESS` of the customer (or: none)", &f.Contact),
		shell.LinesFlag("address", "`LINES` of the buyer's address on invoices, separated by semicolons, or one for each flag (or: none)", &f.Address),
		shell.TextFlag("country", "`CODE` of its country, such as IT: some methods of payment are for some countries only (or: none)", &f.Country),
		shell.TextFlag("reseller", "`RESELLER` that manages the accounts added for it from now on (or: none)", &f.Reseller),
	}
}

func customerAdd(e *shell.Env) *cli.Command {
	in := &owners.NewCustomer{}
	return shell.Command(&cli.Command{
		Name: "add", ArgsUsage: "CUSTOMER", Flags: customerFlags(&in.Body.CustomerFields), Usage: "add a customer",
		Description: `CUSTOMER has up to 64 characters of a-z 0-9 . _ @ + -. Add its accounts with relay account add NAME --owner CUSTOMER; each keeps its own contact for reports. The lines of its address appear on their invoices.

  relay customer add acme --contact boss@acme.example \
    --address 'Acme Srl; Via Roma 1; 20100 Milano'`,
	}, func(ctx context.Context, args []string) error {
		in.Body.Customer = args[0]
		return shell.Show(ctx, e, owners.AddCustomer, in, showCustomer)
	})
}

func customerSet(e *shell.Env) *cli.Command {
	in := &owners.CustomerChange{}
	return shell.Command(&cli.Command{
		Name: "set", ArgsUsage: "CUSTOMER", Flags: customerFlags(&in.Body), Usage: "change contact, address, country, reseller",
		Description: "Issued invoices stay as they are. Existing accounts stay with their reseller.",
	}, func(ctx context.Context, args []string) error {
		if *in == (owners.CustomerChange{}) {
			return exit.Usage("relay customer set --help", "nothing to set")
		}
		in.Customer = args[0]
		return shell.Show(ctx, e, owners.SetCustomer, in, showCustomer)
	})
}

func customerRemove(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "remove", ArgsUsage: "CUSTOMER", Usage: "delete a customer that has no accounts; its invoices stay",
	}, func(ctx context.Context, args []string) error {
		return shell.Show(ctx, e, owners.RemoveCustomer, &owners.CustomerName{Customer: args[0]}, func(e *shell.Env, done *owners.Removed) error {
			return e.Say("customer %s is removed", done.Removed)
		})
	})
}

func customerList(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{Name: "list", Usage: "all customers"}, func(ctx context.Context, _ []string) error {
		return shell.List(ctx, e, owners.ListCustomers, &owners.All{}, shell.Rows[owners.Customer]{
			Columns: []term.Column{{Head: "CUSTOMER", Least: 20}, {Head: "ACCOUNTS", Right: true}, {Head: "RESELLER", Least: 8}, {Head: "CONTACT", Least: 7, First: true}},
			Cells: func(c *owners.Customer) []string {
				return []string{c.Customer, words.Number(int64(c.Accounts)), cmp.Or(field.Or0(c.Reseller), "-"), field.Or0(c.Contact)}
			},
		})
	})
}

func customerShow(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "show", ArgsUsage: "CUSTOMER", Usage: "one customer: use and money of its accounts",
		Description: rollUpText,
	}, func(ctx context.Context, args []string) error {
		return shell.Show(ctx, e, owners.ShowCustomer, &owners.CustomerName{Customer: args[0]}, showCustomer)
	})
}

func showCustomer(e *shell.Env, c *owners.CustomerSum) error {
	return showRollUp(e, []term.Field{
		{"customer", c.Customer.Customer},
		{"contact", field.Or0(c.Contact)},
		{"address", strings.Join(c.Address, "; ")},
		{"country", field.Or0(c.Country)},
		{"reseller", field.Or0(c.Reseller)},
		{"created", words.Stamp(c.Created, e.Zone())},
	}, &c.RollUp)
}
