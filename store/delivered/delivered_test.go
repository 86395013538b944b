package delivered

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/quiet"
	"relay/store/room"
	"relay/store/room/roomtest"
	"relay/store/sent"
	"relay/store/spooled"
)

const day = 24 * time.Hour

// fixture is the room in a store of its own.
type fixture struct {
	*Index
	testing.TB
	db     *roomtest.Store
	resume func() // has the keeper go on
	id     uint64 // of the last message
}

// open is the room with a keeper that stands still.
func open(t *testing.T) *fixture {
	t.Helper()
	f := begin(t)
	t.Cleanup(f.verify)
	return f
}

// begin is open for tests that kill their store, and verify it themselves.
func begin(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{TB: t, db: roomtest.Open(t, Flush)}
	f.load()
	return f
}

// load begins anew with what is stored. The keeper stands still.
func (f *fixture) load() {
	f.Helper()
	f.Index = New(f.db.DB, Options{Past: f.db.Now, Log: quiet.New(slog.New(slog.DiscardHandler))})
	f.resume = f.Pause()
	if err := f.Load(false); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(f.Close)
}

// message makes one to mailboxes at x.test.
func (f *fixture) message(account, messageID string, to ...string) *spooled.Message {
	f.id++
	m := &spooled.Message{ID: spooled.ID{8: byte(f.id >> 16), 9: byte(f.id >> 8), 10: byte(f.id)}, Account: account, Period: "2026-03", MessageID: messageID}
	for _, local := range to {
		m.Recipients = append(m.Recipients, spooled.Recipient{Address: local + "@x.test", Domain: "x.test"})
	}
	return m
}

// deliver enters all recipients' copies in one transaction.
func (f *fixture) deliver(list ...*spooled.Message) {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) error { return f.enter(t, list...) })
}

func (f *fixture) enter(t *room.Tx, list ...*spooled.Message) error {
	for _, m := range list {
		for i := range m.Recipients {
			if err := f.Enter(t, m, &m.Recipients[i], Way{"192.0.2.7", "bigmail"}); err != nil {
				return err
			}
		}
	}
	return nil
}

// keep takes steps until there is nothing to do.
func (f *fixture) keep() {
	f.Helper()
	for {
		if more, err := f.Step(); err != nil {
			f.Fatal(err)
		} else if !more {
			return
		}
	}
}

// find are the entries of a message in order, each once, by the two halves of a look-up.
func (f *fixture) find(key []byte) (list []sent.Entry) {
	f.Helper()
	take := func(e sent.Entry) bool { list = append(list, e); return true }
	f.Recent(sent.Hash(key), func(e sent.Entry) bool {
		return !strings.HasPrefix(string(e.AppendKey(nil)), string(key)) || take(e)
	})
	f.db.Do(f, func(t *room.Tx) error {
		runs, err := f.Runs(t)
		if err == nil {
			runs.Find(key, func(e sent.Entry) bool { return strings.HasPrefix(string(e.AppendKey(nil)), string(key)) && take(e) })
		}
		return err
	})
	slices.SortFunc(list, func(a, b sent.Entry) int { return strings.Compare(string(a.Append(nil)), string(b.Append(nil))) })
	return slices.Compact(list)
}

// owner of a message's first e-mail; zero: it is nobody's, or is not found.
func (f *fixture) owner(m *spooled.Message) (o Owner) {
	f.Helper()
	h := f.Hash(m.MessageID, m.ID)
	list := f.find(h[:])
	f.db.Do(f, func(t *room.Tx) error {
		if len(list) > 0 {
			o, _ = f.Owner(t, list[0].Owner)
		}
		return nil
	})
	return o
}

// faults are what Verify finds.
func (f *fixture) faults(t *room.Tx) (found []string) {
	f.Helper()
	each := func(b engine.Bucket, fn func(k, raw []byte)) error {
		c := t.Cursor(b)
		for k, raw := c.First(); k != nil; k, raw = c.Next() {
			fn(k, raw)
		}
		return nil
	}
	err := f.Verify(t, each, func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) })
	if err != nil {
		f.Error(err)
	}
	return found
}

func (f *fixture) verify() {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) error {
		if found := f.faults(t); found != nil {
			f.Errorf("Verify: %q", found)
		}
		return nil
	})
}

