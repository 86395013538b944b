package digest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"relay/quota"
	"relay/report/jobs"
	"relay/report/tell"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/signs"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

var noon = time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)

// open is a store whose clock shows *at.
func open(t *testing.T, at *time.Time) *store.Store {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{Now: func() time.Time { return *at }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// add an account, which sends so many e-mails of the ten that it may.
func add(t *testing.T, st *store.Store, name string, emails int) {
	t.Helper()
	plan := quota.Plan{Name: "ten", Term: quota.Month, Emails: 10}
	if _, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: name}, Plan: plan}); err != nil {
		t.Fatal(err)
	}
	for range emails {
		b := st.Bodies.New()
		if _, err := b.Write([]byte("\r\n")); err != nil {
			t.Fatal(err)
		}
		m := &spooled.Message{Account: name, Size: 2, Recipients: []spooled.Recipient{{Address: "x@one.example", Domain: "one.example"}}}
		if no, err := st.Accept(store.Intake{Message: m, Body: b}); no != nil || err != nil {
			t.Fatalf("%s: %+v, %v", name, no, err)
		}
	}
}

// quiet is a host with nothing wrong, and no jobs that fail.
func quiet() Options {
	return Options{Near: 90, Jobs: func() ([]jobs.State, error) { return []jobs.State{{Job: "close", Result: "done"}}, nil },
		Host: func(context.Context) Host { return Host{Free: 50_000_000_000, Disk: 100_000_000_000} }}
}

