package known

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/room/roomtest"
	"relay/store/spooled"
)

// fixture is the room in a store of its own.
type fixture struct {
	*Recipients
	testing.TB
	db *roomtest.Store
}

func open(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{TB: t, db: roomtest.Open(t)}
	f.db.AddAccounts(t, "acme", "acme2")
	f.start()
	return f
}

// start opens the room as a relay does.
func (f *fixture) start() {
	f.Helper()
	f.Recipients = New(f.db.DB, Options{Zone: time.UTC})
	if err := f.LoadKey(); err != nil {
		f.Fatal(err)
	}
}

func recipient(local string) *spooled.Recipient {
	return &spooled.Recipient{Address: local + "@A.test", Domain: "a.test"}
}

// learnAll lets an account write to recipients, in one transaction.
func (f *fixture) learnAll(account string, to ...string) {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) error {
		for _, local := range to {
			if err := f.Learn(t, account, recipient(local)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f *fixture) known(account, to string) (is bool) {
	f.Helper()
	err := f.db.View(func(t room.Tx) (err error) { is, err = f.Knows(&t, account, recipient(to)); return err })
	if err != nil {
		f.Fatal(err)
	}
	return is
}

func (f *fixture) want(want bool, account string, to ...string) {
	f.Helper()
	for _, local := range to {
		if got := f.known(account, local); got != want {
			f.Errorf("%s knows %s: %t", account, local, got)
		}
	}
}

// A recipient is known to the account that wrote to it, whatever the case of the local part, and
// after a kill too.
func TestRecipients_Knows(t *testing.T) {
	f := open(t)
	f.want(false, "acme", "jo")
	f.learnAll("acme", "Jo", "al")
	for range 2 {
		f.want(true, "acme", "jo", "JO", "al")
		f.want(false, "acme", "bo")
		f.want(false, "acme2", "jo", "al")
		f.db = f.db.Killed(t)
		f.start()
	}
}

// A transaction that makes the key may fail, and run again with another key: what it learns then
// is known afterwards.
func TestRecipients_Learn_again(t *testing.T) {
	f := open(t)
	errFails := errors.New("rolled back")
	err := f.db.Update(0, func(tx room.Tx) error {
		return errors.Join(f.Learn(&tx, "acme", recipient("jo")), f.Learn(&tx, "acme", recipient("al")), errFails)
	})
	if !errors.Is(err, errFails) {
		t.Fatal(err)
	}
	f.want(false, "acme", "jo", "al")
	f.learnAll("acme", "jo", "al")
	f.want(true, "acme", "jo", "al")
	f.db = f.db.Killed(t)
	f.start()
	f.want(true, "acme", "jo", "al")
}

// A recipient is known through the twelfth month after the last mail, by the operator's months.
func TestRecipients_Knows_aYear(t *testing.T) {
	f := open(t)
	f.learnAll("acme", "jo")
	f.db.Pass(f.db.Now().AddDate(1, 0, 30).Sub(f.db.Now()))
	f.want(true, "acme", "jo")
	f.db.Pass(24 * time.Hour)
	f.want(false, "acme", "jo")
}

// What is too old is taken out, and the recipients of an account that is gone; all others stay. It
// goes on behind the chunks of one transaction.
func TestRecipients_Prune(t *testing.T) {
	f := open(t)
	f.learnAll("acme", "old", "renewed")
	f.learnAll("gone", "jo")
	for i := range room.Step + 3 {
		f.learnAll(fmt.Sprintf("gone%03d", i), "jo")
	}
	f.db.Pass(300 * 24 * time.Hour)
	f.learnAll("acme2", "new")
	f.learnAll("acme", "renewed")
	f.db.Pass(100 * 24 * time.Hour)
	for range 2 {
		if err := f.Prune(); err != nil {
			t.Fatal(err)
		}
		f.want(true, "acme", "renewed")
		f.want(true, "acme2", "new")
		if n, keys := f.entries(), f.db.Keys(t, bucket.Known); n != 2 || len(keys) != 2 {
			t.Errorf("left: %d recipients in chunks %q", n, keys)
		}
	}
	f.db.Pass(400 * 24 * time.Hour)
	if err := f.Prune(); err != nil || f.entries() != 0 || f.db.Keys(t, bucket.Known) != nil {
		t.Errorf("after two years: %v, %d recipients", err, f.entries())
	}
}

// entries of all chunks.
func (f *fixture) entries() (n int) {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) error {
		c := t.Cursor(bucket.Known)
		for k, raw := c.First(); k != nil; k, raw = c.Next() {
			n += len(raw) / entrySize
		}
		return nil
	})
	return n
}

// Whatever is learned, over months, prunes and kills: each account knows what a map of the months
// has.
func TestRecipients_AgainstModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := open(t)
		last := map[string]int{} // month by "account local"
		draw := func(r *rapid.T) (account, local string) {
			return rapid.SampledFrom([]string{"acme", "acme2"}).Draw(r, "account"), fmt.Sprint(rapid.IntRange(0, 9).Draw(r, "recipient"))
		}
		r.Repeat(map[string]func(*rapid.T){
			"learn": func(r *rapid.T) {
				account, local := draw(r)
				f.learnAll(account, local)
				last[account+" "+local] = f.month(f.db.Now())
			},
			"fail": func(r *rapid.T) {
				account, local := draw(r)
				_ = f.db.Update(0, func(tx room.Tx) error {
					return errors.Join(f.Learn(&tx, account, recipient(local)), errors.New("rolled back"))
				})
			},
			"pass": func(r *rapid.T) {
				if f.db.Now().Year() > 2040 {
					r.Skip("a chunk that was not pruned for 20 years") // its months begin anew
				}
				f.db.Pass(time.Duration(rapid.IntRange(1, 120).Draw(r, "days")) * 24 * time.Hour)
			},
			"prune": func(r *rapid.T) {
				if err := f.Prune(); err != nil {
					r.Fatal(err)
				}
				maps.DeleteFunc(last, func(_ string, was int) bool { return f.month(f.db.Now())-was > keptMonths })
				if n := f.entries(); n != len(last) {
					r.Fatalf("%d recipients are left of %v", n, last)
				}
			},
			"kill": func(*rapid.T) {
				f.db = f.db.Killed(t)
				f.start()
			},
			"": func(r *rapid.T) {
				for _, account := range []string{"acme", "acme2"} {
					for i := range 10 {
						was, ever := last[fmt.Sprint(account, " ", i)]
						if got := f.known(account, fmt.Sprint(i)); got != (ever && f.month(f.db.Now())-was <= keptMonths) {
							r.Fatalf("%s knows %d: %t, last in %d of %d", account, i, got, was, f.month(f.db.Now()))
						}
					}
				}
			},
		})
	})
}
