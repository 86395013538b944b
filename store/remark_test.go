package store

import (
	"fmt"
	"testing"
	"time"

	"relay/quota"
)

func TestStore_remarks(t *testing.T) {
	s, _ := newStore(t)
	for _, name := range []string{"acme", "acme2"} {
		addAccount(t, s, name, quota.Plan{})
	}
	keep := func(list ...Remark) []Remark {
		t.Helper()
		now, err := s.KeepRemarks(list)
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	read := func(account, from string) (text string) {
		t.Helper()
		list, err := s.Remarks(account, from)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			text += fmt.Sprintf("%s %s %s %q %d %s\n", r.Account, r.Day, r.Kind, r.Domain, r.Count, r.Policy)
		}
		return text
	}
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	one := Remark{Account: "acme", Day: "2026-11-29", Kind: RemarkUnsigned, Domain: "shop.example", Count: 2, Last: at}
	keep(one, Remark{Account: "acme2", Day: "2026-11-29", Kind: RemarkBulk, Domain: "b.example", Count: 1},
		Remark{Account: "nobody", Day: "2026-11-29", Kind: RemarkBulk, Domain: "b.example", Count: 1})
	one.Count, one.Policy = 3, "reject"
	if now := keep(one); now[0].Count != 5 {
		t.Errorf("they come to %+v", now)
	}
	if got, want := read("acme", ""), "acme 2026-11-29 unsigned \"shop.example\" 5 reject\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := read("acme", "2026-11-30") + read("nobody", ""); got != "" {
		t.Errorf("from a later day, or of no account: %q", got)
	}

	// Many domains: what is beyond the bound is counted together.
	var many []Remark
	for i := range mostRemarks + 50 {
		many = append(many, Remark{Account: "acme2", Day: "2026-11-30", Kind: RemarkUnsigned, Domain: fmt.Sprintf("d%03d.example", i), Count: 1})
	}
	keep(many...)
	list, err := s.Remarks("acme2", "2026-11-30")
	if err != nil || len(list) != mostRemarks+1 || list[0].Domain != "" || list[0].Count != 50 {
		t.Errorf("%d remarks, the first %+v, %v", len(list), list[0], err)
	}

	// Old ones go with the first remark of a day.
	keep(Remark{Account: "acme", Day: "2027-01-08", Kind: RemarkUnsigned, Domain: "shop.example", Count: 1})
	if got, want := read("acme", ""), "acme 2026-11-29 unsigned \"shop.example\" 5 reject\nacme 2027-01-08 unsigned \"shop.example\" 1 \n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	keep(Remark{Account: "acme", Day: "2027-01-09", Kind: RemarkUnsigned, Domain: "shop.example", Count: 1})
	if got := read("acme", "2026"); got != "acme 2027-01-08 unsigned \"shop.example\" 1 \nacme 2027-01-09 unsigned \"shop.example\" 1 \n" {
		t.Errorf("after 40 days: %q", got)
	}
	if err := s.RemoveAccount(Order{}, "acme2"); err != nil || read("acme2", "") != "" {
		t.Errorf("of a removed account: %q, %v", read("acme2", ""), err)
	}
}
