package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/quota"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/outcomes"
	"relay/store/room"
	"relay/store/spooled"
	"relay/store/standing"
)

// joinUsage leaves a store as a relay of schema 10 did: with one record of usage, which has
// the counts of its open day only.
func joinUsage(s *Store) error {
	err := s.update(0, func(t *tx) error {
		return t.eachUsage(func(account, period string, c *books.Charges, p *outcomes.Progress) error {
			if p.Counts == "" || p.Day == c.Day && c.Today != (quota.Charge{}) {
				return nil
			}
			did, err := closeDay(t, account, period)
			if err == nil && !did {
				err = fmt.Errorf("%s %s: an older relay had all of its counts in one place", account, p.Day)
			}
			return err
		})
	})
	return errors.Join(err, s.update(0, func(t *tx) error {
		err := t.eachUsage(func(account, period string, c *books.Charges, p *outcomes.Progress) error {
			u := usage10{Account: account, Period: period, Charged: c.Charged, Today: c.Today, Day: c.Day,
				Delivered: p.Delivered, Failed: p.Failed, Queued: c.Charged.Messages - p.Delivered - p.Failed, Deferred: p.Deferred,
				Stored: p.Stored, Waiting: p.Waiting, DSNs: p.DSNs, Withheld: p.Withheld,
				Bounced: p.Bounced, Complained: p.Complained, Counts: p.Counts}
			return errors.Join(t.Delete(bucket.Usage, progressKey(account, period)), t.Write(bucket.Usage, room.Pair(account, period), &u))
		})
		return errors.Join(err, t.Write(bucket.Meta, keySchema, 10))
	}))
}

// eachUsage calls fn for the two records of each account and period.
func (t *tx) eachUsage(fn func(account, period string, c *books.Charges, p *outcomes.Progress) error) error {
	var keys []string
	c := t.Cursor(bucket.Usage)
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		keys = append(keys, strings.TrimSuffix(string(k), outcomes.Behind))
	}
	for _, key := range slices.Compact(keys) {
		account, period, _ := strings.Cut(key, "\x00")
		c, p := *t.s.Books.ChargesIn(&t.Tx, account, period), t.s.Outcomes.Of(&t.Tx, account, period)
		if err := fn(account, period, &c, &p); err != nil {
			return err
		}
	}
	return nil
}

