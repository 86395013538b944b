package accounts

import (
	"context"
	"errors"

	"relay/report/api/act"
	"relay/report/words"
	"relay/store"
	"relay/store/access"
	"relay/store/people"
)

// LoginToHold is the request to hold a login.
type LoginToHold struct {
	Account string `path:"account"`
	Login   string `path:"login"`
	Body    struct {
		Reason string `json:"reason,omitempty" doc:"The account's contact is told, and programs that are logged in."`
		DryRun bool   `json:"dry_run,omitempty" doc:"Check only."`
	}
}

// LoginToResume is the request to resume a login.
type LoginToResume struct {
	Account string `path:"account"`
	Login   string `path:"login"`
	Body    struct {
		DryRun bool `json:"dry_run,omitempty" doc:"Say what would be released."`
	}
}

// HeldLogin is the answer when a login was held.
type HeldLogin struct {
	Account   string     `json:"account"`
	Login     string     `json:"login"`
	Hold      *LoginHold `json:"hold" doc:"Null: a dry run."`
	Unchanged bool       `json:"unchanged,omitempty" doc:"It was held already."`
	DryRun    bool       `json:"dry_run,omitempty"`
}

// ResumedLogin is the answer when a login was resumed.
type ResumedLogin struct {
	Account    string     `json:"account"`
	Login      string     `json:"login"`
	Was        *LoginHold `json:"was" doc:"The hold that ended; null: it was not held."`
	Messages   int64      `json:"messages" doc:"That were held with it, and are released."`
	Recipients int64      `json:"recipients" doc:"Of these messages."`
	DryRun     bool       `json:"dry_run,omitempty"`
}

// Acts that stop a login, and let it go on.
var (
	HoldCredential = act.New(act.Spec{Name: "account credential hold", Route: "POST /v1/accounts/{account}/credentials/{login}/hold",
		Summary: "Refuse mail of one login; the others of the account go on", May: everyone, Scope: writes}, holdCredential)
	ResumeCredential = act.New(act.Spec{Name: "account credential resume", Route: "POST /v1/accounts/{account}/credentials/{login}/resume",
		Summary: "Let a login that is held send again, and release its mail", May: everyone, Scope: writes}, resumeCredential)
)

// Scopes that a key needs: to look at logins, and to stop them.
const (
	reads  = "account:read"
	writes = "account:write"
)

const everyone = act.Operator | act.Reseller | act.Customer | act.Key

// holder is the actor as holds name it. A key is its account's, so it stands for the customer.
func holder(ctx context.Context) people.Holder {
	switch act.ActorOf(ctx).Kind {
	case act.Operator:
		return people.HeldByOperator
	case act.Reseller:
		return people.HeldByReseller
	}
	return people.HeldByCustomer
}

func holdCredential(ctx context.Context, s *act.Service, in *LoginToHold) (*HeldLogin, error) {
	login := people.FoldLogin(in.Login)
	if _, err := s.Account(ctx, in.Account); err != nil {
		return nil, err
	}
	h := people.LoginHold{Holder: holder(ctx), Reason: words.Cut(words.Clean(in.Body.Reason), mostReason)}
	changed, err := s.Store.HoldLogin(s.Order(ctx, in.Body.DryRun), in.Account, login, h)
	if err != nil {
		return nil, noLogin(in.Account, login, err)
	}
	v := &HeldLogin{Account: in.Account, Login: login, Unchanged: !changed, DryRun: in.Body.DryRun}
	c, err := s.Store.People.Credential(login)
	if err == nil && c.Account == in.Account {
		v.Hold = holdOf(c.Hold)
	}
	if errors.Is(err, store.ErrNotFound) { // revoked meanwhile
		err = nil
	}
	return v, err
}

func resumeCredential(ctx context.Context, s *act.Service, in *LoginToResume) (*ResumedLogin, error) {
	login := people.FoldLogin(in.Login)
	if _, err := s.Account(ctx, in.Account); err != nil {
		return nil, err
	}
	was, mail, err := s.Store.ResumeLogin(s.Order(ctx, in.Body.DryRun), in.Account, login, holder(ctx))
	switch {
	case errors.Is(err, access.ErrOtherHolder):
		return nil, act.Fail(act.Refused, "ask who holds it", "login %s is held by the %s", login, was.Holder)
	case err != nil:
		return nil, noLogin(in.Account, login, err)
	}
	return &ResumedLogin{in.Account, login, holdOf(was), mail.Messages, mail.Recipients, in.Body.DryRun}, nil
}

// noLogin turns the error of a look-up into the problem that there is no such login.
func noLogin(account, login string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return act.Fail(act.Refused, "{account credential list "+account+"}", "account %s has no login %q", account, login)
	}
	return err
}
