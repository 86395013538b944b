package store

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/news"
	"relay/store/people"
	"relay/store/room"
)

// from is a use of a login at this moment.
func from(c *clock, login, address string, failed int) Use {
	a := netip.MustParseAddr(address)
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return Use{Login: login, From: p, Count: 1, Last: c.now(), Program: "mail.example", Failed: failed}
}

// enter notes a use, and returns whether what is sent then is watched.
func enter(t *testing.T, s *Store, u Use) bool {
	t.Helper()
	_, watched, err := s.Enter(u)
	if err != nil {
		t.Fatal(err)
	}
	return watched
}

const accessWait = 5 * time.Minute // after which uses from new networks are told

// newAccesses are the accesses that are news, as login and network.
func newAccesses(t *testing.T, s *Store) (list []string) {
	t.Helper()
	err := s.view(func(t *tx) error {
		all, err := room.All[news.Item](&t.Tx, bucket.NewsOf, nil)
		for _, n := range all {
			for _, a := range n.Access {
				list = append(list, a.Login+" "+a.Network.String())
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Which first uses are news: of a network that no login of the account knows, but not of the
// account's first one, nor of a line whose address changes within its provider's.
func TestStore_Enter_news(t *testing.T) {
	s, c := loginStore(t, filepath.Join(t.TempDir(), "relay.db"))
	defer s.Close()
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
		before := len(newAccesses(t, s))
		enter(t, s, from(c, tt.login, tt.address, 0))
		got := ""
		if list := newAccesses(t, s); len(list) > before {
			got = list[len(list)-1]
		}
		if got != tt.news {
			t.Errorf("%s from %s: news %q, want %q", tt.login, tt.address, got, tt.news)
		}
		c.add(WatchFor)
	}
	for i := range 9 { // within a day they are all new
		enter(t, s, from(c, "acme", fmt.Sprintf("233.252.%d.1", i), 0))
	}
	c.add(accessWait)
	list, _, err := s.News.Due(9)
	if err != nil || len(list) != 1 || len(list[0].Access) != 4+9 {
		t.Errorf("%+v, %v: want one mail of all", list, err)
	}
	verify(t, s)
}

// What comes while a mail is written is in the next one; nothing is told twice. A restart in
// between changes nothing.
func TestStore_Tell_access(t *testing.T) {
	path := filepath.Join(t.TempDir(), "relay.db")
	s, c := loginStore(t, path)
	enter(t, s, from(c, "acme", "192.0.2.1", 0))
	enter(t, s, from(c, "acme", "198.51.100.1", 0))
	if err := s.Close(); err != nil { // as good as a kill: the news is in the transaction of the use
		t.Fatal(err)
	}
	s = reopen(t, path, c)
	defer s.Close()
	c.add(accessWait)
	told := func() (list []string) {
		due, _, err := s.News.Due(9)
		if err != nil || len(due) != 1 {
			t.Fatalf("%d pieces of news, %v", len(due), err)
		}
		n := due[0]
		is, err := s.Telling(&n)
		if err != nil || is == nil {
			t.Fatalf("%v, %v", is, err)
		}
		for _, a := range is.News.Access {
			list = append(list, a.Network.String()+" "+a.Program)
		}
		if len(list) == 1 && list[0][:3] == "198" {
			enter(t, s, from(c, "phone", "203.0.113.1", 0))
		}
		if err := s.Tell(&n, nil); err != nil {
			t.Fatal(err)
		}
		return list
	}
	if got := told(); !slices.Equal(got, []string{"198.51.100.0/24 mail.example"}) {
		t.Errorf("first %q", got)
	}
	c.add(accessWait)
	if got := told(); !slices.Equal(got, []string{"203.0.113.0/24 mail.example"}) {
		t.Errorf("then %q", got)
	}
	if due, next, err := s.News.Due(9); err != nil || len(due) != 0 || !next.IsZero() {
		t.Errorf("left %+v, %v, %v", due, next, err)
	}
}

// What is kept of a login is bounded, the oldest goes, and it goes with the login.
func TestStore_KeepAccess(t *testing.T) {
	s, c := loginStore(t, filepath.Join(t.TempDir(), "relay.db"))
	defer s.Close()
	var list []Use
	for i := range 3 * mostNetworks {
		for j := range 3 * mostAddresses {
			list = append(list, from(c, "acme", fmt.Sprintf("10.0.%d.%d", i, j), 0), from(c, "gone", "192.0.2.1", 0))
			c.add(time.Second)
		}
	}
	if left, err := s.KeepAccess(list); err != nil || len(left) != 0 {
		t.Fatalf("%d left, %v", len(left), err)
	}
	a, err := s.Access("acme")
	if err != nil || len(a.Networks) != mostNetworks {
		t.Fatalf("%d networks, %v", len(a.Networks), err)
	}
	n := a.Networks[0]
	if n.Network.String() != "10.0.95.0/24" || n.Count != 3*mostAddresses || len(n.Addresses) != mostAddresses || n.Addresses[0].Address.String() != "10.0.95.11/32" {
		t.Errorf("the last used one is %+v", n)
	}
	if last := a.Networks[mostNetworks-1].Network.String(); last != "10.0.64.0/24" {
		t.Errorf("the oldest one is %s", last)
	}
	c.add(accessFor)
	if _, err := s.KeepAccess([]Use{from(c, "acme", "192.0.2.1", 0)}); err != nil {
		t.Fatal(err)
	}
	if a, _ = s.Access("acme"); len(a.Networks) != 1 {
		t.Errorf("%d networks after a year", len(a.Networks))
	}
	if err := s.People.RemoveCredential(behalf.Order{}, "acme", "acme"); err != nil {
		t.Fatal(err)
	}
	err = s.view(func(t *tx) error {
		if k, _ := t.Cursor(bucket.AccessOf).First(); k != nil {
			return errors.New("access of a revoked login is kept")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// After an upgrade nobody is told of where logins were used before.
func TestStore_Enter_places(t *testing.T) {
	s, c := loginStore(t, filepath.Join(t.TempDir(), "relay.db"))
	defer s.Close()
	if err := s.People.KeepPlaces(map[string][]people.Place{"acme": {{Network: netip.MustParsePrefix("192.0.2.1/32"), Last: c.now()}, {Network: netip.MustParsePrefix("198.51.100.1/32"), Last: c.now()}}}); err != nil {
		t.Fatal(err)
	}
	enter(t, s, from(c, "acme", "198.51.100.9", 0))
	enter(t, s, from(c, "phone", "192.0.2.3", 0))
	if list := newAccesses(t, s); list != nil {
		t.Errorf("news %q", list)
	}
	enter(t, s, from(c, "phone", "203.0.113.3", 0))
	if list := newAccesses(t, s); len(list) != 1 {
		t.Errorf("news %q", list)
	}
	if a, err := s.Access("acme"); err != nil || len(a.Networks) != 2 || !a.Networks[1].First.IsZero() {
		t.Errorf("%+v, %v", a, err)
	}
}
