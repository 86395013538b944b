package delivered

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
	"relay/store/sent"
	"relay/store/spooled"
)

// full is as much mail as makes a part full.
func (f *fixture) full(messageID string) *spooled.Message {
	var to []string
	for i := range sent.PartSize {
		to = append(to, fmt.Sprint("u", i))
	}
	return f.message("acme", messageID, to...)
}

// stand is how many records and runs there are.
func (f *fixture) stand() (records, runs int) {
	f.Helper()
	return len(f.db.Keys(f, bucket.SentOpen)), len(f.db.Keys(f, bucket.SentIndexOf))
}

// The keeper makes a run of a part that is full, by itself. While it is paused nothing moves, and
// everything is found; what waited is done afterwards.
func TestIndex_Pause(t *testing.T) {
	f := open(t)
	want := func(when string, records, runs int) {
		t.Helper()
		if a, b := f.stand(); a != records || b != runs {
			t.Errorf("%s: %d records, %d runs, want %d, %d", when, a, b, records, runs)
		}
		for _, id := range []string{"<1@acme>", "<2@acme>"} {
			if h, _ := f.HashOf(id); len(f.find(h[:])) != sent.PartSize {
				t.Errorf("%s: of %s there are %d", when, id, len(f.find(h[:])))
			}
		}
	}
	f.deliver(f.full("<1@acme>"))
	f.deliver(f.full("<2@acme>"))
	f.Wake()
	f.Wait()
	want("paused", 2, 0)
	other := f.Pause()
	f.resume()
	f.resume()
	f.Wait()
	want("still paused by another one", 2, 0)
	other()
	f.Wait()
	want("resumed", 0, 2)
	f.Close()
	f.deliver(f.full("<3@acme>"))
	f.Wait()
	want("closed", 1, 2)
	f.Index = New(f.db.DB, f.o)
	if err := f.Load(false); err != nil {
		t.Fatal(err)
	}
	f.Wait()
	f.Close()
	want("loaded", 0, 3)
}

// A keeper at work stands still after its present step, whatever is left to do.
func TestIndex_Pause_atWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		f.deliver(f.full("<1@acme>"))
		f.deliver(f.full("<2@acme>"))
		hold, paused := make(chan struct{}), make(chan struct{})
		f.o.Past = func() time.Time { <-hold; return f.db.Now() } // each step asks
		f.resume()
		go func() { f.Pause(); close(paused) }()
		synctest.Wait()
		select {
		case <-paused:
			t.Error("it is paused while it takes a step")
		default:
		}
		close(hold)
		<-paused
		if _, runs := f.stand(); runs != 1 {
			t.Errorf("%d runs, want that of the step", runs)
		}
	})
}

// What a kill leaves between a run and the removal of its records is read from the run only.
func TestIndex_Load_killed(t *testing.T) {
	f := begin(t)
	f.deliver(f.message("acme", "<1@acme>", "ann"))
	f.db.Pass(day)
	if _, err := f.Step(); err != nil {
		t.Fatal(err)
	}
	f.db = f.db.Killed(t)
	f.load()
	if records, runs := f.stand(); records != 1 || runs != 1 {
		t.Errorf("a kill leaves %d records, %d runs", records, runs)
	}
	h, _ := f.HashOf("<1@acme>")
	f.Recent(h, func(e sent.Entry) bool { t.Errorf("in memory is %+v", e); return true })
	if list := f.find(h[:]); len(list) != 1 {
		t.Errorf("found %+v", list)
	}
	f.keep()
	if records, runs := f.stand(); records != 0 || runs != 1 {
		t.Errorf("the keeper leaves %d records, %d runs", records, runs)
	}
	f.verify()
}

// Deliveries and look-ups at once find what was delivered, while parts become runs.
func TestIndex_atOnce(t *testing.T) {
	f := open(t)
	f.resume()
	done := make(chan error, 3)
	for n := range 3 {
		go func() {
			var err error
			for i := range 30 {
				m := &spooled.Message{ID: spooled.ID{1, byte(n), byte(i)}, Account: "acme", Period: "2026-03", MessageID: fmt.Sprintf("<%d.%d@acme>", n, i)}
				for r := range 200 {
					m.Recipients = append(m.Recipients, spooled.Recipient{Address: fmt.Sprintf("u%d@x.test", r), Domain: "x.test"})
				}
				f.deliver(m)
				h := f.Hash(m.MessageID, m.ID)
				if got := len(f.find(h[:])); got != 200 {
					err = fmt.Errorf("%s has %d e-mails", m.MessageID, got)
				}
			}
			done <- err
		}()
	}
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	f.Wait()
	if _, runs := f.stand(); runs == 0 {
		t.Error("18,000 e-mails made no run")
	}
}

