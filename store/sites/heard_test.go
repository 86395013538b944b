package sites

import (
	"fmt"
	"testing"

	"relay/store/mailreply"
	"relay/store/room"
	"relay/store/room/roomtest"
)

// opened is the room in a store of its own.
func opened(t *testing.T) (*Sites, *roomtest.Store) {
	t.Helper()
	s := roomtest.Open(t, Flush)
	return New(s.DB), s
}

// hears counts a reply of each kind, in one transaction.
func (s *Sites) hears(t *testing.T, kinds ...string) {
	t.Helper()
	err := s.db.Update(0, func(t room.Tx) error {
		for _, k := range kinds {
			err := s.Hear(&t, &mailreply.Sample{MX: "mx.example.org", Reply: "550 " + k, Kind: k, Class: "failed"}, &mailreply.Verdict{Stage: "RCPT"})
			if err != nil {
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
	s, _ := opened(t)
	s.hears(t, "first", "second", "first")
	s.hears(t, "first", "third")
	if err := s.db.Update(0, func(t room.Tx) error { return s.Hear(&t, &mailreply.Sample{}, &mailreply.Verdict{}) }); err != nil {
		t.Fatal(err)
	}
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
		s.hears(t, kinds...)
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
	s.hears(t, "first")
	if list, _ = s.ReplyKinds(); len(list) != mostHeard {
		t.Errorf("%d kinds", len(list))
	}
}
