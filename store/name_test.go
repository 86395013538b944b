package store

import (
	"errors"
	"testing"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/spooled"
)

// The name of an account stands for it on paper and in the books: no other one gets it
// once mail was charged or an invoice was issued under it.
func TestAddAccount_nameIsNeverUsedAgain(t *testing.T) {
	free := quota.Plan{Name: "free", Term: quota.Year}
	for name, tt := range map[string]struct {
		use  func(t *testing.T, s *Store)
		used bool
	}{
		"unused": {func(*testing.T, *Store) {}, false},
		"charged": {func(t *testing.T, s *Store) {
			send(t, s, "acme", 1000, 1)
			settle(t, s, claim(t, s, "d.test", "acme", 1)[0], spooled.Delivered)
		}, true},
		"invoiced": {func(t *testing.T, s *Store) {
			r, err := s.Orders.Renew(behalf.Order{}, "acme", "silver")
			if err == nil {
				_, err = s.Orders.CancelInvoice(behalf.Order{}, r.Invoices[0].Number, "no")
			}
			if err != nil {
				t.Fatal(err)
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newBooks(t)
			order(t, s, "acme", free, quota.Suspend)
			order(t, s, "acme.it", free, quota.Suspend) // another name that begins like it
			tt.use(t, s)
			if err := s.RemoveAccount(behalf.Order{}, "acme"); err != nil {
				t.Fatal(err)
			}
			if used, err := s.Books.NameUsed("acme"); used != tt.used || err != nil {
				t.Errorf("NameUsed = %v, %v, want %v", used, err, tt.used)
			}
			_, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: free})
			if tt.used != errors.Is(err, orders.ErrUsed) || !tt.used && err != nil {
				t.Errorf("AddAccount of the same name = %v, refused should be %v", err, tt.used)
			}
		})
	}
}
