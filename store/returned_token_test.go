package store

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/orders"
	"relay/store/returns"
	"relay/store/spooled"
)

// oldToken is a token as mail had it that went out before tokens named their entry.
func oldToken(s *Store, id spooled.ID, rcpt int) string {
	raw := binary.BigEndian.AppendUint16(id[:], uint16(rcpt))
	var mac hash.Hash
	_ = s.view(func(t *tx) error {
		mac = hmac.New(sha256.New, t.Get(bucket.Meta, []byte("sent")))
		return nil
	})
	mac.Write([]byte("token\x00"))
	mac.Write(raw)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac.Sum(raw)[:18+10]))
}

// A token finds its recipient, also after a restart. So does one of an older kind. One that somebody
// made up finds nobody.
func TestStore_Returned_token(t *testing.T) {
	c := &clock{t: epoch}
	path := filepath.Join(t.TempDir(), "relay.db")
	s := reopen(t, path, c)
	addAccount(t, s, "acme", quota.Plan{})
	m := accept(t, s, "acme", 100, "a@x.test", "b@y.test")
	token, old := s.Delivered.Token(m, 1), oldToken(s, m.ID, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, path, c)
	t.Cleanup(func() { _ = s.Close() })
	for _, text := range []string{token, old} {
		got, err := s.Returns.Record([]returns.Return{{Kind: returns.Bounce, Token: text}, {Kind: returns.Bounce, Token: text[1:]}})
		if err != nil || !got[0].Found || got[0].Recipient != "b@y.test" || got[0].Account != "acme" || got[1].Found || got[1].Why != returns.WhyUnknown {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// Without the trace a token finds its e-mail for 90 days: it counts once, on its own day and
// in its own period, and the recipient is listed and suppressed if the report names him. It
// goes to the account's contact.
func TestStore_Returned_withoutTrace(t *testing.T) {
	for _, day := range []int{1, 40, 89, 91} {
		b := newBack(t)
		one := b.send("acme", "<1@acme>", "Ann@x.test", "bob@x.test", "cid@x.test")
		other := b.send("acme", "", "dan@x.test")
		old := oldToken(b.Store, other.ID, 0)
		b.forget(time.Duration(day) * 24 * time.Hour)
		after := ""
		if day > 90 {
			after = "unknown"
		}
		for _, c := range []struct {
			name       string
			r          returns.Return
			to, why    string
			suppressed bool
		}{
			{"it names the recipient", bounceOf("<forged@acme>", "ann@X.test"), "ann@X.test", after, true},
			{"again", bounceOf("", "ann@x.test"), "ann@x.test", "again", false},
			{"it names another one, to whom there was a copy", bounceOf("<1@acme>", "ann@x.test"), "", after, false},
			{"it names nobody", complaintOf("", ""), "", after, false},
		} {
			c.r.Token = b.Delivered.Token(one, 0)
			if strings.HasPrefix(c.name, "it names another") {
				c.r.Token = b.Delivered.Token(one, 1)
			}
			if day > 90 {
				c.to, c.why = "", "unknown"
			}
			e := b.returned(c.r)
			if e.Recipient != c.to || string(e.Why) != c.why || e.Suppressed != (c.suppressed && day < 90) || e.Counted != (c.why == "") || e.Found && (e.Account != "acme" || e.ID != one.ID) {
				t.Errorf("day %d, %s: %+v", day, c.name, e)
			}
		}
		if e := b.returned(returns.Return{Kind: returns.Bounce, Token: b.Delivered.Token(other, 0)}); e.Counted != (day < 90) {
			t.Errorf("day %d, a message without a Message-ID: %+v", day, e)
		}
		if e := b.returned(returns.Return{Kind: returns.Bounce, Token: old}); e.Why != returns.WhyUnknown {
			t.Errorf("day %d, an older token: %+v", day, e)
		}
		want := "3 1"
		if day > 90 {
			want = "0 0"
		}
		if got := b.counts("acme"); got != want {
			t.Errorf("day %d: counts %s, want %s", day, got, want)
		}
		is, ok, err := b.Refusals.RefusedAs("acme", "ann@x.test")
		if err != nil || ok != (day < 90) || is.MessageID != "" {
			t.Errorf("day %d: list of errors %+v, %v: a forged Message-ID is in it, or the recipient is not", day, is, err)
		}
		if _, ok, err := b.Refusals.RefusedAs("acme", "bob@x.test"); err != nil || ok {
			t.Errorf("day %d: bob is listed, %v", day, err)
		}
		verify(t, b.Store)
	}
}

// forget lets time pass, until no trace is left.
func (b *back) forget(d time.Duration) {
	b.t.Helper()
	b.time.add(d)
	if _, err := b.Trace.Prune(b.Now(), ""); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.Store.Returns.Prune(b.Now()); err != nil {
		b.t.Fatal(err)
	}
}

// What comes to a token is passed on for 90 days: to the sender while the trace has him, then
// to the contact. What belongs to nobody any more is not.
func TestStore_PassOn_withoutTrace(t *testing.T) {
	b := newBack(t)
	_, err := b.Store.Orders.ChangeAccount(behalf.Order{}, "acme", func(a *books.Account) (orders.Change, error) {
		a.Contact, a.Senders = "admin@acme.test", []string{"a@src.test"}
		return orders.Change{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	pass := func(token string) returns.Passed {
		t.Helper()
		body := b.Bodies.New()
		_, _ = body.Write([]byte("Subject: it failed\r\n\r\n"))
		is, err := b.Store.Returns.PassOn(&returns.Passing{Token: token, Body: body, Size: 22})
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	m, blue := b.send("acme", "<1@acme>", "ann@x.test", "bob@x.test"), b.send("blue", "<1@acme>", "ann@x.test")
	gone := b.send("blue", "<2@blue>", "ann@x.test")
	token := b.Delivered.Token(m, 1)
	if is := pass(token); is.Why != "" || is.To != "a@src.test" {
		t.Errorf("with the trace: %+v", is)
	}
	b.forget(89 * 24 * time.Hour)
	if is := pass(token); is.Why != "" || is.To != "admin@acme.test" || is.About != m.ID || is.Account != "acme" {
		t.Errorf("without it: %+v", is)
	}
	if is := pass(oldToken(b.Store, m.ID, 1)); is.Why != returns.PassUnknown {
		t.Errorf("an older token: %+v", is)
	}
	if is := pass(b.Delivered.Token(blue, 0)); is.Why != returns.PassForeign || is.Account != "blue" {
		t.Errorf("of an account without a contact: %+v", is)
	}
	if err := b.update(0, func(t *tx) error { return t.s.Delivered.Forget(&t.Tx, "blue") }); err != nil {
		t.Fatal(err)
	}
	if is := pass(b.Delivered.Token(gone, 0)); is.Why != returns.PassUnknown {
		t.Errorf("of an account that is gone: %+v", is)
	}
	b.forget(2 * 24 * time.Hour)
	if is := pass(token); is.Why != returns.PassUnknown {
		t.Errorf("after 91 days: %+v", is)
	}
}

// A token finds its e-mail, and no other one, among any number that are alike: the same
// Message-ID, mailbox or account, in memory or in runs, with a trace or without.
func TestStore_Returned_tokenModel(t *testing.T) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 45))
		c := &clock{t: epoch}
		path := filepath.Join(t.TempDir(), "relay.db")
		b := &back{openKept(t, path, c), t, c}
		for _, a := range []string{"acme", "blue"} {
			addAccount(t, b.Store, a, quota.Plan{})
		}
		type mail struct {
			m    *spooled.Message
			rcpt int
		}
		var all []mail
		seen := map[mail]bool{}
		counts := map[string]int{}
		for day := range 60 {
			c.set(epoch.Add(time.Duration(day) * 24 * time.Hour))
			for range r.IntN(5) {
				var to []string
				for i := range 1 + r.IntN(3) {
					to = append(to, fmt.Sprintf("u%d@x.test", 2*i+r.IntN(2)))
				}
				m := b.send([]string{"acme", "blue"}[r.IntN(2)], []string{"", "<same@mail>", "<other@mail>"}[r.IntN(3)], to...)
				for i := range to {
					all = append(all, mail{m, i})
				}
			}
			for range r.IntN(3) {
				if _, err := b.Delivered.Step(); err != nil {
					t.Fatal(err)
				}
			}
			if r.IntN(6) == 0 {
				if _, err := b.Trace.Prune(c.now().Add(-time.Duration(r.IntN(40))*24*time.Hour), ""); err != nil {
					t.Fatal(err)
				}
			}
			for range min(len(all), r.IntN(4)) {
				of := all[r.IntN(len(all))]
				address := of.m.Recipients[of.rcpt].Address
				rep := bounceOf([]string{"", "<same@mail>", "<forged@mail>"}[r.IntN(3)], []string{address, address, "u0@x.test", ""}[r.IntN(4)])
				rep.Token = b.Delivered.Token(of.m, of.rcpt)
				e := b.returned(rep)
				if e.Account != of.m.Account || e.ID != of.m.ID || e.Counted == seen[of] || e.Recipient != "" && e.Recipient != address || e.Recipient == "" && rep.Recipient == address {
					t.Fatalf("day %d, %s of %s by %+v: %+v, counted before: %v", day, address, of.m.Account, rep, e, seen[of])
				}
				if !seen[of] {
					seen[of] = true
					counts[of.m.Account]++
				}
			}
		}
		for account, want := range counts {
			list, err := b.Store.Standings.Usages(account)
			if err != nil {
				t.Fatal(err)
			}
			got := int64(0)
			for _, u := range list {
				got += u.Bounced
			}
			if got != int64(want) {
				t.Errorf("%s: %d bounced, want %d", account, got, want)
			}
		}
		verify(t, b.Store)
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}
