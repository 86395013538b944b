package refusals

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/room"
)

var (
	atOnce = &Rule{Reason: "InvalidRecipient", Status: "5.1.1", Messages: 1, Keep: 180 * day}
	full   = &Rule{Reason: "QuotaIssues", Status: "5.2.2", Messages: 3, Over: 7 * day, Keep: 30 * day}
)

func (f *fixture) add(list ...Suppression) (added int) {
	f.Helper()
	added, err := f.AddSuppressions(behalf.Order{}, "acme", list)
	if err != nil {
		f.Fatal(err)
	}
	return added
}

// Some kinds of replies suppress only when several messages meet them over some days.
func TestRefusals_Strike(t *testing.T) {
	f := open(t)
	if !f.strike("gone@a.test", atOnce, false) {
		t.Error("not at once")
	}
	is, _, _ := f.Suppressed("acme", "Gone@A.test")
	if want := (Suppression{Recipient: "gone@a.test", Reason: "InvalidRecipient", Reply: "452 4.2.2 full", Status: "5.1.1", Since: f.db.Now(), Expires: f.db.Now().Add(180 * day)}); is != want {
		t.Errorf("%+v, want %+v", is, want)
	}
	for i, tt := range []struct {
		name  string
		days  []int // between the messages
		again bool  // each is tried many times
		want  bool
	}{
		{"three in a week", []int{0, 3, 4}, false, true},
		{"three in less", []int{0, 3, 3}, false, false},
		{"many in less, and the next", []int{0, 1, 1, 1, 1, 3}, false, true},
		{"two", []int{0, 8}, false, false},
		{"two, many times", []int{0, 8}, true, false},
		{"60 days between", []int{0, 60, 1}, false, true},
		{"61 days between, which begin anew", []int{0, 1, 61, 1}, false, false},
	} {
		mailbox, suppressed := fmt.Sprintf("r%d@a.test", i), false
		for _, days := range tt.days {
			f.db.Pass(time.Duration(days) * day)
			suppressed = f.strike(mailbox, full, false)
			for range 5 {
				if tt.again {
					suppressed = f.again(mailbox, full, false)
				}
			}
		}
		if _, ok, _ := f.Suppressed("acme", mailbox); suppressed != tt.want || ok != tt.want {
			t.Errorf("%s: %t, %t, want %t", tt.name, suppressed, ok, tt.want)
		}
		f.reach(mailbox)
	}
	if keys := f.db.Keys(t, bucket.StrikesOf); keys != nil {
		t.Errorf("strikes are left: %q", keys)
	}
}

// A delivery wipes strikes out, unless one of them came back: then deliveries prove nothing.
func TestRefusals_Pardon(t *testing.T) {
	f := open(t)
	for _, mailbox := range []string{"full@a.test", "back@a.test"} {
		f.strike(mailbox, full, mailbox[0] == 'b')
		f.db.Pass(4 * day)
		f.strike(mailbox, full, false)
		f.reach(mailbox)
		f.db.Pass(4 * day)
		if got, want := f.strike(mailbox, full, false), mailbox[0] == 'b'; got != want {
			t.Errorf("%s: suppressed %t, want %t", mailbox, got, want)
		}
	}
}

// The suppression that lasts longest holds.
func TestRefusals_Strike_longest(t *testing.T) {
	forever := &Rule{Reason: "Complaint", Messages: 1}
	short := &Rule{Reason: "BadDomain", Messages: 1, Keep: day}
	for _, tt := range []struct {
		first, then *Rule
		pass        time.Duration
		want        string
	}{
		{short, atOnce, 0, atOnce.Reason}, {atOnce, short, 0, atOnce.Reason}, {atOnce, atOnce, day, atOnce.Reason},
		{forever, atOnce, 0, forever.Reason}, {atOnce, forever, 0, forever.Reason},
		{atOnce, short, atOnce.Keep - day/2, short.Reason}, {atOnce, short, atOnce.Keep, short.Reason},
	} {
		f := open(t)
		f.strike("a@a.test", tt.first, false)
		f.db.Pass(tt.pass)
		f.strike("a@a.test", tt.then, false)
		is, ok, err := f.Suppressed("acme", "a@a.test")
		if !ok || err != nil || is.Reason != tt.want {
			t.Errorf("%s and %v later %s: %+v, %t, %v", tt.first.Reason, tt.pass, tt.then.Reason, is, ok, err)
		}
	}
}

