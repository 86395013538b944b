package store

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bodies"
	"relay/store/bodyhash"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/people"
	"relay/store/signing"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// The domains of an account go with it.
func TestStore_domains(t *testing.T) {
	s, _ := newStore(t)
	for _, name := range []string{"acme", "shop"} {
		addAccount(t, s, name, quota.Plan{})
		if _, err := s.Signing.AddDomain(behalf.Order{}, name, "a.example"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.RemoveAccount(behalf.Order{}, "shop"); err != nil {
		t.Fatal(err)
	}
	var left []string
	if err := s.Signing.EachDomain("", "", "", func(d *signing.Domain) error { left = append(left, d.Account+" "+d.Name); return nil }); err != nil || !slices.Equal(left, []string{"acme a.example"}) {
		t.Errorf("left %v, %v", left, err)
	}
}

// Accounts of one customer share a label, those of another who has the name later do not.
func TestStore_labels(t *testing.T) {
	s, c := newStore(t)
	label := func(account string) string {
		t.Helper()
		_, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: account, Owner: "kunde"}, Plan: quota.Plan{Name: "p", Term: quota.Year}})
		if err != nil {
			t.Fatal(err)
		}
		d, err := s.Signing.AddDomain(behalf.Order{}, account, "a.example")
		if err != nil {
			t.Fatal(err)
		}
		return d.Label
	}
	if err := s.People.AddCustomer(people.Customer{Name: "kunde", Created: c.now()}); err != nil {
		t.Fatal(err)
	}
	one, two := label("one"), label("two")
	for _, account := range []string{"one", "two"} {
		if err := s.RemoveAccount(behalf.Order{}, account); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.People.RemoveCustomer("kunde"); err != nil {
		t.Fatal(err)
	}
	c.add(time.Hour)
	if err := s.People.AddCustomer(people.Customer{Name: "kunde", Created: c.now()}); err != nil {
		t.Fatal(err)
	}
	if three := label("three"); one != two || three == one {
		t.Errorf("labels %s, %s, %s", one, two, three)
	}
}

