package owners

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"relay/quota"
	"relay/report/api/act"
	"relay/report/api/field"
	"relay/store"
	"relay/store/books"
	"relay/store/mailsyntax"
	"relay/store/people"
)

// Customer is a customer as answers have it. Missing values are null.
type Customer struct {
	Customer string    `json:"customer"`
	Contact  *string   `json:"contact"`
	Address  []string  `json:"address"`
	Reseller *string   `json:"reseller"`
	Country  *string   `json:"country,omitempty"`
	Created  time.Time `json:"created"`
	Accounts int       `json:"accounts"`
}

// CustomerSum is a customer with what its accounts add up to.
type CustomerSum struct {
	Customer
	RollUp
}

// CustomerFields are the members of a customer that a request may set. Empty text removes
// the present value.
type CustomerFields struct {
	Contact  *string   `json:"contact,omitempty" doc:"Mail address."`
	Address  *[]string `json:"address,omitempty" doc:"Lines of the buyer's address on invoices."`
	Country  *string   `json:"country,omitempty" doc:"ISO 3166-1, such as IT."`
	Reseller *string   `json:"reseller,omitempty" doc:"Manages the accounts that are added from now on."`
}

// NewCustomer is the request for a new one.
type NewCustomer struct {
	Body struct {
		Customer string `json:"customer" doc:"Up to 64 of a-z 0-9 . _ @ + -."`
		CustomerFields
	}
}

// CustomerChange is the request for changes.
type CustomerChange struct {
	Customer string `path:"customer"`
	Body     CustomerFields
}

// CustomerName is a request on one customer.
type CustomerName struct {
	Customer string `path:"customer"`
}

// Removed is the answer when something was removed.
type Removed struct {
	Removed string `json:"removed"`
}

// All is the request for a list.
type All struct{ act.Paging }

// Acts on customers.
var (
	AddCustomer    = act.New(act.Spec{Name: "customer add", Route: "POST /v1/customers", Summary: "Add a customer", May: act.Operator}, addCustomer)
	ListCustomers  = act.NewList(act.Spec{Name: "customer list", Route: "GET /v1/customers", Summary: "All customers, by name", May: act.Operator}, listCustomers)
	ShowCustomer   = act.New(act.Spec{Name: "customer show", Route: "GET /v1/customers/{customer}", Summary: "One customer, with use and money of its accounts", May: act.Operator}, showCustomer)
	SetCustomer    = act.New(act.Spec{Name: "customer set", Route: "PATCH /v1/customers/{customer}", Summary: "Change the members that are given", May: act.Operator}, setCustomer)
	RemoveCustomer = act.New(act.Spec{Name: "customer remove", Route: "DELETE /v1/customers/{customer}", Summary: "Delete a customer that has no accounts", May: act.Operator}, removeCustomer)
)

func addCustomer(ctx context.Context, s *act.Service, in *NewCustomer) (*CustomerSum, error) {
	c := people.Customer{Name: in.Body.Customer, Created: s.Store.Now()}
	if !quota.ValidName(c.Name) {
		return nil, act.Fail(act.Wrong, "", "customer name %q: up to 64 of a-z 0-9 . _ @ + -, the first one a letter or digit", c.Name)
	}
	if c.Name == "none" {
		return nil, noneName("customer")
	}
	if err := in.Body.apply(&c); err != nil {
		return nil, err
	}
	if err := s.Store.People.AddCustomer(c); errors.Is(err, store.ErrExists) {
		return nil, act.Fail(act.Refused, "change it with: {customer set "+c.Name+"}", "there is already a customer %q", c.Name)
	} else if err != nil {
		return nil, act.Unlisted(err, "reseller", c.Reseller)
	}
	return sumOf(s, &c)
}

// noneName refuses the name none: in a command it means no customer or reseller.
func noneName(what string) error {
	return act.Fail(act.Wrong, "", "no %s can be called none", what)
}

// apply sets the members that are given.
func (f *CustomerFields) apply(c *people.Customer) error {
	if err := field.Mail("contact", field.Or0(f.Contact)); err != nil {
		return err
	}
	if code := field.Or0(f.Country); code != "" && !field.IsCountry(code) {
		return act.Invalid("country", "", " %q is not the code of a country such as IT", code)
	}
	if f.Address != nil {
		if err := checkAddress(*f.Address); err != nil {
			return err
		}
	}
	field.Set(&c.Contact, f.Contact)
	field.Set(&c.Country, f.Country)
	field.Set(&c.Reseller, f.Reseller)
	field.Set(&c.Address, f.Address)
	return nil
}

// Limits of an address on an invoice.
const (
	mostLines  = 12
	widestLine = 100 // characters
)

func checkAddress(lines []string) error {
	if n := len(lines); n > mostLines {
		return act.Invalid("address", "", " has %d lines: at most %d", n, mostLines)
	}
	for _, l := range lines {
		if utf8.RuneCountInString(l) > widestLine || !mailsyntax.IsText(l) {
			return act.Invalid("address", "", " %q: lines of up to %d characters, without control characters", l, widestLine)
		}
	}
	return nil
}

func listCustomers(_ context.Context, s *act.Service, _ *All, page *act.Page[Customer]) error {
	return s.Store.People.Customers(page.From, func(c people.Customer) error {
		n, err := s.Store.People.CountOwned(c.Name)
		if err != nil {
			return err
		}
		return page.Add(customerOf(&c, n), c.Name)
	})
}

func customerOf(c *people.Customer, accounts int) Customer {
	return Customer{c.Name, field.OrNull(c.Contact), field.OrNone(c.Address), field.OrNull(c.Reseller), field.OrNull(c.Country), c.Created, accounts}
}

func showCustomer(_ context.Context, s *act.Service, in *CustomerName) (*CustomerSum, error) {
	c, err := s.Store.People.Customer(in.Customer)
	if err != nil {
		return nil, act.Unlisted(err, "customer", in.Customer)
	}
	return sumOf(s, &c)
}

func sumOf(s *act.Service, c *people.Customer) (*CustomerSum, error) {
	sum, err := rollUp(s, books.Wanted{Owner: c.Name})
	return &CustomerSum{customerOf(c, len(sum.List)), sum}, err
}

func setCustomer(_ context.Context, s *act.Service, in *CustomerChange) (*CustomerSum, error) {
	if _, err := s.Store.People.Customer(in.Customer); err != nil {
		return nil, act.Unlisted(err, "customer", in.Customer)
	}
	c, err := s.Store.People.UpdateCustomer(in.Customer, in.Body.apply)
	if err != nil {
		return nil, act.Unlisted(err, "reseller", field.Or0(in.Body.Reseller))
	}
	return sumOf(s, &c)
}

func removeCustomer(_ context.Context, s *act.Service, in *CustomerName) (*Removed, error) {
	if err := s.Store.People.RemoveCustomer(in.Customer); errors.Is(err, store.ErrInUse) {
		return nil, act.Fail(act.Refused, "give its accounts another owner with relay account set ACCOUNT --owner CUSTOMER; {customer show "+in.Customer+"} lists them", "%w", err)
	} else if err != nil {
		return nil, act.Unlisted(err, "customer", in.Customer)
	}
	return &Removed{in.Customer}, nil
}