func collect(t *testing.T, st *store.Store, o Options) *tell.Digest {
	t.Helper()
	d, err := Collect(t.Context(), st, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCollect_quiet(t *testing.T) {
	at := noon
	st := open(t, &at)
	add(t, st, "half", 5)
	d := collect(t, st, quiet())
	if d.Something() || d.Troubled() || d.Queue.Messages != 5 || !d.Queue.Oldest.Equal(noon) || d.Store.File == 0 || d.Invoiced.Currency != "" {
		t.Errorf("%+v", d)
	}
	if d.Day.Format(time.DateTime) != "2026-11-23 00:00:00" {
		t.Errorf("of %v", d.Day)
	}
}

func TestCollect_accounts(t *testing.T) {
	at := noon
	st := open(t, &at)
	for i := range 7 {
		add(t, st, fmt.Sprintf("near%d", i), 9)
	}
	add(t, st, "full", 10)
	add(t, st, "gone", 9)
	if _, err := st.Orders.Suspend(behalf.Order{}, "gone", "spam"); err != nil {
		t.Fatal(err)
	}
	d := collect(t, st, quiet())
	if want := []string{"full", "near0", "near1", "near2", "near3"}; d.Near.Count != 8 || !slices.Equal(d.Near.Names, want) || d.Near.More != 3 {
		t.Errorf("near: %+v", d.Near)
	}
	if d.Suspended.Count != 1 || d.Suspended.Names[0] != "gone" || !d.Something() {
		t.Errorf("suspended: %+v", d.Suspended)
	}
	at = at.AddDate(0, 0, 2)
	if d := collect(t, st, quiet()); d.Suspended.Count != 0 {
		t.Errorf("suspended two days ago: %+v", d.Suspended)
	}
}

// Much failed of a day: a few e-mails are no sign, nor is a share that is small. Of many such
// accounts those with most are told.
func TestCollecting_failing(t *testing.T) {
	at := noon
	c := &collecting{ctx: t.Context(), st: open(t, &at), since: noon.AddDate(0, 0, -1), d: &tell.Digest{}}
	for i, one := range [][2]int64{{0, 19}, {1000, 40}, {900, 100}, {0, 20}} {
		if err := c.failing(fmt.Sprint(i), one[0], one[1]); err != nil {
			t.Fatal(err)
		}
	}
	if want := []tell.Failing{{Account: "2", Failed: 100, Sent: 1000}, {Account: "3", Failed: 20, Sent: 20}}; !slices.Equal(c.d.Failing, want) {
		t.Errorf("%+v, want %+v", c.d.Failing, want)
	}
	for i := range int64(20) {
		if err := c.failing("more", 0, 50+i); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.d.Failing) != mostFailing || c.d.MoreFailing != 12 || c.d.Failing[0].Failed != 100 {
		t.Errorf("%d and %d: %+v", len(c.d.Failing), c.d.MoreFailing, c.d.Failing)
	}
}

func TestCollect_trouble(t *testing.T) {
	since := noon.Add(-time.Hour)
	for name, change := range map[string]func(*Options){
		"a job": func(o *Options) {
			o.Jobs = func() ([]jobs.State, error) {
				return []jobs.State{{Job: "backup", Error: "no room", Since: &since}}, nil
			}
		},
		"no backup": func(o *Options) { o.Backup = "0 3 * * *" },
		"the disk": func(o *Options) {
			o.Host = func(context.Context) Host { return Host{Free: 1_000_000_000, Disk: 100_000_000_000} }
		},
		"a site": func(o *Options) {
			o.Host = func(context.Context) Host { return Host{Sites: []tell.Site{{Name: "Yahoo"}}} }
		},
		"the store": func(o *Options) { o.Host = func(context.Context) Host { return Host{Unwell: "no"} } },
	} {
		at := noon
		o := quiet()
		change(&o)
		if d := collect(t, open(t, &at), o); !d.Troubled() || !d.Something() {
			t.Errorf("%s: %+v", name, d)
		}
	}
	at := noon
	st := open(t, &at)
	o := quiet()
	o.Backup = "0 3 * * *"
	if err := jobs.RecordBackup(st, noon.Add(-7*time.Hour)); err != nil { // 4 in the morning
		t.Fatal(err)
	}
	if d := collect(t, st, o); d.BackupLate {
		t.Errorf("a backup of today is late: %+v", d)
	}
	if at = at.AddDate(0, 0, 1); !collect(t, st, o).BackupLate {
		t.Error("a backup of yesterday is not late")
	}
	broken := errors.New("no")
	o.Jobs = func() ([]jobs.State, error) { return nil, broken }
	if _, err := Collect(t.Context(), st, o); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// bounce settles what an account has queued: so many of its e-mails do not exist where they go.
func bounce(t *testing.T, st *store.Store, name string, bad int) {
	t.Helper()
	list, err := st.Spool.Claim([]spool.Want{{Lane: spooled.Lane{Domain: "one.example", Account: name}, Max: 100}}, func(*spooled.Message, int) time.Time { return st.Now().Add(time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range list {
		out := spool.Outcome{Rcpt: c.Rcpts[0], State: spooled.Delivered, Reply: "250 ok"}
		if i < bad {
			out.State, out.Reply, out.Sign = spooled.Failed, "550 no such user", signs.Bounce
		}
		if err := st.Spool.Settle(spool.Result{ID: c.Message.ID, Domain: c.Domain, Event: trace.Event{Kind: trace.EventAttempt}, Outcomes: []spool.Outcome{out}}); err != nil {
			t.Fatal(err)
		}
	}
}

// Accounts of whose mail much comes back are told with their figures, the worst first, and a
// few of many. Those of whose mail little comes back are not, and alone they make no digest.
func TestCollect_returned(t *testing.T) {
	at := noon
	st := open(t, &at)
	o := quiet()
	o.Abuse = signs.Rules{BounceWarn: signs.Limit{Count: 4, Share: 100_000}, BounceSuspend: signs.Limit{Count: 8, Share: 100_000}}
	add(t, st, "a-few", 8)
	bounce(t, st, "a-few", 1)
	if d := collect(t, st, o); len(d.Returned) != 0 || d.Something() {
		t.Errorf("a few: %+v", d.Returned)
	}
	for name, bad := range map[string]int{"near": 2, "over": 8, "warned": 4} {
		add(t, st, name, 8)
		bounce(t, st, name, bad)
	}
	d := collect(t, st, o)
	figures := func(n, next int64) tell.Signs {
		is := tell.Signs{Sign: "bounce", Window: "day", N: n, Of: 8, Count: next}
		if next > 0 {
			is.Share = 100_000
		}
		return is
	}
	if want := []tell.Returning{{Account: "over", State: "over", Signs: figures(8, 0)}, {Account: "warned", State: "warned", Signs: figures(4, 8)}, {Account: "near", State: "near", Signs: figures(2, 4)}}; !slices.Equal(d.Returned, want) || !d.Something() {
		t.Errorf("%+v, want %+v", d.Returned, want)
	}
	for i := range mostReturned {
		name := fmt.Sprintf("also%d", i)
		add(t, st, name, 8)
		bounce(t, st, name, 4)
	}
	d = collect(t, st, o)
	if last := d.Returned[len(d.Returned)-1]; len(d.Returned) != mostReturned || d.MoreReturned != 3 || d.Returned[0].Account != "over" || last.Account != "also8" {
		t.Errorf("%d and %d: %+v", len(d.Returned), d.MoreReturned, d.Returned)
	}
	at = at.AddDate(0, 0, 8)
	if d := collect(t, st, o); len(d.Returned) != 0 {
		t.Errorf("after a week: %+v", d.Returned)
	}
}
