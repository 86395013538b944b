package remark

import (
	"fmt"
	"slices"
	"testing"

	"github.com/oklog/ulid/v2"

	"relay/store/room"
	"relay/store/room/roomtest"
)

// fixture is the room in a store of its own, with the accounts acme and acme2.
type fixture struct {
	*Remarks
	*testing.T
	db *roomtest.Store
}

func open(t *testing.T) *fixture {
	t.Helper()
	db := roomtest.Open(t)
	db.AddAccounts(t, "acme", "acme2")
	return &fixture{New(db.DB), t, db}
}

func (f *fixture) keep(list ...Remark) []Remark {
	f.Helper()
	now, err := f.Keep(list)
	if err != nil {
		f.Fatal(err)
	}
	return now
}

// of is what an account's remarks say, from a day on.
func (f *fixture) of(account, from string) (lines []string) {
	f.Helper()
	list, err := f.Of(account, from)
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range list {
		lines = append(lines, fmt.Sprintf("%s %s %s %q %d %s", r.Account, r.Day, r.Kind, r.Domain, r.Count, r.Policy))
	}
	return lines
}

func (f *fixture) want(what, account, from string, want ...string) {
	f.Helper()
	if got := f.of(account, from); !slices.Equal(got, want) {
		f.Errorf("%s: %q, want %q", what, got, want)
	}
}

// Remarks of one kind and domain add up over a day, with the last mail and its policy; those of an
// account that is gone are left out.
func TestRemarks_Keep(t *testing.T) {
	f := open(t)
	one := Remark{Account: "acme", Day: "2026-11-29", Kind: Unsigned, Domain: "shop.example", Count: 2, Last: roomtest.Begin, Message: ulid.ULID{1}}
	f.keep(one, Remark{Account: "acme2", Day: "2026-11-29", Kind: Bulk, Domain: "b.example", Count: 1},
		Remark{Account: "nobody", Day: "2026-11-29", Kind: Bulk, Domain: "b.example", Count: 1})
	one.Count, one.Policy, one.Message = 3, "reject", ulid.ULID{2}
	if now := f.keep(one, Remark{Account: "acme", Day: "2026-11-29", Kind: SPFOnly, Domain: "shop.example", Count: 1}); len(now) != 2 || now[0].Count != 5 || now[0].Message != one.Message || now[1].Count != 1 {
		t.Errorf("they come to %+v", now)
	}
	f.want("added up", "acme", "", `acme 2026-11-29 spf-only "shop.example" 1 `, `acme 2026-11-29 unsigned "shop.example" 5 reject`)
	f.want("of another account", "acme2", "2026", `acme2 2026-11-29 bulk "b.example" 1 `)
	f.want("from a later day on", "acme", "2026-11-30")
	f.want("of no account", "nobody", "")
}

// A day has a bound of domains. What is beyond it is counted together, and what is known counts on.
func TestRemarks_Keep_bounds(t *testing.T) {
	f := open(t)
	const more = 100
	var many []Remark
	for i := range mostADay + more { // in two transactions
		many = append(many, Remark{Account: "acme", Day: "2026-11-30", Kind: Unsigned, Domain: fmt.Sprintf("d%03d.example", i), Count: 1})
	}
	f.keep(many...)
	if now := f.keep(many...); len(now) != len(many) || now[0].Count != 2 || now[mostADay].Domain != "" || now[len(now)-1].Count != 2*more {
		t.Errorf("they come to %d, the first %+v, the last %+v", len(now), now[0], now[len(now)-1])
	}
	list, err := f.Of("acme", "")
	if err != nil || len(list) != mostADay+1 || list[0].Domain != "" || list[0].Count != 2*more || list[1].Count != 2 {
		t.Errorf("%d remarks, the first %+v, %v", len(list), list[0], err)
	}
	f.keep(Remark{Account: "acme2", Day: "2026-11-30", Kind: Unsigned, Domain: "d.example", Count: 1},
		Remark{Account: "acme", Day: "2026-12-01", Kind: Unsigned, Domain: "new.example", Count: 1})
	f.want("another day", "acme", "2026-12-01", `acme 2026-12-01 unsigned "new.example" 1 `)
	f.want("another account", "acme2", "", `acme2 2026-11-30 unsigned "d.example" 1 `)
}

// The first remark of an account on a day removes those of more than 40 days before.
func TestRemarks_Keep_old(t *testing.T) {
	f := open(t)
	on := func(account, day string) Remark {
		return Remark{Account: account, Day: day, Kind: Unsigned, Domain: "d.example", Count: 1}
	}
	line := func(account, day string) string { return account + " " + day + ` unsigned "d.example" 1 ` }
	f.keep(on("acme", "2026-11-29"), on("acme2", "2026-11-29"), on("acme", "2027-01-08"))
	f.want("40 days later", "acme", "", line("acme", "2026-11-29"), line("acme", "2027-01-08"))
	f.keep(on("acme", "2027-01-09"))
	f.want("41 days later", "acme", "", line("acme", "2027-01-08"), line("acme", "2027-01-09"))
	f.want("of an account that sends no more", "acme2", "", line("acme2", "2026-11-29"))

	f.db.Do(t, func(tx *room.Tx) error { return f.Forget(tx, "acme") })
	f.want("of one that is removed", "acme", "")
	f.want("beside it", "acme2", "", line("acme2", "2026-11-29"))
}

// Near 5,000 recipients a day at Gmail are told before they are reached.
func TestRemark_NearsBulk(t *testing.T) {
	for _, tt := range []struct {
		is   Remark
		want bool
	}{
		{Remark{Kind: Sent + "google", Count: ManyAtGoogle}, true},
		{Remark{Kind: Sent + "google", Count: ManyAtGoogle - 1}, false},
		{Remark{Kind: Sent + "yahoo", Count: ManyAtGoogle}, false},
		{Remark{Kind: Bulk, Count: ManyAtGoogle}, false},
	} {
		if got := tt.is.NearsBulk(); got != tt.want {
			t.Errorf("%+v: %t", tt.is, got)
		}
	}
}
