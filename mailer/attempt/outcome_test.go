package attempt

import (
	"sync/atomic"
	"testing"

	"relay/mailer/client"
	"relay/mailer/settings"
	"relay/mailer/verdict"
	"relay/store/spooled"
)

// What an outcome means where there is no text: the code decides, except for what passes
// and for what is about others.
func TestSender_Judge(t *testing.T) {
	m := &Sender{cfg: &atomic.Pointer[settings.Config]{}}
	m.cfg.Store(&settings.Config{Rules: verdict.Default()})
	for _, c := range []struct {
		code     int
		enhanced [3]int
		stage    client.Stage
		want     spooled.State
	}{
		{250, [3]int{2, 0, 0}, client.StageEnd, spooled.Delivered},
		{450, [3]int{}, client.StageRcpt, spooled.Deferred},
		{452, [3]int{4, 5, 3}, client.StageRcpt, spooled.Deferred},
		{550, [3]int{5, 1, 1}, client.StageRcpt, spooled.Failed},
		{552, [3]int{}, client.StageRcpt, spooled.Deferred},
		{552, [3]int{5, 5, 3}, client.StageRcpt, spooled.Deferred},
		{552, [3]int{5, 5, 3}, client.StageData, spooled.Deferred},
		{552, [3]int{5, 2, 2}, client.StageRcpt, spooled.Deferred}, // a full mailbox is emptied
		{552, [3]int{5, 3, 4}, client.StageMail, spooled.Failed},
		{552, [3]int{}, client.StageEnd, spooled.Failed},
		{554, [3]int{5, 7, 1}, client.StageGreeting, spooled.Deferred},
		{535, [3]int{5, 7, 8}, client.StageAuth, spooled.Deferred},
		{299, [3]int{}, client.StageRcpt, spooled.Delivered},
		{0, [3]int{}, client.StageRcpt, spooled.Deferred},
	} {
		o := &client.Outcome{Reply: client.Reply{Code: c.code, Enhanced: c.enhanced}, Stage: c.stage}
		if got := spooled.State(m.Judge(o, "mx.example.test").Class); got != c.want {
			t.Errorf("Judge(%d %v at %v) = %s, want %s", c.code, c.enhanced, c.stage, got, c.want)
		}
	}
}
