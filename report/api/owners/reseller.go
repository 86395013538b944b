package owners

import (
	"context"
	"errors"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/report/api/field"
	"relay/store"
	"relay/store/books"
	"relay/store/people"
	"relay/store/secret"
)

// Reseller is a reseller as answers have it; its token is shown only when it is made.
type Reseller struct {
	Reseller string    `json:"reseller"`
	Contact  *string   `json:"contact"` // null: none
	Created  time.Time `json:"created"`
	Accounts int       `json:"accounts"`
}

// ResellerSum is a reseller with what the accounts below it add up to.
type ResellerSum struct {
	Reseller
	RollUp
}

// NewReseller is the request for a new one.
type NewReseller struct {
	Body struct {
		Reseller string `json:"reseller" doc:"Up to 32 of a-z 0-9 _ -. Names that it adds begin with it and a dot."`
		Contact  string `json:"contact,omitempty" doc:"Mail address."`
	}
}

// ResellerName is a request on one reseller.
type ResellerName struct {
	Reseller string `path:"reseller"`
}

// Token is a reseller's token, shown once.
type Token struct {
	Reseller string `json:"reseller"`
	Token    string `json:"token"`
}

// Acts on resellers.
var (
	AddReseller    = act.New(act.Spec{Name: "reseller add", Route: "POST /v1/resellers", Summary: "Add a reseller and show its token, once", May: act.Operator}, addReseller)
	ListResellers  = act.NewList(act.Spec{Name: "reseller list", Route: "GET /v1/resellers", Summary: "All resellers, by name", May: act.Operator}, listResellers)
	ShowReseller   = act.New(act.Spec{Name: "reseller show", Route: "GET /v1/resellers/{reseller}", Summary: "One reseller, with use and money of the accounts below it", May: act.Operator}, showReseller)
	NewToken       = act.New(act.Spec{Name: "reseller token", Route: "POST /v1/resellers/{reseller}/token", Summary: "Make a new token; the old one stops at once", May: act.Operator}, newToken)
	RemoveReseller = act.New(act.Spec{Name: "reseller remove", Route: "DELETE /v1/resellers/{reseller}", Summary: "Delete a reseller that manages nothing", May: act.Operator}, removeReseller)
)

func addReseller(_ context.Context, s *act.Service, in *NewReseller) (*Token, error) {
	r := people.Reseller{Name: in.Body.Reseller, Contact: in.Body.Contact, Created: s.Store.Now()}
	if !resellerName(r.Name) {
		return nil, act.Fail(act.Wrong, "", "reseller name %q: up to 32 of a-z 0-9 _ -, the first one a letter or digit", r.Name)
	}
	if r.Name == "none" {
		return nil, noneName("reseller")
	}
	if err := field.Mail("contact", r.Contact); err != nil {
		return nil, err
	}
	var token string
	token, r.Hash = secret.NewToken()
	if err := s.Store.People.AddReseller(r); errors.Is(err, store.ErrExists) {
		return nil, act.Fail(act.Refused, "a new token for it: {reseller token "+r.Name+"}", "there is already a reseller %q", r.Name)
	} else if err != nil {
		return nil, err
	}
	return &Token{r.Name, token}, nil
}

// resellerName: the part of a name before its first dot says whose it is.
func resellerName(name string) bool {
	other := func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789_-", r) }
	return name != "" && len(name) <= 32 && !strings.ContainsFunc(name, other) && name[0] != '_' && name[0] != '-'
}

func listResellers(_ context.Context, s *act.Service, _ *All, page *act.Page[Reseller]) error {
	return s.Store.People.Resellers(page.From, func(r people.Reseller) error {
		n, err := s.Store.People.CountBelow(r.Name)
		if err != nil {
			return err
		}
		return page.Add(resellerOf(&r, n), r.Name)
	})
}

func resellerOf(r *people.Reseller, accounts int) Reseller {
	return Reseller{r.Name, field.OrNull(r.Contact), r.Created, accounts}
}

func showReseller(_ context.Context, s *act.Service, in *ResellerName) (*ResellerSum, error) {
	r, err := s.Store.People.Reseller(in.Reseller)
	if err != nil {
		return nil, act.Unlisted(err, "reseller", in.Reseller)
	}
	sum, err := rollUp(s, books.Wanted{Reseller: r.Name})
	return &ResellerSum{resellerOf(&r, len(sum.List)), sum}, err
}

func newToken(_ context.Context, s *act.Service, in *ResellerName) (*Token, error) {
	token, hash := secret.NewToken()
	_, err := s.Store.People.UpdateReseller(in.Reseller, func(r *people.Reseller) error { r.Hash = hash; return nil })
	if err != nil {
		return nil, act.Unlisted(err, "reseller", in.Reseller)
	}
	return &Token{in.Reseller, token}, nil
}

func removeReseller(_ context.Context, s *act.Service, in *ResellerName) (*Removed, error) {
	if err := s.Store.People.RemoveReseller(in.Reseller); errors.Is(err, store.ErrInUse) {
		return nil, act.Fail(act.Refused, "give its accounts and customers to others with --reseller of relay account set and relay customer set; {reseller show "+in.Reseller+"} and {customer list} list them", "%w", err)
	} else if err != nil {
		return nil, act.Unlisted(err, "reseller", in.Reseller)
	}
	return &Removed{in.Reseller}, nil
}
