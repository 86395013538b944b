package jobs

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"relay/quota"
	"relay/report/jobs/calendar"
	"relay/report/tell"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/orders"
	"relay/store/people"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/testdisk"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { testdisk.Run(m) }

// year is a relay's jobs and news over a year, in a bubble. It is down at times.
type year struct {
	t    *testing.T
	st   *store.Store
	path string
	zone *time.Location
	r    *Runner
	next map[string]time.Time // by job
	stop func()
	mail map[string]int64 // a message's size, by account
	runs int
}

const mega = 1_000_000

var (
	yearPlan   = quota.Plan{Name: "silver", Term: quota.Year, Bandwidth: 1000 * mega, Price: 12_000, Blocks: []quota.Block{{Bytes: 1000 * mega, Price: 1000}, {Bytes: 2000 * mega, Price: 1800}}}
	resalePlan = quota.Plan{Name: "resale", Term: quota.Year, Bandwidth: 1000 * mega, Resale: true}
)

func (y *year) open() {
	y.t.Helper()
	st, err := store.Open(y.path, store.Options{Zone: y.zone, Look: y.nextLook,
		Billing: ledger.Billing{Currency: "EUR", TaxRate: 22 * quota.Percent, Seller: []string{"Relay Ltd"}, DueDays: 14, GraceDays: 7, OrderDays: 30}})
	if err != nil {
		y.t.Fatal(err)
	}
	y.st = st
}

func (y *year) nextLook(at time.Time) time.Time {
	s, err := calendar.Parse("30 8 * * *")
	if err != nil {
		y.t.Error(err)
		return at
	}
	return s.Next(at.In(y.zone))
}

// start runs news, and the jobs that were due meanwhile.
func (y *year) start() {
	y.t.Helper()
	letters := Letters{WarnDays: []int{30, 7, 1}, Config: tell.Config{Host: "relay.example", Seller: "Relay Ltd", Contact: "office@relay.example", Operator: "office@relay.example", Expire: 96 * time.Hour}}
	y.r, _ = runner(y.st, Config{TraceKeep: 24 * time.Hour, Letters: letters, Looks: Looks{Schedule: "30 8 * * *", Near: 90}})
	ctx, cancel := context.WithCancel(y.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := y.r.RunNews(ctx); err != nil {
			y.t.Error(err)
		}
	})
	y.stop = func() { cancel(); running.Wait() }
	y.next = map[string]time.Time{}
	for _, j := range y.jobs() {
		y.run(&j)
	}
}

// jobs are those that tell something.
func (y *year) jobs() (list []Job) {
	for _, j := range y.r.Jobs() {
		switch j.Name {
		case Close:
			j.Schedule = "1 0 * * *" // the other runs are a net
			list = append(list, j)
		case Dun, Warn, Usage:
			list = append(list, j)
		}
	}
	return list
}

func (y *year) run(j *Job) {
	s, err := calendar.Parse(j.Schedule)
	if err != nil {
		y.t.Fatal(err)
	}
	was, err := y.st.Jobs.State(j.Name)
	if err != nil {
		y.t.Fatal(err)
	}
	j.Run(y.t.Context())
	if y.runs++; y.runs%2 == 0 { // it is killed before the record, and runs again
		synctest.Wait()
		if err := y.st.Jobs.Set(j.Name, was); err != nil {
			y.t.Fatal(err)
		}
		j.Run(y.t.Context())
	}
	y.next[j.Name] = s.Next(y.st.Now().In(y.zone))
	synctest.Wait()
}

// until runs jobs until a time.
func (y *year) until(at time.Time) {
	y.t.Helper()
	for {
		var first Job
		for _, j := range y.jobs() {
			if first.Name == "" || y.next[j.Name].Before(y.next[first.Name]) {
				first = j
			}
		}
		if !y.next[first.Name].Before(at) {
			time.Sleep(time.Until(at))
			return
		}
		time.Sleep(time.Until(y.next[first.Name]))
		y.run(&first)
	}
}

// down stops relay for some days, and starts it again.
func (y *year) down(days int) {
	y.t.Helper()
	y.stop()
	if err := y.st.Close(); err != nil {
		y.t.Fatal(err)
	}
	time.Sleep(time.Duration(days)*24*time.Hour + 3*time.Hour)
	y.open()
	y.start()
}

func (y *year) send(name string, size int64) {
	y.t.Helper()
	m := &spooled.Message{Account: name, Size: size, Expires: y.st.Now().AddDate(2, 0, 0), Recipients: []spooled.Recipient{{Address: "x@one.example", Domain: "one.example"}}}
	b := y.st.Bodies.New()
	if no, err := y.st.Accept(store.Intake{Message: m, Body: b}); err != nil {
		y.t.Fatal(err)
	} else if no == nil {
		if _, _, err := y.st.Spool.Change(spool.OpDrop, []spooled.ID{b.ID()}); err != nil {
			y.t.Fatal(err)
		}
	}
	synctest.Wait()
}

