package cli

import (
	"errors"
	"fmt"
	"time"

	"relay/cli/exit"
	"relay/quota"
	"relay/report/words"
	"relay/store"
)

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

// account by name; one that is not there is exit code 67.
func (c *call) account(name string) (store.Account, error) {
	a, err := c.st.Account(name)
	return a, c.noAccount(name, err)
}

func (c *call) noAccount(name string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return exit.Fail(exit.NoAccount, "relay account list shows all", "no account %q", name)
	}
	return err
}

// day of an instant in the operator's zone.
func (c *call) day(t time.Time) string { return words.Day(t, c.st.Zone()) }

// value of what may be null.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func (c *call) stamp(t time.Time) string { return words.Stamp(t, c.st.Zone()) }

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// lastDay before an end that is excluded.
func (c *call) lastDay(end time.Time) string { return c.day(quota.LastDay(end, c.st.Zone())) }
