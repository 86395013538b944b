package store

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/store/bodyhash"
)

func TestStore_domains(t *testing.T) {
	s, _ := newStore(t)
	for _, name := range []string{"acme", "shop"} {
		addAccount(t, s, name, quota.Plan{})
	}
	d, err := s.AddDomain(Order{}, "acme", "a.example")
	if err != nil || d.Label == "" || d.Target("s1", "relay.example") != d.Label+".s1.relay.example" || d.Alias("s2") != "s2._domainkey.a.example" {
		t.Fatalf("%+v, %v", d, err)
	}
	if _, err := s.AddDomain(Order{}, "acme", "a.example"); !errors.Is(err, ErrExists) {
		t.Errorf("added again: %v", err)
	}
	if _, err := s.AddDomain(Order{}, "nobody", "a.example"); !errors.Is(err, ErrNotFound) {
		t.Errorf("added to no account: %v", err)
	}
	other, err := s.AddDomain(Order{}, "shop", "a.example")
	if err != nil || other.Label == d.Label {
		t.Errorf("of another account: %+v, %v", other, err)
	}
	if err := s.RemoveDomain(Order{}, "acme", "a.example"); err != nil {
		t.Error(err)
	}
	if again, err := s.AddDomain(Order{}, "acme", "a.example"); err != nil || again.Label != d.Label {
		t.Errorf("after it was removed: %+v, %v", again, err)
	}
	if err := s.RemoveDomain(Order{}, "acme", "b.example"); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed: %v", err)
	}
	if got, err := s.LookedAt("acme", "b.example", DomainLook{Selectors: []string{"s1"}}); err != nil || got.Name != "" {
		t.Errorf("a domain that is gone: %+v, %v", got, err)
	}
	for of, want := range map[string]string{"acme": "acme", "shop": "shop", "": "acme shop", "nobody": ""} {
		var got []string
		if err := s.EachDomain(of, "", "", func(d *Domain) error { got = append(got, d.Account); return nil }); err != nil || strings.Join(got, " ") != want {
			t.Errorf("domains of %q: %v, %v", of, got, err)
		}
	}
	var behind []string
	if err := s.EachDomain("", "acme", "a.example", func(d *Domain) error { behind = append(behind, d.Account); return nil }); err != nil || !slices.Equal(behind, []string{"shop"}) {
		t.Errorf("behind the first: %v, %v", behind, err)
	}
	if err := s.RemoveAccount(Order{}, "shop"); err != nil {
		t.Fatal(err)
	}
	var left []string
	if err := s.EachDomain("", "", "", func(d *Domain) error { left = append(left, d.Account+" "+d.Name); return nil }); err != nil || !slices.Equal(left, []string{"acme a.example"}) {
		t.Errorf("left %v, %v", left, err)
	}
}

