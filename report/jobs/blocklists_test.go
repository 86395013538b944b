package jobs

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/mailer/blocklist"
	"relay/mailer/route"
	"relay/mailer/source"
	"relay/report/tell"
	"relay/store"
	"relay/store/egress"
)

// lists is a DNS of blocklists: names that are listed.
type lists map[string]string

func (l lists) LookupAddrs(_ context.Context, name string) ([]netip.Addr, error) {
	switch v, ok := l[name]; {
	case !ok:
		return nil, route.ErrNotFound
	case v == "":
		return nil, errors.New("no answer")
	default:
		return []netip.Addr{netip.MustParseAddr(v)}, nil
	}
}

func (l lists) LookupTXT(context.Context, string) ([]string, error) {
	return []string{"spam seen"}, nil
}

// standingWorld is a runner whose source 11.0.0.1 is asked about at two lists.
func standingWorld(t *testing.T, now *time.Time, dns lists) (*Runner, *store.Store, *int) {
	t.Helper()
	own := "[[list]]\nname = \"big\"\nzone = \"big.test\"\nof = \"address\"\n[[list]]\nname = \"minor\"\nzone = \"minor.test\"\nof = \"address\"\ndrains = false\n"
	for _, name := range []string{"Barracuda", "SpamCop", "Mailspike", "PSBL", "UCEPROTECT 1"} {
		own += "[[list]]\nname = \"" + name + "\"\noff = true\n"
	}
	all, err := blocklist.Read("own.toml", []byte(own))
	if err != nil {
		t.Fatal(err)
	}
	st := openAt(t, func() time.Time { return *now })
	changed := 0
	r, _ := runner(st, Config{Letters: Letters{Config: tell.Config{Host: "relay.test", Operator: "boss@relay.test", Expire: 24 * time.Hour}},
		Sources: Sources{All: []source.Source{{Addr: netip.MustParseAddr("11.0.0.1")}, {Addr: netip.MustParseAddr("10.0.0.1")}}, Lists: all, Names: dns, Servers: []string{"127.0.0.1:53"},
			Culprit: func(context.Context, string) (string, error) { return "bad", nil },
			Changed: func(context.Context) error { changed++; return nil }}})
	return r, st, &changed
}

// mails are the subjects of what the operator was sent.
func mails(t *testing.T, st *store.Store) (n int) {
	t.Helper()
	sum, err := st.Spool.Totals()
	if err != nil {
		t.Fatal(err)
	}
	return int(sum.Messages)
}

func stateOf(t *testing.T, st *store.Store) egress.SourceState {
	t.Helper()
	list, err := st.Egress.SourceStates()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		if v.Name == "11.0.0.1" {
			return v
		}
	}
	return egress.SourceState{}
}

// A listing comes and goes: each is stored and told once, and an answer that does not come
// changes nothing.
func TestRunner_Blocklists(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	dns := lists{"2.0.0.127.big.test": "127.0.0.2", "2.0.0.127.minor.test": "127.0.0.2"}
	r, st, changed := standingWorld(t, &now, dns)
	const at, minor = "1.0.0.11.big.test", "1.0.0.11.minor.test"
	for i, step := range []struct {
		name   string
		do     func()
		lists  string // that have the source afterwards
		drains bool
		mails  int
	}{
		{"clean", func() {}, "", false, 0},
		{"a minor list", func() { dns[minor] = "127.0.0.2" }, "minor", false, 1},
		{"a large one", func() { dns[at] = "127.0.0.4" }, "big minor", true, 2},
		{"the same", func() {}, "big minor", true, 2},
		{"no answer", func() { dns[at] = "" }, "big minor", true, 2},
		{"refused", func() { dns[at] = "127.255.255.254" }, "big minor", true, 2},
		{"the list is ill", func() { delete(dns, "2.0.0.127.big.test"); delete(dns, at) }, "big minor", true, 2},
		{"for a day", func() { now = now.Add(25 * time.Hour) }, "minor", false, 2},
		{"it lists all", func() {
			dns["2.0.0.127.big.test"], dns["1.0.0.127.big.test"], dns[at] = "127.0.0.2", "127.0.0.2", "127.0.0.2"
		}, "minor", false, 2},
		{"clean again", func() { delete(dns, minor); delete(dns, at); delete(dns, "1.0.0.127.big.test") }, "", false, 3},
	} {
		step.do()
		now = now.Add(time.Hour)
		for range 2 { // killed before the record, it runs again
			res, err := r.Blocklists(t.Context())
			if err != nil || res.Asked != 1 {
				t.Fatalf("%s: %+v, %v", step.name, res, err)
			}
		}
		v := stateOf(t, st)
		var names []string
		for _, l := range v.Listings {
			names = append(names, l.List)
		}
		slices.Sort(names)
		culprit := ""
		if step.drains {
			culprit = "bad"
		}
		if strings.Join(names, " ") != step.lists || v.Listed() != step.drains || v.Culprit != culprit || mails(t, st) != step.mails || *changed != 2*(i+1) {
			t.Errorf("%s: %+v, %d mails", step.name, v, mails(t, st))
		}
	}
}

// A public resolver is never asked.
func TestRunner_Blocklists_public(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	r, _, _ := standingWorld(t, &now, lists{})
	cfg := r.config()
	cfg.Sources.Servers = []string{"8.8.8.8:53"}
	r.config = func() Config { return cfg }
	if _, err := r.Blocklists(t.Context()); !errors.Is(err, ErrPublicResolver) || !strings.Contains(err.Error(), "Google") {
		t.Error(err)
	}
}

// An address that vanishes is told once, until it is back.
func TestRunner_SourceGone(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	r, st, _ := standingWorld(t, &now, lists{})
	for i, want := range []int{1, 1, 1, 2} {
		var why error
		if i != 2 {
			why = errors.New("cannot assign requested address")
		}
		r.SourceGone("11.0.0.1", why)
		if n := mails(t, st); n != want {
			t.Errorf("step %d: %d mails, want %d", i, n, want)
		}
	}
}
