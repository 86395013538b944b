package access

import (
	"errors"
	"slices"
	"testing"
	"time"

	"relay/store/behalf"
	"relay/store/news"
	"relay/store/people"
	"relay/store/room"
)

var holders = []people.Holder{people.HeldByRelay, people.HeldByCustomer, people.HeldByReseller, people.HeldByOperator}

func (f *fixture) hold(o behalf.Order, account, login string, by people.Holder) (held *people.Credential, err error) {
	err = f.db.Update(0, func(t room.Tx) error {
		held, err = f.Hold(&t, &o, account, login, people.LoginHold{Holder: by, Reason: "lost"})
		return err
	})
	return held, err
}

func (f *fixture) resume(o behalf.Order, account, login string, by people.Holder) (was *people.LoginHold, err error) {
	err = f.db.Update(0, func(t room.Tx) error { was, err = f.Resume(&t, &o, account, login, by); return err })
	return was, err
}

// holdOf is the hold of a login as it is stored.
func (f *fixture) holdOf(login string) *people.LoginHold {
	f.Helper()
	c, err := f.people.Credential(login)
	if err != nil {
		f.Fatal(err)
	}
	return c.Hold
}

// wantHoldTold checks that the hold of a login is the only news.
func (f *fixture) wantHoldTold(login string, by people.Holder) {
	f.Helper()
	list := slices.DeleteFunc(f.told(), func(n news.Item) bool { return n.Kind == news.Access })
	if len(list) != 1 || list[0].Kind != news.LoginHeld || list[0].About != login || list[0].Reason != string(by) {
		f.Errorf("news %+v", list)
	}
}

// A hold takes the place of one that its holder may lift, keeps its beginning, and is told. It is
// lifted by its holder or somebody above.
func TestAccess_Hold(t *testing.T) {
	for i, first := range holders {
		for j, second := range holders {
			t.Run(string(first)+" and "+string(second), func(t *testing.T) {
				f := open(t)
				begin := f.db.Now()
				if held, err := f.hold(behalf.Order{}, "acme", "phone", first); err != nil || held == nil || held.Hold.Holder != first || !held.Hold.Since.Equal(begin) {
					t.Fatalf("%+v, %v", held, err)
				}
				f.wantHoldTold("phone", first)
				f.db.Pass(time.Hour)
				was, err := f.resume(behalf.Order{DryRun: true}, "acme", "phone", second)
				if may := j >= i; may != (err == nil) || !may && !errors.Is(err, ErrOtherHolder) || was == nil || was.Holder != first {
					t.Errorf("to lift it: %+v, %v", was, err)
				}
				if held, err := f.hold(behalf.Order{}, "acme", "phone", second); err != nil || (held != nil) != (j > i) {
					t.Errorf("held again: %+v, %v", held, err)
				}
				by := holders[max(i, j)]
				if h := f.holdOf("phone"); h == nil || h.Holder != by || h.Reason != "lost" || !h.Since.Equal(begin) {
					t.Errorf("%+v", h)
				}
				if was, err := f.resume(behalf.Order{}, "acme", "phone", by); err != nil || was == nil || was.Holder != by || f.holdOf("phone") != nil {
					t.Errorf("resumed: %+v, %v", was, err)
				}
				if was, err := f.resume(behalf.Order{}, "acme", "phone", by); err != nil || was != nil {
					t.Errorf("resumed again: %+v, %v", was, err)
				}
			})
		}
	}
}

// A dry run says what would become of it and changes nothing.
func TestAccess_Hold_dryRun(t *testing.T) {
	f := open(t)
	dry := behalf.Order{DryRun: true}
	if held, err := f.hold(dry, "acme", "phone", people.HeldByCustomer); err != nil || held == nil || f.holdOf("phone") != nil || len(f.told()) > 0 {
		t.Errorf("%+v, %v", held, err)
	}
	if _, err := f.hold(behalf.Order{}, "acme", "phone", people.HeldByCustomer); err != nil {
		t.Fatal(err)
	}
	if held, err := f.hold(dry, "acme", "phone", people.HeldByCustomer); err != nil || held != nil {
		t.Errorf("held already: %+v, %v", held, err)
	}
	if was, err := f.resume(dry, "acme", "phone", people.HeldByCustomer); err != nil || was == nil || f.holdOf("phone") == nil {
		t.Errorf("%+v, %v", was, err)
	}
}

// The login of another account is not found, nor is an account that the order does not reach. The
// other login goes on.
func TestAccess_Hold_reach(t *testing.T) {
	f := open(t)
	f.add("acme2", "other")
	for _, tt := range []struct {
		what           string
		o              behalf.Order
		account, login string
	}{
		{"another account's login", behalf.Order{}, "acme", "other"},
		{"no such login", behalf.Order{}, "acme", "tablet"},
		{"no such account", behalf.Order{}, "gone", "phone"},
		{"another customer", behalf.Order{Customer: "somebody"}, "acme", "phone"},
		{"another reseller", behalf.Order{Reseller: "somebody"}, "acme", "phone"},
	} {
		if held, err := f.hold(tt.o, tt.account, tt.login, people.HeldByOperator); !errors.Is(err, room.ErrNotFound) {
			t.Errorf("%s: held %+v, %v", tt.what, held, err)
		}
		if was, err := f.resume(tt.o, tt.account, tt.login, people.HeldByOperator); !errors.Is(err, room.ErrNotFound) {
			t.Errorf("%s: resumed %+v, %v", tt.what, was, err)
		}
	}
	if _, err := f.hold(behalf.Order{}, "acme", "phone", people.HeldByOperator); err != nil {
		t.Fatal(err)
	}
	f.kill()
	if f.holdOf("acme") != nil || f.holdOf("other") != nil || f.holdOf("phone") == nil {
		t.Error("another login is held, or that one is not")
	}
	f.wantHoldTold("phone", people.HeldByOperator)
}
