package store

import (
	"testing"
	"time"

	"relay/quota"
	"relay/store/books"
)

// What is unpaid holds an account back till its term is over; then to pay that
// would not let it go on, and the answer must not say so.
func TestAccept_expiredWhileHeldBack(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", fleeting, quota.Continue)
	mustSend(t, s, "acme", 1500*mb, 1)
	c.set(december.Add(60 * 24 * time.Hour))
	closeDue(t, s, 1)
	c.add(60 * 24 * time.Hour)
	if n, err := dunNow(t.Context(), s); err != nil || n != 1 {
		t.Fatalf("DunBy = %d, %v", n, err)
	}
	if r := send(t, s, "acme", 1, 1); r == nil || r.Expired || r.Hold != books.HoldUnpaid || r.Unpaid == nil {
		t.Errorf("in its term: %+v, want it held back", r)
	}
	a := account(t, s, "acme")
	c.set(a.TermEnd())
	if r := send(t, s, "acme", 1, 1); r == nil || !r.Expired {
		t.Errorf("after its term: %+v, want it expired", r)
	}
}
