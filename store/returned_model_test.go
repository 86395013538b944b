package store

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/maildomain"
	"relay/store/quiet"
	"relay/store/returns"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// returnModel is what Returns.Record must do, over a list of all that was delivered.
type returnModel struct {
	sent  []modelMail
	marks map[string]bool // kind, message and what
	count map[string]int  // account and kind
}

type modelMail struct {
	id                 spooled.ID
	account, messageID string
	to                 string // mailbox
	of                 int    // recipients of the message
	at                 time.Time
}

// expect is what becomes of a report: whose it is, and why it does not count.
func (m *returnModel) expect(r *returns.Return, now time.Time) (account string, why returns.Why) {
	mailbox, named := maildomain.Mailbox(r.Recipient)
	var all, mine []modelMail
	for _, s := range m.sent {
		if s.messageID == r.MessageID && r.MessageID != "" && now.Sub(s.at) <= 90*24*time.Hour {
			if all = append(all, s); s.to == mailbox {
				mine = append(mine, s)
			}
		}
	}
	among, what := all, mailbox
	if len(mine) > 0 {
		among = mine
	}
	if len(among) == 0 {
		return "", returns.WhyUnknown
	}
	last := among[0]
	only := true
	for _, s := range among {
		if s.account != last.account {
			return "", returns.WhyAmbiguous
		}
		if s.at.Unix() > last.at.Unix() || s.at.Unix() == last.at.Unix() && s.id.Compare(last.id) > 0 {
			last = s
		}
	}
	boxes := map[string]bool{}
	for _, s := range all {
		only = only && s.to == last.to
		if s.id == last.id {
			boxes[s.to] = true
		}
	}
	masked := !named && r.Kind == returns.Complaint
	switch {
	case len(mine) > 0, only && last.of == 1 && !masked:
		what = last.to
	case masked:
		what = "reporter " + r.Reporter
	}
	prefix := string(r.Kind) + last.id.String()
	n := 0
	for mark := range m.marks {
		if strings.HasPrefix(mark, prefix) {
			n++
		}
	}
	if m.marks[prefix+what] || n >= len(boxes) {
		return last.account, returns.WhyAgain
	}
	m.marks[prefix+what] = true
	m.count[last.account+" "+string(r.Kind)]++
	return last.account, ""
}

