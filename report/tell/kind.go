package tell

import (
	"slices"

	"relay/report/letter/wording"
	"relay/store/books"
	"relay/store/news"
)

// Role is a reader of relay's mail.
type Role string

// The roles.
const (
	Contact  Role = "contact"
	Billing  Role = "billing" // the contact for invoices, else the contact
	Abuse    Role = "abuse"   // the contact for abuse, where that is the reason
	Payer    Role = "payer"   // the reseller, where an invoice is the reason: it is to be paid there
	Operator Role = "operator"
	Desk     Role = "desk" // an abuse desk that complained
)

// Topics of mail to the operator, beside those of the store.
const (
	TopicDigest   news.Topic = "digest"
	TopicOperator news.Topic = "operator"
)

// Kind of mail.
type Kind struct {
	Name  news.Kind
	Topic news.Topic // in its List-Id; customers choose by it
	To    []Role     // the first is told first; the operator too of what came back of mail
	Text  string     // when it is sent, in a few words
}

// Kinds are all that relay writes.
var Kinds = []Kind{
	{news.Usage, news.TopicUsage, []Role{Contact}, "another tenth is used"},
	{news.Daily, news.TopicDaily, []Role{Contact}, "a day with mail"},
	{news.Near, news.TopicLimit, []Role{Contact}, "allowance nearly used"},
	{news.Reached, news.TopicLimit, []Role{Contact}, "allowance used up"},
	{news.Overage, news.TopicLimit, []Role{Contact}, "overage has begun"},
	{news.OverageStep, news.TopicLimit, []Role{Contact}, "another tenth of overage"},
	{news.Ceiling, news.TopicLimit, []Role{Contact}, "its ceiling is reached"},
	{news.Warned, news.TopicStanding, []Role{Contact, Abuse, Payer}, "too much comes back"},
	{news.Suspended, news.TopicStanding, []Role{Contact, Abuse, Payer}, "account suspended"},
	{news.Resumed, news.TopicStanding, []Role{Contact, Payer}, "it sends again"},
	{news.Access, news.TopicAccess, []Role{Contact}, "a login from a new network"},
	{news.AccessDaily, news.TopicAccessDaily, []Role{Contact}, "a day with logins"},
	{news.LoginHeld, news.TopicLogin, []Role{Contact, Operator}, "a login is stopped"},
	{news.Month, news.TopicMonth, []Role{Contact}, "report on a period"},
	{news.Order, news.TopicInvoice, []Role{Billing}, "an order to be paid"},
	{news.Invoice, news.TopicInvoice, []Role{Billing}, "invoice or credit note"},
	{news.Receipt, news.TopicInvoice, []Role{Billing}, "a payment is recorded"},
	{news.Overdue, news.TopicInvoice, []Role{Billing}, "a week before suspension"},
	{news.Reversal, news.TopicInvoice, []Role{Billing}, "a payment was taken back"},
	{news.Refund, news.TopicInvoice, []Role{Billing}, "money was paid back"},
	{news.Correction, news.TopicInvoice, []Role{Billing}, "the balance was corrected"},
	{news.Credit, news.TopicLimit, []Role{Contact}, "credit was given"},
	{news.Ending, news.TopicTerm, []Role{Contact, Billing}, "the term ends"},
	{news.Ended, news.TopicTerm, []Role{Contact, Billing}, "it has ended"},
	{news.Domain, news.TopicDomain, []Role{Contact}, "a domain lost SPF or DKIM"},
	{news.Held, news.TopicDelivery, []Role{Contact, Operator}, "mail held at a provider"},
	{news.Slowed, news.TopicDelivery, []Role{Contact}, "mail slowed at a provider"},
	{news.Waits, news.TopicDelivery, []Role{Contact, Operator}, "first sendings wait"},
	{news.Test, news.TopicAnswer, []Role{Contact}, "mail to test@"},
	{news.Errors, news.TopicAnswer, []Role{Contact}, "mail to errors@"},
	{news.Desk, news.TopicAnswer, []Role{Desk}, "a complaint to abuse@"},
	{news.Digest, TopicDigest, []Role{Operator}, "daily, if there is news"},
	{news.Source, TopicOperator, []Role{Operator}, "a source listed or gone"},
	{news.FailedJob, TopicOperator, []Role{Operator}, "a job has failed"},
}

// Find returns the kind of that name.
func Find(name news.Kind) (k Kind, ok bool) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return k, false
	}
	return Kinds[i], true
}

func findName(name string) (Kind, bool) { return Find(news.Kind(name)) }

// Must reports whether it is told without being chosen.
func (k *Kind) Must() bool {
	return !slices.Contains(news.ChosenTopics(), k.Topic)
}

// OfOperator reports a kind that is no account's.
func (k *Kind) OfOperator() bool { return k.To[0] == Operator }

// HasWords reports whether there is a template for it.
func (k *Kind) HasWords() bool { return slices.Contains(wording.Names(), string(k.Name)) }

// OfMoney reports a kind that goes to the payer: below a reseller that is the reseller.
func (k *Kind) OfMoney() bool { return k.Topic == news.TopicInvoice }

// ByDefault reports whether an account that chose nothing gets it.
func (k *Kind) ByDefault() bool {
	a := books.Account{}
	return k.Must() || a.Wants(k.Topic)
}