// What is stored, and each token, is octet for octet what an earlier release made of the same mail.
func TestIndex_stored(t *testing.T) {
	f := &fixture{TB: t, db: roomtest.Open(t, Flush)}
	f.db.Do(t, func(tx *room.Tx) error {
		return tx.Put(bucket.Meta, keySecret, []byte("0123456789abcdef0123456789abcdef"))
	})
	f.load()
	var out strings.Builder
	for n := range 3 {
		mail := stored(n)
		f.db.Do(t, func(tx *room.Tx) error {
			for _, m := range mail {
				for i := range m.Recipients {
					if err := f.Enter(tx, m, &m.Recipients[i], Way{fmt.Sprintf("192.0.2.%d", i), "bigmail"}); err != nil {
						return err
					}
				}
			}
			return nil
		})
		for _, m := range mail[:2] {
			for i := range m.Recipients {
				fmt.Fprintf(&out, "token %s\n", f.ReturnPath(m, i, "back.test"))
			}
		}
		f.dump(&out, fmt.Sprintf("day %d", n))
		if n == 1 {
			f.db.Do(t, func(tx *room.Tx) error { return f.Forget(tx, "blue") })
		}
		for range 2 {
			if _, err := f.Step(); err != nil {
				t.Fatal(err)
			}
		}
		f.dump(&out, fmt.Sprintf("day %d kept", n))
		f.db.Pass(day)
	}
	f.db.Pass(197 * day)
	for {
		more, err := f.Step()
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
		f.dump(&out, "a step")
	}
	want, err := os.ReadFile("testdata/stored.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(want), "\n") // a line about the file
	got, wanted := strings.Split(out.String(), "\n"), strings.Split(text, "\n")
	for i := range min(len(got), len(wanted)) {
		if got[i] != wanted[i] {
			t.Fatalf("line %d is\n%s, want\n%s", i+2, got[i], wanted[i])
		}
	}
	if len(got) != len(wanted) {
		t.Errorf("%d lines, want %d", len(got), len(wanted))
	}
}

// stored is the mail of a day: with a Message-ID, without one, and relay's own.
func stored(n int) []*spooled.Message {
	ann, bob := spooled.Recipient{Address: "Ann@x.test", Domain: "x.test"}, spooled.Recipient{Address: "bob@y.test", Domain: "y.test"}
	return []*spooled.Message{
		{ID: spooled.ID{1, byte(n)}, Account: "acme", Period: "2026-03", MessageID: fmt.Sprintf("<%d@acme>", n), Recipients: []spooled.Recipient{ann, bob}},
		{ID: spooled.ID{2, byte(n)}, Account: "blue", Period: "2026-03", Recipients: []spooled.Recipient{ann}},
		{ID: spooled.ID{3, byte(n)}, Own: "x", Recipients: []spooled.Recipient{ann}},
	}
}

// dump writes all that is stored, but for the key.
func (f *fixture) dump(out *strings.Builder, title string) {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) error {
		fmt.Fprintf(out, "# %s\nmeta %x %x\n", title, keyDone, t.Get(bucket.Meta, keyDone))
		for _, b := range []engine.Bucket{bucket.SentOpen, bucket.SentIndexOf, bucket.SentRuns, bucket.SentNames} {
			c := t.Cursor(b)
			for k, v := c.First(); k != nil; k, v = c.Next() {
				fmt.Fprintf(out, "%s %x %x\n", bucket.Names[b], k, v)
			}
		}
		return nil
	})
}

// A store that is only read gets no key.
func TestIndex_Load_readOnly(t *testing.T) {
	db := roomtest.Open(t, Flush)
	x := New(db.DB, Options{Past: db.Now})
	if err := x.Load(true); err != nil {
		t.Fatal(err)
	}
	if keys := db.Keys(t, bucket.Meta); keys != nil || x.key == [32]byte{} {
		t.Errorf("stored: %q; the key is %x", keys, x.key)
	}
}

// Relay's own mail is not in the index.
func TestIndex_Enter_own(t *testing.T) {
	f := open(t)
	m := f.message("", "<1@relay>", "ann")
	m.Own, m.Period = spooled.NoteReturned, ""
	f.deliver(m)
	h := f.Hash(m.MessageID, m.ID)
	if list := f.find(h[:]); list != nil {
		t.Errorf("found %+v", list)
	}
}

// The names of an account that is removed are nobody's, also those of the same transaction. A later
// account of that name has other numbers.
func TestIndex_Forget(t *testing.T) {
	f := open(t)
	first, other := f.message("acme", "<1@acme>", "ann"), f.message("acme2", "<1@acme2>", "ann")
	f.deliver(first, other)
	late := f.message("acme", "<2@acme>", "ann")
	f.db.Do(t, func(tx *room.Tx) error { return errors.Join(f.enter(tx, late), f.Forget(tx, "acme")) })
	again := f.message("acme", "<3@acme>", "ann")
	f.deliver(again)
	for m, want := range map[*spooled.Message]Owner{first: {}, late: {}, other: {"acme2", "2026-03"}, again: {"acme", "2026-03"}} {
		if got := f.owner(m); got != want {
			t.Errorf("%s is of %+v, want %+v", m.MessageID, got, want)
		}
	}
	both := f.message("acme", "<4@acme>", "ann")
	f.db.Do(t, func(tx *room.Tx) error {
		return errors.Join(f.enter(tx, late), f.Forget(tx, "acme"), f.enter(tx, both))
	})
	if got := f.owner(both); got != (Owner{"acme", "2026-03"}) {
		t.Errorf("what a new account sends in the same transaction is of %+v", got)
	}
}

