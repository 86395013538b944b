package store

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"pgregory.net/rapid"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/envelope"
	"relay/store/people"
	"relay/store/refusals"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

var errSpoilt = errors.New("spoilt")

// twins are two stores to which the same happens. The second one remembers no envelope: it
// decodes each record that it reads.
type twins struct {
	c      *clock
	both   [2]*Store
	claims [2][]spool.Claimed // open or not, the same in both
}

// openTwins has the same account in both stores, and the same IDs and secrets.
func openTwins(t *rapid.T, dir string) *twins {
	w := &twins{c: &clock{t: epoch}}
	for i := range w.both {
		s, err := openTest(filepath.Join(dir, fmt.Sprintf("%d.db", i)), Options{Now: w.c.now})
		if err != nil {
			t.Fatal(err)
		}
		s.ids.Entropy = ulid.Monotonic(rand.NewChaCha8([32]byte{}), 0)
		err = s.update(0, func(t *tx) error {
			return errors.Join(t.Put(bucket.Meta, []byte("sent"), bytes.Repeat([]byte{1}, 32)), t.Put(bucket.Meta, []byte("known"), bytes.Repeat([]byte{1}, 16)))
		})
		if err := errors.Join(err, s.Delivered.Load(false), s.Known.LoadKey()); err != nil {
			t.Fatal(err)
		}
		w.both[i] = s
	}
	w.do(t, func(s *Store, _ int) error {
		_, err := s.AddAccount(behalf.Order{}, NewAccount{Account: Account{Name: "acme", Contact: "a@src.test"}, Plan: quota.Plan{Name: "p", Term: quota.Year},
			Credential: &people.Credential{Login: "acme", Account: "acme"}})
		return err
	})
	return w
}

// do does the same to both, and compares what comes of it.
func (w *twins) do(t *rapid.T, act func(s *Store, i int) error) {
	t.Helper()
	var errs [2]error
	for i, s := range w.both {
		if i == 1 {
			s.Spool.Envelopes = envelope.New()
		}
		errs[i] = act(s, i)
	}
	if fmt.Sprint(errs[0]) != fmt.Sprint(errs[1]) {
		t.Fatalf("%v, and without a memory: %v", errs[0], errs[1])
	}
	if errs[0] != nil && !errors.Is(errs[0], errSpoilt) {
		t.Fatal(errs[0])
	}
}

// check compares every record, and what was handed out with claims.
func (w *twins) check(t *rapid.T) {
	got, want := dump(t, w.both[0]), dump(t, w.both[1])
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if got[k] != want[k] {
			t.Fatalf("%q has %q, and without a memory %q", k, got[k], want[k])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d records, and without a memory %d", len(got), len(want))
	}
	for i := range w.claims[1] {
		got, want := &w.claims[0][i], &w.claims[1][i]
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("claimed %+v, %+v, and without a memory %+v, %+v", got, got.Message, want, want.Message)
		}
	}
}

func (w *twins) accept(t *rapid.T) {
	var to []string
	for i := range rapid.IntRange(1, 3).Draw(t, "recipients") {
		to = append(to, fmt.Sprintf("r%d@d%d.test", i, rapid.IntRange(0, 1).Draw(t, "domain")))
	}
	id := rapid.SampledFrom([]string{"", "<id@src.test>", "<\xff@src.test>"}).Draw(t, "message-id")
	w.do(t, func(s *Store, _ int) error {
		in := intake(s, "acme", 100, to...)
		in.Message.MessageID = id
		r, err := s.Accept(in)
		if r != nil { // it is suspended, or the login is held
			return fmt.Errorf("%w: %v", errSpoilt, r.Reason)
		}
		return err
	})
}

func (w *twins) claim(t *rapid.T) {
	lane := spooled.Lane{Domain: fmt.Sprintf("d%d.test", rapid.IntRange(0, 1).Draw(t, "domain")), Account: "acme"}
	limit := rapid.IntRange(1, 3).Draw(t, "limit")
	w.do(t, func(s *Store, i int) error {
		list, err := s.Spool.Claim([]spool.Want{{Lane: lane, Max: limit}}, func(_ *spooled.Message, tries int) time.Time {
			return w.c.now().Add(time.Duration(tries) * time.Minute)
		})
		w.claims[i] = append(w.claims[i], list...)
		return err
	})
}

