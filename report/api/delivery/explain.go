package delivery

import (
	"context"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/store/maildomain"
)

// Question is the request to explain how mail to an address goes.
type Question struct {
	Address string `query:"address" required:"true" doc:"An address, or a domain."`
	Account string `query:"account" doc:"Whose mail; empty: of any account that has no profile of its own."`
}

// Explanation says how mail to an address goes, and what holds it up.
type Explanation struct {
	Address string `json:"address"`
	Domain  string `json:"domain"`
	Account string `json:"account"`
	act.Way
	Next *time.Time `json:"next_attempt" doc:"When the first message that waits for the domain is due, of the account where one is named; null: none waits, or all are held."`
}

// Explain is the act delivery explain. It needs a running relay.
var Explain = act.New(act.Spec{Name: "delivery explain", Route: "GET /v1/delivery/explain", Summary: "How mail to an address goes, and what keeps it", May: act.Operator}, explain)

func explain(ctx context.Context, s *act.Service, in *Question) (*Explanation, error) {
	domain, err := domainOf(in.Address)
	if err != nil {
		return nil, err
	}
	if in.Account != "" {
		if _, err := s.Account(ctx, in.Account); err != nil {
			return nil, err
		}
	}
	mail, err := deliveries(s)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	way, err := mail.Explain(ctx, domain, in.Account)
	if err != nil {
		return nil, act.Fail(act.Unreachable, "the name server may not answer: see relay check", "%w", err)
	}
	out := &Explanation{Address: in.Address, Domain: domain, Account: in.Account, Way: *way}
	at, waits, err := s.Store.NextDue(domain, in.Account)
	if err != nil {
		return nil, err
	}
	if waits {
		if w := way.Wait; w != nil && w.Until != nil && w.Until.After(at) {
			at = *w.Until
		}
		out.Next = &at
	}
	return out, nil
}

// domainOf returns the domain of an address, or a domain, in the form for look-ups.
func domainOf(text string) (string, error) {
	name := text[strings.LastIndexByte(text, '@')+1:]
	_, ascii, ok := maildomain.Parse(name)
	if !ok || strings.Contains(text, "@") && !maildomain.IsAddress(text) {
		return "", act.Invalid("address", "", " %q: an address or a domain", text)
	}
	return ascii, nil
}
