package store

import (
	"io"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/returns"
	"relay/store/spool"
	"relay/store/spooled"
)

// Mail that came back goes to the sender of the message that its token names, as relay's
// own: free, and under no hold of the account. It is bounded, and never goes round.
func TestStore_PassOn(t *testing.T) {
	s, _ := newStore(t)
	s.Spool.SetDSNs(spool.DSNs{PerHour: 2})
	addAccount(t, s, "acme", quota.Plan{})
	change := func(fn func(*books.Account)) {
		t.Helper()
		if _, err := s.Orders.ChangeAccount(behalf.Order{}, "acme", func(a *books.Account) (orders.Change, error) { fn(a); return orders.Change{}, nil }); err != nil {
			t.Fatal(err)
		}
	}
	change(func(a *books.Account) { a.Senders = []string{"a@src.test"} })
	m := accept(t, s, "acme", 100, "a@x.test", "b@y.test")
	pass := func(p returns.Passing) returns.Passed {
		t.Helper()
		p.Body = s.Bodies.New()
		_, _ = p.Body.Write([]byte("Subject: it failed\r\n\r\n"))
		is, err := s.Returns.PassOn(&p)
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	token := s.Delivered.Token(m, 1)
	is := pass(returns.Passing{Token: token, Size: 22})
	if is.Why != "" || is.To != m.Sender || is.Account != "acme" || is.About != m.ID {
		t.Errorf("passed on: %+v", is)
	}
	var got *spooled.Message
	err := s.view(func(t *tx) (err error) { got, err = t.Message(is.ID); return err })
	if err != nil || got == nil || got.Account != "" || got.For != "acme" || got.Sender != "" || got.Period != "" || got.Own != spooled.NoteReturned || got.BodyHash != nil {
		t.Errorf("queued: %+v, %v", got, err)
	}
	r := s.Bodies.Open(is.ID)
	if text, err := io.ReadAll(r); err != nil || string(text) != "Subject: it failed\r\n\r\n" {
		t.Errorf("the body is %q, %v", text, err)
	}
	_ = r.Close()
	for want, p := range map[returns.NotPassed]returns.Passing{
		returns.PassUnknown: {Token: s.Delivered.Token(got, 0)},
		returns.PassLoop:    {Token: token, Loops: func(a string) bool { return a == m.Sender }},
		"":                  {To: "operator@example.org"},
	} {
		if is := pass(p); is.Why != want {
			t.Errorf("%+v: %+v, want %q", p, is, want)
		}
	}
	if is := pass(returns.Passing{Token: token}); is.Why != "" {
		t.Errorf("the second of two: %+v", is)
	}
	if is := pass(returns.Passing{Token: token}); is.Why != returns.PassOften {
		t.Errorf("the third of two: %+v", is)
	}
	if !s.Delivered.KnowsToken(token) || s.Delivered.KnowsToken(token[1:]+"a") {
		t.Error("a token is not known, or a made-up one is")
	}
}

// Nobody can have relay write to a stranger by way of a token: what comes back goes to an
// address that is certainly the customer's. One token fills neither the mailbox nor the
// account's hour, however it is written.
func TestStore_PassOn_certain(t *testing.T) {
	s, c := newStore(t)
	s.Spool.SetDSNs(spool.DSNs{PerHour: 1000})
	addAccount(t, s, "acme", quota.Plan{})
	m := accept(t, s, "acme", 100, "a@x.test", "b@y.test")
	pass := func(token string) returns.Passed {
		t.Helper()
		b := s.Bodies.New()
		_, _ = b.Write([]byte("Subject: buy\r\n\r\n"))
		is, err := s.Returns.PassOn(&returns.Passing{Token: token, Body: b, Size: 16})
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	token := s.Delivered.Token(m, 0)
	if is := pass(token); is.Why != returns.PassForeign {
		t.Errorf("to a sender who may be a stranger: %+v", is)
	}
	if _, err := s.Orders.ChangeAccount(behalf.Order{}, "acme", func(a *books.Account) (orders.Change, error) {
		a.Contact = "admin@acme.test"
		return orders.Change{}, nil
	}); err != nil {
		t.Fatal(err)
	}
	if is := pass(token); is.Why != "" || is.To != "admin@acme.test" {
		t.Errorf("to the contact: %+v", is)
	}
	for i := range 20 {
		if i%2 == 0 {
			token = strings.ToUpper(token)
		} else {
			token = strings.ToLower(token)
		}
		if is := pass(token); (is.Why == returns.PassRepeat) != (i >= 5-2) {
			t.Errorf("%d: %+v", i+2, is)
		}
	}
	if is := pass(s.Delivered.Token(m, 1)); is.Why != "" {
		t.Errorf("another recipient's: %+v", is)
	}
	c.add(24 * time.Hour)
	if is := pass(token); is.Why != "" {
		t.Errorf("the next day: %+v", is)
	}
}
