package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"relay/quota"
	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/api/password"
	"relay/report/words"
	"relay/store"
	"relay/store/people"
	"relay/store/secret"
)

// NewLogin is the request for a further login.
type NewLogin struct {
	Account string `path:"account"`
	Body    struct {
		Login    string `json:"login,omitempty" doc:"None: the account's name and a number."`
		Note     string `json:"note,omitempty" doc:"Text that tells logins apart."`
		Password string `json:"password,omitempty" doc:"None: one is made."`
	}
}

// Login is what a mail program has to be told.
type Login struct {
	Account  string  `json:"account"`
	Login    string  `json:"login"`
	Password *string `json:"password" doc:"Only this once; null: as given."`
}

// Credential is a login as lists show it; its hash stays in the store.
type Credential struct {
	Account string    `json:"account"`
	Login   string    `json:"login"`
	Kind    string    `json:"kind"`
	Note    string    `json:"note"`
	Created time.Time `json:"created"`

	Hold     *LoginHold   `json:"hold" doc:"Why it may not send; null: it may."`
	Last     *time.Time   `json:"last" doc:"When it was used last; null: it was not."`
	Networks []NetworkUse `json:"networks" doc:"Where it was used within a year, at most 32, the last used first."`
}

// LoginHold says why a login may not send.
type LoginHold struct {
	Since  time.Time `json:"since"`
	By     string    `json:"by" enum:"relay,customer,reseller,operator" doc:"Who held it. relay: it looks stolen."`
	Reason *string   `json:"reason"`
	Signs  *Signs    `json:"signs,omitempty" doc:"Of relay's hold: what it follows from."`
}

// Signs of a stolen login, all of which came together.
type Signs struct {
	Network    string `json:"network" doc:"New to the account: the mail came from there."`
	Failed     int    `json:"failed" doc:"Wrong passwords before."`
	Recipients int64  `json:"recipients" doc:"Of mail from new networks, with the message that was refused."`
	First      bool   `json:"first" doc:"They are recipients that the account never wrote to; else all, which are many more than on its own days."`
}

func holdOf(h *people.LoginHold) *LoginHold {
	if h == nil {
		return nil
	}
	v := &LoginHold{Since: h.Since, By: string(h.Holder), Reason: field.OrNull(h.Reason)}
	if s := h.Signs; s != nil {
		v.Signs = &Signs{s.Network, s.Failed, s.Recipients, s.First}
	}
	return v
}

// LoginList is the request for the logins of an account.
type LoginList struct {
	act.Paging
	Account string `path:"account"`
}

// LoginName is a request on one login.
type LoginName struct {
	Account string `path:"account"`
	Login   string `path:"login"`
}

// RevokedLogin is the answer when a login was revoked.
type RevokedLogin struct {
	Account string `json:"account"`
	Revoked string `json:"revoked"`
}

// Acts on logins.
var (
	AddCredential = act.New(act.Spec{Name: "account credential add", Route: "POST /v1/accounts/{account}/credentials", Summary: "Add a login and show its password, once",
		May: act.Operator | act.Reseller}, addCredential)
	ListCredentials = act.NewList(act.Spec{Name: "account credential list", Route: "GET /v1/accounts/{account}/credentials", Summary: "The logins of an account",
		May: everyone, Scope: reads}, listCredentials)
	RevokeCredential = act.New(act.Spec{Name: "account credential revoke", Route: "DELETE /v1/accounts/{account}/credentials/{login}", Summary: "Delete a login: it stops at once",
		May: act.Operator | act.Reseller}, revokeCredential)
)

// newCredential makes a credential. Where no password was chosen it is a token, which is
// returned to be shown once.
func newCredential(s *act.Service, account, login, chosen string) (people.Credential, *string, error) {
	cred := people.Credential{Login: login, Account: account, Created: s.Store.Now()}
	if chosen == "" {
		token, hash := secret.NewToken()
		cred.Kind, cred.Hash = people.Token, hash
		return cred, &token, nil
	}
	if err := password.Check(chosen); err != nil {
		return cred, nil, act.Fail(act.Wrong, "without one relay makes one", "the password %w", err)
	}
	cred.Kind, cred.Hash = people.Password, secret.HashPassword(chosen)
	return cred, nil, nil
}

func addCredential(ctx context.Context, s *act.Service, in *NewLogin) (*Login, error) {
	b := &in.Body
	if err := s.Reach(ctx, in.Account); err != nil {
		return nil, err
	}
	if err := mayName(ctx, in.Account, b.Login); err != nil {
		return nil, err
	}
	if _, err := s.Account(ctx, in.Account); err != nil {
		return nil, err
	}
	cred, token, err := newCredential(s, in.Account, b.Login, b.Password)
	if err != nil {
		return nil, err
	}
	cred.Note = words.Cut(words.Clean(b.Note), mostReason)
	for n := 1; ; n++ {
		if b.Login == "" {
			cred.Login = numbered(in.Account, n)
		}
		err := s.Store.People.AddCredential(s.Order(ctx, false), cred)
		switch {
		case err == nil:
			return &Login{cred.Account, cred.Login, token}, nil
		case !errors.Is(err, store.ErrExists):
			return nil, act.NoAccount(in.Account, err)
		case b.Login != "":
			return nil, act.Fail(act.Refused, "choose another one", "there is already a login %q", b.Login)
		}
	}
}

// mayName refuses names of logins that cannot be, or that the actor may not give; "" is
// the account's name with a number.
func mayName(ctx context.Context, account, login string) error {
	if login == "" {
		if act.OwnName(ctx, "", account) != nil {
			return act.Fail(act.Wrong, "", "name the login: --login %s.NAME", act.ActorOf(ctx).Name)
		}
		return nil
	}
	if err := act.OwnName(ctx, "login", login); err != nil {
		return err
	}
	if !quota.ValidName(login) {
		return act.Fail(act.Wrong, "", "login %q: up to 64 of a-z 0-9 . _ @ + -, the first one a letter or digit", login)
	}
	return nil
}

// numbered is the n-th login of an account, the first being its name.
func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	suffix := fmt.Sprintf("-%d", n)
	return name[:min(len(name), 64-len(suffix))] + suffix
}

func listCredentials(ctx context.Context, s *act.Service, in *LoginList, page *act.Page[Credential]) error {
	if _, err := s.Account(ctx, in.Account); err != nil {
		return err
	}
	return s.Store.People.EachCredential(in.Account, page.From, func(c *people.Credential) error {
		last, networks, err := accessOf(s, c.Login)
		if err != nil {
			return err
		}
		return page.Add(Credential{c.Account, c.Login, string(c.Kind), c.Note, c.Created, holdOf(c.Hold), last, networks}, c.Login)
	})
}

func revokeCredential(ctx context.Context, s *act.Service, in *LoginName) (*RevokedLogin, error) {
	login := people.FoldLogin(in.Login)
	if _, err := s.Account(ctx, in.Account); err != nil {
		return nil, err
	}
	if err := s.Store.People.RemoveCredential(s.Order(ctx, false), in.Account, login); err != nil {
		return nil, noLogin(in.Account, login, err)
	}
	return &RevokedLogin{in.Account, login}, nil
}
