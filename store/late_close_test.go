package store

import (
	"testing"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/orders"
)

// An order that finds a period to close comes to the same as after the job that closes
// it: what the close invoices counts in it.
func TestOrder_countsWhatItsCloseInvoices(t *testing.T) {
	for name, do := range map[string]func(*Store) (orders.Receipt, error){
		"reverse": func(s *Store) (orders.Receipt, error) { // takes what paid for the overage
			return s.Orders.ReversePayment(behalf.Order{}, orders.Reversal{Invoice: 1, Reference: "much", Text: "bounced"})
		},
		"give back": func(s *Store) (orders.Receipt, error) { return s.Orders.Refund(behalf.Order{}, "acme") }, // less what is owed for it
	} {
		t.Run(name, func(t *testing.T) {
			type end struct{ amount, balance, debt, paid, open int64 }
			var ends [2]end
			for i := range ends {
				s, c := newBooks(t)
				order(t, s, "acme", silver, quota.Continue)
				if name == "reverse" {
					pay(t, s, 1, 14_640+1220, "much")
				} else {
					pay(t, s, 1, 0, "term")
					mustRenew(t, s, "acme")
				}
				mustSend(t, s, "acme", gb, 1)
				mustSend(t, s, "acme", 300*mb, 1)
				c.set(december.AddDate(0, 0, 40))
				if i == 0 {
					closeDue(t, s, 1)
				}
				r, err := do(s)
				if err != nil {
					t.Fatal(err)
				}
				e := end{amount: r.Amount, balance: r.After.Balance, debt: r.Debt}
				list, err := s.Books.InvoicesOf("acme", false)
				if err != nil {
					t.Fatal(err)
				}
				for _, i := range list {
					e.open += i.Open()
					e.paid += i.Paid
				}
				ends[i] = e
				verify(t, s)
			}
			if ends[0] != ends[1] {
				t.Errorf("after the job %+v, with the order %+v", ends[0], ends[1])
			}
		})
	}
}

// mustRenew orders a further term and pays it.
func mustRenew(t *testing.T, s *Store, name string) {
	t.Helper()
	r, err := s.Orders.Renew(behalf.Order{}, name, "")
	if err != nil {
		t.Fatal(err)
	}
	pay(t, s, r.Invoices[0].Number, 0, "renewal")
}
