package outcomes

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
	"relay/store/room/roomtest"
	"relay/store/spooled"
)

// fixture is the room in a store of its own.
type fixture struct {
	*Outcomes
	testing.TB
	db *roomtest.Store
}

func open(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{TB: t}
	f.db = roomtest.Open(t, func(b *engine.Tx) error { return f.Flush(b) })
	f.Outcomes = New(f.db.DB, Options{Zone: time.UTC})
	f.db.AddAccounts(t, "acme", "other")
	return f
}

// mailOf an account is accepted now, some days ago.
func (f *fixture) mailOf(account string, ago int) Mail {
	return Mail{Account: account, Period: "2026-03", Accepted: f.db.Now().AddDate(0, 0, -ago)}
}

// became counts e-mails that were queued, in one transaction.
func (f *fixture) became(m Mail, list ...Fate) {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) error {
		for _, is := range list {
			f.Count(t, m, is)
		}
		return nil
	})
}

func delivered(provider string) Fate { return Fate{spooled.Queued, spooled.Delivered, "", provider} }

func failed(category string) Fate { return Fate{spooled.Queued, spooled.Failed, category, ""} }

// days are those of an account by day and period, the parts of each added up.
func (f *fixture) days(account, from, until string) map[string]Sum {
	f.Helper()
	all := map[string]Sum{}
	f.db.Do(f, func(t *room.Tx) error {
		clear(all)
		return f.EachDay(t, account, from, until, func(day, period string, d *Day) {
			sum, more := all[day+" "+period], d.Sum()
			sum.Add(&more)
			all[day+" "+period] = sum
		})
	})
	return all
}

func (f *fixture) wantProgress(m Mail, want Progress) {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) error {
		got := f.Of(t, m.Account, m.Period)
		if got.Day, got.Counts = "", ""; got != want {
			f.Errorf("progress is %+v, want %+v", got, want)
		}
		return nil
	})
}

// verify returns what is found at fault.
func (f *fixture) verify() (found []string) {
	f.Helper()
	fault := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	err := f.db.View(func(t room.Tx) error {
		each := func(b engine.Bucket, fn func(k, raw []byte)) error {
			c := t.Cursor(b)
			for k, raw := c.First(); k != nil; k, raw = c.Next() {
				fn(k, raw)
			}
			return nil
		}
		err := each(bucket.Usage, func(k, raw []byte) {
			var p Progress
			if err := room.Decode(bucket.Usage, k, raw, &p); err != nil {
				fault("%v", err)
			}
			account, rest, _ := strings.Cut(string(k), "\x00")
			p.Verify(account, strings.TrimSuffix(rest, Behind), fault)
		})
		return errors.Join(err, f.Outcomes.Verify(&t, each, fault))
	})
	if err != nil {
		f.Fatal(err)
	}
	return found
}

// A message waits from its acceptance to its end, and each of its e-mails counts as what it is.
func TestOutcomes_Count(t *testing.T) {
	f := open(t)
	m := f.mailOf("acme", 0)
	f.db.Do(t, func(t *room.Tx) error {
		f.Enter(t, m, 700)
		f.Enter(t, m, 300)
		return nil
	})
	f.wantProgress(m, Progress{Waiting: 2, Stored: 1000})
	later := Fate{spooled.Queued, spooled.Deferred, "", "Google"}
	again := Fate{spooled.Deferred, spooled.Deferred, "", "Google"}
	f.became(m, delivered("Google"), delivered(""), later, again, failed("BadDomain"), Fate{spooled.Queued, spooled.Suppressed, "InvalidRecipient", ""})
	f.wantProgress(m, Progress{Waiting: 2, Stored: 1000, Delivered: 2, Failed: 2, Deferred: 1})
	f.became(m, Fate{spooled.Deferred, spooled.Expired, "MessageExpired", "Google"})
	f.db.Do(t, func(t *room.Tx) error {
		f.Leave(t, m, 700)
		f.DSN(t, m)
		f.Withheld(t, m)
		f.Bounced(t, m)
		f.Complained(t, m)
		return nil
	})
	f.wantProgress(m, Progress{Waiting: 1, Stored: 300, Delivered: 2, Failed: 3, DSNs: 1, Withheld: 1, Bounced: 1, Complained: 1})
	want := Sum{Delivered: 2, Deferred: 1, Failed: map[string]int64{"BadDomain": 1, "InvalidRecipient": 1, "MessageExpired": 1},
		Providers: map[string]Provider{"Google": {1, 1, 1}}, Bounced: 1, Complained: 1}
	if got, err := f.InPeriod("acme", m.Period); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("in the period: %+v, %v; want %+v", got, err, want)
	}
	if found := f.verify(); found != nil {
		t.Errorf("found %q", found)
	}
}