// The body's hash is kept with mail that somebody may sign, and with relay's own.
func TestStore_bodyHash(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	content := "A: b\r\n\r\n" + strings.Repeat("some text\r\n", 200_000) // staged
	accept := func() *spooled.Message {
		t.Helper()
		in := intake(s, "acme", 0, "you@dst.test")
		in.Body = s.Bodies.NewOf(bodies.Sender{Account: "acme"})
		if _, err := in.Body.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
		if r, err := s.Accept(in); r != nil || err != nil {
			t.Fatal(r, err)
		}
		m, err := s.Spool.QueueMessage(in.Message.ID)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if m := accept(); m.BodyHash != nil {
		t.Errorf("nobody signs, and there is the hash %x", m.BodyHash)
	}
	if _, err := s.Signing.AddDomain(behalf.Order{}, "acme", "a.example"); err != nil {
		t.Fatal(err)
	}
	if m := accept(); !bytes.Equal(m.BodyHash, bodyhash.Of([]byte(content))) {
		t.Errorf("hash %x", m.BodyHash)
	}
}

// Which accounts have a domain is known without a look at the store, also by one that is
// opened again, and whatever their names begin with.
func TestStore_maySign(t *testing.T) {
	c, path := &clock{t: epoch}, filepath.Join(t.TempDir(), "relay.db")
	s := reopen(t, path, c)
	for _, name := range []string{"acm", "acme", "acme-2", "b"} {
		addAccount(t, s, name, quota.Plan{})
	}
	expect := func(when string, s *Store, want ...string) {
		t.Helper()
		for _, name := range []string{"acm", "acme", "acme-2", "b", ""} {
			if got := s.Signing.MaySign(name); got != slices.Contains(want, name) {
				t.Errorf("%s: account %q may sign: %v", when, name, got)
			}
		}
	}
	var wrong error
	add := func(account, domain string) {
		_, err := s.Signing.AddDomain(behalf.Order{}, account, domain)
		wrong = errors.Join(wrong, err)
	}
	remove := func(account, domain string) {
		wrong = errors.Join(wrong, s.Signing.RemoveDomain(behalf.Order{}, account, domain))
	}
	expect("without domains", s)
	add("acme", "a.example")
	add("acme", "b.example")
	add("b", "a.example")
	expect("added", s, "acme", "b")
	remove("acme", "a.example")
	expect("one of two removed", s, "acme", "b")
	add("acme-2", "z.example")
	wrong = errors.Join(wrong, s.Close())
	s = reopen(t, path, c)
	expect("opened again", s, "acme", "acme-2", "b")
	remove("acme", "b.example")
	expect("the last one removed", s, "acme-2", "b")
	wrong = errors.Join(wrong, s.RemoveAccount(behalf.Order{}, "b"))
	expect("account removed", s, "acme-2")
	verify(t, s)
	if wrong = errors.Join(wrong, s.Close()); wrong != nil {
		t.Error(wrong)
	}
}

// A signature that an attempt made is stored with its outcome, and never an older one.
func TestStore_signature(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	m := accept(t, s, "acme", 100, "you@a.test", "you@b.test")
	for _, step := range []struct {
		sig  signing.Signature
		want string
	}{
		{signing.Signature{Fields: "first", Made: c.now()}, "first"}, {signing.Signature{}, "first"}, {signing.Signature{Fields: "older", Made: c.now().Add(-time.Hour)}, "first"}, {signing.Signature{Fields: "second", Made: c.now().Add(time.Hour)}, "second"},
	} {
		err := s.Spool.Settle(spool.Result{ID: m.ID, Domain: "a.test", Signature: step.sig, Event: trace.Event{Kind: trace.EventAttempt}, Outcomes: []spool.Outcome{{Rcpt: 0, State: spooled.Deferred, Next: c.now().Add(time.Hour)}}})
		got, err2 := s.Spool.QueueMessage(m.ID)
		if err != nil || err2 != nil || got.Signature.Fields != step.want {
			t.Errorf("%q, %v, %v; want %q", got.Signature.Fields, err, err2, step.want)
		}
	}
}

// The customer is told what a domain has lost since the last look, once a day at most.
func TestLookedAt_news(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	if _, err := s.Signing.AddDomain(behalf.Order{}, "acme", "shop.example"); err != nil {
		t.Fatal(err)
	}
	both := []string{"e1", "e2"}
	for _, x := range []struct {
		what string
		look signing.Look
		want []string
	}{
		{"nothing yet", signing.Look{SPFKnown: true}, nil},
		{"delegated", signing.Look{Selectors: both, SPF: true, SPFKnown: true}, nil},
		{"SPF cannot be told", signing.Look{Selectors: both}, nil},
		{"SPF is gone", signing.Look{Selectors: both, SPFKnown: true}, []string{"domain shop.example spf"}},
		{"still", signing.Look{Selectors: both, SPFKnown: true}, nil},
		{"back again", signing.Look{Selectors: both, SPF: true, SPFKnown: true}, nil},
		{"both are gone", signing.Look{Selectors: both[:1], SPFKnown: true}, []string{"domain shop.example dkim spf"}},
		{"the rest", signing.Look{SPFKnown: true}, []string{"domain shop.example dkim"}},
	} {
		if _, err := s.Signing.LookedAt("acme", "shop.example", x.look); err != nil {
			t.Fatal(err)
		}
		wantNews(t, x.what, s, "acme", x.want...)
		c.add(25 * time.Hour)
	}
	again := func(selectors ...string) {
		t.Helper()
		if _, err := s.Signing.LookedAt("acme", "shop.example", signing.Look{Selectors: selectors}); err != nil {
			t.Fatal(err)
		}
	}
	again(both...)
	again()
	wantNews(t, "lost", s, "acme", "domain shop.example dkim")
	c.add(time.Hour)
	again(both...)
	again()
	wantNews(t, "and again within the day", s, "acme")
	c.add(24 * time.Hour)
	again(both...)
	again()
	if err := s.Signing.RemoveDomain(behalf.Order{}, "acme", "shop.example"); err != nil {
		t.Fatal(err)
	}
	if told := tellNews(t, s); len(told) != 0 {
		t.Errorf("told of a domain that is gone: %+v", told)
	}
}
