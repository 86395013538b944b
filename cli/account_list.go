package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/store"
)

// accountFilter chooses accounts by what they are.
type accountFilter struct {
	owner, reseller, state string
	limit                  shell.CountFlag
}

func (f *accountFilter) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "owner", Usage: "`CUSTOMER` only accounts of this customer", Destination: &f.owner},
		&cli.StringFlag{Name: "reseller", Usage: "`RESELLER` only accounts below this reseller", Destination: &f.reseller},
		&cli.StringFlag{Name: "state", Usage: "`STATE` only these: " + strings.Join(accountStates, ", "), Destination: &f.state},
		&cli.GenericFlag{Name: "limit", Usage: "`N` at most so many accounts, the first by name", Value: &f.limit},
	}
}

// accountStates as people see them: expired is one whose term has ended.
var accountStates = []string{"pending", "active", "suspended", "expired", "closed"}

// accountState is how people see an account.
func accountState(st *store.Standing) string {
	return stateName(&st.Account, st.Expired())
}

func stateName(a *store.Account, expired bool) string {
	if expired {
		return "expired"
	}
	return string(a.Status())
}

// wanted for the store. What cannot be is told, rather than shown as an empty list.
func (c *call) wanted(f *accountFilter, s *term.Stream) (w store.Wanted, err error) {
	w = store.Wanted{Owner: f.owner, Reseller: f.reseller, Pause: s.Pause}
	if err := c.known(f.owner, f.reseller); err != nil {
		return w, err
	}
	if f.state == "" {
		return w, nil
	}
	if !slices.Contains(accountStates, f.state) {
		return w, exit.Usage("", "--state %q: one of %s", f.state, strings.Join(accountStates, ", "))
	}
	w.Stands = func(st *store.Standing) bool { return accountState(st) == f.state }
	return w, nil
}

// known fails where there is no such customer or reseller; "": none was named.
func (c *call) known(customer, reseller string) error {
	if customer != "" {
		if _, err := c.st.Customer(customer); err != nil {
			return notListed(err, "customer", customer)
		}
	}
	if reseller != "" {
		if _, err := c.st.Reseller(reseller); err != nil {
			return notListed(err, "reseller", reseller)
		}
	}
	return nil
}

// notListed is the error of a look-up by name, for people.
func notListed(err error, what, name string) error {
	if errors.Is(err, store.ErrNotFound) {
		return exit.Fail(exit.Failed, fmt.Sprintf("relay %s list shows all", what), "no %s %q", what, name)
	}
	return err
}

func (p *program) accountList() *cli.Command {
	var f accountFilter
	return p.onStore(&cli.Command{
		Name: "list", Flags: f.flags(), Usage: "all accounts",
		Description: "By name. Rows are shown as they are read, however many accounts there are; what is too long for its column ends with …, relay account show NAME has all of it.",
	}, work{run: func(c *call) error { return c.accountList(&f) }})
}

func (c *call) accountList(f *accountFilter) error {
	s := c.stream(f.limit.N, term.Column{Head: "ACCOUNT", Least: 24}, term.Column{Head: "PLAN", Least: 10}, term.Column{Head: "STATE"},
		term.Column{Head: "AT LIMIT"}, term.Column{Head: "LAST DAY"}, term.Column{Head: "CONTACT", Least: 7})
	w, err := c.wanted(f, s)
	if err != nil {
		return err
	}
	currency := c.currency()
	return s.End(c.st.EachStanding(w, func(st *store.Standing) error {
		a, v := &st.Account, c.accountView(st, currency)
		return s.Add(v, v.Account, v.Plan, v.State, v.AtLimit, c.lastDayOf(a.TermEnd()), a.Contact)
	}))
}
