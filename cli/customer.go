package cli

import (
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	cli "github.com/urfave/cli/v2"

	"relay/quota"
	"relay/report/words"
	"relay/store"
)

func (p *program) customerCommand() *cli.Command {
	return group("customer", "who owns accounts, one or many",
		p.customerAdd(), p.customerList(), p.customerShow(), p.customerSet(), p.customerRemove())
}

// customerFlags are what add and set have in common.
type customerFlags struct {
	contact, reseller, country string
	address                    linesFlag
}

func (f *customerFlags) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "contact", Usage: "`ADDRESS` of the customer (or: none)", Destination: &f.contact},
		&cli.GenericFlag{Name: "address", Usage: "`LINES` of the buyer on invoices, with semicolons, or once for each (or: none)", Value: &f.address},
		&cli.StringFlag{Name: "country", Usage: "`CODE` of its country, IT: some methods of payment are for some only (or: none)", Destination: &f.country},
		&cli.StringFlag{Name: "reseller", Usage: "`RESELLER` that manages the accounts added for it from now on (or: none)", Destination: &f.reseller},
	}
}

// linesFlag may be given several times, and takes several lines with semicolons
// or line ends.
type linesFlag struct {
	list []string
	set  bool
}

func (f *linesFlag) String() string { return "" }
func (f *linesFlag) Set(text string) error {
	f.set = true
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ';' || r == '\n' }) {
		if line = strings.TrimSpace(line); line != "" && line != "none" {
			f.list = append(f.list, line)
		}
	}
	return nil
}

func (f *customerFlags) apply(c *store.Customer) error {
	if err := takeContact(&c.Contact, f.contact); err != nil {
		return err
	}
	take(&c.Reseller, f.reseller)
	if code := notNone(f.country); code != "" && !isCountry(code) {
		return usage("", "--country %q is not the code of a country such as IT", code)
	}
	take(&c.Country, f.country)
	if !f.address.set {
		return nil
	}
	if n := len(f.address.list); n > mostSellerLines {
		return usage("", "--address has %d lines: at most %d", n, mostSellerLines)
	}
	for _, l := range f.address.list {
		if utf8.RuneCountInString(l) > widestSeller || strings.ContainsFunc(l, unicode.IsControl) || !utf8.ValidString(l) {
			return usage("", "--address %q: lines of up to %d characters, without control characters", cut(clean(l), 40), widestSeller)
		}
	}
	c.Address = f.address.list
	return nil
}

func (p *program) customerAdd() *cli.Command {
	var f customerFlags
	return p.onStore(&cli.Command{
		Name: "add", ArgsUsage: "CUSTOMER", Flags: f.flags(), Usage: "add a customer",
		Description: `CUSTOMER is up to 64 of a-z 0-9 . _ @ + -. Its accounts are added with relay account add NAME --owner CUSTOMER; each keeps its own contact for reports. The lines of its address stand on their invoices.

  relay customer add acme --contact boss@acme.example \
    --address 'Acme Srl; Via Roma 1; 20100 Milano'`,
	}, work{run: func(c *call) error {
		v := store.Customer{Name: c.args[0], Created: c.wall()}
		if !quota.ValidName(v.Name) {
			return usage("", "customer name %q: up to 64 of a-z 0-9 . _ @ + -, the first one a letter or digit", v.Name)
		}
		if v.Name == "none" {
			return noneName("customer")
		}
		if err := f.apply(&v); err != nil {
			return err
		}
		if err := c.st.AddCustomer(v); errors.Is(err, store.ErrExists) {
			return fail(exitFailed, "change it with: relay customer set "+v.Name, "there is a customer %q already", v.Name)
		} else if err != nil {
			return notListed(err, "reseller", v.Reseller)
		}
		return c.showCustomer(&v)
	}})
}

// noneName: --owner none and --reseller none mean nobody.
func noneName(what string) error { return usage("", "no %s can be called none", what) }