// take draws one of the claims.
func (w *twins) take(t *rapid.T) int {
	if len(w.claims[0]) == 0 {
		t.Skip("nothing claimed")
	}
	return rapid.IntRange(0, len(w.claims[0])-1).Draw(t, "claim")
}

// result draws what an attempt came to.
func (w *twins) result(t *rapid.T, n int) spool.Result {
	c := &w.claims[0][n]
	r := spool.Result{ID: c.Message.ID, Domain: c.Domain, Event: trace.Event{Kind: trace.EventAttempt}, Open: rapid.Bool().Draw(t, "open")}
	if rapid.Bool().Draw(t, "longer") {
		r.Expires = w.c.now().AddDate(0, 0, 9)
	}
	for _, i := range c.Rcpts {
		o := spool.Outcome{Rcpt: i, Reply: "a reply", State: rapid.SampledFrom([]spooled.State{spooled.Queued, spooled.Delivered, spooled.Deferred, spooled.Failed}).Draw(t, "state")}
		if rapid.Bool().Draw(t, "told") {
			o.DSN = &spooled.DSN{Action: "failed", At: w.c.now()}
		}
		if rapid.Bool().Draw(t, "suppresses") {
			o.Suppress = &refusals.Rule{Reason: "InvalidRecipient", Messages: 1}
		}
		r.Outcomes = append(r.Outcomes, o)
	}
	return r
}

func (w *twins) settle(t *rapid.T) {
	n := w.take(t)
	r := w.result(t, n)
	w.do(t, func(s *Store, _ int) error {
		r := r
		r.Outcomes, r.Event.Recipients = slices.Clone(r.Outcomes), nil
		return s.Spool.Settle(r)
	})
}

// spoil settles, claims and gives back in a transaction that is undone.
func (w *twins) spoil(t *rapid.T) {
	n := w.take(t)
	r := w.result(t, n)
	w.do(t, func(s *Store, i int) error {
		return s.updateThen(0, func(t *tx) error {
			r, c := r, &w.claims[i][n]
			r.Event.Recipients = nil
			var list []spool.Claimed
			err := errors.Join(t.Settle(&r),
				t.Claim(spool.Want{Lane: spooled.Lane{Domain: c.Domain, Account: "acme"}, Max: 2}, func(*spooled.Message, int) time.Time { return t.Wall.Add(time.Hour) }, &list),
				t.GiveBack(c))
			if err != nil {
				return err
			}
			return errSpoilt
		})
	})
}

func (w *twins) giveBack(t *rapid.T) {
	n := w.take(t)
	w.do(t, func(s *Store, i int) error {
		err := s.Spool.Return(w.claims[i][n : n+1])
		w.claims[i] = slices.Delete(w.claims[i], n, n+1)
		return err
	})
}

func (w *twins) dial(t *rapid.T) {
	n := w.take(t)
	w.do(t, func(s *Store, i int) error { return s.Spool.Dialled(w.claims[i][n : n+1]) })
}

// operate is what an operator does to a message that may be claimed.
func (w *twins) operate(t *rapid.T) {
	n := w.take(t)
	op := rapid.SampledFrom([]spool.Op{spool.OpRetry, spool.OpHold, spool.OpRelease, spool.OpDrop}).Draw(t, "op")
	w.do(t, func(s *Store, i int) error {
		_, err := s.Spool.Operate(spool.Operation{Op: op, Tell: true}, []spooled.ID{w.claims[i][n].Message.ID})
		return err
	})
}

