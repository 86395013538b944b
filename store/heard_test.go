package store

import (
	"fmt"
	"testing"
)

// hears has the store settle n recipients' replies of a kind.
func hears(t *testing.T, s *Store, kinds ...string) {
	t.Helper()
	err := s.update(0, func(t *tx) error {
		for _, k := range kinds {
			o := &Outcome{Sample: ReplySample{MX: "mx.example.org", Reply: "550 " + k, Kind: k, Class: "failed"}, Verdict: Verdict{Stage: "RCPT"}}
			if err := t.hear(o); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Replies of one kind are one, counted in one transaction and over several; the oldest
// kinds make room for new ones.
func TestHeard(t *testing.T) {
	s := custom(t, Options{})
	hears(t, s, "first", "second", "first")
	hears(t, s, "first", "")
	list, err := s.ReplyKinds()
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	count := map[string]int64{}
	for _, h := range list {
		count[h.Reply] = h.Count
		if h.First.IsZero() || h.Last.Before(h.First) || h.MX != "mx.example.org" || h.Stage != "RCPT" {
			t.Errorf("%+v", h)
		}
	}
	if count["550 first"] != 3 || count["550 second"] != 1 {
		t.Errorf("%v", count)
	}
	const more = 50
	for from := 0; from < mostHeard-3+more; from += 1000 {
		var kinds []string
		for i := from; i < min(from+1000, mostHeard-3+more); i++ {
			kinds = append(kinds, fmt.Sprint("kind ", i))
		}
		hears(t, s, kinds...)
	}
	list, err = s.ReplyKinds()
	if err != nil || len(list) != mostHeard {
		t.Fatalf("%d kinds, %v", len(list), err)
	}
	for _, h := range list {
		if h.Reply == "550 first" || h.Reply == "550 second" {
			t.Errorf("%q is still there", h.Reply)
		}
	}
	hears(t, s, "first")
	if list, _ = s.ReplyKinds(); len(list) != mostHeard {
		t.Errorf("%d kinds", len(list))
	}
}