// Relay's own mail counts nowhere.
func TestOutcomes_Count_own(t *testing.T) {
	f := open(t)
	m := Mail{Account: "", Accepted: f.db.Now()}
	f.db.Do(t, func(t *room.Tx) error {
		f.Enter(t, m, 100)
		f.Count(t, m, delivered("Google"))
		f.DSN(t, m)
		f.Withheld(t, m)
		f.Leave(t, m, 100)
		return nil
	})
	if keys := append(f.db.Keys(t, bucket.Usage), f.db.Keys(t, bucket.DaysOf)...); keys != nil {
		t.Errorf("there are %q", keys)
	}
}

// What is stored has the form that it always had.
func TestOutcomes_Flush(t *testing.T) {
	f := open(t)
	f.became(f.mailOf("acme", 1), delivered("Google"), failed("BadDomain"))
	f.became(f.mailOf("acme", 0), delivered(""))
	f.db.Do(t, func(t *room.Tx) error {
		for at, want := range map[string]string{
			"usage acme\x002026-03\x00":          `{"delivered":2,"failed":1,"day":"2026-03-01","counts":"AQAAAA"}`,
			"days acme\x002026-02-28\x002026-03": "\x01\x00\x01\x09BadDomain\x01\x01\x06Google\x01\x00\x00",
		} {
			name, key, _ := strings.Cut(at, " ")
			if got := t.Get(engine.Bucket(slices.Index(bucket.Names, name)), []byte(key)); string(got) != want {
				f.Errorf("%q is %q, want %q", at, got, want)
			}
		}
		return nil
	})
}

// Sums over periods see what is stored and what the transaction itself has counted.
func TestOutcomes_Waiting(t *testing.T) {
	f := open(t)
	april := Mail{Account: "acme", Period: "2026-04", Accepted: f.db.Now()}
	f.db.Do(t, func(t *room.Tx) error {
		f.Enter(t, f.mailOf("acme", 0), 100)
		f.Enter(t, f.mailOf("other", 0), 7)
		f.Count(t, f.mailOf("acme", 0), Fate{spooled.Queued, spooled.Deferred, "", ""})
		return nil
	})
	f.db.Do(t, func(t *room.Tx) error {
		f.Enter(t, april, 50)
		f.Count(t, april, Fate{spooled.Queued, spooled.Deferred, "", ""})
		waiting, err := f.Waiting(t, "acme")
		stored, err2 := f.Stored(t, "acme")
		deferred, err3 := f.Deferred(t, "acme")
		if err := errors.Join(err, err2, err3); err != nil || waiting != 2 || stored != 150 || deferred != 2 {
			f.Errorf("%d waiting, %d stored, %d deferred, %v", waiting, stored, deferred, err)
		}
		return nil
	})
}

// Days are read between two, also when they have gone to their bucket, and of no other account.
func TestOutcomes_Between(t *testing.T) {
	f := open(t)
	for ago := 5; ago >= 0; ago-- {
		f.became(f.mailOf("acme", ago), delivered("Google"), failed("BadDomain"), failed("SpamBlock"))
	}
	f.became(f.mailOf("other", 3), delivered("Google"))
	for _, c := range []struct {
		from, until  string
		good, failed int64
	}{
		{"", "", 6, 12},
		{"2026-02-25", "2026-02-27", 2, 4},
		{"2026-03-01", "", 1, 2},
		{"2026-02-28", "2026-02-28", 0, 0},
	} {
		if good, bad, err := f.Between("acme", c.from, c.until); good != c.good || bad != c.failed || err != nil {
			t.Errorf("from %q until %q: %d delivered, %d failed, %v; want %d and %d", c.from, c.until, good, bad, err, c.good, c.failed)
		}
	}
}

// Days go after 400 days, and with their account. Until they are removed nobody reads them.
func TestOutcomes_Prune(t *testing.T) {
	f := open(t)
	f.became(f.mailOf("acme", 1), delivered("Google"))
	f.became(f.mailOf("acme", 0), delivered("Google"))
	gone := f.mailOf("gone", 1)
	f.became(gone, delivered("Google"))
	gone.Accepted = f.db.Now()
	f.became(gone, delivered("Google"))
	f.db.Pass(400 * 24 * time.Hour)
	if got := f.days("acme", "", ""); len(got) != 1 || got["2026-03-01 2026-03"].Delivered != 1 {
		t.Errorf("of 400 days: %+v", got)
	}
	if len(f.db.Keys(t, bucket.DaysOf)) != 2 {
		t.Errorf("there are %q", f.db.Keys(t, bucket.DaysOf))
	}
	if n, err := f.Prune(f.db.Now()); n != 2 || err != nil {
		t.Errorf("%d days were removed, %v", n, err)
	}
	if keys := f.db.Keys(t, bucket.DaysOf); keys != nil {
		t.Errorf("left: %q", keys)
	}
	f.db.Pass(24 * time.Hour)
	if got := f.days("acme", "", ""); len(got) != 0 {
		t.Errorf("of 401 days: %+v", got)
	}
}

