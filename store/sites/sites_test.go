package sites

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/store/mailreply"
	"relay/store/room"
	"relay/store/room/roomtest"
)

// Paces are stored, changed from what is stored, and removed.
func TestSites_KeepPace(t *testing.T) {
	s, _ := opened(t)
	want := func(want string) {
		t.Helper()
		list, err := s.PaceEntries()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range list {
			got = append(got, e.Key+"="+string(e.Value))
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	more := func(old []byte) []byte { return append(old, '+') }
	for _, step := range []struct {
		list []PaceEntry
		want string
	}{
		{nil, ""},
		{[]PaceEntry{{Key: "b", Value: []byte("1")}, {Key: "a", Value: []byte("2")}}, "a=2 b=1"},
		{[]PaceEntry{{Key: "a", Change: more}, {Key: "c", Change: more}, {Key: "a", Change: more}}, "a=2++ b=1 c=+"},
		{[]PaceEntry{{Key: "b"}, {Key: "none"}, {Key: "c", Value: []byte("left"), Change: func([]byte) []byte { return nil }}}, "a=2++"},
	} {
		if err := s.KeepPace(step.list); err != nil {
			t.Fatal(err)
		}
		want(step.want)
	}
}

// A request that fails leaves nothing of what it heard of a site; what the next one heard is stored.
func TestSites_Hear_fails(t *testing.T) {
	s, db := opened(t)
	sample := &mailreply.Sample{MX: "mx.example.org", Reply: "550 no", Kind: "no", Class: "failed"}
	errNo := errors.New("no")
	err := db.Update(0, func(tx room.Tx) error {
		return errors.Join(s.Hear(&tx, sample, &mailreply.Verdict{}), s.PutPace(&tx, []PaceEntry{{Key: "a", Value: []byte("1")}}),
			s.CountTLS(&tx, []TLSCount{{Domain: "a.test"}}), errNo)
	})
	if !errors.Is(err, errNo) {
		t.Fatal(err)
	}
	s.hears(t, "yes")
	killed := New(db.Killed(t).DB)
	kinds, err1 := killed.ReplyKinds()
	paces, err2 := killed.PaceEntries()
	days, err3 := killed.TLSDays(db.Now().Add(24*time.Hour), nil, 1)
	if err := errors.Join(err1, err2, err3); err != nil || len(kinds) != 1 || kinds[0].Reply != "550 yes" || paces != nil || days != nil {
		t.Errorf("%+v, %+v, %+v, %v", kinds, paces, days, err)
	}
}

// A policy is kept until it is dropped, with the time of its last use, and walked by domain.
func TestSites_TLSPolicies(t *testing.T) {
	s, db := opened(t)
	for _, domain := range []string{"c.test", "a.test", "b.test", "ab.test"} {
		if err := s.PutTLSPolicy(&TLSPolicy{Domain: domain, ID: "1", Mode: "testing", Fetched: db.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	fresh := TLSPolicy{Domain: "a.test", ID: "2", Mode: "enforce", MX: []string{"*.a.test"}, MaxAge: 86400, Fetched: db.Now()}
	if err := s.PutTLSPolicy(&fresh); err != nil {
		t.Fatal(err)
	}
	db.Pass(time.Hour)
	if err := s.UseTLSPolicy("a.test"); err != nil {
		t.Fatal(err)
	}
	is, err := s.TLSPolicy("a.test")
	if err != nil || is.ID != "2" || !slices.Equal(is.MX, fresh.MX) || !is.Used.Equal(db.Now()) || !is.Fetched.Equal(roomtest.Begin) {
		t.Errorf("%+v, %v", is, err)
	}
	if err := s.DropTLSPolicy("b.test"); err != nil {
		t.Fatal(err)
	}
	_, gone := s.TLSPolicy("b.test")
	for _, err := range []error{gone, s.UseTLSPolicy("b.test")} {
		if !errors.Is(err, room.ErrNotFound) {
			t.Errorf("of a domain that is dropped: %v", err)
		}
	}
	for after, want := range map[string]string{"": "a.test ab.test", "a.test": "ab.test c.test", "b.test": "c.test", "c.test": ""} {
		list, err := s.TLSPolicies(after, 2)
		var got []string
		for _, p := range list {
			got = append(got, p.Domain)
		}
		if got := strings.Join(got, " "); got != want || err != nil {
			t.Errorf("behind %q: %q, %v, want %q", after, got, err, want)
		}
	}
}

// A policy is in force for its max_age, and not if a wrong clock has fetched it in the future.
func TestTLSPolicy_Valid(t *testing.T) {
	p := TLSPolicy{Fetched: roomtest.Begin, MaxAge: 3600}
	for later, want := range map[time.Duration]bool{0: true, time.Hour - 1: true, time.Hour: false, -time.Hour: true, -24 * time.Hour: false} {
		if got := p.Valid(p.Fetched.Add(later)); got != want {
			t.Errorf("%v later: %t", later, got)
		}
	}
}
