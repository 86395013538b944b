package store

import (
	"net/netip"
	"path/filepath"
	"reflect"
	"testing"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/people"
)

func placesOf(t *testing.T, s *Store) map[string][]people.Place {
	t.Helper()
	all := map[string][]people.Place{}
	if err := s.People.Places(func(login string, at []people.Place) error { all[login] = at; return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

// Where a login succeeded is known after a restart, until the login is revoked.
func TestStore_KeepPlaces(t *testing.T) {
	c := &clock{t: epoch}
	path := filepath.Join(t.TempDir(), "relay.db")
	s := reopen(t, path, c)
	addAccount(t, s, "acme", quota.Plan{})
	for _, login := range []string{"printer", "phone"} {
		if err := s.People.AddCredential(behalf.Order{}, people.Credential{Login: login, Account: "acme", Kind: people.Token, Hash: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	at := []people.Place{{Network: netip.MustParsePrefix("192.0.2.1/32"), Last: epoch}, {Network: netip.MustParsePrefix("2001:db8::/64"), Last: epoch}}
	if err := s.People.KeepPlaces(map[string][]people.Place{"printer": at, "phone": at[:1], "nobody": at}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, path, c)
	defer s.Close()
	if got, want := placesOf(t, s), map[string][]people.Place{"printer": at, "phone": at[:1]}; !reflect.DeepEqual(got, want) {
		t.Errorf("after a restart %v, want %v", got, want)
	}
	if err := s.People.RemoveCredential(behalf.Order{}, "acme", "phone"); err != nil {
		t.Fatal(err)
	}
	if got := placesOf(t, s); len(got) != 1 {
		t.Errorf("after phone was revoked %v", got)
	}
	if err := s.People.KeepPlaces(map[string][]people.Place{"printer": nil, "phone": at}); err != nil {
		t.Fatal(err)
	}
	if got := placesOf(t, s); len(got) != 0 {
		t.Errorf("forgotten and revoked: %v", got)
	}
	verify(t, s)
}
