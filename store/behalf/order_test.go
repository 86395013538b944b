package behalf

import (
	"errors"
	"testing"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/room/roomtest"
)

func TestOrder_Reaches(t *testing.T) {
	db := roomtest.Open(t)
	db.AddAccounts(t, "acme")
	db.Do(t, func(t *room.Tx) error {
		return errors.Join(t.Put(bucket.Below, room.Pair("north", "acme"), nil), t.Put(bucket.AccountsOf, room.Pair("jane", "acme"), nil))
	})
	for _, tt := range []struct {
		name, account string
		order         Order
		reaches       bool
	}{
		{"the operator", "acme", Order{}, true},
		{"the operator, no such account", "acm", Order{}, false},
		{"its reseller", "acme", Order{Reseller: "north"}, true},
		{"another reseller", "acme", Order{Reseller: "south"}, false},
		{"its reseller, no such account", "acm", Order{Reseller: "north"}, false},
		{"its customer", "acme", Order{Customer: "jane"}, true},
		{"another customer", "acme", Order{Customer: "joe"}, false},
		{"a customer of another reseller", "acme", Order{Reseller: "south", Customer: "jane"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := db.View(func(tx room.Tx) error { return tt.order.Reaches(&tx, tt.account) })
			switch {
			case tt.reaches && err != nil:
				t.Error(err)
			case !tt.reaches && !errors.Is(err, room.ErrNotFound):
				t.Errorf("%v, want %v", err, room.ErrNotFound)
			case err != nil && err.Error() != room.Missing(bucket.Accounts, tt.account).Error():
				t.Errorf("%q tells more than that it is not found", err)
			}
		})
	}
}
