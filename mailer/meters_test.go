package mailer

import (
	"context"
	"testing"
	"time"

	"relay/mailer/attempt"
	"relay/mailer/pace"
	"relay/mailer/settings"
	"relay/mailer/view"
	"relay/store/spooled"
)

// Outcomes are counted by provider, and a delivery by how long it took. A site that is down is
// part of the load.
func TestMailer_Meters(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.host("good.test").say = moody
		w.host("src.test")
		w.dead("dead.test")
		w.send("1@good.test", "7@good.test", "3@good.test")
		w.send("you@dead.test")
		w.run(time.Minute)
		l, err := w.mail.Load(context.Background())
		if err != nil || l.Down != 1 || l.Sites < 2 || l.Most != w.mail.config().Connections || l.Stopped+l.Waiting != 0 {
			t.Errorf("load %+v, %v", l, err)
		}
		err = w.mail.ask(context.Background(), func(s *schedule) {
			now, counted := s.m.spool.Now(), view.Load{}
			for at := range s.atlas.Sites {
				counted.Sites++
				if at.Down(now) {
					counted.Down++
				}
			}
			if counted.Sites != l.Sites || counted.Down != l.Down || s.atlas.Len() != l.Sites {
				t.Errorf("the load is %+v, the sites are %+v", l, counted)
			}
		})
		if err != nil {
			t.Error(err)
		}
		w.pass(5 * 24 * time.Hour)
		got := map[attempt.Attempted]int64{}
		w.mail.Meters().Outcomes.Each(func(a attempt.Attempted, n int64) { got[a] = n })
		if got[attempt.Attempted{Provider: pace.AnyOther, State: spooled.Deferred}] < 10 {
			t.Errorf("deferred: %v", got)
		}
		var expired int64
		for a, n := range got {
			if a.State == spooled.Expired {
				expired += n
			}
		}
		delivered := int64(1 + len(w.notices()))
		if got[attempt.Attempted{Provider: pace.AnyOther, State: spooled.Delivered}] != delivered || got[attempt.Attempted{Provider: pace.AnyOther, State: spooled.Failed}] != 1 || expired != 2 {
			t.Errorf("%v, want %d delivered, 1 failed, 2 expired", got, delivered)
		}
		if n := w.mail.Meters().Latency.Shape().Count; n != uint64(delivered) {
			t.Errorf("%d latencies, want %d", n, delivered)
		}
	})
}
