package store

import (
	"encoding/json"
	"slices"
	"testing"
)

// A choice of nothing is kept apart from no choice, and of what it must know an account is
// told in any case.
func TestAccount_Wants(t *testing.T) {
	for _, c := range []struct {
		name   string
		notify []Topic
		want   []Topic
	}{
		{"no choice", nil, []Topic{TopicUsage, TopicMonth, TopicDomain, TopicDelivery}},
		{"nothing", []Topic{}, nil},
		{"some", []Topic{TopicDaily}, []Topic{TopicDaily}},
		{"of another release", []Topic{"odd", TopicMonth}, []Topic{TopicMonth}},
	} {
		raw, err := json.Marshal(Account{Name: "acme", Notify: c.notify})
		if err != nil {
			t.Fatal(err)
		}
		var a Account
		if err := json.Unmarshal(raw, &a); err != nil {
			t.Fatal(err)
		}
		if got := a.Notified(); !slices.Equal(got, c.want) {
			t.Errorf("%s: Notified = %v, want %v", c.name, got, c.want)
		}
		for _, topic := range []Topic{TopicLimit, TopicStanding, TopicInvoice, TopicTerm} {
			if !a.Wants(topic) {
				t.Errorf("%s: %s is not wanted", c.name, topic)
			}
		}
	}
}
