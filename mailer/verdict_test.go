package mailer

import (
	"strings"
	"testing"
	"time"

	"relay/mailer/settings"
	"relay/store/mailreply"
	"relay/store/spooled"
)

// What a reply means is kept with the attempt and with the recipient. A block of our
// address is tried again, whatever its code; a user that is unknown is not.
func TestMailer_verdict(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		h.say = func(x *exchange) string {
			switch {
			case x.verb == "RCPT" && x.rcpt == 1:
				return "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"
			case x.verb == "RCPT" && x.rcpt == 2:
				return "550 5.1.1 <gone@example.test>: Recipient address rejected: User unknown"
			}
			return ""
		}
		id := w.send("blocked@example.test", "gone@example.test", "here@example.test")
		w.run(time.Minute)
		blocked := mailreply.Verdict{Category: "SpamBlock", Blame: "our source", Rule: "text-listed", Stage: "RCPT"}
		for _, c := range []struct {
			address string
			state   spooled.State
			want    mailreply.Verdict
		}{
			{"blocked@example.test", spooled.Deferred, blocked},
			{"gone@example.test", spooled.Failed, mailreply.Verdict{Category: "InvalidRecipient", Blame: "recipient", Rule: "text-unknown", Stage: "RCPT"}},
			{"here@example.test", spooled.Delivered, mailreply.Verdict{}},
		} {
			if o := w.final(id, c.address); o.State != c.state || o.Verdict != c.want {
				t.Errorf("%s: %s %+v, want %s %+v", c.address, o.State, o.Verdict, c.state, c.want)
			}
		}
		if r := w.rcpt(id, 0); r.Verdict != blocked {
			t.Errorf("%+v is kept", r.Verdict)
		}
		kept, err := w.store.Sites.ReplyKinds()
		if err != nil || len(kept) != 2 {
			t.Fatalf("%+v, %v", kept, err)
		}
		for _, k := range kept {
			if k.Stage != "RCPT" || k.Count != 1 || strings.Contains(k.Reply, "@") {
				t.Errorf("%+v", k)
			}
		}
	})
}

// A domain that has no mail hosts is judged too.
func TestMailer_verdict_ours(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		id := w.send("you@absent.test")
		w.run(30 * time.Minute)
		if o := w.final(id, "you@absent.test"); o.State != spooled.Failed || o.Verdict.Category != "BadDomain" || o.Verdict.Blame != "recipient" {
			t.Errorf("%s %q: %+v", o.State, o.Reply, o.Verdict)
		}
	})
}