// Accounts of one customer share a label, those of another who has the name later do not.
func TestStore_labels(t *testing.T) {
	s, c := newStore(t)
	label := func(account string) string {
		t.Helper()
		_, err := s.AddAccount(Order{}, NewAccount{Account: Account{Name: account, Owner: "kunde"}, Plan: quota.Plan{Name: "p", Term: quota.Year}})
		if err != nil {
			t.Fatal(err)
		}
		d, err := s.AddDomain(Order{}, account, "a.example")
		if err != nil {
			t.Fatal(err)
		}
		return d.Label
	}
	if err := s.AddCustomer(Customer{Name: "kunde", Created: c.now()}); err != nil {
		t.Fatal(err)
	}
	one, two := label("one"), label("two")
	for _, account := range []string{"one", "two"} {
		if err := s.RemoveAccount(Order{}, account); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.RemoveCustomer("kunde"); err != nil {
		t.Fatal(err)
	}
	c.add(time.Hour)
	if err := s.AddCustomer(Customer{Name: "kunde", Created: c.now()}); err != nil {
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
	accept := func() *Message {
		t.Helper()
		in := intake(s, "acme", 0, "you@dst.test")
		in.Body = s.NewBodyOf(Sender{Account: "acme"})
		if _, err := in.Body.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
		if r, err := s.Accept(in); r != nil || err != nil {
			t.Fatal(r, err)
		}
		m, err := s.QueueMessage(in.Message.ID)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if m := accept(); m.BodyHash != nil {
		t.Errorf("nobody signs, and there is the hash %x", m.BodyHash)
	}
	if _, err := s.AddDomain(Order{}, "acme", "a.example"); err != nil {
		t.Fatal(err)
	}
	if m := accept(); !bytes.Equal(m.BodyHash, bodyhash.Of([]byte(content))) {
		t.Errorf("hash %x", m.BodyHash)
	}
}

// A signature that an attempt made is stored with its outcome, and never an older one.
func TestStore_signature(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	m := accept(t, s, "acme", 100, "you@a.test", "you@b.test")
	for _, step := range []struct {
		sig  Signature
		want string
	}{
		{Signature{Fields: "first", Made: c.now()}, "first"}, {Signature{}, "first"}, {Signature{Fields: "older", Made: c.now().Add(-time.Hour)}, "first"}, {Signature{Fields: "second", Made: c.now().Add(time.Hour)}, "second"},
	} {
		err := s.Settle(Result{ID: m.ID, Domain: "a.test", Signature: step.sig, Event: Event{Kind: EventAttempt}, Outcomes: []Outcome{{Rcpt: 0, State: Deferred, Next: c.now().Add(time.Hour)}}})
		got, err2 := s.QueueMessage(m.ID)
		if err != nil || err2 != nil || got.Signature.Fields != step.want {
			t.Errorf("%q, %v, %v; want %q", got.Signature.Fields, err, err2, step.want)
		}
	}
}

// Two years of rotation: always one key of the pair signs, once the DNS has
// shown it, and no key goes before its last signature has expired.
func TestStore_rotation(t *testing.T) {
	s, c := newStore(t)
	pairs := [][2]string{RSASelectors}
	published := map[string]bool{} // public keys that the operator has put into the DNS
	var told int
	var ended time.Time
	run := func() Rotation {
		t.Helper()
		r, err := s.RotateSigningKeys(pairs, func(k *SigningKey) (bool, error) { return published[k.Public], nil })
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Ended) > 0 {
			ended = c.now()
		}
		if len(r.Fresh) > 0 {
			told++
			if c.now().Before(ended.Add(RetireAfter)) {
				t.Errorf("%v is replaced %v after its last signature", r.Fresh, c.now().Sub(ended))
			}
		}
		return r
	}
	signer := func() (selector string) {
		t.Helper()
		keys, err := s.SigningKeys()
		if err != nil || len(keys) != 2 {
			t.Fatal(keys, err)
		}
		for i := range keys {
			if keys[i].Signs() && selector != "" {
				t.Fatal("both keys sign")
			} else if keys[i].Signs() {
				selector = keys[i].Selector
			}
		}
		return selector
	}
	publish := func() {
		keys, err := s.SigningKeys()
		if err != nil {
			t.Fatal(err)
		}
		for i := range keys {
			published[keys[i].Public] = true
			if !keys[i].Publishes(keys[i].Record()) || keys[i].Publishes("v=DKIM1; k=rsa; p=") {
				t.Errorf("record %q", keys[i].Record())
			}
		}
	}
	run()
	if got := signer(); got != "" {
		t.Fatalf("%s signs, and the DNS does not show it", got)
	}
	publish()
	if r := run(); !slices.Equal(r.Began, []string{"s1"}) || signer() != "s1" {
		t.Fatalf("%+v", r)
	}
	var turns []string
	for day := range 2 * 365 {
		c.add(24 * time.Hour)
		r := run()
		turns = append(turns, r.Began...)
		if signer() == "" {
			t.Fatalf("day %d: nothing signs", day)
		}
		if day%50 == 0 && told > 0 { // the operator takes his time
			publish()
		}
	}
	if !slices.Equal(turns, []string{"s2", "s1", "s2", "s1"}) || told != 3 { // of the last turn it is too early
		t.Errorf("turns %v, new records %d times", turns, told)
	}
}

// A key that the DNS does not show waits: the old one goes on. A DNS that does not answer
// changes nothing.
func TestStore_rotationWaits(t *testing.T) {
	s, c := newStore(t)
	shown := map[string]bool{"s1": true}
	var down error
	run := func() Rotation {
		t.Helper()
		r, err := s.RotateSigningKeys([][2]string{RSASelectors}, func(k *SigningKey) (bool, error) { return shown[k.Selector], down })
		if !errors.Is(err, down) {
			t.Fatal(err)
		}
		return r
	}
	run()
	c.add(2 * RotateAfter)
	if r := run(); r.Began != nil || r.Ended != nil {
		t.Errorf("%+v, and the DNS does not show s2", r)
	}
	shown["s2"], down = true, errors.New("no answer")
	if r := run(); r.Began != nil {
		t.Errorf("%+v, and the DNS does not answer", r)
	}
	down = nil
	if r := run(); !slices.Equal(r.Began, []string{"s2"}) || !slices.Equal(r.Ended, []string{"s1"}) {
		t.Errorf("%+v", r)
	}
}

func TestSigningKey_Signer(t *testing.T) {
	s, _ := newStore(t)
	if err := s.MakeSigningKeys("s1", "e1"); err != nil {
		t.Fatal(err)
	}
	keys, err := s.SigningKeys()
	if err != nil || len(keys) != 2 {
		t.Fatal(keys, err)
	}
	for i := range keys {
		if _, err := keys[i].Signer(); err != nil {
			t.Error(err)
		}
	}
	if r := keys[0].Record(); !strings.HasPrefix(r, "v=DKIM1; k=ed25519; p=") || len(r) > 80 {
		t.Errorf("record %s", r)
	}
}

// The customer is told what a domain has lost since the last look, once a day at most.
func TestLookedAt_news(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	if _, err := s.AddDomain(Order{}, "acme", "shop.example"); err != nil {
		t.Fatal(err)
	}
	both := []string{"e1", "e2"}
	for _, x := range []struct {
		what string
		look DomainLook
		want []string
	}{
		{"nothing yet", DomainLook{SPFKnown: true}, nil},
		{"delegated", DomainLook{Selectors: both, SPF: true, SPFKnown: true}, nil},
		{"SPF cannot be told", DomainLook{Selectors: both}, nil},
		{"SPF is gone", DomainLook{Selectors: both, SPFKnown: true}, []string{"domain shop.example spf"}},
		{"still", DomainLook{Selectors: both, SPFKnown: true}, nil},
		{"back again", DomainLook{Selectors: both, SPF: true, SPFKnown: true}, nil},
		{"both are gone", DomainLook{Selectors: both[:1], SPFKnown: true}, []string{"domain shop.example dkim spf"}},
		{"the rest", DomainLook{SPFKnown: true}, []string{"domain shop.example dkim"}},
	} {
		if _, err := s.LookedAt("acme", "shop.example", x.look); err != nil {
			t.Fatal(err)
		}
		wantNews(t, x.what, s, "acme", x.want...)
		c.add(25 * time.Hour)
	}
	again := func(selectors ...string) {
		t.Helper()
		if _, err := s.LookedAt("acme", "shop.example", DomainLook{Selectors: selectors}); err != nil {
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
	if err := s.RemoveDomain(Order{}, "acme", "shop.example"); err != nil {
		t.Fatal(err)
	}
	if told := tellNews(t, s); len(told) != 0 {
		t.Errorf("told of a domain that is gone: %+v", told)
	}
}
