package cli

import (
	"errors"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/report/words"
	"relay/store"
	"relay/store/secret"
)

func (p *program) resellerCommand() *cli.Command {
	return group("reseller", "who manages accounts below their own, by a token",
		p.resellerAdd(), p.resellerList(), p.resellerShow(), p.resellerToken(), p.resellerRemove())
}

// tokenView is a token, shown once.
type tokenView struct {
	Reseller string `json:"reseller"`
	Token    string `json:"token"`
}

func (c *call) showToken(name, token string) error {
	if c.json {
		return encode(c.Stdout, tokenView{name, token})
	}
	defer c.note("the token is shown only this once")
	return writeFields(c.Stdout, []field{{"reseller", name}, {"token", token}})
}

func (p *program) resellerAdd() *cli.Command {
	var contact string
	return p.onStore(&cli.Command{
		Name: "add", ArgsUsage: "RESELLER", Usage: "add a reseller, and show its token",
		Description: `With the token it manages the accounts below it and sees no others: relay --token-file FILE account add and so on, on this machine or over the API, see [api] in relay.toml. It may add, list, show, suspend and resume accounts, manage their logins, and see usage, statements and invoices. All else is not found.

RESELLER is up to 32 of a-z 0-9 _ -. What it adds is called RESELLER.something: so names tell it nothing about others.

The token is shown only this once.

  relay reseller add webco --contact boss@webco.example
  relay account add webco.shop1 --plan standard --token-file webco.token`,
		Flags: []cli.Flag{&cli.StringFlag{Name: "contact", Usage: "`ADDRESS` of the reseller", Destination: &contact}},
	}, work{run: func(c *call) error {
		r := store.Reseller{Name: c.args[0], Contact: contact, Created: c.wall()}
		if !resellerName(r.Name) {
			return usage("", "reseller name %q: up to 32 of a-z 0-9 _ -, the first one a letter or digit", r.Name)
		}
		if r.Name == "none" {
			return noneName("reseller")
		}
		if contact != "" {
			if err := checkAddress(contact); err != nil {
				return err
			}
		}
		var token string
		token, r.Hash = secret.NewToken()
		if err := c.st.AddReseller(r); errors.Is(err, store.ErrExists) {
			return fail(exitFailed, "a new token for it: relay reseller token "+r.Name, "there is a reseller %q already", r.Name)
		} else if err != nil {
			return err
		}
		return c.showToken(r.Name, token)
	}})
}

// resellerName: what stands before the first dot of a name tells whose it is.
func resellerName(name string) bool {
	other := func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789_-", r) }
	return name != "" && len(name) <= 32 && !strings.ContainsFunc(name, other) && name[0] != '_' && name[0] != '-'
}

func (p *program) resellerToken() *cli.Command {
	return p.onStore(&cli.Command{
		Name: "token", ArgsUsage: "RESELLER", Usage: "a new token; the old one stops at once",
		Description: "The token is shown only this once.",
	}, work{run: func(c *call) error {
		name := c.args[0]
		token, hash := secret.NewToken()
		_, err := c.st.UpdateReseller(name, func(r *store.Reseller) error { r.Hash = hash; return nil })
		if err != nil {
			return notListed(err, "reseller", name)
		}
		return c.showToken(name, token)
	}})
}

func (p *program) resellerRemove() *cli.Command {
	return p.onStore(&cli.Command{
		Name: "remove", ArgsUsage: "RESELLER", Usage: "delete a reseller that manages nothing; its token stops at once",
	}, work{run: func(c *call) error {
		name := c.args[0]
		if err := c.st.RemoveReseller(name); errors.Is(err, store.ErrInUse) {
			return fail(exitFailed, "give what it manages to others first: relay reseller show "+name+", relay customer list", "%w", err)
		} else if err != nil {
			return notListed(err, "reseller", name)
		}
		return c.done(map[string]string{"removed": name}, "reseller %s is removed", name)
	}})
}

// resellerView is a reseller as programs see it; its hash stays here.
type resellerView struct {
	Reseller string    `json:"reseller"`
	Contact  *string   `json:"contact"` // null: none
	Created  time.Time `json:"created"`
	Accounts int       `json:"accounts"`
	*rollUp
}

func (p *program) resellerList() *cli.Command {
	return p.onStore(&cli.Command{Name: "list", Usage: "all resellers"}, work{run: func(c *call) error {
		a := array{w: c.Stdout}
		t := newTable(column{head: "RESELLER", least: 20}, column{head: "ACCOUNTS", right: true}, column{head: "CREATED"}, column{head: "CONTACT", least: 7})
		err := c.st.Resellers(func(r store.Reseller) error {
			n, err := c.st.CountBelow(r.Name)
			if err != nil {
				return err
			}
			if c.json {
				return a.add(resellerView{r.Name, orNull(r.Contact), r.Created, n, nil})
			}
			t.add(r.Name, words.Number(int64(n)), c.day(r.Created), r.Contact)
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

func (p *program) resellerShow() *cli.Command {
	return p.onStore(&cli.Command{
		Name: "show", ArgsUsage: "RESELLER", Usage: "one reseller: use and money of the accounts below it",
		Description: rollUpText,
	}, work{run: func(c *call) error {
		r, err := c.st.Reseller(c.args[0])
		if err != nil {
			return notListed(err, "reseller", c.args[0])
		}
		sum, err := c.rollUp(store.Wanted{Reseller: r.Name})
		if err != nil {
			return err
		}
		if c.json {
			return encode(c.Stdout, resellerView{r.Name, orNull(r.Contact), r.Created, len(sum.List), sum})
		}
		return c.showRollUp([]field{{"reseller", r.Name}, {"contact", r.Contact}, {"created", c.stamp(r.Created)}}, sum)
	}})
}

// accountsBelow are the names of the accounts below a reseller.
func (c *call) accountsBelow(reseller string) (map[string]bool, error) {
	names := map[string]bool{}
	err := c.st.EachAccount(store.Wanted{Reseller: reseller}, func(a *store.Account) error { names[a.Name] = true; return nil })
	return names, err
}
