package store

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"relay/quota"
	"relay/store/access"
	"relay/store/behalf"
	"relay/store/news"
	"relay/store/people"
	"relay/store/spooled"
	"relay/store/strangers"
)

// customer of a story: the account acme, whose usual recipients are known.
type customer struct {
	t    *testing.T
	s    *Store
	c    *clock
	rnd  *rand.Rand
	list []string // usual recipients
}

// newCustomer has so many usual recipients and wrote to all of them on its busiest day.
func newCustomer(t *testing.T, seed uint64, usual int, capped bool) *customer {
	s, c := loginStore(t, filepath.Join(t.TempDir(), "relay.db"))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Access.SetTheft(access.Theft{Failed: 5, Recipients: 50})
	if capped {
		if err := s.Strangers.SetRules(strangers.Rules{Cap: 100_000, Direct: func(string) bool { return true }, Way: "mx"}); err != nil {
			t.Fatal(err)
		}
	}
	p := &customer{t: t, s: s, c: c, rnd: rand.New(rand.NewPCG(seed, 1))}
	for i := range usual {
		p.list = append(p.list, fmt.Sprintf("u%d@usual.example", i))
	}
	enter(t, s, from(c, "acme", "192.0.2.1", 0))
	for rest := p.list; len(rest) > 0; rest = rest[min(50, len(rest)):] {
		p.mail(false, rest[:min(50, len(rest))]...)
	}
	err := s.update(0, func(t *tx) error {
		for _, a := range p.list {
			r := spooled.Recipient{Address: a, Domain: "usual.example"}
			if err := t.s.Known.Learn(&t.Tx, "acme", &r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c.add(2 * access.WatchFor)
	return p
}

// mail hands a message over and reports whether it was taken.
func (p *customer) mail(watched bool, to ...string) bool {
	p.t.Helper()
	in := intake(p.s, "acme", 100, to...)
	in.Login, in.Watched = "acme", watched
	r, err := p.s.Accept(in)
	if err != nil || r != nil && r.Held == nil {
		p.t.Fatalf("%+v, %v", r, err)
	}
	return r == nil
}

// usual are n of the usual recipients, strangers ones that nobody ever wrote to.
func (p *customer) usual(n int) (list []string) {
	for _, i := range p.rnd.Perm(len(p.list))[:min(n, len(p.list))] {
		list = append(list, p.list[i])
	}
	return list
}

func (p *customer) strangers(n int) (list []string) {
	for range n {
		list = append(list, fmt.Sprintf("s%d@stranger.example", p.rnd.Uint64()))
	}
	return list
}

// new is a network that the account was never used from.
func (p *customer) new(failed int) (watched bool) {
	return enter(p.t, p.s, from(p.c, "acme", fmt.Sprintf("%d.%d.7.1", 20+p.rnd.IntN(100), p.rnd.IntN(250)), failed))
}

// Two of the signs, or one, never hold a login; all three always do, after as many recipients
// as the rule says.
func TestTheft(t *testing.T) {
	seeds := uint64(6)
	for seed := range seeds {
		capped := seed%2 == 0
		usual := 60 + int(seed)*70
		t.Run(fmt.Sprintf("seed %d, capped %v", seed, capped), func(t *testing.T) {
			p := newCustomer(t, seed, usual, capped)
			for range 4 { // a traveller, whose password was mistyped or tried by others
				watched := p.new(p.rnd.IntN(20))
				for range 1 + p.rnd.IntN(8) {
					if !p.mail(watched, p.usual(1+p.rnd.IntN(8))...) {
						t.Fatal("a traveller is held")
					}
				}
				if capped && !p.mail(watched, append(p.usual(20), p.strangers(p.rnd.IntN(12))...)...) {
					t.Fatal("a traveller with some new recipients is held")
				}
				p.c.add(access.WatchFor)
			}
			home := enter(t, p.s, from(p.c, "acme", "192.0.2.9", 30)) // a forgotten password, from home
			for range 10 {                                            // and a newsletter to many new ones
				if !p.mail(home, p.strangers(40)...) {
					t.Fatal("a newsletter from the usual network is held")
				}
			}
			p.c.add(access.WatchFor)
			watched := p.new(4) // new network, and too few wrong passwords
			for range 5 {
				if !p.mail(watched, p.strangers(40)...) {
					t.Fatal("a new network without wrong passwords is held")
				}
			}
			p.c.add(30 * access.WatchFor) // the strangers' days are over
			most := p.mostOf(capped)
			sent := int64(0)
			for sent <= most { // a thief, from another network with each message
				n := 1 + p.rnd.IntN(40)
				if !p.mail(p.new(5+p.rnd.IntN(9)), p.strangers(n)...) {
					break
				}
				sent += int64(n)
			}
			c, err := p.s.People.Credential("acme")
			if err != nil || sent > most || c.Hold == nil || c.Hold.Holder != people.HeldByRelay || c.Hold.Signs.First != capped {
				t.Errorf("a thief sent %d, and %d are the most; hold %+v, %v", sent, most, c.Hold, err)
			}
			if p.mail(false, "a@usual.example") {
				t.Error("the login goes on")
			}
			verify(t, p.s)
		})
	}
}

// mostOf is how many a thief may send at most.
func (p *customer) mostOf(capped bool) (most int64) {
	err := p.s.view(func(t *tx) (err error) {
		most, err = t.s.Standings.BusiestDay(&t.Tx, "acme")
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	if capped {
		return max(50, most/10)
	}
	return max(50, 2*most)
}

// A newsletter that goes out once a month is usual, also from a new network after wrong passwords.
func TestTheft_monthly(t *testing.T) {
	p := newCustomer(t, 1, 400, false)
	for range 29 { // and some mail each day
		p.mail(false, p.usual(1)...)
		p.c.add(access.WatchFor)
	}
	watched := p.new(20)
	if !watched {
		t.Fatal("it is not watched")
	}
	for range 10 {
		if !p.mail(watched, p.usual(40)...) {
			t.Fatal("the newsletter of a month later is held")
		}
	}
}

// Messages that come in at the same time do not slip past the count.
func TestTheft_race(t *testing.T) {
	p := newCustomer(t, 1, 10, true)
	watched := p.new(9)
	if !watched {
		t.Fatal("it is not watched")
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for range 64 {
		to := p.strangers(4)
		all.Go(func() {
			in := intake(p.s, "acme", 100, to...)
			in.Login, in.Watched = "acme", true
			r, err := p.s.Accept(in)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if r == nil {
				taken += 4
			}
		})
	}
	all.Wait()
	if taken > 50 || taken < 40 {
		t.Errorf("taken %d, want up to 50", taken)
	}
	list, _, err := p.s.News.Due(99)
	n := 0
	for i := range list {
		if list[i].Kind == news.LoginHeld {
			n++
		}
	}
	if err != nil || n != 1 {
		t.Errorf("told %d times, %v", n, err)
	}
	verify(t, p.s)
}

// What a watch costs Accept, and the look at the flag where nothing is watched.
func BenchmarkAccept_suspect(b *testing.B) {
	for _, watched := range []bool{false, true} {
		b.Run(fmt.Sprint(watched), func(b *testing.B) {
			s, _ := newStore(b)
			addAccount(b, s, "acme", quota.Plan{})
			if err := s.People.AddCredential(behalf.Order{}, people.Credential{Login: "phone", Account: "acme", Kind: people.Token, Hash: "x"}); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				in := intake(s, "acme", 100, "a@x.example")
				in.Login, in.Watched = "phone", watched
				if r, err := s.Accept(in); err != nil || r != nil {
					b.Fatal(r, err)
				}
			}
		})
	}
}
