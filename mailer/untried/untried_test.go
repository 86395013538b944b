package untried

import (
	"testing"

	"relay/store/egress"
	"relay/store/spool"
	"relay/store/spooled"
)

// Each recipient fails with the operator's reason, and a sender that wants to know is told.
func TestBounced(t *testing.T) {
	const reply = "550 5.7.1 the operator of this mail system has stopped mail of this kind (domain b.test): phishing"
	o := &egress.Override{Kind: egress.OverrideDomain, Target: "b.test", Reason: "phishing"}
	for _, tt := range []struct {
		what   string
		sender string
		notify spooled.Notify
		told   bool
	}{
		{"as usual", "me@a.test", 0, true},
		{"never", "me@a.test", spooled.NotifyNever, false},
		{"relay's own mail", "", 0, false},
	} {
		t.Run(tt.what, func(t *testing.T) {
			msg := &spooled.Message{ID: spooled.ID{1}, Sender: tt.sender, Recipients: []spooled.Recipient{
				{Address: "you@c.test"}, {Address: "you@b.test", Notify: tt.notify}}}
			list := bounced([]spool.Claimed{{Message: msg, Domain: "b.test", Rcpts: []int{1}}}, o)
			if len(list) != 1 || list[0].ID != msg.ID || list[0].Domain != "b.test" || len(list[0].Outcomes) != 1 {
				t.Fatalf("the results are %+v", list)
			}
			out := list[0].Outcomes[0]
			if out.Rcpt != 1 || out.State != spooled.Failed || out.Reply != reply {
				t.Errorf("the outcome is %+v", out)
			}
			if (out.DSN != nil) != tt.told || tt.told && (out.DSN.Status != "5.7.1" || out.DSN.Reply != reply) {
				t.Errorf("the sender is told %+v", out.DSN)
			}
		})
	}
}
