package mailer

import (
	"strings"
	"testing"
	"time"

	"relay/mailer/attempt"
	"relay/mailer/settings"
)

// The dialogue is kept where mail was not delivered: host by host, to the last one.
func TestMailer_dialogue(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.host("well.test")
		w.host("example.test").say = func(x *exchange) string {
			if x.verb == "RCPT" && strings.Contains(x.arg, "gone") {
				return "550 5.1.1 User unknown"
			}
			return ""
		}
		dead := w.dead("dead.test")
		id := w.send("gone@example.test", "here@example.test", "you@dead.test")
		well := w.send("you@well.test")
		w.run(time.Minute)
		list, err := w.store.Trace.Dialogues(id)
		if err != nil {
			t.Fatal(err)
		}
		all := ""
		for _, d := range list {
			all += string(d.Lines)
		}
		for _, want := range []string{"-- mx.example.test[", "S: 220", "C: EHLO", "C: MAIL FROM:<a@src.test>", "C: RCPT TO:<gone@example.test>\nS: 550 5.1.1 User unknown\n",
			"C: RCPT TO:<here@example.test>\nS: 250\n", "octets of content\n", "[" + dead.String() + "]:25\n-- connect: "} {
			if !strings.Contains(all, want) {
				t.Errorf("no %q in\n%s", want, all)
			}
		}
		if strings.Contains(all, "Subject") {
			t.Errorf("content in\n%s", all)
		}
		if list, err := w.store.Trace.Dialogues(well); err != nil || len(list) != 0 {
			t.Errorf("%+v, %v of a message that was delivered", list, err)
		}
	})
}

// The last hosts of an attempt are kept within the bound.
func TestDialogue_stored(t *testing.T) {
	var d attempt.Dialogue
	if got := d.Stored("a.test"); got.Lines != nil {
		t.Errorf("%q", got.Lines)
	}
	for _, name := range []string{"a", "b", "c"} {
		d.Hosts = append(d.Hosts, name+strings.Repeat("x", 3000)+"\n")
	}
	if got := string(d.Stored("a.test").Lines); !strings.HasPrefix(got, "-- hosts before are left out\ncx") || len(got) > 4096 {
		t.Errorf("%d octets: %.60q", len(got), got)
	}
}
