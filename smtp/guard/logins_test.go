package guard

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"relay/smtp/wire"
	"relay/store/people"
	"relay/store/secret"
)

func TestLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLogins()
		hashed := 0
		l.slow = func(c people.Credential, goodSecret string) bool { hashed++; return secret.Verify(c, goodSecret) }
		from := asker{site: wire.Site(netip.MustParseAddr("192.0.2.1"))}
		c := people.Credential{Login: "x", Kind: people.Password, Hash: secret.HashPassword("p")}
		try := func(c people.Credential, goodSecret string, want bool, cost int) {
			t.Helper()
			hashed = 0
			if right, ok := l.verify(c, goodSecret, from); right != want || !ok || hashed != cost {
				t.Errorf("%q: %v, %v after %d hashes, want %v after %d", goodSecret, right, ok, hashed, want, cost)
			}
		}
		try(c, "p", true, 1)
		try(c, "p", true, 0)
		try(c, "q", false, 1)
		try(c, "q", false, 0)
		changed := c
		changed.Hash = secret.HashPassword("q")
		try(changed, "p", false, 1)
		try(changed, "q", true, 1)
		nobody := people.Credential{Login: "nobody"}
		try(nobody, "q", false, 1)
		try(nobody, "q", false, 0)
		time.Sleep(loginsFor)
		try(c, "p", true, 1)
		try(c, "q", false, 0)
		time.Sleep(wrongFor)
		try(c, "q", false, 1)
		if len(l.turns.of) != 0 || l.turns.waiting != 0 {
			t.Errorf("%d addresses, %d strangers still wait", len(l.turns.of), l.turns.waiting)
		}
		for i := range 2 * loginsKept {
			l.remember(l.mark(string(rune(i))), i%2 == 0)
		}
		if len(l.right) > loginsKept || len(l.wrong) > loginsKept {
			t.Errorf("%d and %d remembered", len(l.right), len(l.wrong))
		}
	})
}

// Many connections of one address take one place in the queue for argon2id; another
// address is the next. Strangers do not wait without end: they are told to come
// again; who is at home waits.
func TestLogins_queueIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLogins()
		var order []string
		var mu sync.Mutex
		free := make(chan struct{})
		l.slow = func(c people.Credential, _ string) bool {
			<-free
			mu.Lock()
			defer mu.Unlock()
			order = append(order, c.Login)
			return false
		}
		stop := make(chan struct{})
		var refused atomic.Int64
		ask := func(login, from string, known bool) {
			go func() {
				_, ok := l.verify(people.Credential{Login: login}, login+from, asker{wire.Site(netip.MustParseAddr(from)), known, stop})
				if !ok {
					refused.Add(1)
				}
			}()
		}
		for i := range 30 {
			ask(fmt.Sprint("guess", i), "192.0.2.1", false)
		}
		synctest.Wait()
		ask("customer", "192.0.2.2", false)
		synctest.Wait()
		free <- struct{}{}
		free <- struct{}{}
		synctest.Wait()
		mu.Lock()
		if len(order) != 2 || order[0] != "customer" && order[1] != "customer" {
			t.Errorf("first are %v", order)
		}
		mu.Unlock()
		for i := range mostWaiting {
			ask(fmt.Sprint("bot", i), fmt.Sprintf("198.51.100.%d", i), false)
		}
		synctest.Wait()
		if n := refused.Load(); n != 29 {
			t.Errorf("%d are told to come again, want all but %d", n, mostWaiting)
		}
		ask("home", "203.0.113.1", true)
		synctest.Wait()
		if n := refused.Load(); n != 29 {
			t.Error("who is at home is told to come again")
		}
		close(stop)
		close(free)
		synctest.Wait()
		if len(l.turns.of) != 0 || l.turns.waiting != 0 {
			t.Errorf("%d addresses, %d strangers are left", len(l.turns.of), l.turns.waiting)
		}
	})
}