// A store of the release before the split has the same usage after it, and goes on: mail is
// settled, charged and closed.
func TestOpen_takesSchema10Over(t *testing.T) {
	needsFile(t, "the test opens that of an older relay")
	path := unpacked(t, "testdata/schema10.db.gz")
	c := &clock{t: time.Date(2026, 12, 6, 12, 0, 0, 0, time.UTC)}
	want, err := os.ReadFile("testdata/schema10.txt")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openTest(path, Options{ReadOnly: true}); !errors.Is(err, ErrOlder) {
		t.Errorf("Open to read = %v, want ErrOlder", err)
	}
	for range 2 { // the second Open finds it split
		s := openBooks(t, path, c)
		verify(t, s)
		if got := usageText(t, s); got != string(want) {
			t.Errorf("usage is\n%s\nwant\n%s", got, want)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := openBooks(t, path, c)
	defer s.Close()
	for _, cl := range claim(t, s, "a.test", "year", 100) {
		settle(t, s, cl, spooled.Delivered)
	}
	c.set(time.Date(2027, 1, 2, 12, 0, 0, 0, time.UTC))
	mustSend(t, s, "year", 7, 1)
	if _, err := closeNow(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	verify(t, s)
	for period, sent := range map[string]int64{"2026-11": 64, "2026-12": 49} {
		u, err := s.Standings.Usage("year", period)
		sum, e := s.Outcomes.InPeriod("year", period)
		if err := errors.Join(err, e); err != nil || u.Charged.Messages != sent || u.Delivered != sent || u.Queued != 0 || sum.Delivered != sent {
			t.Errorf("%s: %+v, by day %+v, %v; want %d e-mails delivered", period, u, sum, err, sent)
		}
	}
}

// usageText is the usage of all accounts in that file, and what became of their mail by day.
func usageText(t *testing.T, s *Store) string {
	t.Helper()
	var text strings.Builder
	for _, account := range []string{"year", "month", "quiet", "gone"} {
		list, err := s.Standings.Usages(account)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range list {
			raw, err := json.Marshal(u)
			sum, e := s.Outcomes.InPeriod(account, u.Period)
			if err := errors.Join(err, e); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&text, "%s\n\t%+v\n", raw, sum)
		}
	}
	return text.String()
}

// copying is a driver that calls committed after each transaction.
type copying struct {
	engine.Driver
	committed func()
}

type copyingTxn struct {
	engine.Txn
	committed func()
}

func (d *copying) Begin(write bool) (engine.Txn, error) {
	txn, err := d.Driver.Begin(write)
	return &copyingTxn{txn, d.committed}, err
}

func (t *copyingTxn) Commit() error {
	err := t.Txn.Commit()
	if err == nil {
		t.committed()
	}
	return err
}

// fill stores so many records of usage that are too many for one transaction of the split.
func fill(t *testing.T, s *Store, accounts int) {
	t.Helper()
	err := s.update(0, func(t *tx) error {
		for i := range accounts {
			for month := range 12 {
				n := int64(i*12 + month)
				u := usage10{Account: accountName(i), Period: fmt.Sprintf("2025-%02d", month+1), Charged: quota.Charge{Messages: n, Bytes: n * 1000},
					Delivered: n - n/7, Failed: n / 7, Bounced: n / 9, DSNs: n % 3, Day: "2025-12-31"}
				if err := t.Write(bucket.Usage, room.Pair(u.Account, u.Period), &u); err != nil {
					return err
				}
			}
		}
		return t.Write(bucket.Meta, keySchema, 10)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// After a kill at any transaction of the split an older relay refuses the store, and the next
// start leaves it as one that was not killed.
func TestOpen_killedWhileSplitting(t *testing.T) {
	c := &clock{t: epoch}
	dir := t.TempDir()
	path := filepath.Join(dir, "relay.db")
	s := reopen(t, path, c)
	addAccount(t, s, "acme", quota.Plan{})
	for range 3 {
		accept(t, s, "acme", 1000, "x@a.test")
	}
	settle(t, s, claim(t, s, "a.test", "acme", 1)[0], spooled.Delivered)
	if err := joinUsage(s); err != nil {
		t.Fatal(err)
	}
	fill(t, s, 2*splitStep/12+1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var copies []string
	o := Options{Now: c.now}
	o.Driver = func(path string, _ []string) (engine.Driver, error) {
		driver, err := driveTest(path, &Options{})
		return &copying{driver, func() {
			to := filepath.Join(dir, fmt.Sprintf("%d.db", len(copies)))
			if err := killedAs(to, path); err != nil {
				t.Error(err)
			}
			copies = append(copies, to)
		}}, err
	}
	whole, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	want := dump(t, whole)
	halves := 0
	for _, at := range slices.Clone(copies) {
		switch read, err := openTest(at, Options{ReadOnly: true}); {
		case errors.Is(err, ErrOlder):
			halves++
			refusedByOlder(t, at)
		case err != nil:
			t.Fatal(err)
		default:
			_ = read.Close()
		}
		k := reopen(t, at, c)
		if got := dump(t, k); !maps.Equal(got, want) {
			t.Errorf("killed at %s: %d records, want %d; they differ", at, len(got), len(want))
		}
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}
	if halves != 3 { // when it has begun, and after each step but the last
		t.Errorf("%d of %d copies are split in part, want 3", halves, len(copies))
	}
}

// refusedByOlder wants a store whose schema the relay before the split does not know.
func refusedByOlder(t *testing.T, path string) {
	t.Helper()
	driver, err := driveTest(path, &Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer driver.Close(true)
	txn, err := driver.Begin(false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = txn.Rollback() }()
	if got := string(txn.Get(bucket.Meta, keySchema)); got != "11" {
		t.Errorf("the schema is %s, want 11", got)
	}
}

// drawUsage10 is a record of schema 10, with the counts of its open day or without.
func drawUsage10(t *rapid.T, account, period string) usage10 {
	n := rapid.Int64Range(0, 1000)
	u := usage10{Account: account, Period: period, Charged: quota.Charge{Messages: n.Draw(t, "charged"), Bytes: n.Draw(t, "octets")},
		Stored: n.Draw(t, "stored"), Waiting: n.Draw(t, "waiting"), DSNs: n.Draw(t, "dsns"), Withheld: n.Draw(t, "withheld"),
		Bounced: n.Draw(t, "bounced"), Complained: n.Draw(t, "complained")}
	u.Delivered = rapid.Int64Range(0, u.Charged.Messages).Draw(t, "delivered")
	u.Failed = rapid.Int64Range(0, u.Charged.Messages-u.Delivered).Draw(t, "failed")
	u.Queued = u.Charged.Messages - u.Delivered - u.Failed
	u.Deferred = rapid.Int64Range(0, u.Queued).Draw(t, "deferred")
	if rapid.Bool().Draw(t, "open") {
		u.Today, u.Day = u.Charged, "2026-11-22"
	}
	if u.Day != "" && u.Delivered > 0 && rapid.Bool().Draw(t, "counts") {
		u.Counts = packed(dayRecord(uint64(u.Delivered)))
	}
	return u
}

// Whatever a store of schema 10 holds, and wherever the split is cut off, each record says the
// same afterwards, and one that cannot be read stays so.
func TestOpen_splitsAnyUsage(t *testing.T) {
	checkModel(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "relay-split-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		was := map[string]usage10{}
		for range rapid.IntRange(0, 12).Draw(t, "records") {
			account := rapid.SampledFrom([]string{"a", "a-1", "a.b", "b"}).Draw(t, "account")
			period := rapid.SampledFrom([]string{"2026-1", "2026-10", "2026-11", "2026-11-05", "2026-11-05-2"}).Draw(t, "period")
			was[string(room.Pair(account, period))] = drawUsage10(t, account, period)
		}
		path := filepath.Join(dir, "relay.db")
		c := &clock{t: epoch}
		s, err := openTest(path, Options{Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		err = s.update(0, func(tx *tx) error {
			for key, u := range was {
				if err := tx.Write(bucket.Usage, []byte(key), &u); err != nil {
					return err
				}
			}
			return errors.Join(tx.Put(bucket.Usage, []byte("c\x002026-11"), []byte("{")), tx.Write(bucket.Meta, keySchema, len(migrations)), beginSplit(tx))
		})
		step := rapid.IntRange(1, 4).Draw(t, "step")
		for i := rapid.IntRange(0, 6).Draw(t, "steps"); i > 0 && err == nil; i-- {
			err = s.update(0, func(tx *tx) error { _, err := tx.splitSome(step); return err })
		}
		killed := filepath.Join(dir, "killed.db")
		if err := errors.Join(err, killedAs(killed, path), s.Close()); err != nil {
			t.Fatal(err)
		}
		if s, err = openTest(killed, Options{Now: c.now}); err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		checkSplit(t, s, was)
	})
}

// checkSplit compares the two records of each period with what was one.
func checkSplit(t *rapid.T, s *Store, was map[string]usage10) {
	for _, u := range was {
		want := standing.Usage{Account: u.Account, Period: u.Period, Charged: u.Charged, Delivered: u.Delivered, Failed: u.Failed, Queued: u.Queued, Deferred: u.Deferred,
			Stored: u.Stored, Waiting: u.Waiting, DSNs: u.DSNs, Withheld: u.Withheld, Bounced: u.Bounced, Complained: u.Complained, Today: u.Today, Day: u.Day}
		if got, err := s.Standings.Usage(u.Account, u.Period); err != nil || got != want {
			t.Fatalf("usage is %+v, %v; was %+v", got, err, want)
		}
		days := int64(0)
		err := s.view(func(tx *tx) error {
			days = 0
			return tx.s.Outcomes.EachDay(&tx.Tx, u.Account, "2026-11-22", "2026-11-23", func(_, period string, d *outcomes.Day) {
				if period == u.Period {
					days += int64(d.Delivered)
				}
			})
		})
		if err != nil || u.Counts == "" && days != 0 || u.Counts != "" && days != u.Delivered {
			t.Fatalf("%d e-mails delivered by day, %v; was %+v", days, err, u)
		}
	}
	records := 0
	err := s.view(func(tx *tx) error {
		for _, key := range []string{"c\x002026-11", "c\x002026-11\x00"} {
			if raw := tx.Get(bucket.Usage, []byte(key)); !bytes.Equal(raw, []byte("{")) {
				t.Fatalf("what could not be read is %q under %q", raw, key)
			}
		}
		cur := tx.Cursor(bucket.Usage)
		for k, _ := cur.First(); k != nil; k, _ = cur.Next() {
			if tx.s.Books.IsCharges(k) {
				records++
			}
		}
		return nil
	})
	if err != nil || records != len(was)+1 {
		t.Fatalf("%d records of charges, %v; want %d", records, err, len(was)+1)
	}
}

// An operator who waits for a large store to be upgraded sees what relay does; at other starts
// nothing is said.
func TestOpen_saysThatItUpgrades(t *testing.T) {
	for path, want := range map[string]bool{unpacked(t, "testdata/schema10.db.gz"): true, filepath.Join(t.TempDir(), "new.db"): false} {
		for _, want := range []bool{want, false} {
			var log bytes.Buffer
			s, err := Open(path, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if said := strings.Contains(log.String(), "the store is being upgraded"); said != want {
				t.Errorf("%s: said %v, want %v:\n%s", filepath.Base(path), said, want, log.String())
			}
		}
	}
}
