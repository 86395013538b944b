package access

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"relay/store/bucket"
	"relay/store/news"
	"relay/store/people"
	"relay/store/room"
)

// Which first uses are news: of a network that no login of the account knows, but not of the
// account's first one, nor of a line whose address changes within its provider's.
func TestAccess_Enter_news(t *testing.T) {
	f := open(t)
	for _, tt := range []struct{ login, address, news string }{
		{"acme", "192.0.2.1", ""},
		{"acme", "192.0.2.200", ""},
		{"acme", "198.51.100.1", "acme 198.51.100.0/24"},
		{"phone", "198.51.100.7", ""},
		{"phone", "2001:db8:1:1::1", "phone 2001:db8:1::/48"},
		{"acme", "2001:db8:1:2::1", ""},
		{"acme", "203.0.113.1", "acme 203.0.113.0/24"},
		{"acme", "203.0.9.1", "acme 203.0.9.0/24"}, // the second one of 203.0/16
		{"acme", "203.0.77.1", ""},
		{"acme", "203.0.78.1", ""},
	} {
		before := len(f.newAccesses())
		f.enter(tt.login, tt.address, 0)
		got := ""
		if list := f.newAccesses(); len(list) > before {
			got = list[len(list)-1]
		}
		if got != tt.news {
			t.Errorf("%s from %s: news %q, want %q", tt.login, tt.address, got, tt.news)
		}
		f.db.Pass(WatchFor)
	}
	for i := range 9 { // within a day they are all new
		f.enter("acme", fmt.Sprintf("233.252.%d.1", i), 0)
	}
	f.db.Pass(accessWait)
	list, _, err := f.news.Due(9)
	if err != nil || len(list) != 1 || len(list[0].Access) != 4+9 {
		t.Errorf("%+v, %v: want one mail of all", list, err)
	}
}

// Enter says whether it noted the use. Each use of a known network is left to Keep.
func TestAccess_Enter_fresh(t *testing.T) {
	f := open(t)
	for i, want := range []bool{true, false, false} {
		if fresh, _, err := f.Enter(f.from("acme", fmt.Sprintf("192.0.2.%d", i))); fresh != want || err != nil {
			t.Errorf("use %d: %v, %v", i, fresh, err)
		}
	}
	if n := f.uses("acme").Networks; len(n) != 1 || n[0].Count != 1 || len(n[0].Addresses) != 1 {
		t.Errorf("%+v", n)
	}
}

// A kill leaves the network and the news of it, and no choice leaves the network alone.
func TestAccess_Enter_killed(t *testing.T) {
	for _, wants := range []bool{true, false} {
		f := open(t)
		if !wants {
			f.wants = nil
		}
		f.enter("acme", "192.0.2.1", 0)
		f.enter("acme", "198.51.100.1", 0)
		f.kill()
		if n := f.uses("acme").Networks; len(n) != 2 || !n[0].Strange || n[1].Strange {
			t.Errorf("%+v", n)
		}
		if list := f.newAccesses(); (len(list) == 1) != wants {
			t.Errorf("wanted %v: news %q", wants, list)
		}
	}
}

// A program is known with the first message, and the news says it then.
func TestAccess_Programs(t *testing.T) {
	f := open(t)
	f.enter("acme", "192.0.2.1", 0)
	u := f.from("acme", "198.51.100.1")
	u.Program = ""
	if _, _, err := f.Enter(u); err != nil {
		t.Fatal(err)
	}
	list := f.told()[0].Access
	later := f.from("acme", "198.51.100.2")
	later.Program = "Thunderbird"
	for _, want := range []string{"", "Thunderbird"} {
		f.db.Do(t, func(tx *room.Tx) error { return f.Programs(tx, list) })
		if list[0].Program != want {
			t.Errorf("program %q, want %q", list[0].Program, want)
		}
		f.keep(later)
	}
	gone := []news.LoginUse{{Login: "gone", Program: "Eudora"}}
	f.db.Do(t, func(tx *room.Tx) error { return f.Programs(tx, gone) })
	if gone[0].Program != "Eudora" {
		t.Errorf("of a login that is gone: %+v", gone)
	}
}

// What is kept of a login is bounded, the oldest goes, and it goes with the login.
func TestAccess_Keep(t *testing.T) {
	f := open(t)
	var list []Use
	for i := range 3 * mostNetworks {
		for j := range 3 * mostAddresses {
			list = append(list, f.from("acme", fmt.Sprintf("10.0.%d.%d", i, j)), f.from("gone", "192.0.2.1"))
			f.db.Pass(time.Second)
		}
	}
	if left, err := f.Keep(list); err != nil || len(left) != 0 {
		t.Fatalf("%d left, %v", len(left), err)
	}
	is := f.uses("acme")
	if len(is.Networks) != mostNetworks {
		t.Fatalf("%d networks", len(is.Networks))
	}
	n := is.Networks[0]
	if n.Network.String() != "10.0.95.0/24" || n.Count != 3*mostAddresses || len(n.Addresses) != mostAddresses || n.Addresses[0].Address.String() != "10.0.95.11/32" {
		t.Errorf("the last used one is %+v", n)
	}
	if last := is.Networks[mostNetworks-1].Network.String(); last != "10.0.64.0/24" {
		t.Errorf("the oldest one is %s", last)
	}
	f.db.Pass(keptFor)
	f.keep(f.from("acme", "192.0.2.1"))
	if is := f.uses("acme"); len(is.Networks) != 1 {
		t.Errorf("%d networks after a year", len(is.Networks))
	}
	f.revoke("acme")
	if keys := f.db.Keys(t, bucket.AccessOf); len(keys) > 0 {
		t.Errorf("access of %q is kept", keys)
	}
}

// Of a list that fails in the middle the rest is returned, to be added later, and none of it is
// stored.
func TestAccess_Keep_fails(t *testing.T) {
	f := open(t)
	f.db.Do(t, func(tx *room.Tx) error { return tx.Put(bucket.AccessOf, []byte("phone"), []byte("?")) })
	var list []Use
	for range 2*keepStep + 10 {
		list = append(list, f.from("acme", "192.0.2.1"))
	}
	list[keepStep+3].Login = "phone"
	left, err := f.Keep(list)
	if err == nil || !slices.Equal(left, list[keepStep:]) {
		t.Errorf("%d left, %v", len(left), err)
	}
	if n := f.uses("acme").Networks; len(n) != 1 || n[0].Count != keepStep {
		t.Errorf("%+v", n)
	}
}

// After an upgrade nobody is told of where logins were used before.
func TestAccess_Enter_places(t *testing.T) {
	f := open(t)
	at := []people.Place{{Network: netip.MustParsePrefix("192.0.2.1/32"), Last: f.db.Now()}, {Network: netip.MustParsePrefix("198.51.100.1/32"), Last: f.db.Now()}}
	if err := f.people.KeepPlaces(map[string][]people.Place{"acme": at}); err != nil {
		t.Fatal(err)
	}
	f.enter("acme", "198.51.100.9", 0)
	f.enter("phone", "192.0.2.3", 0)
	if list := f.newAccesses(); list != nil {
		t.Errorf("news %q", list)
	}
	f.enter("phone", "203.0.113.3", 0)
	if list := f.newAccesses(); len(list) != 1 {
		t.Errorf("news %q", list)
	}
	if is := f.uses("acme"); len(is.Networks) != 2 || !is.Networks[1].First.IsZero() {
		t.Errorf("%+v", is)
	}
}
