package store

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"relay/quota"
	"relay/store/abuse"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/mailreply"
	"relay/store/news"
	"relay/store/signs"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/strangers"
	"relay/store/trace"
)

// bounceAll settles claims with recipients that do not exist.
func bounceAll(t testing.TB, s *Store, list []spool.Claimed) {
	t.Helper()
	for _, c := range list {
		r := spool.Result{ID: c.Message.ID, Domain: c.Domain, Provider: "gmail", Event: trace.Event{Kind: trace.EventAttempt}}
		for _, i := range c.Rcpts {
			r.Outcomes = append(r.Outcomes, spool.Outcome{Rcpt: i, State: spooled.Failed, Reply: "550 no such user", Sign: signs.Bounce,
				Verdict: mailreply.Verdict{Category: "InvalidRecipient", Blame: "recipient"}})
		}
		if err := s.Spool.Settle(r); err != nil {
			t.Fatal(err)
		}
	}
}

func accountOf(t testing.TB, s *Store, name string) books.Account {
	t.Helper()
	a, err := s.Books.Account(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func observe(t testing.TB, s *Store, o abuse.Observation) {
	t.Helper()
	if err := s.update(0, func(t *tx) error { return t.s.Abuse.Observe(&t.Tx, o) }); err != nil {
		t.Fatal(err)
	}
}

// A bad list is slowed down at twenty wrong addresses, and its account suspended at fifty, in
// the transactions of the refusals. Another account goes on.
func TestObserve_bounces(t *testing.T) {
	s, _ := newStore(t)
	s.Abuse.SetRules(signs.Default)
	for _, name := range []string{"careless", "clean"} {
		addAccount(t, s, name, quota.Plan{})
	}
	handIn(t, s, "careless", 0, 100)
	handIn(t, s, "clean", 0, 10)
	bounceAll(t, s, claim(t, s, "dst.test", "careless", 19))
	if r, _, _ := s.Strangers.Record("careless"); r.Slow != 0 {
		t.Fatalf("slow after 19: %+v", r)
	}
	bounceAll(t, s, claim(t, s, "dst.test", "careless", 1))
	if r, _, _ := s.Strangers.Record("careless"); r.Slow == 0 || !r.Today.Bad {
		t.Fatalf("not slow after 20: %+v", r)
	}
	bounceAll(t, s, claim(t, s, "dst.test", "careless", 29))
	if a := accountOf(t, s, "careless"); a.Status() != ledger.Active {
		t.Fatalf("suspended after 49: %+v", a)
	}
	bounceAll(t, s, claim(t, s, "dst.test", "careless", 1))
	a := accountOf(t, s, "careless")
	if a.Status() != ledger.Suspended || !a.Abuse || a.Reason != "too many recipients do not exist: 50 of 50 e-mails of a day" {
		t.Fatalf("after 50: %+v", a)
	}
	if a := accountOf(t, s, "clean"); a.Status() != ledger.Active {
		t.Errorf("the clean account: %+v", a)
	}
}

// However many signs come at once, an account is suspended once and told once.
func TestObserve_atOnce(t *testing.T) {
	s, _ := newStore(t)
	s.Abuse.SetRules(signs.Default)
	addAccount(t, s, "acme", quota.Plan{})
	handIn(t, s, "acme", 0, 20)
	settleAll(t, s, claim(t, s, "dst.test", "acme", 20), strangers.MarkDelivered)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			observe(t, s, abuse.Observation{Account: "acme", Sign: signs.Complaint, N: 1, Provider: "yahoo"})
		})
	}
	wg.Wait()
	var kinds []string
	if err := s.Books.Ledger("acme", func(e *ledger.Entry) error {
		if e.Kind == ledger.KindSuspended || e.Kind == ledger.KindAbuse {
			kinds = append(kinds, string(e.Kind))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if is := fmt.Sprint(kinds); is != "[suspended abuse]" {
		t.Errorf("entries: %s", is)
	}
	list, _, err := s.News.Due(100)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, one := range list {
		if one.Kind == news.Suspended && one.Reason == news.ReasonAbuse {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d news of the suspension: %+v", n, list)
	}
	r, m, err := s.Abuse.Signs("acme")
	if err != nil || r.Total(signs.Complaint) != 16 || m.Total() != 20 {
		t.Errorf("signs %+v, mail %+v, %v", r, m, err)
	}
}

// A complaint counts on the day of the mail that it is about, and not at all a week later.
func TestObserve_late(t *testing.T) {
	s, c := newStore(t)
	s.Abuse.SetRules(signs.Default)
	addAccount(t, s, "acme", quota.Plan{})
	handIn(t, s, "acme", 0, 100)
	sent := s.Now()
	settleAll(t, s, claim(t, s, "dst.test", "acme", 100), strangers.MarkDelivered)
	c.add(3 * 24 * time.Hour)
	observe(t, s, abuse.Observation{Account: "acme", Sign: signs.Complaint, N: 2, Accepted: sent, Sent: sent})
	c.add(5 * 24 * time.Hour)
	observe(t, s, abuse.Observation{Account: "acme", Sign: signs.Complaint, N: 50, Accepted: sent, Sent: sent})
	r, _, err := s.Abuse.Signs("acme")
	if a := accountOf(t, s, "acme"); err != nil || a.Status() != ledger.Active || r.Total(signs.Complaint) != 0 {
		t.Errorf("%s, signs %+v, %v", a.Status(), r, err)
	}
}

// What nobody is to blame for leaves no record.
func TestObserve_costsNothing(t *testing.T) {
	s, _ := newStore(t)
	s.Abuse.SetRules(signs.Default)
	addAccount(t, s, "acme", quota.Plan{})
	handIn(t, s, "acme", 0, 5)
	settleAll(t, s, claim(t, s, "dst.test", "acme", 5), strangers.MarkDelivered)
	if err := s.view(func(t *tx) error {
		if k, _ := t.Cursor(bucket.SignsOf).First(); k != nil {
			return fmt.Errorf("a record of %s", k)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	observe(t, s, abuse.Observation{Account: "nobody", Sign: signs.Bounce, N: 5})
}
