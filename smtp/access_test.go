package smtp

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"relay/store/access"
	"relay/store/behalf"
	"relay/store/news"
	"relay/store/people"
	"relay/store/strangers"
)

// as sends one message as acme from an address, and returns the last reply.
func (f *fixture) as(from, ehlo, password, mailer string, to ...string) string {
	f.t.Helper()
	c := f.dial(Implicit, from)
	defer c.conn.Close()
	c.want("220 ")
	c.do("EHLO "+ehlo, "250 ")
	c.send("AUTH PLAIN " + plain("acme", password) + "\r\n")
	if got := c.line(); !strings.HasPrefix(got, "235 ") {
		return got
	}
	c.do("MAIL FROM:<a@b.example>", "250 ")
	for _, r := range to {
		c.do("RCPT TO:<"+r+">", "250 ")
	}
	c.do("DATA", "354 ")
	c.send("From: a@b.example\r\nX-Mailer: " + mailer + "\r\n\r\nx\r\n.\r\n")
	return c.line()
}

// From where a login is used is known, with its program, and written within a minute.
func TestAccess(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		for range 5 {
			f.as("192.0.2.1", "laptop.local", goodSecret, "Thunderbird 140", "x@d.example")
			time.Sleep(time.Second)
			f.as("127.0.0.1", "localhost", goodSecret, "cron", "x@d.example")
		}
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		a, err := f.st.Access.Uses("acme")
		if err != nil || len(a.Networks) != 2 {
			t.Fatalf("%+v, %v", a, err)
		}
		for i, want := range []string{"127.0.0.0/24 5 cron", "192.0.2.0/24 5 Thunderbird 140"} {
			n := a.Networks[i]
			if got := fmt.Sprint(n.Network, " ", n.Count, " ", n.Program); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		before, _ := f.st.Commits()
		for range 100 { // no login from a known address waits for the disk
			f.wantLogin("192.0.2.1", "acme", goodSecret, "235 ")
		}
		if n, _ := f.st.Commits(); n != before {
			t.Errorf("%d commits", n-before)
		}
		if news, _, err := f.st.News.Due(9); err != nil || len(news) != 0 {
			t.Errorf("news %+v, %v", news, err)
		}
	})
}

// The story of a stolen login: guesses, then a new network, then mail to strangers. It is held
// after a few messages, both sides are told, its owner's other login goes on, and the thief
// hears of a wrong password. The owner's own mail of that day is not counted.
func TestAccess_stolen(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		f.st.Access.SetTheft(access.Theft{Failed: 5, Recipients: 50})
		if err := f.st.Strangers.SetRules(strangers.Rules{Cap: 1000, Direct: func(string) bool { return true }, Way: "mx"}); err != nil {
			t.Fatal(err)
		}
		if err := f.st.People.AddCredential(behalf.Order{}, people.Credential{Login: "phone", Account: "acme", Kind: people.Token, Hash: secretHash}); err != nil {
			t.Fatal(err)
		}
		strangers := func(who string, n int) (list []string) {
			for i := range 10 {
				list = append(list, fmt.Sprintf("%s%d-%d@stranger.example", who, n, i))
			}
			return list
		}
		f.as("192.0.2.1", "laptop", goodSecret, "Thunderbird", "friend@d.example")
		for i := range 7 {
			if got := f.as(fmt.Sprintf("198.51.100.%d", i), "bot", fmt.Sprintf("guess %d", i), ""); !strings.HasPrefix(got, "535 ") {
				t.Fatalf("a guess: %s", got)
			}
		}
		taken := 0
		for i := range 20 {
			if got := f.as("192.0.2.1", "laptop", goodSecret, "Thunderbird", strangers("own", i)...); i < 3 && !strings.HasPrefix(got, "250 ") {
				t.Fatalf("the owner: %s", got)
			}
			got := f.as(fmt.Sprintf("203.0.%d.1", 10*i), "bot", goodSecret, "", strangers("s", i)...)
			if !strings.HasPrefix(got, "250 ") {
				if !strings.HasPrefix(got, "550 5.7.1 login acme is held, it looks stolen") {
					t.Errorf("the thief hears %s", got)
				}
				break
			}
			taken++
		}
		if taken < 2 || taken > 5 {
			t.Errorf("%d messages to 10 strangers each were taken", taken)
		}
		if got := f.as("203.0.1.1", "bot", goodSecret, ""); !strings.HasPrefix(got, "535 5.7.8 wrong") {
			t.Errorf("the thief logs in: %s", got)
		}
		f.wantLogin("192.0.2.1", "phone", goodSecret, "235 ")
		list, _, err := f.st.News.Due(9)
		if err != nil || len(list) != 1 || list[0].Kind != news.LoginHeld || list[0].Reason != string(people.HeldByRelay) || list[0].Signs == nil || list[0].Signs.Failed != 7 {
			t.Errorf("told %+v, %v", list, err)
		}
		if text := f.log.String(); !strings.Contains(text, "login watched") || !strings.Contains(text, "it looks stolen") {
			t.Errorf("log %s", text)
		}
	})
}
