package jobs

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"relay/quota"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/news"
	"relay/store/orders"
	"relay/store/spool"
	"relay/store/spooled"
)

// newsWorld is a store in a bubble with accounts of a 100 e-mails a month, and a runner that
// tells their news.
type newsWorld struct {
	t     *testing.T
	st    *store.Store
	r     *Runner
	log   *logText
	began time.Time
	stop  func()

	mu   sync.Mutex
	told []string // "01-02 15:04 account kind"
	fail func(*store.Told) error
}

var hundred = quota.Plan{Name: "hundred", Term: quota.Year, Emails: 100}

func inNewsWorld(t *testing.T, accounts []string, test func(*newsWorld)) {
	synctest.Test(t, func(t *testing.T) {
		w := &newsWorld{t: t, began: time.Now()}
		st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		w.st = st
		for _, name := range accounts {
			n := orders.NewAccount{Account: books.Account{Name: name, Contact: "boss@" + name + ".example"}, Plan: hundred}
			if _, err := st.Orders.AddAccount(behalf.Order{}, n); err != nil {
				t.Fatal(err)
			}
		}
		w.r, w.log = runner(st, Config{Looks: Looks{Schedule: "30 8 * * *", Near: 90}})
		w.r.write = w.write
		w.run()
		test(w)
		w.stop()
		verify(t, st)
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
}

func (w *newsWorld) run() {
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.r.RunNews(ctx); err != nil {
			w.t.Error(err)
		}
	})
	w.stop = func() { cancel(); running.Wait() }
}

func (w *newsWorld) write(told *store.Told, _ spooled.ID) ([]spool.Notice, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		if err := w.fail(told); err != nil {
			return nil, err
		}
	}
	w.told = append(w.told, fmt.Sprintf("%s %s %s", w.st.Now().Format("02 15:04"), told.Account.Name, told.News.Kind))
	return []spool.Notice{{Body: []byte("x\r\n"), Message: spooled.Message{Expires: w.st.Now().AddDate(1, 0, 0),
		Recipients: []spooled.Recipient{{Address: told.Account.Contact, Domain: "acme.example"}}}}}, nil
}

// send has an account send a message to so many recipients; one that does not fit is refused.
func (w *newsWorld) send(name string, n int) {
	w.t.Helper()
	m := &spooled.Message{Account: name, Size: 10, Expires: w.st.Now().AddDate(1, 0, 0)}
	for i := range n {
		m.Recipients = append(m.Recipients, spooled.Recipient{Address: fmt.Sprintf("x%d@one.example", i), Domain: "one.example"})
	}
	if _, err := w.st.Accept(store.Intake{Message: m, Body: w.st.Bodies.New()}); err != nil {
		w.t.Error(err)
	}
	synctest.Wait()
}

func (w *newsWorld) look() {
	w.t.Helper()
	if err := w.r.runUsage(w.t.Context()); err != nil && !errors.Is(err, errNotDue) {
		w.t.Error(err)
	}
	synctest.Wait()
}

func (w *newsWorld) want(want ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if got := strings.Join(w.told, "|"); got != strings.Join(want, "|") {
		w.t.Errorf("told %q, want %q", w.told, want)
	}
}

func TestRunner_RunNews(t *testing.T) {
	inNewsWorld(t, []string{"acme"}, func(w *newsWorld) {
		w.send("acme", 99)
		w.want()
		w.send("acme", 10)
		w.want("01 00:00 acme reached")
		time.Sleep(24 * time.Hour)
		w.want("01 00:00 acme reached")
		w.log.mustMatch(t, "msg=told kind=reached account=acme .*mails=1")
	})
}

// A mail that cannot be written holds up no other, is tried seldom, and goes when it can be
// written. A panic is no more than that.
func TestRunner_RunNews_cannotBeWritten(t *testing.T) {
	inNewsWorld(t, []string{"acme", "bad", "worse"}, func(w *newsWorld) {
		tries := map[string]int{}
		w.fail = func(told *store.Told) error {
			tries[told.Account.Name]++
			switch told.Account.Name {
			case "bad":
				return errors.New("a template is wrong")
			case "worse":
				panic("a template is very wrong")
			}
			return nil
		}
		for _, name := range []string{"bad", "worse", "acme"} {
			w.send(name, 100)
		}
		w.want("01 00:00 acme reached")
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		if n := tries["bad"]; n < 9 || n > 11 || tries["worse"] != n {
			t.Errorf("tried %v times in two days, want about 10", tries)
		}
		w.log.mustMatch(t, "msg=\"a report cannot be written; it is tried again later\" kind=reached account=bad .*err=\"a template is wrong\"")
		w.log.mustMatch(t, "account=worse .*err=\"panic: a template is very wrong\"")
		w.mu.Lock()
		w.fail = nil
		w.mu.Unlock()
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		if len(w.told) != 3 {
			t.Errorf("told %q", w.told)
		}
	})
}

