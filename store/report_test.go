package store

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/mailreply"
	"relay/store/orders"
	"relay/store/outcomes"
	"relay/store/overview"
	"relay/store/people"
	"relay/store/refusals"
	"relay/store/remark"
	"relay/store/spool"
	"relay/store/spooled"
)

func report(t testing.TB, s *Store, account, period string) *overview.Report {
	t.Helper()
	r, err := s.Overview.Report(account, period)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What a report says of overage while the period runs is what its close makes of it, whether
// or not that has run.
func TestStore_Report_overage(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Continue)
	mustSend(t, s, "acme", gb/2, 1)
	c.add(24 * time.Hour)
	mustSend(t, s, "acme", 17*gb/10, 1)
	now := report(t, s, "acme", "")
	if want := (quota.Use{Over: 12 * gb / 10, Overage: 12 * gb / 10}); now.Use != want || now.OverCost != 1800*122/100 || now.Currency != "EUR" || now.MayOver != 5*gb || now.Invoice != nil {
		t.Errorf("running: %+v, %d %s, may %d, %+v", now.Use, now.OverCost, now.Currency, now.MayOver, now.Invoice)
	}
	if now.Period.Key != "2026-11" || now.Before != nil || now.Plan.Bandwidth != gb || now.Usage.Charged.Messages != 2 {
		t.Errorf("%+v", now)
	}
	c.set(december.Add(time.Hour))
	due := report(t, s, "acme", "2026-11")
	closeDue(t, s, 1)
	closed := report(t, s, "acme", "2026-11")
	if closed.Invoice == nil || closed.Invoice.Total != now.OverCost || closed.OverCost != now.OverCost || closed.Use.Overage != now.Use.Overage {
		t.Errorf("closed: %+v, %d, %+v", closed.Use, closed.OverCost, closed.Invoice)
	}
	if sum := quota.Sum(closed.Lots); sum != gb/2 || closed.Use.Credit != sum {
		t.Errorf("credit of half a gigabyte: %+v", closed.Lots)
	}
	if due.Invoice != nil || due.Use != closed.Use || !reflect.DeepEqual(due.Days, closed.Days) || !reflect.DeepEqual(due.Days, now.Days) {
		t.Errorf("its close is due: %+v\nclosed: %+v", due, closed)
	}
	mustSend(t, s, "acme", 14*gb/10, 1)
	next := report(t, s, "acme", "")
	if want := (quota.Use{Over: 4 * gb / 10, Drawn: 4 * gb / 10, Credit: gb / 10}); next.Use != want || quota.Sum(next.Lots) != gb/10 || next.OverCost != 0 {
		t.Errorf("on credit: %+v, %+v, %d", next.Use, next.Lots, next.OverCost)
	}
	if next.Before == nil || *next.Before != closed.Usage || !reflect.DeepEqual(next.DaysBefore, closed.Days) {
		t.Errorf("before: %+v, %+v", next.Before, next.DaysBefore)
	}
	if len(next.Recent) != 2 || len(next.Days) != 1 || next.Days[0].Day != "2026-12-01" || next.Recent[1].Emails != 1 || next.Recent[1].Bytes != 17*gb/10 {
		t.Errorf("recent: %+v, days: %+v", next.Recent, next.Days)
	}
	if _, err := s.Overview.Report("acme", "2026-10"); !errors.Is(err, ErrNotFound) {
		t.Errorf("of no period of it: %v", err)
	}
	if _, err := s.Overview.Report("nobody", ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("of no account: %v", err)
	}
}

