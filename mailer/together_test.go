package mailer

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"relay/mailer/settings"
	"relay/store/behalf"
	"relay/store/egress"
	"relay/store/refusals"
	"relay/store/spool"
	"relay/store/spooled"
)

// Overrides, suppressions, the end of a message's time, the cap of first sendings and kills
// come together: each recipient has one end, is counted once, and its sender is told once.
func TestMailer_together(t *testing.T) {
	for seed := range *seeds {
		inWorld(t, settings.Config{FirstCap: 20, NoticesPerHour: -1}, func(w *world) {
			rng := rand.New(rand.NewPCG(seed, 7))
			w.host("a.test").say, w.host("b.test").say = moody, moody
			w.host("src.test")
			w.start()
			w.pass(time.Second)
			w.order(egress.Override{Kind: egress.OverrideDomain, Target: "a.test", Do: egress.OverrideStop}, time.Duration(1+rng.IntN(20))*time.Hour)
			ids := w.manyTogether(rng)
			for range 10 {
				w.pass(time.Duration(rng.IntN(5*60)) * time.Minute)
				w.meddle(rng, ids)
			}
			if _, _, err := w.store.Spool.Change(spool.OpRelease, ids); err != nil {
				t.Fatal(err)
			}
			w.pass(14 * 24 * time.Hour)
			u, err := w.store.Standings.Usage("acme", w.store.Now().Format("2006-01"))
			if err != nil || u.Queued+u.Deferred != 0 || u.Delivered+u.Failed != int64(4*len(ids)) {
				t.Errorf("seed %d: %+v, %v", seed, u, err)
			}
			w.wantOneEnd(ids)
		})
	}
}

// moody refuses some recipients, and puts others off for ever.
func moody(x *exchange) string {
	switch {
	case x.verb != "RCPT":
	case strings.Contains(x.arg, "7@"):
		return "550 5.1.1 User unknown"
	case strings.Contains(x.arg, "3@"):
		return "451 4.3.0 not now"
	}
	return ""
}

// manyTogether sends to four recipients each, of whom some are suppressed then.
func (w *world) manyTogether(rng *rand.Rand) (ids []spooled.ID) {
	w.t.Helper()
	var gone []refusals.Suppression
	for i := range 40 {
		var to []string
		for k := range 4 {
			to = append(to, fmt.Sprintf("r%d@%s.test", 4*i+k, []string{"a", "b"}[k/2]))
			if (4*i+k)%5 == 0 {
				gone = append(gone, refusals.Suppression{Recipient: to[k], Reason: refusals.ByHand})
			}
		}
		m := message(to...)
		m.Expires = w.store.Now().Add(time.Duration(1+rng.IntN(30)) * time.Hour)
		ids = append(ids, w.accept(m))
		if i%10 == 9 {
			w.pass(time.Duration(rng.IntN(30)) * time.Minute)
		}
	}
	if _, err := w.store.Refusals.AddSuppressions(behalf.Order{}, "acme", gone); err != nil {
		w.t.Fatal(err)
	}
	return ids
}

// meddle kills the relay, bounces what is due, or changes messages.
func (w *world) meddle(rng *rand.Rand, ids []spooled.ID) {
	w.t.Helper()
	switch rng.IntN(4) {
	case 0:
		w.kill()
	case 1:
		w.order(egress.Override{Kind: egress.OverrideAccount, Target: "acme", Do: egress.OverrideBounce}, time.Duration(1+rng.IntN(600))*time.Second)
	case 2:
		op := []spool.Op{spool.OpHold, spool.OpRelease, spool.OpRetry}[rng.IntN(3)]
		if _, _, err := w.store.Spool.Change(op, ids[:len(ids)/2]); err != nil {
			w.t.Fatal(err)
		}
	}
}

// wantOneEnd checks that each recipient has one end, and one DSN where that was a failure.
func (w *world) wantOneEnd(ids []spooled.ID) {
	w.t.Helper()
	told := map[string]int{}
	for _, n := range w.notices() {
		for line := range strings.Lines(n.content) {
			if to, ok := strings.CutPrefix(strings.TrimSpace(line), "Final-Recipient: rfc822; "); ok && !strings.Contains(n.content, "Action: delayed") {
				told[to]++
			}
		}
	}
	for _, id := range ids {
		events, err := w.store.Trace.Of(id)
		if err != nil {
			w.t.Fatal(err)
		}
		ends := map[string]spooled.State{}
		for i := range events {
			for _, o := range events[i].Recipients {
				if o.State == "" || !o.State.Final() {
					continue
				}
				if was, twice := ends[o.Address]; twice {
					w.t.Errorf("%s ended twice: %s, %s", o.Address, was, o.State)
				}
				ends[o.Address] = o.State
			}
		}
		for to, state := range ends {
			if want := map[bool]int{true: 0, false: 1}[state == spooled.Delivered]; told[to] != want {
				w.t.Errorf("%s is %s, and its sender told %d times", to, state, told[to])
			}
		}
	}
}
