package chores

import (
	"errors"
	"slices"
	"testing"
	"time"

	"relay/store/room"
	"relay/store/room/roomtest"
)

// A chore is done when it is due, in parts, and once. One that fails stays and stops no other,
// one of an unknown kind goes, and one of a clock that was wrong is done at once.
func TestChores_Do(t *testing.T) {
	st := roomtest.Open(t)
	db, now := st.DB, st.Now()
	var did []string
	fails := true
	q := New(db, map[Kind]Doer{
		Unpark: func(c Chore) (more bool, err error) {
			did = append(did, c.Account+string(c.From))
			if c.From == nil {
				c.From = []byte("+")
				return true, db.Update(0, func(t room.Tx) error { return Add(&t, c) })
			}
			return false, db.Update(0, func(t room.Tx) error { return Remove(&t, c) })
		},
		Replan: func(c Chore) (bool, error) {
			if fails {
				return false, errors.New("no")
			}
			did = append(did, c.Account)
			return false, db.Update(0, func(t room.Tx) error { return Remove(&t, c) })
		},
	})
	err := db.Update(0, func(t room.Tx) error {
		return errors.Join(Add(&t, Chore{Kind: Unpark, Account: "a", Due: now}),
			Add(&t, Chore{Kind: Unpark, Account: "later", Due: now.Add(time.Minute)}),
			Add(&t, Chore{Kind: Unpark, Account: "wrong", Due: now.AddDate(1, 0, 0)}),
			Add(&t, Chore{Kind: Replan, Account: "b", Due: now}),
			Add(&t, Chore{Kind: "odd", Account: "c", Due: now}))
	})
	if err != nil {
		t.Fatal(err)
	}
	want := func(when string, more bool, fails string, names ...string) {
		t.Helper()
		did = nil
		is, err := q.Do()
		if is != more || (err == nil) != (fails == "") || err != nil && err.Error() != fails || !slices.Equal(did, names) {
			t.Errorf("%s: did %q, more %v, %v", when, did, is, err)
		}
	}
	want("first", true, `replan of account "b": no`, "a", "wrong")
	want("second", false, `replan of account "b": no`, "a+", "wrong+")
	fails = false
	want("third", false, "", "b")
	want("fourth", false, "")
	st.Pass(time.Minute)
	want("a minute later", true, "", "later")
	want("its end", false, "", "later+")
	want("in the end", false, "")
}
