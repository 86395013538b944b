package act

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"relay/mailer/records"
	"relay/mailer/verdict"
	"relay/report/invoice"
	"relay/report/jobs"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/signs"
)

// Service has what acts work on: the store, the configuration, and the running relay.
type Service struct {
	Store       *store.Store
	Log         *slog.Logger
	Version     string                                                          // of this program
	Hostname    string                                                          // of this relay
	Rules       func() *Rules                                                   // of the configuration, as it is in force now
	Jobs        *jobs.Runner                                                    // scheduled jobs, to list them and to run one by hand
	Verdicts    func() (*verdict.Rules, error)                                  // the rules in force on replies of next hops
	Names       func() (records.Names, error)                                   // the DNS
	CheckSource func(ctx context.Context, name string) ([]SourceFinding, error) // of outgoing mail
	Blocked     func(context.Context, string) (records.Blocks, error)           // what blocklists say of a domain; nil: none is asked
	Running     *Running                                                        // nil: no relay runs, a command has opened the store
}

// Rules are the parts of the configuration that acts follow.
type Rules struct {
	MostAccounts int             // that a reseller may have below it; 0: any number
	Invoices     invoice.Options // how they are paid; days are in the zone of the store
	Methods      []Method        // of payment that customers can choose
	Smarthost    bool            // all mail goes to one host
	Zone         string          // below which keys are published that sign mail
	Pairs        [][2]string     // of selectors of such keys
	Sources      []SourceRule    // of outgoing mail, one at least
	Abuse        signs.Rules     // how much may come back of an account's mail
	Returns      string          // domain at which relay takes what comes back; "": nowhere
}

// Method of payment.
type Method struct {
	Name      string
	Countries []string // whose customers can choose it; empty: all
}

// NotRunning is the problem of an act that needs a running relay.
func NotRunning() error {
	return Fail(Unreachable, "start it: {serve}", "no relay is running")
}

// UnknownToken is the problem of a token that no actor has.
var UnknownToken = Fail(Token, "ask the operator for a new one: relay reseller token RESELLER", "unknown token")

// Holder returns the actor that a token belongs to.
func (s *Service) Holder(token string) (Actor, error) {
	r, err := s.Store.People.ResellerByToken(token)
	if errors.Is(err, store.ErrNotFound) {
		return Actor{}, UnknownToken
	}
	return Actor{Kind: Reseller, Name: r.Name}, err
}

// Order returns the order that is placed on behalf of the actor of ctx.
func (s *Service) Order(ctx context.Context, dryRun bool) behalf.Order {
	a := ActorOf(ctx)
	o := behalf.Order{By: a.String(), DryRun: dryRun}
	switch a.Kind {
	case Reseller:
		o.Reseller, o.MostAccounts = a.Name, s.Rules().MostAccounts
	case Customer:
		o.Customer = a.Name
	}
	return o
}

// Account returns the account that an actor names, if it is within the actor's reach.
func (s *Service) Account(ctx context.Context, name string) (books.Account, error) {
	if err := s.Reach(ctx, name); err != nil {
		return books.Account{}, err
	}
	a, err := s.Store.Books.Account(name)
	return a, NoAccount(name, err)
}

// Reach fails for an account that is not within the actor's reach. For the operator the
// account need not exist, because its books outlive it.
func (s *Service) Reach(ctx context.Context, name string) error {
	actor := ActorOf(ctx)
	within, err := true, error(nil)
	switch actor.Kind {
	case Reseller:
		within, err = s.Store.People.Below(actor.Name, name)
	case Customer:
		var a books.Account
		if a, err = s.Store.Books.Account(name); errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		within = a.Owner == actor.Name && a.Name == name
	case Key:
		within = actor.Name == name
	}
	if err == nil && !within {
		return NotFound
	}
	return err
}

// OwnName fails for a name that a reseller may not give. Names created by a reseller
// start with the reseller's name, so availability reveals nothing about others.
func OwnName(ctx context.Context, what, name string) error {
	actor := ActorOf(ctx)
	prefix := actor.Name + "."
	if actor.Kind != Reseller || strings.HasPrefix(name, prefix) {
		return nil
	}
	return Fail(Wrong, "such as "+prefix+"one", "%s %q: names that you choose begin with %q", what, name, prefix)
}

// NoAccount turns the error of a look-up into the problem that there is no such account.
func NoAccount(name string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return Fail(Missing, "{account list} shows all", "no account %q", name)
	}
	return err
}

// Owners fails if the customer or the reseller does not exist; "": none was named.
func (s *Service) Owners(customer, reseller string) error {
	if customer != "" {
		if _, err := s.Store.People.Customer(customer); err != nil {
			return Unlisted(err, "customer", customer)
		}
	}
	if reseller != "" {
		if _, err := s.Store.People.Reseller(reseller); err != nil {
			return Unlisted(err, "reseller", reseller)
		}
	}
	return nil
}

// Unlisted turns the error of a look-up by name into the problem that there is no such thing.
func Unlisted(err error, what, name string) error {
	if errors.Is(err, store.ErrNotFound) {
		return Fail(NoSuch, "{"+what+" list} shows all", "no %s %q", what, name)
	}
	return err
}

// logBroken logs an answer that was cut short.
func (s *Service) logBroken(ctx context.Context, err error) {
	s.Log.Error("answer cut short", "component", "api", "actor", ActorOf(ctx).String(), "err", err)
}

// logFailed logs an error that the answer hides from its actor.
func (s *Service) logFailed(ctx context.Context, err error) {
	s.Log.Error("act failed", "component", "api", "actor", ActorOf(ctx).String(), "err", err)
}