// The names of a period are kept for as long as one may last, for any number of accounts.
func TestIndex_PruneNames(t *testing.T) {
	f := open(t)
	var list []*spooled.Message
	for i := range room.Step + 10 {
		list = append(list, f.message(fmt.Sprintf("a%d", i), "", "ann"))
	}
	f.deliver(list...)
	names := func() (n int) {
		for _, k := range f.db.Keys(t, bucket.SentNames) {
			if k[0] == ownerByName {
				n++
			}
		}
		return n
	}
	prune := func(after time.Duration, want int) {
		t.Helper()
		f.db.Pass(after)
		if err := f.PruneNames(f.db.Now()); err != nil {
			t.Fatal(err)
		}
		if n := names(); n != want {
			t.Errorf("%d names are left, want %d", n, want)
		}
	}
	prune(namesKept*day, len(list))
	f.deliver(f.message("young", "", "ann"))
	prune(day, 1)
	if got := f.owner(list[0]); got != (Owner{}) {
		t.Errorf("what was sent then is of %+v", got)
	}
}

// An entry has room for so many ways; further ones are not told apart.
func TestIndex_Way(t *testing.T) {
	f := open(t)
	f.deliver(f.message("acme", "<1@acme>", "ann"))
	f.db.Do(t, func(tx *room.Tx) error {
		last := []byte{0, 0, 0xff, 0xff}
		return errors.Join(tx.Put(bucket.SentNames, append([]byte{wayByNumber}, last...), []byte("last\x00")),
			tx.Put(bucket.SentNames, append([]byte{wayByName}, "last\x00"...), append(last, 0, 0, 0, 0)))
	})
	m := f.message("acme", "<2@acme>", "ann")
	f.db.Do(t, func(tx *room.Tx) error {
		for range 2 {
			if err := f.Enter(tx, m, &m.Recipients[0], Way{"192.0.2.8", "bigmail"}); err != nil {
				return err
			}
		}
		return nil
	})
	for id, want := range map[string]Way{"<1@acme>": {"192.0.2.7", "bigmail"}, "<2@acme>": {}} {
		h, _ := f.HashOf(id)
		list := f.find(h[:])
		if len(list) != 1 || list[0].Way > math.MaxUint16/2 {
			t.Fatalf("%s: %+v", id, list)
		}
		f.db.Do(t, func(tx *room.Tx) error {
			if got := f.Way(tx, list[0].Way); got != want {
				t.Errorf("%s went %+v, want %+v", id, got, want)
			}
			return nil
		})
	}
}

// Verify finds what is not whole.
func TestIndex_Verify(t *testing.T) {
	f := open(t)
	f.deliver(f.message("acme", "<1@acme>", "ann", "bob"), f.message("blue", "<2@blue>", "cid"))
	f.db.Pass(day)
	f.keep()
	f.deliver(f.message("acme", "<3@acme>", "ann"))
	chunk := []byte(f.db.Keys(t, bucket.SentRuns)[0])
	record := []byte(f.db.Keys(t, bucket.SentOpen)[0])
	turned := func(raw []byte) []byte {
		return slices.Concat(raw[2*sent.Size:], raw[sent.Size:2*sent.Size], raw[:sent.Size])
	}
	errBack := errors.New("rolled back")
	for want, harm := range map[string]func(*room.Tx) error{
		"made of run 7, which is not there": func(t *room.Tx) error {
			return putRun(t, &sent.Run{Number: 2, Of: []uint32{7}})
		},
		"3 entries in 1 chunks, it says 4 in 1": func(t *room.Tx) error {
			return putRun(t, &sent.Run{Number: 1, Entries: 4, Chunks: 1})
		},
		"run 1 of the index of what was sent has no chunks": func(t *room.Tx) error { return t.Delete(bucket.SentRuns, chunk) },
		"is of no run": func(t *room.Tx) error { return t.Delete(bucket.SentIndexOf, runKey(1)) },
		"is out of order": func(t *room.Tx) error {
			raw := turned(t.Get(bucket.SentRuns, chunk))
			return errors.Join(t.Delete(bucket.SentRuns, chunk), t.Put(bucket.SentRuns, sent.Key(1, sent.Hash(raw), 0), raw))
		},
		"of the index of what was sent cannot be read": func(t *room.Tx) error { return t.Put(bucket.SentRuns, chunk, []byte("x")) },
		"of what was sent cannot be read":              func(t *room.Tx) error { return t.Put(bucket.SentOpen, record, []byte("x")) },
		`name "zed" of the index`:                      func(t *room.Tx) error { return t.Put(bucket.SentNames, []byte("zed"), nil) },
		`"acme\x002026-03" of the index of what was sent has the number of "blue\x002026-03"`: func(t *room.Tx) error {
			return t.Put(bucket.SentNames, []byte("oacme\x002026-03"), []byte{3: 2, 7: 0})
		},
		"decode sent-index 00000001": func(t *room.Tx) error { return t.Put(bucket.SentIndexOf, runKey(1), []byte("x")) },
	} {
		err := f.db.Update(0, func(tx room.Tx) error {
			if err := harm(&tx); err != nil {
				return err
			}
			if found := f.faults(&tx); !slices.ContainsFunc(found, func(p string) bool { return strings.Contains(p, want) }) {
				t.Errorf("found %q, want %q", found, want)
			}
			return errBack
		})
		if !errors.Is(err, errBack) {
			t.Error(err)
		}
	}
}
