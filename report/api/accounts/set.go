package accounts

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"relay/quota"
	"relay/report/api/act"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/report/money"
	"relay/report/words"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
)

// AccountChange is the request for changes of an account: all of them, or none.
type AccountChange struct {
	Account string `path:"account"`
	Body    struct {
		Plan string `json:"plan,omitempty" doc:"One without a price."`
		AccountFields
		Abuse *string `json:"abuse,omitempty" doc:"Why the account is marked for abuse, which forbids a refund."`
	}
}

// Set is the act that changes an account.
var Set = act.New(act.Spec{Name: "account set", Route: "PATCH /v1/accounts/{account}", Summary: "Change the members that are given", May: act.Operator}, set)

func set(ctx context.Context, s *act.Service, in *AccountChange) (*AccountDetail, error) {
	b := &in.Body
	has, err := s.Account(ctx, in.Account)
	if err != nil {
		return nil, err
	}
	owner := has.Owner
	field.Set(&owner, b.Owner)
	if err := MayPayBy(s, field.Or0(b.Method), owner); err != nil {
		return nil, err
	}
	if err := mayReturn(s, b.VERP); err != nil {
		return nil, err
	}
	var to *quota.Plan
	if b.Plan != "" {
		p, err := s.Store.Books.Plan(b.Plan)
		if err != nil {
			return nil, act.Unlisted(err, "plan", b.Plan)
		}
		to = &p
	}
	if err := s.Owners(field.Or0(b.Owner), field.Or0(b.Reseller)); err != nil {
		return nil, err
	}
	plan := has.Plan(s.Store.BookTime())
	if to != nil {
		plan = *to
	}
	if err := mayUsePool(s, in.Account, field.Or0(b.Pool), plan); err != nil {
		return nil, err
	}
	now, currency := s.Store.BookTime(), s.Store.Books.Currency() // before: the function runs inside the store's writer
	_, err = s.Store.Orders.ChangeAccount(s.Order(ctx, false), in.Account, func(a *books.Account) (orders.Change, error) { return in.change(a, to, now, currency) })
	if no, ok := errors.AsType[*quota.Refusal](err); ok {
		return nil, act.Fail(act.Refused, answer.RefusedHint(in.Account, b.Plan, no), "account %s: %s", in.Account, words.English.Refusal(no))
	}
	if err != nil {
		return nil, answer.Failed(in.Account, err)
	}
	return detail(s, in.Account)
}

// change sets all that was given; to is nil where no plan was.
func (in *AccountChange) change(a *books.Account, to *quota.Plan, now time.Time, currency string) (is orders.Change, err error) {
	plan := a.Plan(now)
	if to != nil {
		if err := mayHave(a, plan, to, currency); err != nil {
			return is, err
		}
		plan, is.Plan = *to, to
	}
	if err := cmp.Or(in.Body.apply(a), in.Body.limit(a, plan)); err != nil {
		return is, err
	}
	if b := &in.Body; b.Abuse != nil {
		reason := words.Cut(words.Clean(strings.TrimSpace(*b.Abuse)), mostReason)
		if reason != "" || a.Abuse {
			is.Abuse = &reason
		}
	}
	return is, nil
}

// mostReason is how much of a reason is kept, in characters.
const mostReason = 200

// mayHave says why an account that has a plan cannot be given another one without
// money.
func mayHave(a *books.Account, has quota.Plan, p *quota.Plan, currency string) error {
	own := p.Name == has.Name && p.Price == has.Price && p.Term == has.Term && p.Kind() == has.Kind()
	buy := "{account upgrade " + a.Name + " --plan " + p.Name + "} for the present term, or {account renew " + a.Name + " --plan " + p.Name + "} for the next one"
	switch {
	case a.State == ledger.Closed:
		return answer.ClosedForGood(a.Name)
	case a.Ordered != nil && has.Price > 0:
		return act.Fail(act.Refused, "{account close "+a.Name+"}, and add another one with that plan; or {account activate "+a.Name+"} first",
			"account %s waits for the payment of plan %s", a.Name, has.Name)
	case own:
		return nil
	case p.Retired:
		return act.Fail(act.Refused, "{plan list} shows the plans for sale", "plan %s is not sold any more", p.Name)
	case p.Price > 0:
		return act.Fail(act.Refused, buy, "plan %s costs %s a %s: it has to be bought", p.Name, money.Format(p.Price, currency), p.Term)
	case has.Price > 0:
		return act.Fail(act.Refused, "{account renew "+a.Name+" --plan "+p.Name+"} for the next term",
			"account %s has paid for plan %s, and this would end it", a.Name, has.Name)
	}
	return nil
}
