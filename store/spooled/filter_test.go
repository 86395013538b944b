package spooled

import (
	"testing"
	"time"
)

// A filter chooses by all that it says; what it says of recipients must hold for one of those that are
// left.
func TestFilter_Match(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	m := &Message{Account: "acme", Sender: "Shop@acme.test", Accepted: at, Recipients: []Recipient{
		{Address: "Jo@A.test", Domain: "a.test", State: Deferred},
		{Address: "al@b.test", Domain: "b.test", State: Queued, Held: true},
		{Address: "bo@c.test", Domain: "c.test", State: Delivered},
	}}
	own := &Message{For: "acme", Accepted: at, Recipients: []Recipient{{Address: "boss@acme.test", Domain: "acme.test", State: Queued}}}
	for name, c := range map[string]struct {
		f        Filter
		its, own bool // whether the account's message is chosen, and relay's own
	}{
		"everything":               {Filter{}, true, true},
		"account":                  {Filter{Account: "acme"}, true, true},
		"other account":            {Filter{Account: "acme2"}, false, false},
		"domain":                   {Filter{Domain: "b.test"}, true, false},
		"domain that is done":      {Filter{Domain: "c.test"}, false, false},
		"sender":                   {Filter{Sender: "shop@ACME.test"}, true, false},
		"domain of the sender":     {Filter{Sender: "@acme.test"}, true, false},
		"end of the sender":        {Filter{Sender: "acme.test"}, false, false},
		"null reverse-path":        {Filter{Sender: "<>"}, false, true},
		"recipient":                {Filter{Recipient: "jo@a.TEST"}, true, false},
		"domain of a recipient":    {Filter{Recipient: "@b.test"}, true, false},
		"only an @domain":          {Filter{Recipient: "@"}, false, false},
		"recipient that is done":   {Filter{Recipient: "bo@c.test"}, false, false},
		"before it":                {Filter{Before: at}, false, false},
		"before a later time":      {Filter{Before: at.Add(1)}, true, true},
		"after it":                 {Filter{After: at}, false, false},
		"after an earlier time":    {Filter{After: at.Add(-1)}, true, true},
		"held":                     {Filter{Held: true}, true, false},
		"deferred":                 {Filter{Deferred: true}, true, false},
		"held at another's domain": {Filter{Held: true, Domain: "a.test"}, false, false},
		"held and deferred":        {Filter{Held: true, Deferred: true}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.f.Match(m); got != c.its {
				t.Errorf("Match of the account's message = %t, want %t", got, c.its)
			}
			if got := c.f.Match(own); got != c.own {
				t.Errorf("Match of relay's own message = %t, want %t", got, c.own)
			}
		})
	}
}