// model is what the index must find.
type model struct {
	*fixture
	sent  map[string][]delivery // by Message-ID
	owner map[string]int        // how often an account was removed
}

type delivery struct {
	key     string // see sent.Entry.AppendKey
	account string
	life    int // of the account: how often it had been removed
	at      time.Time
}

// Mail of months, steps of the keeper, restarts, kills and removed accounts in any order: whatever is
// younger than 90 days is found, once and with its owner.
func TestIndex_model(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := begin(t)
		m := &model{f, map[string][]delivery{}, map[string]int{}}
		accounts, ids := rapid.SampledFrom([]string{"acme", "acme2", "blue"}), rapid.SampledFrom([]string{"", "<1@mail>", "<2@mail>", "<3@mail>"})
		r.Repeat(map[string]func(*rapid.T){
			"deliver": func(r *rapid.T) {
				var list []*spooled.Message
				for range rapid.IntRange(1, 3).Draw(r, "messages") {
					list = append(list, f.message(accounts.Draw(r, "account"), ids.Draw(r, "id"), []string{"ann", "bob", "cid"}[:rapid.IntRange(1, 3).Draw(r, "recipients")]...))
				}
				f.deliver(list...)
				m.took(list)
			},
			"pass": func(r *rapid.T) { f.db.Pass(time.Duration(rapid.IntRange(1, 40).Draw(r, "days")) * day / 2) },
			"step": func(r *rapid.T) {
				for range rapid.IntRange(1, 5).Draw(r, "steps") {
					if _, err := f.Step(); err != nil {
						r.Fatal(err)
					}
				}
			},
			"keep": func(*rapid.T) { f.keep() },
			"kill": func(r *rapid.T) {
				if rapid.Bool().Draw(r, "killed") {
					f.db = f.db.Killed(t)
				}
				f.load()
			},
			"forget": func(r *rapid.T) {
				account := accounts.Draw(r, "account")
				f.db.Do(t, func(tx *room.Tx) error { return f.Forget(tx, account) })
				m.owner[account]++
			},
			"": m.check,
		})
		f.verify()
		f.db.Pass(200 * day)
		f.keep()
		for _, b := range []engine.Bucket{bucket.SentOpen, bucket.SentIndexOf, bucket.SentRuns} {
			if keys := f.db.Keys(t, b); len(keys) != 0 {
				r.Errorf("after 200 days %s has %q", bucket.Names[b], keys)
			}
		}
	})
}

// took notes what was delivered.
func (m *model) took(list []*spooled.Message) {
	for _, msg := range list {
		h := m.Hash(msg.MessageID, msg.ID)
		for i := range msg.Recipients {
			key := (&sent.Entry{Message: h, Mailbox: m.Box(msg.Recipients[i].Mailbox()), ID: msg.ID}).AppendKey(nil)
			m.sent[string(h[:])] = append(m.sent[string(h[:])], delivery{string(key), msg.Account, m.owner[msg.Account], m.db.Now()})
		}
	}
}

// check looks each Message-ID up, and each e-mail by its whole key.
func (m *model) check(r *rapid.T) {
	for h, all := range m.sent {
		var want []delivery
		for _, d := range all {
			if m.db.Now().Sub(d.at) <= sent.Kept*day {
				want = append(want, d)
			}
		}
		got := slices.DeleteFunc(m.find([]byte(h)), func(e sent.Entry) bool {
			return m.db.Now().Sub(time.Unix(int64(e.At), 0)) > sent.Kept*day
		})
		if len(got) != len(want) {
			r.Fatalf("%x has %d e-mails, want %d", h, len(got), len(want))
		}
		for _, d := range want {
			m.checkOne(r, d)
		}
	}
}

func (m *model) checkOne(r *rapid.T, d delivery) {
	list := m.find([]byte(d.key))
	if len(list) != 1 || int64(list[0].At) != d.at.Unix() {
		r.Fatalf("%x: %+v, want one, of %s", d.key, list, d.at)
	}
	want := Owner{d.account, "2026-03"}
	if m.owner[d.account] != d.life {
		want = Owner{}
	}
	m.db.Do(m, func(t *room.Tx) error {
		if got, ok := m.Owner(t, list[0].Owner); got != want || ok != (want != Owner{}) {
			r.Fatalf("%x is of %+v, want %+v", d.key, got, want)
		}
		if way := m.Way(t, list[0].Way); way != (Way{"192.0.2.7", "bigmail"}) {
			r.Fatalf("%x went %+v", d.key, way)
		}
		return nil
	})
}
