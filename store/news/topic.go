package news

import "slices"

// Topic groups the kinds of mail that relay writes to customers. It is what an account
// chooses by (Account.Notify), and what List-Id of a mail names.
type Topic string

const (
	TopicUsage    Topic = "usage"    // at each further tenth of the allowance
	TopicDaily    Topic = "daily"    // on each day with use
	TopicLimit    Topic = "limit"    // near and at the limit, overage and its ceiling
	TopicStanding Topic = "standing" // suspended, resumed
	TopicMonth    Topic = "month"    // the month's report
	TopicInvoice  Topic = "invoice"  // orders, invoices, receipts
	TopicTerm     Topic = "term"     // the term ends or has ended
	TopicDomain   Topic = "domain"   // SPF or DKIM of a sending domain is gone
	TopicDelivery Topic = "delivery" // mail waits, is slowed down or held
	TopicAnswer   Topic = "answer"   // answers to test@ and errors@
	TopicLogin    Topic = "login"    // a login is held
	TopicAccess   Topic = "access"   // a login is used from a new network

	TopicAccessDaily Topic = "access-daily" // on each day with logins
)

// TopicRule is a topic, and whether accounts may choose it. They get mail of the other topics
// in any case.
type TopicRule struct {
	Topic
	Chosen  bool // by the account
	Default bool // told to accounts that chose nothing
}

// Topics are all that customers are told about.
var Topics = []TopicRule{
	{TopicUsage, true, true}, {TopicDaily, true, false}, {TopicMonth, true, true}, {TopicDomain, true, true}, {TopicDelivery, true, true}, {TopicAccess, true, true}, {TopicAccessDaily, true, false},
	{TopicLimit, false, true}, {TopicStanding, false, true}, {TopicInvoice, false, true}, {TopicTerm, false, true}, {TopicAnswer, false, true}, {TopicLogin, false, true},
}

// ChosenTopics are those that an account may choose.
func ChosenTopics() (list []Topic) {
	for _, t := range Topics {
		if t.Chosen {
			list = append(list, t.Topic)
		}
	}
	return list
}

// Wants reports whether an account that chose these topics is told about one: by its choice,
// or because it must be. With nil it chose nothing.
func Wants(chosen []Topic, topic Topic) bool {
	for _, t := range Topics {
		if t.Topic == topic && (!t.Chosen || chosen == nil) {
			return t.Default
		}
	}
	return slices.Contains(chosen, topic)
}