// A digest that takes long to gather holds up no urgent news. It is told once, also where its
// first try fails.
func TestRunner_RunNews_digest(t *testing.T) {
	inNewsWorld(t, []string{"acme"}, func(w *newsWorld) {
		w.stop()
		digests := 0
		w.r.write = func(told *store.Told, id spooled.ID) ([]spool.Notice, error) {
			if told.News.Kind == news.Digest {
				time.Sleep(20 * time.Second)
				if digests++; digests == 1 {
					return nil, errors.New("the store is read again")
				}
			}
			return w.write(told, id)
		}
		if _, err := w.r.Digest(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.run()
		time.Sleep(time.Second)
		w.send("acme", 100)
		w.want("01 00:00 acme reached")
		time.Sleep(time.Hour)
		w.want("01 00:00 acme reached", "01 00:05  digest")
		if digests != 2 {
			t.Errorf("gathered %d times", digests)
		}
		if _, err := w.r.Digest(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		w.stop() // it waits for the digest
		w.want("01 00:00 acme reached", "01 00:05  digest", "01 01:00  digest")
	})
}

// News that waits while relay is down is told when it runs again, once.
func TestRunner_RunNews_down(t *testing.T) {
	inNewsWorld(t, []string{"acme"}, func(w *newsWorld) {
		w.stop()
		w.send("acme", 100)
		time.Sleep(time.Hour)
		w.want()
		w.run()
		synctest.Wait()
		w.want("01 01:00 acme reached")
		w.stop()
		w.run()
		synctest.Wait()
		w.want("01 01:00 acme reached")
	})
}

// The look runs when it is due, and once after downtime.
func TestRunner_Usage(t *testing.T) {
	inNewsWorld(t, []string{"acme", "idle"}, func(w *newsWorld) {
		w.send("acme", 25)
		w.look()
		w.want() // the first look of all is when it is due
		time.Sleep(8*time.Hour + 30*time.Minute)
		w.look()
		w.look()
		w.want("01 08:30 acme usage")
		w.send("acme", 10)
		time.Sleep(3*24*time.Hour + time.Hour)
		w.look()
		w.look()
		w.want("01 08:30 acme usage", "04 09:30 acme usage")
		w.send("acme", 55)
		w.look()
		w.want("01 08:30 acme usage", "04 09:30 acme usage")
		time.Sleep(23 * time.Hour)
		res, err := w.r.Usage(w.t.Context())
		synctest.Wait()
		if err != nil || len(res.Found) != 1 || res.Found[0] != (Watched{Account: "acme", Kind: "near"}) || len(res.Failed) != 0 {
			t.Errorf("Usage = %+v, %v", res, err)
		}
		w.want("01 08:30 acme usage", "04 09:30 acme usage", "05 08:30 acme near")
	})
}

// Thousands of reports at the turn of a month come in small batches, and a limit that is
// reached meanwhile is told after one of them.
func TestRunner_RunNews_many(t *testing.T) {
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprintf("a%03d", i))
	}
	inNewsWorld(t, append(names, "urgent"), func(w *newsWorld) {
		w.stop()
		for _, name := range names {
			w.send(name, 30)
		}
		if err := w.r.did(Usage, w.began.Add(-48*time.Hour)); err != nil {
			t.Fatal(err)
		}
		w.look()
		w.fail = func(told *store.Told) error {
			if len(w.told) == 40 {
				w.told = append(w.told, "sent")
				go w.send("urgent", 100)
			}
			if len(w.told) > 35 {
				time.Sleep(time.Second) // a chart
			}
			return nil
		}
		w.run()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(w.told); n != 102 {
			t.Errorf("told %d", n)
		}
		for i, text := range w.told {
			if strings.HasSuffix(text, "urgent reached") && i > 41+2*newsBatch {
				t.Errorf("it was told as number %d", i)
			}
		}
	})
}

// Of large mails, such as reports with long lists of errors, few are in memory at a time.
func TestRunner_tellDue_large(t *testing.T) {
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for i := range newsBatch {
		name := fmt.Sprintf("a%02d", i)
		if _, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: name, Contact: "boss@x.example"}, Plan: hundred}); err != nil {
			t.Fatal(err)
		}
		if _, err := st.Orders.Suspend(behalf.Order{}, name, "x"); err != nil {
			t.Fatal(err)
		}
	}
	r, _ := runner(st, Config{})
	written, most := 0, 0
	r.write = func(told *store.Told, _ spooled.ID) ([]spool.Notice, error) {
		list, _, err := st.News.Due(newsBatch)
		most = max(most, written-(newsBatch-len(list)))
		written++
		return []spool.Notice{{Body: make([]byte, newsBytes/2+1), Message: spooled.Message{Expires: st.Now().Add(time.Hour), Recipients: []spooled.Recipient{{Address: "boss@x.example", Domain: "x.example"}}}}}, err
	}
	if _, err := r.tellDue(t.Context(), &aside{}); err != nil {
		t.Fatal(err)
	}
	if written != newsBatch || most > 1 {
		t.Errorf("%d were written, %d while others were stored", written, most)
	}
}