// pay pays all that accounts owe.
func (y *year) pay(names ...string) {
	y.t.Helper()
	for _, name := range names {
		list, err := y.st.Books.InvoicesOf(name, true)
		if err != nil {
			y.t.Fatal(err)
		}
		for _, i := range list {
			if _, err := y.st.Orders.RecordPayment(behalf.Order{}, ledger.Payment{Invoice: i.Number, Amount: i.Open(), Method: "bank", Reference: i.Name}); err != nil {
				y.t.Fatal(err)
			}
		}
	}
	synctest.Wait()
}

// mails are all of relay's own, in order.
func (y *year) mails() (list []string) {
	y.t.Helper()
	var after spooled.ID
	for {
		page, err := y.st.Spool.Sweep(after, y.st.Now().AddDate(1, 0, 0), 1000)
		if err != nil {
			y.t.Fatal(err)
		}
		for _, m := range page {
			after = m.ID
			if m.Own == "" {
				continue
			}
			list = append(list, fmt.Sprintf("%s %-6s %s", m.Accepted.In(y.zone).Format("2006-01-02 15:04"), m.Whose(),
				strings.TrimPrefix(string(m.Own), string(spooled.NoteNews))+" to "+m.Recipients[0].Address))
		}
		if len(page) == 0 {
			slices.Sort(list) // mails of the same batch are stored at the same time
			return list
		}
	}
}

// A year of an account that uses a good half of its allowance, one that sends twice a year,
// one with overage that pays, one that does not pay until it is suspended, and one below a
// reseller that suspends at the limit. relay is down over a turn of the month, and over some
// days in August. Every second run of a job is killed before it is recorded. The list has each
// mail once, in order.
func TestYear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rome, err := time.LoadLocation("Europe/Rome")
		if err != nil {
			t.Fatal(err)
		}
		y := &year{t: t, zone: rome, path: filepath.Join(t.TempDir(), "relay.db"),
			mail: map[string]int64{"busy": 30 * mega, "over": 85 * mega, "debtor": 60 * mega, "resold": 55 * mega}}
		y.open()
		y.accounts()
		y.start()
		for day := time.Date(2000, 1, 1, 10, 0, 0, 0, rome); day.Before(time.Date(2001, 1, 2, 10, 0, 0, 0, rome)); day = day.AddDate(0, 0, 1) {
			if !y.st.Now().Before(day) {
				continue // it was down
			}
			y.until(day)
			y.work(day)
		}
		got := y.mails()
		y.stop()
		verify(t, y.st)
		if err := y.st.Close(); err != nil {
			t.Error(err)
		}
		wantOnceAMonth(t, got)
		golden := filepath.Join("testdata", "year.txt")
		text := strings.Join(got, "\n") + "\n"
		if *update {
			if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if text != string(want) {
			t.Errorf("other mails than in %s: go test ./report/jobs -run TestYear -update, and look at the difference", golden)
		}
	})
}

func (y *year) accounts() {
	y.t.Helper()
	for _, p := range []quota.Plan{yearPlan, resalePlan} {
		if err := y.st.Books.AddPlan(p); err != nil {
			y.t.Fatal(err)
		}
	}
	if err := y.st.People.AddReseller(people.Reseller{Name: "shop", Contact: "shop@shop.example"}); err != nil {
		y.t.Fatal(err)
	}
	for _, a := range []books.Account{{Name: "busy"}, {Name: "quiet"}, {Name: "over"}, {Name: "debtor"}, {Name: "resold", Reseller: "shop"}} {
		if a.Contact = "boss@" + a.Name + ".example"; a.Name != "busy" && a.Name != "quiet" {
			a.Notify = []news.Topic{news.TopicMonth} // and what it must know
		}
		n := orders.NewAccount{Account: a, Plan: yearPlan, Activate: true}
		if a.Reseller != "" {
			n.Plan = resalePlan
		}
		if _, err := y.st.Orders.AddAccount(behalf.Order{}, n); err != nil {
			y.t.Fatal(err)
		}
	}
	y.pay("busy", "quiet", "over", "debtor")
}

// work is what happens at ten o'clock.
func (y *year) work(day time.Time) {
	y.t.Helper()
	switch text := day.Format("01-02"); {
	case text == "03-30":
		y.down(3)
	case text == "08-20":
		y.down(10)
	case text == "03-15" || text == "10-16":
		y.send("quiet", mega)
	}
	if day.Day() == 10 {
		y.pay("over")
	}
	if a, err := y.st.Books.Account("debtor"); err != nil {
		y.t.Fatal(err)
	} else if a.Hold != "" && day.Weekday() == time.Friday {
		y.pay("debtor")
	}
	if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		return
	}
	for _, name := range []string{"busy", "over", "debtor", "resold"} {
		y.send(name, y.mail[name])
	}
}

// wantOnceAMonth checks what no account may read twice in a month.
func wantOnceAMonth(t *testing.T, mails []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, m := range mails {
		f := strings.Fields(m)
		month, account, kind, to := f[0][:7], f[2], f[3], f[5]
		switch kind {
		case "near", "reached", "overage", "ceiling", "month", "suspended", "resumed":
			key := strings.Join([]string{month, account, kind, to}, " ")
			if seen[key] {
				t.Errorf("told twice: %s", m)
			}
			seen[key] = true
		}
	}
}
