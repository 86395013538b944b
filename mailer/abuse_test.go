package mailer

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relay/mailer/settings"
	"relay/quota"
	"relay/store/behalf"
	"relay/store/returns"
	"relay/store/signs"
	"relay/store/standing"
)

// story is what three accounts do on one relay, with what is told of them by the minute.
type story struct {
	*world
	began   time.Time
	n       map[string]int  // messages by account
	refused map[string]bool // lines
	lines   []string
}

var updateStory = flag.Bool("update", false, "write testdata/abuse.txt")

// providers is how many hosts each of them writes to.
var providers = map[string]int{"clean": 1, "careless": 10, "stolen": 1}

// tell notes what is to be told, as soon as it is.
func (s *story) tell() {
	s.t.Helper()
	list, _, err := s.store.News.Due(100)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range list {
		n := &list[i]
		told, err := s.store.Telling(n)
		if err != nil || told == nil {
			s.t.Fatalf("telling %+v: %v", n, err)
		}
		if f := told.Signs; f != nil {
			s.say("%s is told: %s, %d of %d of a %s for %s (limit %d and %g%%) at %s", n.Account, n.Kind, f.N, f.Of, f.Window, f.Sign, f.Count, float64(f.Share)/10_000, places(f))
		} else {
			s.say("%s is told: %s %s %s", n.Account, n.Kind, n.About, n.Reason)
		}
		if err := s.store.Tell(n, nil); err != nil {
			s.t.Fatal(err)
		}
	}
}

func places(f *signs.Figures) string {
	var list []string
	for _, p := range f.Places {
		list = append(list, fmt.Sprint(p.Name, " ", p.N))
	}
	return strings.Join(list, ", ")
}

func (s *story) say(format string, args ...any) {
	s.lines = append(s.lines, s.store.Now().Sub(s.began).Truncate(time.Minute).String()+" "+fmt.Sprintf(format, args...))
}

// sends hands n messages in; what is refused is said.
func (s *story) sends(account string, n int) {
	s.t.Helper()
	for range n {
		i := s.n[account]
		s.n[account]++
		m := message(fmt.Sprintf("r%d@%s%d.test", i, account, i%providers[account]))
		m.Account, m.MessageID = account, fmt.Sprintf("<%d@%s>", i, account)
		r, err := s.store.Standings.Permit(account, account, quotaOne)
		if err != nil {
			s.t.Fatal(err)
		}
		if r != nil {
			if line := fmt.Sprintf("%s is refused: %s, %s", account, r.State, r.Reason); !s.refused[line] {
				s.say("%s", line)
				s.refused[line] = true
			}
			return
		}
		s.accept(m)
	}
}

// complain has a recipient report a message, twice, as feedback loops do.
func (s *story) complain(account string, i int) {
	s.t.Helper()
	r := returns.Return{Kind: returns.Complaint, MessageID: fmt.Sprintf("<%d@%s>", i, account), Reporter: "loop.test"}
	if _, err := s.store.Returns.Record([]returns.Return{r, r}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *story) usage(account string) standing.Usage {
	s.t.Helper()
	u, err := s.store.Standings.Usage(account, s.store.Now().Format("2006-01"))
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

// play is a day of three hours; others says whether the careless and the stolen account take
// part. It returns what of the clean account's mail was delivered by each quarter of an hour.
func play(s *story, others bool) (clean []int64) {
	for minute := range 180 {
		s.sends("clean", 5)
		if others && minute == 60 {
			s.sends("stolen", 1500)
		}
		if others && minute >= 70 && minute < 100 && minute%4 == 0 {
			s.complain("stolen", (minute-70)*10)
		}
		if others && minute == 110 {
			s.sends("stolen", 1)
			s.sends("careless", 1)
		}
		for range 60 {
			if others && minute >= 30 && minute < 40 {
				s.sends("careless", 1)
			}
			s.pass(time.Second)
		}
		s.tell()
		if minute%15 == 14 {
			clean = append(clean, s.usage("clean").Delivered)
		}
	}
	return clean
}

// A clean account, one with an old list and one whose password is stolen share a relay: the two
// are told, slowed down and suspended, by what comes back of their own mail, and the clean one's
// goes out as if it were alone. testdata/abuse.txt is who was told what, and when.
func TestMailer_abuse(t *testing.T) {
	alone, beside := throughput(t, false, nil), []int64(nil)
	var s *story
	beside = throughput(t, true, func(is *story) { s = is })
	if fmt.Sprint(alone) != fmt.Sprint(beside) {
		t.Errorf("the clean account delivered %v beside the others, %v alone", beside, alone)
	}
	file := filepath.Join("testdata", "abuse.txt")
	is := strings.Join(s.lines, "\n") + "\n"
	if *updateStory {
		if err := os.WriteFile(file, []byte(is), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != is {
		t.Errorf("%s, %v:\n%s", file, err, is)
	}
}

func throughput(t *testing.T, others bool, end func(*story)) (clean []int64) {
	inWorld(t, settings.Config{}, func(w *world) {
		s := &story{world: w, began: w.store.Now(), n: map[string]int{}, refused: map[string]bool{}}
		w.store.Abuse.SetRules(signs.Default)
		for account, n := range providers {
			w.account(account)
			for i := range n {
				w.host(fmt.Sprintf("%s%d.test", account, i)).say = s.answer
			}
		}
		w.start()
		clean = play(s, others)
		if end != nil {
			s.resume()
			end(s)
		}
	})
	return clean
}

// answer of a provider: a tenth of the old list is gone, and some of the stolen account's
// recipients are put off for the three hours.
func (s *story) answer(x *exchange) string {
	i := 0
	if n, err := fmt.Sscanf(x.arg, "r%d@", &i); n != 1 || err != nil || x.verb != "RCPT" {
		return ""
	}
	switch {
	case strings.Contains(x.arg, "careless") && (i/10+i)%9 == 3:
		return "550 5.1.1 no such user"
	case strings.Contains(x.arg, "stolen") && i%10 == 7 && s.store.Now().Sub(s.began) < 3*time.Hour:
		return "451 4.2.0 come back later"
	}
	return ""
}

// resume lets both go on, and says what waited and what became of it.
func (s *story) resume() {
	for _, account := range []string{"careless", "stolen"} {
		k, err := s.store.Kept(account)
		if err != nil {
			s.t.Fatal(err)
		}
		s.say("%s: %d e-mails wait", account, k.Emails)
		if _, err := s.store.Orders.Resume(behalf.Order{By: "operator"}, account); err != nil {
			s.t.Fatal(err)
		}
	}
	s.complain("stolen", 1000) // of mail from before
	for range 4 {
		s.pass(15 * time.Minute)
		s.tell()
	}
	for _, account := range []string{"careless", "stolen"} {
		u := s.usage(account)
		s.say("%s: %d delivered, %d failed, %d wait", account, u.Delivered, u.Failed, u.Queued)
	}
}

var quotaOne = quota.Charge{Messages: 1, Bytes: 100}
