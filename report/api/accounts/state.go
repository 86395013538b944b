package accounts

import (
	"context"
	"errors"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/report/api/answer"
	"relay/report/money"
	"relay/report/words"
	"relay/store/ledger"
	"relay/store/orders"
)

// Suspension is the request to suspend an account.
type Suspension struct {
	Account string `path:"account"`
	Body    struct {
		Reason string `json:"reason" doc:"The customer is told, in the reply to its mail."`
	}
}

// Resumption is the request to resume an account.
type Resumption struct {
	Account string `path:"account"`
	Body    *Resuming
}

// Resuming is how an account is resumed.
type Resuming struct {
	DryRun bool `json:"dry_run,omitempty" doc:"Say what would be released, and change nothing."`
}

// ResumedAccount is the answer when an account was resumed.
type ResumedAccount struct {
	Account
	DryRun    bool             `json:"dry_run,omitempty" doc:"Nothing was changed."`
	Unchanged bool             `json:"unchanged,omitempty" doc:"It was not suspended."`
	Kept      *Kept            `json:"kept,omitempty" doc:"What waited in the queue, and is released."`
	Forgiven  bool             `json:"forgiven,omitempty" doc:"It was suspended for what came back of its mail: that counts no more, and its mail goes out prudently until it has had clean days."`
	Unpaid    []answer.Payable `json:"unpaid,omitempty" doc:"Invoices for which it was held back: they stay open."`
}

// Kept is the mail of a suspended account that waits in the queue.
type Kept struct {
	_ struct{} `nullable:"true"`

	Messages int64     `json:"messages"`
	Emails   int64     `json:"emails" doc:"Recipients' copies."`
	Bytes    int64     `json:"bytes" doc:"Of the messages, as they are stored."`
	Since    time.Time `json:"since" doc:"When it was suspended."`
}

// keptOf is what waits of an account that is suspended; null: it is not.
func keptOf(s *act.Service, name string) (*Kept, error) {
	k, err := s.Store.Kept(name)
	if err != nil || k.Since.IsZero() {
		return nil, err
	}
	return &Kept{Messages: k.Messages, Emails: k.Emails, Bytes: k.Octets, Since: k.Since}, nil
}

// RemovedAccount is the answer when an account was removed.
type RemovedAccount struct {
	Removed string `json:"removed"`
	Used    bool   `json:"name_used" doc:"Its name stays in the books, and no other account can have it."`
}

// Acts that stop an account, let it go on, and delete it.
var (
	Suspend = act.New(act.Spec{Name: "account suspend", Route: "POST /v1/accounts/{account}/suspend", Summary: "Refuse all mail of an account",
		May: act.Operator | act.Reseller}, suspend)
	Resume = act.New(act.Spec{Name: "account resume", Route: "POST /v1/accounts/{account}/resume", Summary: "Let a suspended account send again",
		May: act.Operator | act.Reseller}, resume)
	Remove = act.New(act.Spec{Name: "account remove", Route: "DELETE /v1/accounts/{account}", Summary: "Delete an account; its usage stays", May: act.Operator}, remove)
)

func suspend(ctx context.Context, s *act.Service, in *Suspension) (*Account, error) {
	if err := s.Reach(ctx, in.Account); err != nil {
		return nil, err
	}
	reason := words.Cut(words.Clean(in.Body.Reason), mostReason)
	if strings.TrimSpace(reason) == "" {
		return nil, act.Invalid("reason", "", " cannot be empty: the customer is told")
	}
	if _, err := s.Store.Orders.Suspend(s.Order(ctx, false), in.Account, reason); err != nil {
		return nil, answer.Failed(in.Account, err)
	}
	return accountNow(s, in.Account)
}

// accountNow is an account as it stands now.
func accountNow(s *act.Service, name string) (*Account, error) {
	st, err := s.Store.Standings.Standing(name)
	if err != nil {
		return nil, err
	}
	v := accountOf(&st, s.Store.Books.Currency())
	return &v, nil
}

// resume does not stand for a payment.
func resume(ctx context.Context, s *act.Service, in *Resumption) (*ResumedAccount, error) {
	a, err := s.Account(ctx, in.Account)
	if err != nil {
		return nil, err
	}
	open, err := answer.OpenInvoices(s, a.Name)
	if err != nil {
		return nil, err
	}
	v := &ResumedAccount{Unchanged: a.State == ledger.Active && a.Hold == "", DryRun: in.Body != nil && in.Body.DryRun}
	switch {
	case a.State == ledger.Pending:
		return nil, stillPending(a.Name, open)
	case !v.Unchanged:
		if v.Kept, err = keptOf(s, a.Name); err != nil {
			return nil, err
		}
		v.Forgiven = a.State == ledger.Suspended && a.Cause == ledger.CauseAbuse
		if _, err := s.Store.Orders.Resume(s.Order(ctx, v.DryRun), a.Name); err != nil {
			return nil, answer.Failed(a.Name, err)
		}
	}
	if a.Hold != "" {
		v.Unpaid = open
	}
	is, err := accountNow(s, a.Name)
	if err == nil {
		v.Account = *is
	}
	return v, err
}

// stillPending says what an account waits for.
func stillPending(name string, open []answer.Payable) error {
	activate := "{account activate " + name + "} starts the term without the payment"
	if len(open) == 0 {
		return act.Fail(act.Refused, activate, "account %s is pending: it was never activated", name)
	}
	i := open[0]
	return act.Fail(act.Refused, "{payment record "+i.Name+" --method METHOD --reference R} enters the payment; "+activate,
		"account %s is pending: invoice %s, %s, is not paid", name, i.Name, money.Format(i.Open, i.Currency))
}

func remove(ctx context.Context, s *act.Service, in *Name) (*RemovedAccount, error) {
	err := s.Store.RemoveAccount(s.Order(ctx, false), in.Account)
	if errors.Is(err, orders.ErrOwing) {
		return nil, owing(ctx, s, in.Account)
	}
	if err != nil {
		return nil, act.NoAccount(in.Account, err)
	}
	used, err := s.Store.Books.NameUsed(in.Account)
	return &RemovedAccount{in.Account, used}, err
}

// owing says what is open between an account and the operator.
func owing(ctx context.Context, s *act.Service, name string) error {
	a, err := s.Account(ctx, name)
	if err != nil {
		return err
	}
	if a.Balance == 0 { // it is not closed yet
		return act.Fail(act.Refused, "{account close "+name+" --dry-run} shows it, line by line", "account %s would end with an unsettled balance", name)
	}
	if a.Balance > 0 {
		return act.Fail(act.Refused, "pay it back and record that: {account correct "+name+" --amount -N --paid-back --reason TEXT}", "account %s has a balance of %s", name, money.Format(a.Balance, s.Store.Books.Currency()))
	}
	hint := "{payment record} enters a payment, {account correct} waives it"
	if a.State != ledger.Closed {
		hint += ", {account close} leaves it open"
	}
	return act.Fail(act.Refused, hint, "account %s owes money; relay account show %s has the invoices", name, name)
}