// Months of mail and of reports, true and forged, one or many at once, with restarts and kills
// in between, do what a list of all mail says.
func TestStore_Returned_model(t *testing.T) {
	for seed := range uint64(2) {
		r := rand.New(rand.NewPCG(seed, 12))
		c := &clock{t: epoch}
		path := filepath.Join(t.TempDir(), "relay.db")
		b := &back{openKept(t, path, c), t, c}
		accounts := []string{"acme", "blue", "cyan"}
		for _, a := range accounts {
			addAccount(t, b.Store, a, quota.Plan{})
		}
		m := &returnModel{marks: map[string]bool{}, count: map[string]int{}}
		for day := range 120 {
			c.set(epoch.Add(time.Duration(day)*24*time.Hour + time.Duration(r.IntN(3600))*time.Second))
			for range r.IntN(6) {
				m.send(b, r, accounts)
			}
			m.report(b, r)
			for range r.IntN(4) {
				if _, err := b.Delivered.Step(); err != nil {
					t.Fatal(err)
				}
			}
			m.report(b, r)
			switch r.IntN(8) {
			case 0:
				verify(t, b.Store)
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				b.Store = openKept(t, path, c)
			case 1: // a copy of the live file is what a kill leaves
				killed := filepath.Join(t.TempDir(), fmt.Sprint(day))
				if err := b.update(0, func(*tx) error { return killedAs(killed, path) }); err != nil {
					t.Fatal(err)
				}
				_ = b.Close()
				path = killed
				b.Store = openKept(t, path, c)
			case 2:
				if _, err := b.Store.Returns.Prune(c.now()); err != nil {
					t.Fatal(err)
				}
			}
		}
		m.check(b, accounts)
		verify(t, b.Store)
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// openKept opens a store whose index is kept in order by the test, step by step.
func openKept(t *testing.T, path string, c *clock) *Store {
	s := reopen(t, path, c)
	s.Delivered.Wait() // what Open has begun
	s.Delivered.Pause()
	return s
}

// send has a message delivered to some of its recipients, now and then with the Message-ID of
// an earlier one.
func (m *returnModel) send(b *back, r *rand.Rand, accounts []string) {
	b.t.Helper()
	account := accounts[r.IntN(len(accounts))]
	messageID := fmt.Sprintf("<%d@mail.test>", r.IntN(400))
	var to []string
	for i := range 1 + r.IntN(2)*r.IntN(6) {
		to = append(to, fmt.Sprintf("u%d@x.test", 10*i+r.IntN(10)))
	}
	in := intake(b.Store, account, 100, to...)
	in.Message.MessageID = messageID
	if no, err := b.Accept(in); err != nil || no != nil {
		b.t.Fatal(no, err)
	}
	res := spool.Result{ID: in.Message.ID, Domain: "x.test", Event: trace.Event{Kind: trace.EventAttempt}}
	for i, a := range to {
		state := []spooled.State{spooled.Delivered, spooled.Delivered, spooled.Delivered, spooled.Failed}[r.IntN(4)]
		res.Outcomes = append(res.Outcomes, spool.Outcome{Rcpt: i, State: state})
		if state == spooled.Delivered {
			m.sent = append(m.sent, modelMail{in.Message.ID, account, messageID, a, len(to), b.Now()})
		}
	}
	if err := b.Store.Spool.Settle(res); err != nil {
		b.t.Fatal(err)
	}
}

// report brings in a batch of reports.
func (m *returnModel) report(b *back, r *rand.Rand) {
	b.t.Helper()
	var list []returns.Return
	for range r.IntN(8) {
		ret := bounceOf(fmt.Sprintf("<%d@mail.test>", r.IntN(500)), fmt.Sprintf("u%d@x.test", r.IntN(60)))
		if len(m.sent) > 0 && r.IntN(3) > 0 {
			s := m.sent[r.IntN(len(m.sent))]
			ret.MessageID, ret.Recipient = s.messageID, s.to
		}
		if r.IntN(2) == 0 {
			ret.Kind, ret.Reporter = returns.Complaint, fmt.Sprintf("r%d.test", r.IntN(3))
		}
		if r.IntN(4) == 0 {
			ret.Recipient = []string{"", "other@z.test"}[r.IntN(2)]
		}
		list = append(list, ret)
	}
	if got, err := b.Store.Returns.Record(list); err != nil {
		b.t.Fatal(err)
	} else {
		for i := range list {
			if account, why := m.expect(&list[i], b.Now()); got[i].Account != account || got[i].Why != why || got[i].Counted != (why == "") {
				b.t.Fatalf("%+v\ngives %+v,\nwant %q %q", list[i], got[i], account, why)
			}
		}
	}
}

// check compares the counts of usage.
func (m *returnModel) check(b *back, accounts []string) {
	b.t.Helper()
	for _, a := range accounts {
		list, err := b.Store.Standings.Usages(a)
		if err != nil {
			b.t.Fatal(err)
		}
		var bounced, complained int64
		for _, u := range list {
			bounced, complained = bounced+u.Bounced, complained+u.Complained
		}
		if bounced != int64(m.count[a+" bounce"]) || complained != int64(m.count[a+" complaint"]) || bounced == 0 {
			b.t.Errorf("%s: %d bounced, %d complained, want %v", a, bounced, complained, m.count)
		}
		days := int64(0)
		for _, u := range list {
			d, err := b.Outcomes.InPeriod(a, u.Period)
			if err != nil {
				b.t.Fatal(err)
			}
			days += d.Bounced
		}
		if days != bounced {
			b.t.Errorf("%s: the days have %d bounced, the usage %d", a, days, bounced)
		}
	}
}

// 500 reports are one commit, and each is judged by those before it.
func TestStore_Returned_batch(t *testing.T) {
	b := newBack(t)
	var to []string
	for i := range 250 {
		to = append(to, fmt.Sprintf("u%d@x.test", i))
	}
	b.send("acme", "<1@acme>", to...)
	var list []returns.Return
	for _, a := range to {
		list = append(list, bounceOf("<1@acme>", a), bounceOf("<1@acme>", strings.ToUpper(a)))
	}
	before, _ := b.Commits()
	got, err := b.Store.Returns.Record(list)
	after, _ := b.Commits()
	if err != nil || after-before != 1 {
		t.Fatalf("%d commits, %v", after-before, err)
	}
	for i, e := range got {
		if want := i%2 == 0; e.Counted != want || e.Recipient != to[i/2] {
			t.Fatalf("%d: %+v", i, e)
		}
	}
	if got := b.counts("acme"); got != "250 0" {
		t.Errorf("counts %s", got)
	}
	if got, err := b.Store.Returns.Record(nil); err != nil || len(got) != 0 {
		t.Errorf("none: %v, %v", got, err)
	}
	forged, err := b.Store.Returns.Record(slices.Repeat([]returns.Return{bounceOf("<2@acme>", "u1@x.test")}, 500))
	if last, _ := b.Commits(); err != nil || last != after || forged[499].Why != returns.WhyUnknown {
		t.Errorf("forgeries made %d commits: %+v, %v", last-after, forged[499], err)
	}
}

// Deliveries, reports and look-ups at once, while parts become runs.
func TestStore_Returned_atOnce(t *testing.T) {
	b := newBack(t)
	done := make(chan error, 3)
	var to []string
	for i := range 500 {
		to = append(to, fmt.Sprintf("u%d@x.test", i))
	}
	for n := range 3 {
		go func() {
			err := error(nil)
			for i := range 8 {
				id := fmt.Sprintf("<%d.%d@acme>", n, i)
				b.send("acme", id, to...)
				var list []returns.Return
				for _, a := range to[:20] {
					list = append(list, bounceOf(id, a))
				}
				var got []returns.Effect
				if got, err = b.Store.Returns.Record(list); err == nil {
					for _, e := range got {
						if !e.Counted {
							err = fmt.Errorf("%s: %+v", id, e)
						}
					}
				}
			}
			done <- err
		}()
	}
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	b.Delivered.Wait()
	if got := b.counts("acme"); got != "480 0" {
		t.Errorf("counts %s", got)
	}
	runs := 0
	_ = b.view(func(t *tx) error {
		c := t.Cursor(bucket.SentIndexOf)
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			runs++
		}
		return nil
	})
	if runs == 0 {
		t.Error("12,000 e-mails made no run")
	}
}

// BenchmarkReturned brings in 500 reports at once: of mail that was sent, and forged ones.
func BenchmarkReturned(b *testing.B) {
	bk := newBack(b)
	bk.log = slog.New(slog.DiscardHandler)
	bk.quiet = quiet.New(bk.log)
	var to []string
	for i := range 1000 {
		to = append(to, fmt.Sprintf("u%d@x.test", i))
	}
	for i := range 100 { // some runs of many entries
		bk.send("blue", fmt.Sprintf("<%d@blue>", i), to...)
		if i%2 == 0 {
			bk.time.set(bk.Now().Add(24 * time.Hour))
		}
	}
	bk.Delivered.Wait()
	run := func(name string, list func(n int) []returns.Return) {
		b.Run(name, func(b *testing.B) {
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				all := list(n)
				n++
				b.StartTimer()
				if _, err := bk.Store.Returns.Record(all); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(500*float64(b.N)/b.Elapsed().Seconds(), "reports/s")
		})
	}
	rounds := 0
	run("true", func(n int) (list []returns.Return) {
		rounds++
		var wg sync.WaitGroup
		for i := range 500 {
			id := fmt.Sprintf("<%d.%d@acme>", rounds, i)
			who := fmt.Sprintf("ann%d.%d@x.test", rounds, i)
			list = append(list, bounceOf(id, who))
			wg.Go(func() { bk.send("acme", id, who) })
		}
		wg.Wait()
		return list
	})
	run("mailing", func(n int) (list []returns.Return) {
		rounds++
		id := fmt.Sprintf("<%d@mailing>", rounds)
		bk.send("acme", id, to...)
		for i := range 500 {
			list = append(list, bounceOf(id, to[i*2]))
		}
		return list
	})
	tokens := func(n int) (list []returns.Return) {
		rounds++
		id := fmt.Sprintf("<%d@verp>", rounds)
		m := bk.send("acme", id, to...)
		for i := range 500 {
			list = append(list, bounceOf(id, to[i*2]))
			list[i].Token = bk.Delivered.Token(m, i*2)
		}
		return list
	}
	run("token", tokens)
	run("token without trace", func(n int) (list []returns.Return) {
		list = tokens(n)
		if _, err := bk.Trace.Prune(bk.Now().Add(time.Hour), ""); err != nil {
			b.Fatal(err)
		}
		return list
	})
	run("forged", func(n int) (list []returns.Return) {
		for i := range 500 {
			list = append(list, bounceOf(fmt.Sprintf("<%d.%d@forged>", n, i), "ann@x.test"))
		}
		return list
	})
}
