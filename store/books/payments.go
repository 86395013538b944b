package books

import (
	"strings"

	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// PlainReference is a reference with single spaces between its words, however they were typed.
func PlainReference(s string) string { return strings.Join(strings.Fields(s), " ") }

// Payment by method and reference.
func (s *Books) Payment(method, reference string) (p ledger.Payment, err error) {
	err = s.view(func(t *room.Tx) error {
		p, err = room.Load[ledger.Payment](t, bucket.Payments, string(room.Pair(method, PlainReference(reference))))
		return err
	})
	return p, err
}

// Payments calls fn for each payment, by method and reference, outside of any
// transaction.
func (s *Books) Payments(fn func(*ledger.Payment) error) error {
	return s.PaymentsAfter("", "", fn)
}

// PaymentsAfter is Payments from behind the one of that method and reference.
func (s *Books) PaymentsAfter(method, reference string, fn func(*ledger.Payment) error) error {
	return room.Walk(s.db, bucket.Payments, nil, append(room.Pair(method, reference), 0), func(_ []byte, p *ledger.Payment) error { return fn(p) })
}
