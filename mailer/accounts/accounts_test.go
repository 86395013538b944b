package accounts

import (
	"sync/atomic"
	"testing"
	"time"

	"relay/mailer/attempt"
	"relay/mailer/pace"
	"relay/mailer/paceentry"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/mailer/site"
	"relay/mailer/source"
	"relay/mailer/verdict"
	"relay/mailer/view"
	"relay/store/egress"
	"relay/store/sites"
	"relay/store/spooled"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// newAccounts has normal as the configuration's profile, and these overrides.
func newAccounts(list ...egress.Override) *Accounts {
	var cfg atomic.Pointer[settings.Config]
	c := &settings.Config{Profile: pace.Normal}
	c.SetDefaults()
	cfg.Store(c)
	orders := site.NewOverrides(list, noon)
	a := New(nil, &cfg, &orders)
	for _, name := range []string{"acme", "other"} {
		a.profiles[name] = Profile{Pace: pace.Normal, until: time.Now().Add(time.Hour)}
	}
	return a
}

func newSite() *site.Site {
	t := site.New(&site.Place{Key: "mx.gmail.test", Path: &route.Path{}}, site.NewOrigin(&source.Source{}))
	t.Row = &pace.Row{Name: "gmail", Prudent: pace.Limits{Connections: 5, Rate: 50}, Normal: pace.Limits{Connections: 10, Rate: 100}}
	t.Gate = pace.NewSite(t.Row.Normal, pace.State{})
	return t
}

var (
	delivered = attempt.Said{Verdict: verdict.Verdict{Class: verdict.Delivered}, Rcpts: 10}
	blamed    = attempt.Said{Verdict: verdict.Verdict{Class: verdict.Deferred, Slows: verdict.Account}, Rcpts: 1, Reply: "451 spam"}
	busy      = attempt.Said{Verdict: verdict.Verdict{Class: verdict.Deferred}, Rcpts: 1, Reply: "451 busy"}
	noUser    = attempt.Said{Verdict: verdict.Verdict{Class: verdict.Failed, Category: verdict.InvalidRecipient}, Rcpts: 50, Reply: "550 no such user"}
)

func TestAccounts_Heed(t *testing.T) {
	for _, tt := range []struct {
		what string
		said []attempt.Said
		want pace.Step
		held bool
		gate bool // of the account's own
	}{
		{"delivered", []attempt.Said{delivered}, pace.Same, false, false},
		{"a reply about something else", []attempt.Said{busy}, pace.Same, false, false},
		{"blamed", []attempt.Said{delivered, blamed}, pace.SlowsDown, false, true},
		{"many recipients that do not exist", []attempt.Said{delivered, noUser}, pace.HoldsBack, true, true},
	} {
		t.Run(tt.what, func(t *testing.T) {
			a, hop := newAccounts(), newSite()
			var c *pace.Account
			step := pace.Same
			for i := range tt.said {
				c, step = a.Heed(keyOf(hop, "acme"), &tt.said[i], noon)
			}
			if step != tt.want || (c != nil) != (step != pace.Same) || a.News() != (c != nil) {
				t.Errorf("Heed = %v, %v, want %v; news %v", c, step, tt.want, a.News())
			}
			if got := a.Held(hop, "acme", noon); got != tt.held {
				t.Errorf("held %v, want %v", got, tt.held)
			}
			if g, _ := a.Gate(hop, "acme", pace.Normal, noon); (g != nil) != tt.gate {
				t.Errorf("a gate of its own: %v, want %v", g != nil, tt.gate)
			}
			if g, _ := a.Gate(hop, "other", pace.Normal, noon); g != nil || a.Held(hop, "other", noon) {
				t.Error("another account is slower for it")
			}
			if u := (&site.Turn{Site: hop, Account: "acme", Profile: pace.Normal}); tt.held &&
				(a.spare(u, noon) != 0 || !a.next(u, noon).After(noon) || a.Outlook(hop, "acme", noon).Wait != view.WaitAccount) {
				t.Errorf("spare %d, next %v, outlook %+v", a.spare(u, noon), a.next(u, noon), a.Outlook(hop, "acme", noon))
			}
			a.Release(hop.Provider())
			if g, _ := a.Gate(hop, "acme", pace.Normal, noon); g != nil || a.Held(hop, "acme", noon) {
				t.Error("the operator's word does not help")
			}
		})
	}
}

func TestAccounts_Gate(t *testing.T) {
	word := egress.Override{Do: egress.OverrideSlow, Kind: egress.OverrideAccount, Target: "acme", Rate: 7, Until: noon.Add(time.Hour)}
	for _, tt := range []struct {
		what    string
		orders  []egress.Override
		profile pace.Profile
		fixed   bool
		gate    bool
		rate    int // 0: not looked at
	}{
		{"as configured", nil, pace.Normal, false, false, 0},
		{"slower than configured", nil, pace.Prudent, false, true, 0},
		{"as fast as the site goes", nil, pace.Normal, false, false, 0},
		{"slowed by the operator", []egress.Override{word}, pace.Normal, false, true, 7},
		{"a way of its own", nil, pace.Prudent, true, false, 0},
		{"a way of its own, slowed by the operator", []egress.Override{word}, pace.Normal, true, true, 7},
	} {
		t.Run(tt.what, func(t *testing.T) {
			a, hop := newAccounts(tt.orders...), newSite()
			hop.Path.Fixed = tt.fixed
			g, l := a.Gate(hop, "acme", tt.profile, noon)
			if (g != nil) != tt.gate || tt.rate != 0 && l.Rate != tt.rate {
				t.Errorf("Gate = %v, %+v", g, l)
			}
			if own := a.Ceilings(hop, "acme", noon); tt.rate != 0 && (own[1].Name != view.CeilingAccount || !own[1].Binds) {
				t.Errorf("the ceilings are %+v", own)
			}
		})
	}
}

// What the store is told is read again, until an account is at rest.
func TestAccounts_Entries(t *testing.T) {
	a, hop := newAccounts(), newSite()
	key := keyOf(hop, "acme")
	a.Heed(key, &blamed, noon)
	list := a.Entries(nil, 10, noon)
	if len(list) != 1 || list[0].Key != paceentry.AccountKey+"acme\x00gmail" || list[0].Value == nil {
		t.Fatalf("the store is told %+v", list)
	}
	again := newAccounts()
	again.Load(&list[0])
	again.Load(&sites.PaceEntry{Key: paceentry.SiteKey + "x", Value: []byte("{}")})
	if g, _ := again.Gate(hop, "acme", pace.Normal, noon); g == nil || len(again.conducts) != 1 {
		t.Errorf("%d conducts are read; a gate: %v", len(again.conducts), g != nil)
	}
	if full := again.Entries(make([]sites.PaceEntry, 10), 10, noon); len(full) != 10 {
		t.Errorf("%d entries, want no more than 10", len(full))
	}
	again.Release(hop.Provider())
	if list = again.Entries(nil, 10, noon); len(list) != 1 || list[0].Value != nil || again.News() {
		t.Errorf("the store is told %+v, and there is more: %v", list, again.News())
	}
}

// The account that lacks most of its pace is to blame, of those asked for.
func TestAccounts_Culprit(t *testing.T) {
	a, hop := newAccounts(), newSite()
	a.Heed(keyOf(hop, "slow"), &blamed, noon)
	a.Heed(keyOf(hop, "held"), &noUser, noon)
	for range 3 {
		a.Heed(keyOf(hop, "good"), &delivered, noon)
	}
	if got := a.Culprit(func(string) bool { return true }, noon); got != "held" {
		t.Errorf("%q is to blame, want held", got)
	}
	if got := a.Culprit(func(name string) bool { return name != "held" }, noon); got != "slow" {
		t.Errorf("%q is to blame, want slow", got)
	}
	if got := a.Culprit(func(name string) bool { return name == "good" }, noon); got != "" {
		t.Errorf("%q is to blame, want none", got)
	}
}

// Complaints slow an account only where it has reached many recipients lately.
func TestAccounts_Complained(t *testing.T) {
	a, hop := newAccounts(), newSite()
	key := keyOf(hop, "acme")
	complain := func() (step pace.Step) {
		for range 20 {
			if _, is := a.Complained(key, noon); is != pace.Same {
				step = is
			}
		}
		return step
	}
	a.Heed(key, &delivered, noon)
	if step := complain(); step != pace.Same {
		t.Errorf("complaints about few: %v", step)
	}
	for range 20 {
		a.Heed(key, &delivered, noon)
	}
	if step := complain(); step != pace.HoldsBack {
		t.Errorf("complaints about many: %v, want that the account is held", step)
	}
}

// A site asks for mail of accounts that may have some now, and otherwise says when one may.
func TestAccounts_Demand(t *testing.T) {
	a, hop := newAccounts(), newSite()
	a.Heed(keyOf(hop, "held"), &noUser, noon)
	join := func(account string) {
		hop.Join(&site.Lane{Lane: spooled.Lane{Account: account, Domain: "a.test"}, Profile: pace.Normal})
	}
	join("held")
	if n, _, _ := a.Demand(hop, nil, noon); n != 0 || !a.NextAt(hop, noon).After(noon) {
		t.Errorf("%d messages of an account that is held are asked for, the next at %v", n, a.NextAt(hop, noon))
	}
	join("acme")
	n, each, spare := a.Demand(hop, nil, noon)
	if n == 0 || each == 0 || !a.NextAt(hop, noon).Equal(noon) {
		t.Errorf("%d messages are asked for, the next at %v", n, a.NextAt(hop, noon))
	}
	for account, u := range hop.Accounts {
		if got := spare(u) > 0; got != (account == "acme") {
			t.Errorf("%s may have %d", account, spare(u))
		}
	}
	if n, _, _ := a.Demand(hop, func(string) bool { return true }, noon); n != 0 {
		t.Errorf("%d messages are asked for while all accounts wait for a connection", n)
	}
}