// suspend the account, or hold its login, or suppress a recipient; or end that.
func (w *twins) suspend(t *rapid.T) {
	what := rapid.SampledFrom([]string{"suspend", "resume", "hold", "release", "suppress", "lift"}).Draw(t, "what")
	address := rapid.SampledFrom([]string{"r0@d0.test", "r0@d1.test", "r1@d0.test"}).Draw(t, "address")
	o := behalf.Order{By: "op"}
	w.do(t, func(s *Store, _ int) (err error) {
		switch what {
		case "suspend":
			_, err = s.Suspend(o, "acme", "abuse")
		case "resume":
			_, err = s.Resume(o, "acme")
		case "hold":
			_, err = s.HoldLogin(o, "acme", "acme", people.LoginHold{Holder: people.HeldByOperator, Reason: "lost"})
		case "release":
			_, _, err = s.ResumeLogin(o, "acme", "acme", people.HeldByOperator)
		case "suppress":
			_, err = s.Refusals.AddSuppressions(o, "acme", []refusals.Suppression{{Recipient: address, Reason: refusals.ByHand, Since: w.c.now()}})
		case "lift":
			_, err = s.Refusals.LiftSuppressions(o, "acme", []string{address})
		}
		if err != nil { // it is so already
			return errSpoilt
		}
		return nil
	})
}

func (w *twins) work(t *rapid.T) {
	w.do(t, func(s *Store, _ int) error {
		_, err := s.Chores.Do()
		_, _, dsns := s.Spool.SendDSNs()
		return errors.Join(err, dsns)
	})
}

// other is a writer that knows nothing of what is remembered.
func (w *twins) other(t *rapid.T) {
	n := w.take(t)
	w.do(t, func(s *Store, i int) error {
		return s.update(0, func(t *tx) error {
			id := w.claims[i][n].Message.ID
			m := &spooled.Message{}
			there, err := t.Read(bucket.Messages, id[:], m)
			if err != nil || !there {
				return err
			}
			m.Sender, m.Expires = "other@src.test", m.Expires.Add(time.Hour)
			return t.Write(bucket.Messages, id[:], m)
		})
	})
}

// Whatever happens to a message between its coming in, its claims and their ends: every record is
// as in a store that decodes each envelope that it reads.
func TestStore_remembersEnvelopes(t *testing.T) {
	checkModel(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "relay-twins-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		w := openTwins(t, dir)
		defer func() { _ = errors.Join(w.both[0].Close(), w.both[1].Close()) }()
		t.Repeat(map[string]func(*rapid.T){
			"accept": w.accept, "claim": w.claim, "settle": w.settle, "return": w.giveBack, "dial": w.dial,
			"spoil": w.spoil, "operate": w.operate, "suspend": w.suspend, "work": w.work, "other": w.other,
			"wait": func(*rapid.T) { w.c.add(30 * time.Second) }, "": w.check,
		})
	})
}

// Results that run again, because another request spoilt their batch, count once.
func TestStore_Settle_runsAgain(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	for round := range 100 {
		for i := range 8 {
			accept(t, s, "acme", 100, fmt.Sprintf("r%d@d.test", i), "other@d.test")
		}
		list := claim(t, s, "d.test", "acme", 8)
		var all sync.WaitGroup
		for _, one := range list {
			all.Go(func() {
				r := spool.Result{ID: one.Message.ID, Domain: one.Domain, Event: trace.Event{Kind: trace.EventAttempt}, Outcomes: []spool.Outcome{{Rcpt: 0, State: spooled.Delivered}, {Rcpt: 1, State: spooled.Deferred}}}
				if err := s.Spool.Settle(r); err != nil {
					t.Error(err)
				}
			})
			all.Go(func() {
				err := s.update(0, func(t *tx) error { return errors.Join(t.Put(bucket.Meta, []byte("spoilt"), nil), errSpoilt) })
				if !errors.Is(err, errSpoilt) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, one := range list {
			m, err := s.Spool.QueueMessage(one.Message.ID)
			if err != nil {
				t.Fatal(err)
			}
			if first, other := m.Recipients[0], m.Recipients[1]; first.State != spooled.Delivered || first.Tries != 1 || other.State != spooled.Deferred || other.Tries != 1 {
				t.Fatalf("settled once, it has %+v and %+v", first, other)
			}
		}
		c.add(time.Second)
		if _, reruns := s.Commits(); reruns > 3 && round > 3 {
			return
		}
	}
	t.Error("nothing ran again")
}
