package spool

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/envelope"
	"relay/store/people"
	"relay/store/refusals"
	"relay/store/room"
	"relay/store/room/roomtest"
	"relay/store/spooled"
	"relay/store/trace"
)

var errSpoilt = errors.New("spoilt")

// twins are two rooms to which the same happens. The second one remembers no envelope: it decodes each
// record that it reads.
type twins struct {
	both   [2]*fixture
	claims [2][]Claimed // open or not, the same in both
}

// do does the same to both, and compares what comes of it.
func (w *twins) do(t *rapid.T, act func(f *fixture, i int) error) {
	t.Helper()
	var errs [2]error
	for i, f := range w.both {
		if i == 1 {
			f.Envelopes = envelope.New()
		}
		errs[i] = act(f, i)
	}
	if fmt.Sprint(errs[0]) != fmt.Sprint(errs[1]) {
		t.Fatalf("%v, and without a memory: %v", errs[0], errs[1])
	}
	if errs[0] != nil && !errors.Is(errs[0], errSpoilt) {
		t.Fatal(errs[0])
	}
}

// dump has every record of the store.
func (f *fixture) dump() map[string]string {
	f.Helper()
	all := map[string]string{}
	f.check(f.view(func(t *Tx) error {
		for b, name := range bucket.Names {
			for k, v := range records(t, engine.Bucket(b)) {
				all[name+"/"+k] = v
			}
		}
		return nil
	}))
	return all
}