func (p *program) customerSet() *cli.Command {
	var f customerFlags
	return p.onStore(&cli.Command{
		Name: "set", ArgsUsage: "CUSTOMER", Flags: f.flags(), Usage: "change contact, address, country, reseller",
		Description: "Invoices that were issued stay as they are. Accounts that are there stay with the reseller they have.",
	}, work{run: func(c *call) error {
		name := c.args[0]
		if f.contact+f.reseller+f.country == "" && !f.address.set {
			return usage("relay customer set --help", "nothing to set")
		}
		if _, err := c.st.Customer(name); err != nil {
			return notListed(err, "customer", name)
		}
		v, err := c.st.UpdateCustomer(name, f.apply)
		if err != nil {
			return notListed(err, "reseller", f.reseller)
		}
		return c.showCustomer(&v)
	}})
}

func (p *program) customerRemove() *cli.Command {
	return p.onStore(&cli.Command{
		Name: "remove", ArgsUsage: "CUSTOMER", Usage: "delete a customer that has no accounts; its invoices stay",
	}, work{run: func(c *call) error {
		name := c.args[0]
		if err := c.st.RemoveCustomer(name); errors.Is(err, store.ErrInUse) {
			return fail(exitFailed, "give them to another first: relay customer show "+name, "%w", err)
		} else if err != nil {
			return notListed(err, "customer", name)
		}
		return c.done(map[string]string{"removed": name}, "customer %s is removed", name)
	}})
}

// customerView is a customer as programs see it. What there is none of is null.
type customerView struct {
	Customer string    `json:"customer"`
	Contact  *string   `json:"contact"`
	Address  []string  `json:"address"`
	Reseller *string   `json:"reseller"`
	Country  *string   `json:"country,omitempty"`
	Created  time.Time `json:"created"`
	Accounts int       `json:"accounts"`
	*rollUp
}

func viewCustomer(v *store.Customer, accounts int, sum *rollUp) customerView {
	return customerView{v.Name, orNull(v.Contact), orNone(v.Address), orNull(v.Reseller), orNull(v.Country), v.Created, accounts, sum}
}

func (p *program) customerList() *cli.Command {
	return p.onStore(&cli.Command{Name: "list", Usage: "all customers"}, work{run: func(c *call) error {
		a := array{w: c.Stdout}
		t := newTable(column{head: "CUSTOMER", least: 20}, column{head: "ACCOUNTS", right: true}, column{head: "RESELLER", least: 8}, column{head: "CONTACT", least: 7})
		err := c.st.Customers(func(v store.Customer) error {
			n, err := c.st.CountOwned(v.Name)
			if err != nil {
				return err
			}
			if c.json {
				return a.add(viewCustomer(&v, n, nil))
			}
			t.add(v.Name, words.Number(int64(n)), orElse(v.Reseller, "-"), v.Contact)
			return nil
		})
		if err != nil {
			return err
		}
		if c.json {
			return a.end()
		}
		return t.write(c.Stdout)
	}})
}

func (p *program) customerShow() *cli.Command {
	return p.onStore(&cli.Command{
		Name: "show", ArgsUsage: "CUSTOMER", Usage: "one customer: use and money of its accounts",
		Description: rollUpText,
	}, work{run: func(c *call) error {
		v, err := c.st.Customer(c.args[0])
		if err != nil {
			return notListed(err, "customer", c.args[0])
		}
		return c.showCustomer(&v)
	}})
}

func (c *call) showCustomer(v *store.Customer) error {
	sum, err := c.rollUp(store.Wanted{Owner: v.Name})
	if err != nil {
		return err
	}
	if c.json {
		return encode(c.Stdout, viewCustomer(v, len(sum.List), sum))
	}
	return c.showRollUp([]field{
		{"customer", v.Name},
		{"contact", v.Contact},
		{"address", strings.Join(v.Address, "; ")},
		{"country", v.Country},
		{"reseller", v.Reseller},
		{"created", c.stamp(v.Created)},
	}, sum)
}
