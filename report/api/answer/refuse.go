package answer

import (
	"errors"

	"relay/quota"
	"relay/report/api/act"
	"relay/store/orders"
)

// RefusedHint is the next step after the first reason that has one. plan is the account's.
func RefusedHint(account, plan string, no *quota.Refusal) string {
	switch {
	case no.Order == "refund":
		return "{account close " + account + "} ends it without paying back; {account correct " + account + "} enters an amount of your own"
	case no.For(quota.WhyOrdered):
		return "{account close " + account + "} ends both"
	case no.Order == "plan":
		return "wait for the month to turn, or renew with the smaller plan: {account renew " + account + " --plan PLAN}"
	case no.For(quota.WhyEnded), no.For(quota.WhyUsedUp):
		return "{account renew " + account + "}"
	case no.For(quota.WhySmaller), no.For(quota.WhyCheaper), no.For(quota.WhyKind) && no.Order == "upgrade", no.For(quota.WhyTerm) && no.Order == "upgrade":
		return "{account renew " + account + " --plan PLAN} changes to any plan when the term ends"
	case no.For(quota.WhyNoBlock):
		return "{plan show " + plan + "} has its blocks"
	}
	return "{plan list} shows the plans"
}

// Failed is what the store found against an order on an account, with the next step.
func Failed(account string, err error) error {
	switch {
	case errors.Is(err, orders.ErrClosed):
		return ClosedForGood(account)
	case errors.Is(err, orders.ErrUsed):
		return NameUsed(account)
	case errors.Is(err, orders.ErrPending):
		return act.Fail(act.Refused, "{account show "+account+"} has its invoice; {account activate "+account+"} does not wait for the payment",
			"account %s is pending: it has no term yet", account)
	case errors.Is(err, quota.ErrOverflow):
		return act.Fail(act.Refused, "order less at once", "account %s: the amount is too large to count", account)
	}
	return act.NoAccount(account, err)
}

// ClosedForGood is the refusal of what would change a closed account.
func ClosedForGood(account string) error {
	return act.Fail(act.Refused, "add another one: {account add NAME --plan PLAN}", "account %s is closed for good", account)
}

// NameUsed refuses a name whose ledger and invoices belong to an earlier account.
func NameUsed(account string) error {
	return act.Fail(act.Refused, "choose another name: with this one it would get the ledger and the invoices of the earlier account",
		"account %s: an earlier account had this name", account)
}
