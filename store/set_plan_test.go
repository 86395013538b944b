package store

import (
	"errors"
	"maps"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/orders"
)

func TestChangeAccount_plan(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Suspend)
	mustSend(t, s, "acme", gb, 1)
	c.add(time.Hour)
	big := free
	big.Bandwidth = 2 * gb
	if _, err := s.Orders.ChangeAccount(behalf.Order{}, "acme", change(orders.Change{Plan: &big})); err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, "acme", gb, 1)
	if r := send(t, s, "acme", 1, 1); r == nil {
		t.Error("beyond the limit was taken")
	}
	if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err != nil {
		t.Fatal(err)
	}
	verify(t, s)
	c.add(time.Hour)
	if _, err := s.Orders.ChangeAccount(behalf.Order{}, "acme", change(orders.Change{Plan: &more})); err != nil { // of another kind and term: a new one begins
		t.Fatal(err)
	}
	mustSend(t, s, "acme", 1, 9000)
	wantBook(t, s, "acme", "activated", "plan", "topup 1000000000", "invoice -1220", "expired -1000000000", "closed", "plan")
	if a := account(t, s, "acme"); a.Lots != nil || a.Open != "2026-11-23" || !a.Contracts[0].End.Equal(c.now()) {
		t.Errorf("account = %+v", a)
	}
}

// With suspend nobody is billed for what was allowed when it was sent: a smaller
// plan has to hold what the month has used.
func TestChangeAccount_smallerThanUsed(t *testing.T) {
	s, c := newBooks(t)
	small := free
	small.Bandwidth = gb / 2
	for name, limit := range map[string]quota.AtLimit{"stops": quota.Suspend, "goes": quota.Continue} {
		order(t, s, name, free, limit)
		mustSend(t, s, name, gb/2+20*mb, 1)
		was := dump(t, s)
		_, err := s.Orders.ChangeAccount(behalf.Order{}, name, change(orders.Change{Plan: &small}))
		if no := (*quota.Refusal)(nil); !errors.As(err, &no) || no.Order != "plan" || no.Reasons[0].Units != 20*mb || no.Reasons[0].Since != "2026-11-23" {
			t.Errorf("%s: a plan smaller than the use = %v", name, err)
		}
		if !maps.Equal(was, dump(t, s)) {
			t.Errorf("%s: a refusal changed the file", name)
		}
	}
	mustSend(t, s, "goes", gb, 1) // more than both allow
	larger := free
	larger.Bandwidth = gb + 1
	if _, err := s.Orders.ChangeAccount(behalf.Order{}, "goes", change(orders.Change{Plan: &larger})); err != nil {
		t.Errorf("a plan with less overage: %v", err)
	}
	c.set(december)
	if _, err := s.Orders.ChangeAccount(behalf.Order{}, "stops", change(orders.Change{Plan: &small})); err != nil {
		t.Errorf("in a new month: %v", err)
	}
	closeDue(t, s, 1)
	wantBook(t, s, "stops", "activated", "closed", "plan")
}
