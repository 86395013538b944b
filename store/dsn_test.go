package store

import (
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"relay/quota"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// plainDSNs are of that text, or where it is empty of a line for each recipient.
func plainDSNs(s *Store, perHour int, text string) spool.DSNs {
	return spool.DSNs{PerHour: perHour, Build: func(m *spooled.Message, own bool, original io.Reader) (spool.Notice, bool) {
		body := text
		if body == "" {
			for i := range m.Recipients {
				if r := &m.Recipients[i]; r.DSN != nil {
					body += fmt.Sprintf("%s %s %s\n", r.Address, r.DSN.Action, r.DSN.Reply)
				}
			}
			all, err := io.ReadAll(original)
			body += fmt.Sprintf("own %v, %d octets, %v\n", own, len(all), err)
		}
		return spool.Notice{Body: []byte(body), Message: spooled.Message{Expires: s.Now().Add(time.Hour),
			Recipients: []spooled.Recipient{{Address: m.Sender, Domain: "src.test"}}}}, true
	}}
}

// fail settles a recipient as refused, with its DSN.
func fail(t testing.TB, s *Store, m *spooled.Message, rcpt int) spool.Result {
	t.Helper()
	list := []spool.Result{{ID: m.ID, Domain: m.Recipients[rcpt].Domain, Event: trace.Event{Kind: trace.EventAttempt},
		Outcomes: []spool.Outcome{{Rcpt: rcpt, State: spooled.Failed, Reply: "550 no", DSN: &spooled.DSN{Action: "failed", Reply: "550 no"}}}}}
	if err := s.Spool.Settle(list...); err != nil {
		t.Fatal(err)
	}
	return list[0]
}

// dsnBodies are the DSNs in the queue, oldest first.
func dsnBodies(t testing.TB, s *Store) (list []string) {
	t.Helper()
	err := s.Spool.Queue(spooled.ID{}, func(m *spooled.Message) error {
		if m.Sender != "" {
			return nil
		}
		b, err := io.ReadAll(s.Bodies.Open(m.ID))
		list = append(list, string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func sendDSNs(t testing.TB, s *Store) []spool.DSNResult {
	t.Helper()
	sent, _, err := s.Spool.SendDSNs()
	if err != nil {
		t.Fatal(err)
	}
	verify(t, s)
	return sent
}

// The failures of a minute are one DSN, sent when it is over, also after a crash
// or a restart, and once; a failure after that begins another minute.
func TestDSN_collectsAMinute(t *testing.T) {
	c := &clock{t: epoch}
	path := filepath.Join(t.TempDir(), "relay.db")
	s := reopen(t, path, c)
	addAccount(t, s, "acme", quota.Plan{})
	s.Spool.SetDSNs(plainDSNs(s, 0, ""))
	m := accept(t, s, "acme", 100, "a@a.test", "b@b.test", "c@c.test", "d@d.test")
	fail(t, s, m, 0)
	c.add(30 * time.Second)
	fail(t, s, m, 1)
	if sent := sendDSNs(t, s); len(sent) != 0 {
		t.Errorf("sent within the minute: %+v", sent)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, path, c)
	defer s.Close()
	s.Spool.SetDSNs(plainDSNs(s, 0, ""))
	c.add(30 * time.Second)
	if sent := sendDSNs(t, s); len(sent) != 1 || sent[0].About != m.ID {
		t.Errorf("sent when the minute was over: %+v", sent)
	}
	if sent := sendDSNs(t, s); len(sent) != 0 {
		t.Errorf("sent again: %+v", sent)
	}
	fail(t, s, m, 2)
	c.add(59 * time.Second)
	if sent := sendDSNs(t, s); len(sent) != 0 {
		t.Errorf("the next one did not wait its minute: %+v", sent)
	}
	c.add(time.Second)
	sendDSNs(t, s)
	want := []string{
		"a@a.test failed 550 no\nb@b.test failed 550 no\nown false, 100 octets, <nil>\n",
		"c@c.test failed 550 no\nown false, 100 octets, <nil>\n"}
	if got := dsnBodies(t, s); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("DSNs %q, want %q", got, want)
	}
	if u, _ := s.Usage("acme", "2026-11"); u.DSNs != 2 || u.Withheld != 0 || u.Charged.Messages != 4 {
		t.Errorf("usage %+v", u)
	}
}

// The last recipient's outcome sends what there is to tell, in its transaction,
// while the message can still be read.
func TestDSN_goesWithTheLastRecipient(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	s.Spool.SetDSNs(plainDSNs(s, 0, ""))
	m := accept(t, s, "acme", 40_000, "a@a.test", "b@b.test")
	fail(t, s, m, 0)
	c.add(time.Second)
	settle(t, s, claim(t, s, "b.test", "acme", 1)[0], spooled.Delivered)
	want := "a@a.test failed 550 no\nown false, 40000 octets, <nil>\n"
	if got := dsnBodies(t, s); len(got) != 1 || got[0] != want {
		t.Errorf("DSNs %q, want %q", got, want)
	}
	c.add(time.Hour)
	if sent := sendDSNs(t, s); len(sent) != 0 {
		t.Errorf("sent again: %+v", sent)
	}
}

// Who hears late of a delay that is over hears of that only.
func TestDSN_aDelayThatIsOver(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	s.Spool.SetDSNs(plainDSNs(s, 0, ""))
	m := accept(t, s, "acme", 100, "a@a.test", "b@b.test")
	err := s.Spool.Settle(spool.Result{ID: m.ID, Domain: "a.test", Outcomes: []spool.Outcome{{Rcpt: 0, State: spooled.Queued, Delayed: true, DSN: &spooled.DSN{Action: "delayed"}}}})
	if err != nil {
		t.Fatal(err)
	}
	verify(t, s)
	settle(t, s, claim(t, s, "a.test", "acme", 1)[0], spooled.Delivered)
	c.add(time.Hour)
	if sent := sendDSNs(t, s); len(sent) != 0 || len(dsnBodies(t, s)) != 0 {
		t.Errorf("a delay was told of mail that was delivered: %+v", sent)
	}
}

// A clock that was set back lets nobody wait for the time that was.
func TestDSN_clockSetBack(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	s.Spool.SetDSNs(plainDSNs(s, 0, ""))
	fail(t, s, accept(t, s, "acme", 100, "a@a.test", "b@b.test"), 0)
	c.add(-24 * time.Hour)
	if sent := sendDSNs(t, s); len(sent) != 1 {
		t.Errorf("sent %+v", sent)
	}
}

// What is over an account's number in an hour is counted and in the trace, and not
// sent; the next hour has its own, and so have others.
func TestDSN_perAccountAndHour(t *testing.T) {
	s, c := newStore(t)
	for _, a := range []string{"acme", "other"} {
		addAccount(t, s, a, quota.Plan{})
	}
	s.Spool.SetDSNs(plainDSNs(s, 2, ""))
	var last *spooled.Message
	bounce := func(account string, n int) (r spool.Result) {
		for range n {
			last = accept(t, s, account, 100, "a@a.test")
			r = fail(t, s, last, 0)
		}
		return r
	}
	if r := bounce("acme", 5); len(r.DSNs) != 1 || !r.DSNs[0].Withheld || r.DSNs[0].Notice != nil {
		t.Errorf("the fifth: %+v", r.DSNs)
	}
	events, err := s.Trace.Of(last.ID)
	if e := events[len(events)-1]; err != nil || e.Kind != trace.EventNotice || e.Note != spooled.NoteNoDSN || e.Sent != 2 {
		t.Errorf("trace %+v, %v", events, err)
	}
	if r := bounce("other", 1); r.DSNs[0].Notice == nil {
		t.Errorf("another account's: %+v", r.DSNs)
	}
	c.add(time.Hour)
	bounce("acme", 1)
	if u, _ := s.Usage("acme", "2026-11"); u.DSNs != 3 || u.Withheld != 3 || u.Failed != 6 {
		t.Errorf("usage %+v, want 3 DSNs and 3 withheld", u)
	}
	if n := len(dsnBodies(t, s)); n != 4 {
		t.Errorf("%d DSNs are queued, want 4", n)
	}
}

func TestAccount_Owns(t *testing.T) {
	a := Account{Contact: "boss@shop.example", Senders: []string{"@news.example", "info@other.example"}}
	for address, want := range map[string]bool{
		"boss@shop.example": true, "Boss@Shop.example": true, "ann@shop.example": false,
		"x@news.example": true, "x@sub.news.example": false, "info@other.example": true, "ann@other.example": false, "": false,
	} {
		if a.Owns(address) != want {
			t.Errorf("Owns(%q) = %v", address, !want)
		}
	}
	if (&Account{}).Owns("") {
		t.Error("an account without a contact owns the null sender")
	}
}
