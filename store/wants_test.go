package store

import (
	"encoding/json"
	"slices"
	"testing"

	"relay/store/books"
	"relay/store/news"
)

// A choice of nothing is kept apart from no choice, and of what it must know an account is
// told in any case.
func TestAccount_Wants(t *testing.T) {
	for _, c := range []struct {
		name   string
		notify []news.Topic
		want   []news.Topic
	}{
		{"no choice", nil, []news.Topic{news.TopicUsage, news.TopicMonth, news.TopicDomain, news.TopicDelivery, news.TopicAccess}},
		{"nothing", []news.Topic{}, nil},
		{"some", []news.Topic{news.TopicDaily}, []news.Topic{news.TopicDaily}},
		{"of another release", []news.Topic{"odd", news.TopicMonth}, []news.Topic{news.TopicMonth}},
	} {
		raw, err := json.Marshal(books.Account{Name: "acme", Notify: c.notify})
		if err != nil {
			t.Fatal(err)
		}
		var a books.Account
		if err := json.Unmarshal(raw, &a); err != nil {
			t.Fatal(err)
		}
		if got := a.Notified(); !slices.Equal(got, c.want) {
			t.Errorf("%s: Notified = %v, want %v", c.name, got, c.want)
		}
		for _, topic := range []news.Topic{news.TopicLimit, news.TopicStanding, news.TopicInvoice, news.TopicTerm, news.TopicLogin} {
			if !a.Wants(topic) {
				t.Errorf("%s: %s is not wanted", c.name, topic)
			}
		}
	}
}
