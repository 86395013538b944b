package orders

import (
	"context"
	"errors"

	"relay/quota"
	"relay/report/api/act"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/report/money"
	"relay/report/words"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
)

// Correction is the request for an entry by hand: money, or credit.
type Correction struct {
	Account string `path:"account"`
	Body    struct {
		Amount   int64  `json:"amount,omitempty" doc:"Minor units, in the customer's favour; negative: against it."`
		PaidBack bool   `json:"paid_back,omitempty" doc:"The amount, which is negative, was sent to the customer."`
		Credit   int64  `json:"credit,omitempty" minimum:"0" doc:"E-mails, or octets of a bandwidth plan."`
		Reason   string `json:"reason" doc:"For the ledger."`
		DryRun
	}
}

func correct(ctx context.Context, s *act.Service, in *Correction) (*answer.Receipt, error) {
	return order(ctx, s, in.Account, "correct", in.Body.DryRun, func(o behalf.Order, a *books.Account) (orders.Receipt, error) {
		what, err := in.read(s, a)
		if err != nil {
			return orders.Receipt{}, err
		}
		r, err := s.Store.Orders.Correct(o, a.Name, what)
		if no, ok := errors.AsType[*orders.NotFree](err); ok {
			return r, act.Fail(act.Refused, "{account show "+a.Name+"} has its balance and what is open",
				"account %s has %s of free balance: no more can be paid back", a.Name, money.Format(no.Free, s.Store.Books.Currency()))
		}
		return r, err
	})
}

const correctHelp = "{account correct --help}"

func (in *Correction) read(s *act.Service, a *books.Account) (what orders.Correction, err error) {
	b, now, zone := &in.Body, s.Store.BookTime(), s.Store.Zone()
	what = orders.Correction{Text: field.Reason(b.Reason), Money: b.Amount, Units: b.Credit, PaidBack: b.PaidBack}
	switch {
	case what.Text == "":
		return what, act.Invalid("reason", correctHelp, " cannot be empty: the ledger says why")
	case b.PaidBack && b.Amount == 0:
		return what, act.Invalid("paid_back", correctHelp, " is for --amount")
	case (b.Amount == 0) == (b.Credit == 0):
		return what, act.Fail(act.Wrong, correctHelp, "one of --amount and --credit")
	case b.PaidBack && b.Amount > 0:
		return what, act.Invalid("paid_back", correctHelp, ": what went out has a minus, --amount -%s", money.Plain(b.Amount, s.Store.Books.Currency()))
	case b.Credit > quota.MaxOver:
		return what, act.Invalid("credit", correctHelp, ": %d is too large to count", b.Credit)
	case b.Credit > 0 && a.Expired(now, zone):
		return what, act.Fail(act.Refused, "{account renew "+a.Name+"}", "account %s: its term ended on %s, so credit would be lost at once", a.Name, words.Day(a.TermEnd(), zone))
	}
	return what, nil
}
