package tell

import (
	"slices"

	"relay/report/letter/wording"
	"relay/store"
)

// Role is a reader of relay's mail.
type Role string

// The roles.
const (
	Contact  Role = "contact"
	Billing  Role = "billing" // the contact for invoices, else the contact
	Abuse    Role = "abuse"   // the contact for abuse, where that is the reason
	Operator Role = "operator"
)

// Topics of mail to the operator, beside those of the store.
const (
	TopicDigest   store.Topic = "digest"
	TopicOperator store.Topic = "operator"
)

// Kind of mail.
type Kind struct {
	Name  store.NewsKind
	Topic store.Topic // in its List-Id; customers choose by it
	To    []Role      // the first is told first
	Text  string      // when it is sent
}

// Kinds are all that relay writes.
var Kinds = []Kind{
	{store.NewsUsage, store.TopicUsage, []Role{Contact}, "at each further tenth of the allowance"},
	{store.NewsDaily, store.TopicDaily, []Role{Contact}, "on each day with mail"},
	{store.NewsNear, store.TopicLimit, []Role{Contact}, "the allowance is nearly used"},
	{store.NewsReached, store.TopicLimit, []Role{Contact}, "nothing of the allowance is left"},
	{store.NewsOverage, store.TopicLimit, []Role{Contact}, "overage has begun"},
	{store.NewsOverageStep, store.TopicLimit, []Role{Contact}, "at each further tenth of the overage's ceiling"},
	{store.NewsCeiling, store.TopicLimit, []Role{Contact}, "the overage's ceiling is reached"},
	{store.NewsSuspended, store.TopicStanding, []Role{Contact, Abuse}, "the account is suspended"},
	{store.NewsResumed, store.TopicStanding, []Role{Contact}, "it sends again"},
	{store.NewsMonth, store.TopicMonth, []Role{Contact}, "a period is over: report, list of errors, payment request"},
	{store.NewsOrder, store.TopicInvoice, []Role{Billing}, "an order waits for its payment"},
	{store.NewsInvoice, store.TopicInvoice, []Role{Billing}, "an invoice or credit note was issued"},
	{store.NewsReceipt, store.TopicInvoice, []Role{Billing}, "a payment was recorded"},
	{store.NewsOverdue, store.TopicInvoice, []Role{Billing}, "an unpaid invoice suspends the account in a week"},
	{store.NewsReversal, store.TopicInvoice, []Role{Billing}, "a payment was taken back"},
	{store.NewsEnding, store.TopicTerm, []Role{Contact, Billing}, "the term ends, and nothing follows it"},
	{store.NewsEnded, store.TopicTerm, []Role{Contact, Billing}, "the term has ended"},
	{store.NewsDomain, store.TopicDomain, []Role{Contact}, "a sending domain has lost SPF or DKIM"},
	{store.NewsHeld, store.TopicDelivery, []Role{Contact, Operator}, "mail is held at a provider"},
	{store.NewsSlowed, store.TopicDelivery, []Role{Contact}, "mail goes more slowly to a provider"},
	{store.NewsWaits, store.TopicDelivery, []Role{Contact, Operator}, "first sendings take more than a day"},
	{store.NewsDigest, TopicDigest, []Role{Operator}, "daily, if there is something to say"},
	{store.NewsSource, TopicOperator, []Role{Operator}, "a source is listed, clean again or gone"},
	{store.NewsFailedJob, TopicOperator, []Role{Operator}, "a scheduled job has failed"},
}

// Find returns the kind of that name.
func Find(name store.NewsKind) (k Kind, ok bool) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return k, false
	}
	return Kinds[i], true
}

func findName(name string) (Kind, bool) { return Find(store.NewsKind(name)) }

// Must reports whether it is told without being chosen.
func (k *Kind) Must() bool {
	return !slices.Contains(store.ChosenTopics(), k.Topic)
}

// HasWords reports whether there is a template for it.
func (k *Kind) HasWords() bool { return slices.Contains(wording.Names(), string(k.Name)) }

// OfMoney reports the kinds that go to whoever pays: below a reseller that is the reseller.
func (k *Kind) OfMoney() bool { return k.Topic == store.TopicInvoice }

// ByDefault reports whether an account that chose nothing gets it.
func (k *Kind) ByDefault() bool {
	a := store.Account{}
	return k.Must() || a.Wants(k.Topic)
}
