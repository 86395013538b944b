package mailer

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/mailer/settings"
	"relay/store/spool"
	"relay/store/spooled"
)

// story is the texts of the log about a message, with the recipient where there
// is one, in order.
func (w *world) story(id spooled.ID) (list []string) {
	text, to := regexp.MustCompile(`msg="([^"]*)"`), regexp.MustCompile(` to=(\S*)`)
	for line := range strings.Lines(w.logged()) {
		if !strings.Contains(line, " spool_id="+id.String()+" ") && !strings.HasSuffix(line, " spool_id="+id.String()+"\n") {
			continue
		}
		what := text.FindStringSubmatch(line)[1]
		if m := to.FindStringSubmatch(line); m != nil {
			what += " " + m[1]
		}
		list = append(list, what)
	}
	return list
}

// Every recipient's outcome is logged, also of several in one transaction, and
// the end of the message, once.
func TestLog_recipients(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		h.say = func(x *exchange) string {
			if x.verb == "RCPT" && strings.Contains(x.arg, "no@") {
				return "550 5.1.1 nobody"
			}
			return ""
		}
		id := w.send("a@example.test", "no@example.test", "b@example.test", "c@dead.test")
		w.dead("dead.test")
		w.run(time.Minute)
		got := w.story(id)
		want := []string{"message delivered a@example.test", "message bounced no@example.test", "message delivered b@example.test", "message deferred c@dead.test"}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("after an attempt %q, want %q", got, want)
		}
		w.pass(6 * 24 * time.Hour)
		got = w.story(id)
		if n := len(got); n < 2 || !slices.Equal(got[n-2:], []string{"message expired c@dead.test", "message removed"}) {
			t.Errorf("at the end %q", got)
		}
		if n := strings.Count(w.logged(), `msg="DSN queued"`); n != 2 || strings.Count(w.logged(), "about="+id.String()) != 2 {
			t.Errorf("%d DSNs in the log, want that of the refusal and that of the end", n)
		}
	})
}

// A message that is dropped while it is on its way gets no DSN any more, and the
// log tells of none.
func TestLog_droppedMeanwhile(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		h.say = func(x *exchange) string {
			if x.verb == "RCPT" {
				time.Sleep(10 * time.Second)
				return "550 5.1.1 nobody"
			}
			return ""
		}
		id := w.send("no@example.test")
		w.run(5 * time.Second)
		if done, _, err := w.store.Spool.Change(spool.OpDrop, []spooled.ID{id}); len(done) != 1 || err != nil {
			t.Fatalf("dropped %v, %v", done, err)
		}
		w.pass(time.Minute)
		if n := len(w.notices()); n != 0 {
			t.Errorf("%d DSNs", n)
		}
		if got := w.story(id); !slices.Equal(got, []string{"message dropped", "message bounced no@example.test"}) || strings.Contains(w.logged(), "DSN queued") {
			t.Errorf("the log tells %q, and:\n%s", got, w.logged())
		}
	})
}
