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
	Text  string      // when it is sent, in a few words
}

// Kinds are all that relay writes.
var Kinds = []Kind{
	{store.NewsUsage, store.TopicUsage, []Role{Contact}, "another tenth of it is used"},
	{store.NewsDaily, store.TopicDaily, []Role{Contact}, "a day with mail"},
	{store.NewsNear, store.TopicLimit, []Role{Contact}, "allowance nearly used"},
	{store.NewsReached, store.TopicLimit, []Role{Contact}, "allowance used up"},
	{store.NewsOverage, store.TopicLimit, []Role{Contact}, "overage has begun"},
	{store.NewsOverageStep, store.TopicLimit, []Role{Contact}, "another tenth of overage"},
	{store.NewsCeiling, store.TopicLimit, []Role{Contact}, "its ceiling is reached"},
	{store.NewsSuspended, store.TopicStanding, []Role{Contact, Abuse}, "account suspended"},
	{store.NewsResumed, store.TopicStanding, []Role{Contact}, "it sends again"},
	{store.NewsMonth, store.TopicMonth, []Role{Contact}, "report on a period"},
	{store.NewsOrder, store.TopicInvoice, []Role{Billing}, "an order to be paid"},
	{store.NewsInvoice, store.TopicInvoice, []Role{Billing}, "invoice or credit note"},
	{store.NewsReceipt, store.TopicInvoice, []Role{Billing}, "a payment is recorded"},
	{store.NewsOverdue, store.TopicInvoice, []Role{Billing}, "a week before suspension"},
	{store.NewsReversal, store.TopicInvoice, []Role{Billing}, "a payment was taken back"},
	{store.NewsEnding, store.TopicTerm, []Role{Contact, Billing}, "the term ends"},
	{store.NewsEnded, store.TopicTerm, []Role{Contact, Billing}, "it has ended"},
	{store.NewsDomain, store.TopicDomain, []Role{Contact}, "a domain lost SPF or DKIM"},
	{store.NewsHeld, store.TopicDelivery, []Role{Contact, Operator}, "mail held at a provider"},
	{store.NewsSlowed, store.TopicDelivery, []Role{Contact}, "mail slowed at a provider"},
	{store.NewsWaits, store.TopicDelivery, []Role{Contact, Operator}, "first sendings wait"},
	{store.NewsDigest, TopicDigest, []Role{Operator}, "daily, if there is something"},
	{store.NewsSource, TopicOperator, []Role{Operator}, "a source listed or gone"},
	{store.NewsFailedJob, TopicOperator, []Role{Operator}, "a job has failed"},
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

// OfOperator reports a kind that is no account's.
func (k *Kind) OfOperator() bool { return k.To[0] == Operator }

// HasWords reports whether there is a template for it.
func (k *Kind) HasWords() bool { return slices.Contains(wording.Names(), string(k.Name)) }

// OfMoney reports a kind that goes to the payer: below a reseller that is the reseller.
func (k *Kind) OfMoney() bool { return k.Topic == store.TopicInvoice }

// ByDefault reports whether an account that chose nothing gets it.
func (k *Kind) ByDefault() bool {
	a := store.Account{}
	return k.Must() || a.Wants(k.Topic)
}
