package store

import (
	"errors"
	"testing"

	"relay/quota"
	"relay/store/books"
)

// A currency cannot change under the prices that plans have, also before any was
// agreed on; without prices it can.
func TestCheckCurrency_underPrices(t *testing.T) {
	s, _ := newStore(t)
	in := func(code string) {
		b := s.Books.Billing()
		b.Currency = code
		s.Books.SetBilling(b)
	}
	in("EUR")
	if err := s.Books.CheckCurrency("JPY"); err != nil {
		t.Errorf("without prices: %v", err)
	}
	dear, cheap := quota.Plan{Name: "dear", Term: quota.Year, Emails: 10, Price: 9000}, quota.Plan{Name: "cheap", Term: quota.Year, Emails: 10}
	for _, p := range []quota.Plan{dear, cheap} {
		if err := s.Books.AddPlan(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Books.CheckCurrency("JPY"); !errors.Is(err, books.ErrCurrency) {
		t.Errorf("EUR 90.00 would be JPY 9,000: %v", err)
	}
	if err := s.Books.CheckCurrency("EUR"); err != nil {
		t.Error(err)
	}
	in("JPY")
	set := func(name string, price int64) error {
		_, err := s.Books.UpdatePlan(name, func(p *quota.Plan) error { p.Price = price; return nil })
		return err
	}
	if err := set("cheap", 100); !errors.Is(err, books.ErrCurrency) {
		t.Errorf("a price in JPY beside one in EUR: %v", err)
	}
	if _, err := s.Books.PutPlans([]quota.Plan{{Name: "new", Term: quota.Year, Emails: 1, Price: 5}}, true); !errors.Is(err, books.ErrCurrency) {
		t.Errorf("a plan imported, tried only: %v", err)
	}
	if _, err := s.Books.UpdatePlan("dear", func(p *quota.Plan) error { p.Retired = true; return nil }); err != nil {
		t.Errorf("what is no price: %v", err)
	}
	if err := set("dear", 12_000); err != nil { // the only one: it is in JPY from now on
		t.Error(err)
	}
	if err := set("cheap", 100); err != nil {
		t.Error(err)
	}
	if err := s.Books.CheckCurrency("EUR"); !errors.Is(err, books.ErrCurrency) {
		t.Errorf("back: %v", err)
	}
	for _, name := range []string{"dear", "cheap"} {
		if err := set(name, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Books.CheckCurrency("EUR"); err != nil {
		t.Errorf("all prices are gone: %v", err)
	}
}
