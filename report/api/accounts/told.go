package accounts

import (
	"cmp"
	"slices"
	"strings"

	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/words"
	"relay/store/books"
	"relay/store/news"
)

// Words of a choice of topics that stand alone.
const (
	NotifyAll     = "all"
	NotifyNone    = "none"
	NotifyDefault = "default" // as accounts that chose nothing
)

// toldWhere sets the addresses and the language of what the customer is told, and about what.
func (f *AccountFields) toldWhere(a *books.Account) error {
	if err := cmp.Or(field.Mail("contact", field.Or0(f.Contact)), field.Mail("billing_contact", field.Or0(f.Billing)),
		field.Mail("abuse_contact", field.Or0(f.AbuseMail))); err != nil {
		return err
	}
	if l := field.Or0(f.Language); l != "" && !slices.Contains(words.LanguageCodes(), l) {
		return act.Invalid("language", "", " %q: %s", l, strings.Join(words.LanguageCodes(), ", "))
	}
	if f.Notify != nil {
		topics, err := topicList(*f.Notify)
		if err != nil {
			return err
		}
		a.Notify = topics
	}
	field.Set(&a.Contact, f.Contact)
	field.Set(&a.BillingContact, f.Billing)
	field.Set(&a.AbuseContact, f.AbuseMail)
	field.Set(&a.Language, f.Language)
	return nil
}

// topicList reads a choice of topics; nil is none. Topics that customers must know may be
// named, and change nothing.
func topicList(list []string) ([]news.Topic, error) {
	chosen := news.ChosenTopics()
	if len(list) == 1 {
		switch list[0] {
		case NotifyAll:
			return chosen, nil
		case NotifyNone:
			return []news.Topic{}, nil
		case NotifyDefault:
			return nil, nil
		}
	}
	topics := []news.Topic{}
	for _, name := range list {
		switch t := news.Topic(name); {
		case slices.Contains(chosen, t):
			topics = append(topics, t)
		case !slices.ContainsFunc(news.Topics, func(is news.TopicRule) bool { return is.Topic == t }):
			names := topicNames(chosen)
			return nil, act.Invalid("notify", "", " %q: one or more of %s, or all, none or default alone%s", name, strings.Join(names, ", "), words.DidYouMean(name, names))
		}
	}
	return slices.DeleteFunc(slices.Clone(chosen), func(t news.Topic) bool { return !slices.Contains(topics, t) }), nil
}

// topicNames is a list of topics as answers have it: never null.
func topicNames(list []news.Topic) []string {
	names := []string{}
	for _, t := range list {
		names = append(names, string(t))
	}
	return names
}