// An account is removed with its days, also those of the transaction; its progress stays.
func TestOutcomes_Forget(t *testing.T) {
	f := open(t)
	for ago := 3; ago >= 1; ago-- {
		for _, account := range []string{"acme", "other"} {
			f.became(f.mailOf(account, ago), delivered("Google"))
		}
	}
	f.db.Do(t, func(t *room.Tx) error {
		f.Count(t, f.mailOf("acme", 9), delivered("Google"))
		f.Count(t, f.mailOf("acme", 0), delivered("Google"))
		return f.Forget(t, "acme")
	})
	if got := f.days("acme", "", ""); len(got) != 0 {
		t.Errorf("left: %+v", got)
	}
	if got := f.days("other", "", ""); len(got) != 3 {
		t.Errorf("of the other: %+v", got)
	}
	f.db.Do(t, func(t *room.Tx) error {
		if raw := t.Get(bucket.Usage, progressKey("acme", "2026-03")); string(raw) != `{"delivered":5}` {
			f.Errorf("its progress is %s", raw)
		}
		return nil
	})
}

// A count that cannot be read fails the request, and stays as it is.
func TestOutcomes_unreadable(t *testing.T) {
	for what, c := range map[string]struct {
		bucket engine.Bucket
		key    []byte
		bad    string
		reads  bool // readers fail too
	}{
		"a closed day":    {bucket.DaysOf, dayKey("acme", "2026-02-28", "2026-03"), "\xff", true},
		"the open day":    {bucket.Usage, progressKey("acme", "2026-03"), `{"day":"2026-02-28","counts":"no count"}`, true},
		"of another kind": {bucket.Usage, progressKey("acme", "2026-03"), `{"day":"2026-02-28","counts":"AQAA"}`, true},
		"progress":        {bucket.Usage, progressKey("acme", "2026-03"), "\xff", false},
	} {
		t.Run(what, func(t *testing.T) {
			f := open(t)
			f.became(f.mailOf("acme", 0), delivered("Google"))
			f.db.Do(t, func(t *room.Tx) error { return t.Put(c.bucket, c.key, []byte(c.bad)) })
			err := f.db.Update(0, func(t room.Tx) error {
				f.Count(&t, f.mailOf("acme", 1), delivered("Google"))
				return nil
			})
			if err == nil {
				t.Error("it was counted")
			}
			f.db.Do(t, func(t *room.Tx) error {
				if got := t.Get(c.bucket, c.key); string(got) != c.bad {
					f.Errorf("it is %q", got)
				}
				return nil
			})
			if _, err := f.InPeriod("acme", "2026-03"); c.reads && err == nil {
				t.Error("it was read")
			}
			if found := f.verify(); found == nil {
				t.Error("Verify finds nothing")
			}
		})
	}
}

// Counts that say too much are found.
func TestOutcomes_Verify(t *testing.T) {
	change := func(harm func(*Progress)) func(*room.Tx) error {
		return func(t *room.Tx) error {
			var p Progress
			if _, err := t.Read(bucket.Usage, progressKey("acme", "2026-03"), &p); err != nil {
				return err
			}
			harm(&p)
			return t.Write(bucket.Usage, progressKey("acme", "2026-03"), p)
		}
	}
	closed := func(d *Day) func(*room.Tx) error {
		return func(t *room.Tx) error {
			return t.Put(bucket.DaysOf, dayKey("acme", "2026-02-01", "2026-03"), d.append(nil))
		}
	}
	for want, harm := range map[string]func(*room.Tx) error{
		"1 e-mails delivered, but 2 bounced and 0 complained of":                         change(func(p *Progress) { p.Bounced = 2 }),
		"1 e-mails delivered, but 0 bounced and 2 complained of":                         change(func(p *Progress) { p.Complained = 2 }),
		"decode the open day of acme 2026-03":                                            change(func(p *Progress) { p.Counts = "no count" }),
		"has counts of a day that is not named":                                          change(func(p *Progress) { p.Day = "" }),
		"the open day of acme in 2026-03 has 1 delivered, 0 failed; its usage 0 and 0":   change(func(p *Progress) { p.Delivered = 0 }),
		"the open day of acme in 2026-03 has 1 bounced, 0 complained of; its usage 0":    change(func(p *Progress) { p.pack(&Day{Bounced: 1}) }),
		"the days of acme in 2026-03 have 2 delivered, 0 failed; its usage 1 and 0":      closed(&Day{Delivered: 1}),
		"the days of acme in 2026-03 have 1 delivered, 1 failed; its usage 1 and 0":      closed(&Day{failed: []failures{{"BadDomain", 1}}}),
		"the days of acme in 2026-03 have 0 bounced, 1 complained of; its usage 0 and 0": closed(&Day{Complained: 1}),
	} {
		f := open(t)
		f.became(f.mailOf("acme", 0), delivered("Google"))
		if found := f.verify(); found != nil {
			t.Fatalf("before: %q", found)
		}
		f.db.Do(t, harm)
		if found := f.verify(); !slices.ContainsFunc(found, func(p string) bool { return strings.Contains(p, want) }) {
			t.Errorf("%s: found %q", want, found)
		}
	}
}
