package store

import (
	"testing"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/chores"
	"relay/store/room"
	"relay/store/strangers"
)

// chore is the one that there is.
func chore(t *testing.T, s *Store) chores.Chore {
	t.Helper()
	var list []chores.Chore
	err := s.view(func(tx *tx) (err error) {
		list, err = room.All[chores.Chore](&tx.Tx, bucket.Chores, nil)
		return err
	})
	if err != nil || len(list) != 1 {
		t.Fatalf("chores %+v, %v; want one", list, err)
	}
	return list[0]
}

// A chore that is stored anew after it was handed out is done from its beginning: what a part
// looked at by the cap of before is planned by the one of now.
func TestChores_replannedMeanwhile(t *testing.T) {
	s, _ := newStore(t)
	setStrangers(t, s, byMX)
	addAccount(t, s, "acme", quota.Plan{})
	handIn(t, s, "acme", 0, 3*aStep)
	sent := deliver(t, s, "acme", strangers.MarkDelivered)
	if err := setFirstCap(s, sent+1); err != nil {
		t.Fatal(err)
	}
	if more, err := s.Chores.Do(); err != nil || !more {
		t.Fatalf("Do = %v, %v", more, err)
	}
	half := chore(t, s)
	if err := setFirstCap(s, strangers.NoCap); err != nil {
		t.Fatal(err)
	}
	if more, err := s.Spool.Doers()[half.Kind](half); err != nil || !more {
		t.Errorf("doer = %v, %v; want that there is more", more, err)
	}
	for more := true; more; {
		var err error
		if more, err = s.Chores.Do(); err != nil {
			t.Fatal(err)
		}
	}
	if sent += deliver(t, s, "acme", strangers.MarkDelivered); sent != 3*aStep {
		t.Errorf("%d went out, want %d", sent, 3*aStep)
	}
	if more, err := s.Spool.Doers()[half.Kind](half); err != nil || more {
		t.Errorf("a chore that is done: doer = %v, %v", more, err)
	}
	verify(t, s)
}
