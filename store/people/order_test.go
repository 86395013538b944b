package people

import (
	"errors"
	"testing"

	"relay/store/behalf"
	"relay/store/room"
	"relay/store/room/roomtest"
)

// opened is the room on an engine in memory, with an account of the customer rossi below the
// reseller webco, and one of nobody.
func opened(t *testing.T) *People {
	t.Helper()
	st := roomtest.Open(t)
	st.AddAccounts(t, "acme", "other")
	p := New(st.DB)
	st.Do(t, func(t *room.Tx) error {
		return errors.Join(OwnAccounts.Move(t, "", "rossi", "acme"), OwnBelow.Move(t, "", "webco", "acme"))
	})
	return p
}

// An order adds and removes logins of the accounts that it reaches, and of no other.
func TestPeople_reach(t *testing.T) {
	for name, c := range map[string]struct {
		order   behalf.Order
		account string
		reaches bool
	}{
		"the operator":               {behalf.Order{}, "other", true},
		"its reseller":               {behalf.Order{Reseller: "webco"}, "acme", true},
		"its customer":               {behalf.Order{Customer: "rossi"}, "acme", true},
		"another reseller":           {behalf.Order{Reseller: "hostco"}, "acme", false},
		"another customer":           {behalf.Order{Customer: "bianchi"}, "acme", false},
		"a reseller, of the rest":    {behalf.Order{Reseller: "webco"}, "other", false},
		"a customer, of the rest":    {behalf.Order{Customer: "rossi"}, "other", false},
		"an account that is no more": {behalf.Order{}, "gone", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := opened(t)
			check := func(what string, err error) {
				t.Helper()
				if c.reaches && err != nil || !c.reaches && !errors.Is(err, room.ErrNotFound) {
					t.Errorf("%s = %v, reaches it: %v", what, err, c.reaches)
				}
			}
			check("AddCredential", p.AddCredential(c.order, Credential{Login: "first", Account: c.account}))
			if c.account != "gone" {
				err := p.db.Update(0, func(t room.Tx) error {
					return OwnLogins.Add(&t, c.account, "second", Credential{Login: "second", Account: c.account})
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			check("RemoveCredential", p.RemoveCredential(c.order, c.account, "second"))
			if _, err := p.Credential("second"); c.account != "gone" && (err == nil) == c.reaches {
				t.Errorf("the login: %v, the order reaches it: %v", err, c.reaches)
			}
		})
	}
}