// All of a list is added, or nothing; suppressions in force stay as they are.
func TestRefusals_AddSuppressions(t *testing.T) {
	f := open(t)
	start := f.db.Now()
	if _, err := f.AddSuppressions(behalf.Order{}, "acme", []Suppression{{Recipient: "a@a.test"}, {Recipient: "no address"}}); err == nil || err.Error() != `"no address" is not an address` {
		t.Error(err)
	}
	if _, err := f.AddSuppressions(behalf.Order{}, "nobody", []Suppression{{Recipient: "a@a.test"}}); !errors.Is(err, room.ErrNotFound) {
		t.Error(err)
	}
	if _, err := f.AddSuppressions(behalf.Order{Customer: "jane"}, "acme", []Suppression{{Recipient: "a@a.test"}}); !errors.Is(err, room.ErrNotFound) {
		t.Error(err)
	}
	f.wantSuppressed()
	n := f.add(Suppression{Recipient: "D@Bücher.test", Reason: ByHand}, Suppression{Recipient: "b@a.test", Expires: start.Add(day)},
		Suppression{Recipient: "a@a.test", Since: start.Add(-day)}, Suppression{Recipient: "A@A.test", Since: start}, Suppression{Recipient: "c@a.test", Since: start.Add(day)})
	if n != 4 {
		t.Errorf("%d added", n)
	}
	f.wantSuppressed("a@a.test", "b@a.test", "c@a.test", "d@xn--bcher-kva.test")
	for mailbox, want := range map[string]time.Time{"a@a.test": start.Add(-day), "b@a.test": start, "c@a.test": start} {
		if is, _, _ := f.Suppressed("acme", mailbox); !is.Since.Equal(want) {
			t.Errorf("%s since %v", mailbox, is.Since)
		}
	}
	var behind []string
	if err := f.EachSuppression("acme", "b@a.test", func(mailbox string, _ *Suppression) error { behind = append(behind, mailbox); return nil }); err != nil || len(behind) != 2 {
		t.Errorf("behind b: %q, %v", behind, err)
	}
	f.db.Pass(day)
	f.wantSuppressed("a@a.test", "c@a.test", "d@xn--bcher-kva.test")
	if n := f.add(Suppression{Recipient: "b@a.test"}); n != 1 {
		t.Errorf("%d added after its end", n)
	}
}

// To lift a suppression forgets what led to it.
func TestRefusals_LiftSuppressions(t *testing.T) {
	f := open(t)
	f.add(Suppression{Recipient: "a@a.test"}, Suppression{Recipient: "old@a.test", Expires: f.db.Now().Add(time.Hour)}, Suppression{Recipient: "stays@a.test"})
	f.enter("acme", Refusal{Category: "Complaint", Source: SourceComplaint}, "a@a.test")
	f.strike("full@a.test", full, true)
	f.db.Pass(7 * day)
	f.strike("full@a.test", full, false)
	if _, err := f.LiftSuppressions(behalf.Order{Reseller: "north"}, "acme", []string{"a@a.test"}); !errors.Is(err, room.ErrNotFound) {
		t.Error(err)
	}
	if n, err := f.LiftSuppressions(behalf.Order{}, "acme", []string{"a@a.test", "old@a.test", "full@a.test", "none@a.test"}); n != 1 || err != nil {
		t.Errorf("lifted %d, %v", n, err)
	}
	f.wantSuppressed("stays@a.test")
	if is := f.entry("a@a.test"); is.Advice != AdviceWatch || !is.Cleared.Equal(f.db.Now()) {
		t.Errorf("%+v", is)
	}
	if f.strike("full@a.test", full, false) {
		t.Error("strikes of before count")
	}
}

// The prune removes what has ended and records its job once, at its end. After a kill within it the
// next one goes on.
func TestRefusals_PruneSuppressions(t *testing.T) {
	f := open(t)
	var many []Suppression
	for i := range room.Step + 10 {
		many = append(many, Suppression{Recipient: fmt.Sprintf("r%d@a.test", i), Expires: f.db.Now().Add(time.Hour)})
	}
	f.add(append(many, Suppression{Recipient: "stays@a.test"}, Suppression{Recipient: "later@a.test", Expires: f.db.Now().Add(61 * day)})...)
	f.strike("old@a.test", full, false)
	f.db.Pass(60 * day)
	f.strike("new@a.test", full, false)
	f.db.Pass(time.Hour)

	failing := f.on(f.db)
	failing.o.Done = func(*room.Tx, string, time.Time) error { return errors.New("killed") }
	if n, err := failing.PruneSuppressions(f.db.Now(), "lapse"); n != len(many) || err == nil {
		t.Errorf("%d removed before the last step, %v", n, err)
	}
	if n, err := f.PruneSuppressions(f.db.Now(), "lapse"); n != 1 || err != nil || !slices.Equal(f.done, []string{"lapse"}) {
		t.Errorf("%d removed afterwards, %v; %q done", n, err, f.done)
	}
	f.wantSuppressed("later@a.test", "stays@a.test")
	if keys := f.db.Keys(t, bucket.StrikesOf); !slices.Equal(keys, []string{"acme\x00new@a.test"}) {
		t.Errorf("strikes: %q", keys)
	}
}
