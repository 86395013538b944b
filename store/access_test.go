package store

import (
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"relay/store/access"
)

// from is a use of a login at this moment.
func from(c *clock, login, address string, failed int) access.Use {
	a := netip.MustParseAddr(address)
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return access.Use{Login: login, From: p, Count: 1, Last: c.now(), Program: "mail.example", Failed: failed}
}

// enter notes a use, and returns whether what is sent then is watched.
func enter(t *testing.T, s *Store, u access.Use) bool {
	t.Helper()
	_, watched, err := s.Access.Enter(u)
	if err != nil {
		t.Fatal(err)
	}
	return watched
}

const accessWait = 5 * time.Minute // after which uses from new networks are told

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