// A report has what else there is to tell: errors, logins, remarks, the reseller. One on an
// account that was never active has what there is.
func TestStore_Report_others(t *testing.T) {
	s, c := newBooks(t)
	if err := s.People.AddReseller(people.Reseller{Name: "through", Contact: "r@r.test"}); err != nil {
		t.Fatal(err)
	}
	_, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme", Reseller: "through"}, Plan: silver, Credential: &people.Credential{Login: "acme", Account: "acme"}})
	if err != nil {
		t.Fatal(err)
	}
	r := report(t, s, "acme", "")
	if r.Reseller == nil || r.Reseller.Contact != "r@r.test" || r.Plan.Name != "silver" || r.Period.Key != "" || r.Days != nil || len(r.Logins) != 1 || !r.Logins[0].Last.IsZero() {
		t.Errorf("pending: %+v", r)
	}

	addAccount(t, s, "other", quota.Plan{})
	old, last := people.Place{Network: netip.MustParsePrefix("192.0.2.1/32"), Last: c.now().Add(-time.Hour)}, people.Place{Network: netip.MustParsePrefix("2001:db8::/64"), Last: c.now()}
	if err := s.People.KeepPlaces(map[string][]people.Place{"other": {old, last}}); err != nil {
		t.Fatal(err)
	}
	for _, day := range []string{"2026-11-22", "2026-11-23", "2026-12-01"} { // the account began on the 23rd
		if _, err := s.Remarks.Keep([]remark.Remark{{Account: "other", Day: day, Kind: remark.Unsigned, Domain: "other.test", Count: 3}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, to := range []string{"a@a.test", "b@a.test"} {
		c.add(time.Minute)
		accept(t, s, "other", 100, to)
		meetWith(t, s, claim(t, s, "a.test", "other", 1)[0], "Google", spool.Outcome{State: spooled.Failed, Reply: "550 no", Verdict: mailreply.Verdict{Category: "InvalidRecipient"}})
	}
	r = report(t, s, "other", "")
	if r.ErrorCount != 2 || len(r.Errors) != 2 || r.Errors[0].Recipient != "b@a.test" || r.Errors[0].Advice != refusals.AdviceRemove {
		t.Errorf("errors: %d, %+v", r.ErrorCount, r.Errors)
	}
	if want := []overview.LoginUse{{Login: "other", Last: last.Last, Places: []people.Place{last, old}}}; !reflect.DeepEqual(r.Logins, want) {
		t.Errorf("logins %+v, want %+v", r.Logins, want)
	}
	if len(r.Remarks) != 1 || r.Remarks[0].Day != "2026-11-23" {
		t.Errorf("remarks: %+v", r.Remarks)
	}
	want := []overview.Day{{Day: "2026-11-23", Emails: 2, Bytes: 200,
		Sum: outcomes.Sum{Failed: map[string]int64{"InvalidRecipient": 2}, Providers: map[string]outcomes.Provider{"Google": {Failed: 2}}}}}
	if !reflect.DeepEqual(r.Days, want) {
		t.Errorf("days %+v, want %+v", r.Days, want)
	}
}

// Ten years of mail each day, orders beside it and a list of errors cost a report nothing: it
// finds the days of each month, of which the ledger has as many as it should.
func TestStore_Report_tenYears(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Continue)
	random := rand.New(rand.NewPCG(1, 2))
	emails, last := map[string]int64{}, c.now().AddDate(10, 0, 0)
	for c.now().Before(last) {
		for range 1 + random.IntN(2) {
			mustSend(t, s, "acme", 1000, 1)
			p, _ := s.Standings.Standing("acme")
			emails[p.Period.Key]++
		}
		c.add(time.Duration(1+random.IntN(30)) * 24 * time.Hour)
		closed, err := closeNow(t.Context(), s)
		if err != nil {
			t.Fatal(closed, err)
		}
	}
	for period, want := range emails {
		r := report(t, s, "acme", period)
		sum, before := int64(0), int64(0)
		for _, d := range r.Days {
			sum += d.Emails
		}
		for _, d := range r.DaysBefore {
			before += d.Emails
		}
		if sum != want || before != emails[r.PeriodBefore.Key] || r.Usage.Charged.Messages != want {
			t.Errorf("%s: days of %d e-mails, before it %d; want %d, %d", period, sum, before, want, emails[r.PeriodBefore.Key])
		}
	}
}