// compare compares every record, and what was handed out with claims.
func (w *twins) compare(t *rapid.T) {
	got, want := w.both[0].dump(), w.both[1].dump()
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

func (w *twins) enqueue(t *rapid.T) {
	to := rapid.SliceOfNDistinct(rapid.SampledFrom(modelTo), 1, 3, rapid.ID).Draw(t, "to")
	id := rapid.SampledFrom([]string{"", "<id@src.test>", "<\xff@src.test>"}).Draw(t, "message-id")
	w.do(t, func(f *fixture, _ int) error {
		m := f.message("acme", to...)
		m.MessageID, m.Login = id, "phone"
		return f.accept(m)
	})
}

func (w *twins) claim(t *rapid.T) {
	domain := rapid.SampledFrom(modelDomains).Draw(t, "domain")
	most := rapid.IntRange(1, 3).Draw(t, "most")
	w.do(t, func(f *fixture, i int) error {
		w.claims[i] = append(w.claims[i], f.claim("acme", domain, most)...)
		return nil
	})
}

// take draws one of the claims.
func (w *twins) take(t *rapid.T) int {
	if len(w.claims[0]) == 0 {
		t.Skip("nothing is claimed")
	}
	return rapid.IntRange(0, len(w.claims[0])-1).Draw(t, "claim")
}

// result draws what an attempt came to.
func (w *twins) result(t *rapid.T, n int) Result {
	c, now := &w.claims[0][n], w.both[0].Now()
	r := Result{ID: c.Message.ID, Domain: c.Domain, Event: trace.Event{Kind: trace.EventAttempt}, Open: rapid.Bool().Draw(t, "open")}
	if rapid.Bool().Draw(t, "longer") {
		r.Expires = now.AddDate(0, 0, 9)
	}
	for _, i := range c.Rcpts {
		o := Outcome{Rcpt: i, Reply: "a reply", State: rapid.SampledFrom([]spooled.State{spooled.Queued, spooled.Delivered, spooled.Deferred, spooled.Failed}).Draw(t, "state")}
		if rapid.Bool().Draw(t, "told") {
			o.DSN = &spooled.DSN{Action: "failed", At: now}
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
	w.do(t, func(f *fixture, _ int) error {
		r := r
		r.Outcomes, r.Event.Recipients = slices.Clone(r.Outcomes), nil
		return f.Settle(r)
	})
}

// spoil settles, claims and gives back in a transaction that is undone.
func (w *twins) spoil(t *rapid.T) {
	n := w.take(t)
	r := w.result(t, n)
	w.do(t, func(f *fixture, i int) error {
		return f.UpdateThen(0, func(t *Tx) error {
			r, c := r, &w.claims[i][n]
			r.Event.Recipients = nil
			var list []Claimed
			err := errors.Join(t.settle(&r), t.claim(Want{spooled.Lane{Domain: c.Domain, Account: "acme"}, 2}, f.later, &list), t.giveBack(c))
			if err != nil {
				return err
			}
			return errSpoilt
		})
	})
}

func (w *twins) giveBack(t *rapid.T) {
	n := w.take(t)
	w.do(t, func(f *fixture, i int) error {
		err := f.Return(w.claims[i][n : n+1])
		w.claims[i] = slices.Delete(w.claims[i], n, n+1)
		return err
	})
}

func (w *twins) dial(t *rapid.T) {
	n := w.take(t)
	w.do(t, func(f *fixture, i int) error { return f.Dialled(w.claims[i][n : n+1]) })
}

// operate is what an operator does to a message that may be claimed.
func (w *twins) operate(t *rapid.T) {
	n := w.take(t)
	op := rapid.SampledFrom(ops).Draw(t, "op")
	w.do(t, func(f *fixture, i int) error {
		_, err := f.Operate(Operation{Op: op, Tell: true}, []spooled.ID{w.claims[i][n].Message.ID})
		return err
	})
}

// suspend the account, or hold its login, or suppress a recipient; or end that.
func (w *twins) suspend(t *rapid.T) {
	what := rapid.SampledFrom([]string{"stop", "start", "hold", "release", "suppress", "lift"}).Draw(t, "what")
	address := rapid.SampledFrom(modelTo).Draw(t, "address")
	w.do(t, func(f *fixture, _ int) (err error) {
		switch what {
		case "suppress":
			_, err = f.Refusals.AddSuppressions(behalf.Order{}, "acme", []refusals.Suppression{{Recipient: address, Reason: refusals.ByHand}})
		case "lift":
			_, err = f.Refusals.LiftSuppressions(behalf.Order{}, "acme", []string{address})
		default:
			err = f.UpdateThen(0, func(t *Tx) error { return suspend(t, what) })
		}
		return err
	})
}

func suspend(t *Tx, what string) (err error) {
	switch what {
	case "stop":
		err = t.StopQueue("acme")
	case "start":
		_, err = t.StartQueue("acme")
	case "hold":
		err = t.HoldMail(&people.Credential{Login: "phone", Account: "acme", Hold: &people.LoginHold{Since: t.Wall}})
	case "release":
		err = t.ReleaseLater("acme", "phone")
	}
	return err
}

func (w *twins) work(t *rapid.T) {
	w.do(t, func(f *fixture, _ int) error {
		_, err := f.Chores.Do()
		_, _, dsns := f.SendDSNs()
		return errors.Join(err, dsns)
	})
}

// other is a writer that knows nothing of what is remembered.
func (w *twins) other(t *rapid.T) {
	n := w.take(t)
	w.do(t, func(f *fixture, i int) error {
		return f.update(0, func(t *Tx) error {
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

func (w *twins) wait(*rapid.T) {
	for _, f := range w.both {
		f.db.Pass(30 * time.Second)
	}
}

// Whatever happens to a message between its coming in, its claims and their ends: every record is as in a
// store that decodes each envelope that it reads.
func TestSpool_remembersEnvelopes_AgainstModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := &twins{}
		for i := range w.both {
			w.both[i] = begin(t, roomtest.Open)
			w.both[i].TB = r
		}
		r.Repeat(map[string]func(*rapid.T){
			"enqueue": w.enqueue, "claim": w.claim, "settle": w.settle, "return": w.giveBack, "dial": w.dial,
			"spoil": w.spoil, "operate": w.operate, "suspend": w.suspend, "work": w.work, "other": w.other,
			"wait": w.wait, "": w.compare,
		})
	})
}

// A transaction that runs again announces what its last run says, and nothing else.
func TestSpool_andThen_runsAgain(t *testing.T) {
	f := open(t)
	runs := 0
	twice := func(weight int, fn func(room.Tx) error) error {
		return f.db.Update(weight, func(t room.Tx) error { return errors.Join(fn(t), fn(t)) })
	}
	f.check(f.andThen(twice, 0, func(t *Tx) error {
		runs++
		t.then.lanes = append(t.then.lanes, spooled.Lane{Domain: fmt.Sprint("run ", runs)})
		return nil
	}))
	if got := f.TakeReady(9); !slices.Equal(got, []spooled.Lane{{Domain: "run 2"}}) {
		t.Errorf("announced are %v", got)
	}
}

// Results that run again, because another request spoilt their batch, count once.
func TestSpool_Settle_runsAgain(t *testing.T) {
	f := open(t)
	for range 100 {
		for i := range 8 {
			f.queue("acme", fmt.Sprintf("r%d@d.test", i), "other@d.test")
		}
		list := f.claim("acme", "d.test", 8)
		var all sync.WaitGroup
		for _, c := range list {
			all.Go(func() {
				r := Result{ID: c.Message.ID, Domain: c.Domain, Event: trace.Event{Kind: trace.EventAttempt}, Outcomes: []Outcome{{Rcpt: 0, State: spooled.Delivered}, {Rcpt: 1, State: spooled.Deferred}}}
				if err := f.Settle(r); err != nil {
					t.Error(err)
				}
			})
			all.Go(func() {
				err := f.db.Update(0, func(t room.Tx) error { return errors.Join(t.Put(bucket.Meta, []byte("spoilt"), nil), errSpoilt) })
				if !errors.Is(err, errSpoilt) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, c := range list {
			m := f.is(c.Message.ID)
			if first, other := m.Recipients[0], m.Recipients[1]; first.State != spooled.Delivered || first.Tries != 1 || other.State != spooled.Deferred || other.Tries != 1 {
				t.Fatalf("settled once, it has %+v and %+v", first, other)
			}
		}
		f.db.Pass(time.Second)
		if _, reruns := f.db.Engine().Commits(); reruns > 100 {
			return
		}
	}
	t.Error("nothing ran again")
}
