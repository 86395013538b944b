package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"relay/cli/clock"
	"relay/cli/config"
	"relay/cli/proof"
	"relay/quota"
	"relay/report/words"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/spooled"
	"relay/store/standing"
)

// small is a plan with M15's figures, a thousandth of them.
var small = quota.Plan{Name: "small", Term: quota.Year, Bandwidth: 1_000_000, Emails: 100_000, Recipients: 100, Price: 120_00, CreditStep: 500_000,
	Blocks: []quota.Block{{Bytes: 1_000_000, Price: 12_00}, {Bytes: 2_000_000, Price: 20_00}, {Bytes: 5_000_000, Price: 45_00}}}

// ledgerRun is a relay's store and jobs, which stop and start again.
type ledgerRun struct {
	t     *testing.T
	path  string
	clock clock.Clock
	log   *logText
	used  map[string]int64     // octets by account and period, as the test counted them
	setup func(*config.Config) // nil: the defaults

	r    *Relay
	stop func()
}

func newLedgerRun(t *testing.T, at string, speed int64) *ledgerRun {
	t.Helper()
	l := &ledgerRun{t: t, path: filepath.Join(quickDir(t), "relay.db"), log: &logText{}, used: map[string]int64{}}
	l.clock = clock.New(l.moment(at), speed)
	return l
}

// quickDir is in memory where the system has such a place: the jobs of a year note
// thousands of times that they were done.
func quickDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "relay")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (l *ledgerRun) moment(text string) time.Time {
	l.t.Helper()
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		l.t.Fatal(err)
	}
	at, err := words.ParseMoment(text, zone)
	if err != nil {
		l.t.Fatal(err)
	}
	return at
}

// errNoDNS keeps the jobs from the machine's DNS: a bubble's time stands still while they
// wait for an answer, and they ask each hour of a year.
var errNoDNS = errors.New("no DNS in a bubble")

// start opens the store and lets the jobs run.
func (l *ledgerRun) start() {
	l.t.Helper()
	r := &Relay{cfg: config.Default(), hostname: "relay.test", Clock: l.clock, Log: slog.New(slog.NewTextHandler(l.log, nil))}
	r.resolving.Do(func() { r.noDNS = errNoDNS })
	r.cfg.Timezone = "Europe/Rome"
	r.cfg.Backup.Check = "" // it starts a process
	if l.setup != nil {
		l.setup(&r.cfg)
	}
	var err error
	r.store, err = proof.OpenStore(l.path, store.Options{Now: r.Clock.Now, Zone: r.cfg.Zone(), Log: r.Log, Billing: r.cfg.Billing.Store()})
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(l.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.runJobs(ctx) }()
	l.r, l.stop = r, func() {
		l.t.Helper()
		cancel()
		if err := <-ended; err != nil {
			l.t.Error(err)
		}
		if err := r.store.Close(); err != nil {
			l.t.Error(err)
		}
	}
}

// until sleeps.
func (l *ledgerRun) until(at string) {
	l.t.Helper()
	time.Sleep(time.Until(l.clock.When(l.moment(at))))
	synctest.Wait()
}

// order adds an account, and pays for it.
func (l *ledgerRun) order(name string, p quota.Plan, limit quota.AtLimit) {
	l.t.Helper()
	r, err := l.r.store.Orders.AddAccount(behalf.Order{By: "operator"}, orders.NewAccount{Account: books.Account{Name: name, AtLimit: limit}, Plan: p})
	if err != nil {
		l.t.Fatal(err)
	}
	for i := range r.Invoices {
		l.pay(r.Invoices[i].Number)
	}
}

func (l *ledgerRun) pay(invoice uint64) {
	l.t.Helper()
	p := ledger.Payment{Method: "bank", Reference: fmt.Sprint("transfer ", invoice), Invoice: invoice}
	if _, err := l.r.store.Orders.RecordPayment(behalf.Order{By: "operator"}, p); err != nil {
		l.t.Fatal(err)
	}
}

// send has so many octets accepted, in messages of up to 100 recipients.
func (l *ledgerRun) send(name, period string, octets int64) *standing.Refusal {
	l.t.Helper()
	for left := octets; left > 0; {
		n := min(left, 500_000)
		if no := sendOne(l.t, l.r.store, name, n/100, 100); no != nil {
			return no
		}
		l.used[name+" "+period] += n
		left -= n
	}
	return nil
}

func (l *ledgerRun) mustSend(name, period string, octets int64) {
	l.t.Helper()
	if no := l.send(name, period, octets); no != nil {
		l.t.Errorf("%s: %d octets of %s are refused: %+v", l.clock.Now(), octets, name, no)
	}
}

func sendOne(t *testing.T, st *store.Store, name string, octets int64, recipients int) *standing.Refusal {
	t.Helper()
	b := st.Bodies.New()
	if _, err := b.Write([]byte(strings.Repeat("x", int(octets)-2) + "\r\n")); err != nil {
		t.Error(err)
	}
	m := &spooled.Message{Account: name, Size: octets, Expires: st.Now().AddDate(0, 0, 4)}
	for i := range recipients {
		m.Recipients = append(m.Recipients, spooled.Recipient{Address: fmt.Sprintf("r%d@one.example", i), Domain: "one.example"})
	}
	no, err := st.Accept(store.Intake{Message: m, Body: b})
	if err != nil {
		t.Error(err)
	}
	return no
}

// ledger of an account, and what its statement says of the balance.
func (l *ledgerRun) ledger(name string) (list []ledger.Entry) { return ledgerOf(l.t, l.r.store, name) }

func ledgerOf(t *testing.T, st *store.Store, name string) (list []ledger.Entry) {
	t.Helper()
	if err := st.Books.Ledger(name, func(e *ledger.Entry) error { list = append(list, *e); return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

func verifyBooks(t *testing.T, st *store.Store) {
	t.Helper()
	if _, err := st.Verify(t.Context(), func(p string) { t.Error("verify:", p) }); err != nil {
		t.Error(err)
	}
}

// A year through the real cron, on a file: to the day before its anniversary, the 29th of February and
// both changes of the clocks among them, with the process down over one turn.
func TestBooks_year(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedgerRun(t, "2027-11-15 10:00", 1)
		l.start()
		l.order("acme", small, quota.Continue)
		l.order("still", small, quota.Suspend)
		count := quota.Plan{Name: "count", Term: quota.Year, Emails: 1000, Recipients: 100}
		l.order("count", count, quota.Suspend)
		if _, err := l.r.store.Orders.Correct(behalf.Order{By: "operator"}, "count", orders.Correction{Units: 70, Text: "a present"}); err != nil {
			t.Fatal(err)
		}

		l.until("2027-11-30 23:59:59")
		l.mustSend("acme", "2027-11", 1_500_000) // half a MB over: 1 MB, of which half is credited
		l.until("2027-12-01 00:00:00")           // before the job
		l.mustSend("acme", "2027-12", 1_000_000)
		l.until("2027-12-24 18:00")
		l.mustSend("acme", "2027-12", 1_200_000) // 1.2 over, 0.5 from credit: 1 MB, 0.3 left are no step
		l.pay(3)                                 // of November
		l.until("2028-01-10 09:00")
		l.mustSend("acme", "2028-01", 1_200_000) // 0.2 over: 1 MB, half credited
		l.until("2028-01-29 03:34")
		if no := l.send("acme", "2028-01", 1000); no != nil {
			t.Errorf("suspended before its time: %+v", no)
		}
		l.until("2028-01-29 03:36")
		if no := l.send("acme", "2028-01", 1000); no == nil || no.Hold != books.HoldUnpaid {
			t.Errorf("December is unpaid for four weeks: %+v", no)
		}
		l.until("2028-01-31 20:00")
		l.stop()
		l.until("2028-02-02 09:00") // the turn of the month has passed
		l.start()
		l.until("2028-02-02 09:01")
		l.pay(4) // of December
		l.until("2028-02-10 12:00")
		l.order("short", quota.Plan{Name: "short", Term: quota.Month, Emails: 50, Recipients: 100}, quota.Suspend)
		l.until("2028-02-29 23:59:59")
		l.mustSend("acme", "2028-02", 900_000) // within
		l.pay(5)
		l.until("2028-03-26 03:30") // an hour after 01:30
		l.mustSend("acme", "2028-03", 1_500_000)
		l.until("2028-04-30 12:00")
		l.mustSend("acme", "2028-04", 3_200_000) // 2.2 over: 2 MB and 1 MB, half credited
		l.until("2028-05-02 12:00")
		l.pay(6)
		for _, month := range []string{"2028-05", "2028-06", "2028-07", "2028-08", "2028-09"} {
			l.until(month + "-15")
			l.mustSend("acme", month, 500_000)
		}
		l.until("2028-10-29 02:30")
		l.mustSend("acme", "2028-10", 1_100_000) // 0.1 from credit
		l.until("2028-10-31 23:59:59")
		l.mustSend("count", "2028-10", 1_000) // 100 e-mails
		l.until("2028-11-14 23:59:59")
		if no := l.send("still", "2028-11", 466_700); no == nil || no.Exceeded == nil || no.Exceeded.Allowance.Bytes != 466_667 {
			t.Errorf("beyond 14 of 30 days: %+v", no)
		}
		l.mustSend("still", "2028-11", 466_600)
		l.until("2028-11-15 00:00:00")
		if no := l.send("acme", "2028-11", 1000); no == nil || !no.Expired || no.TermEnd.IsZero() {
			t.Errorf("after its last day: %+v", no)
		}
		l.until("2028-11-15 10:00")

		l.check()
		for name, want := range map[string][]string{
			"acme":  {"2027-11", "2027-12", "2028-01", "2028-02", "2028-03", "2028-04", "2028-05", "2028-06", "2028-07", "2028-08", "2028-09", "2028-10", "2028-11"},
			"still": {"2027-11", "2027-12", "2028-01", "2028-02", "2028-03", "2028-04", "2028-05", "2028-06", "2028-07", "2028-08", "2028-09", "2028-10", "2028-11"},
			"short": {"2028-02-10"},
		} {
			if got := l.closedPeriods(name); !slices.Equal(got, want) {
				t.Errorf("%s: closed %q, want %q", name, got, want)
			}
		}
		wantInvoices := []string{
			"acme order 120.00", "still order 120.00",
			"acme 2027-11 12.00", "acme 2027-12 12.00", "acme 2028-01 12.00", "acme 2028-04 32.00",
		}
		if got := l.invoices(); !slices.Equal(got, wantInvoices) {
			t.Errorf("invoices %q, want %q", got, wantInvoices)
		}
		wantCredit := []string{
			"credit 2027-11 500000", "draw 2027-12 -500000", "credit 2028-01 500000", "draw 2028-03 -500000",
			"credit 2028-04 500000", "draw 2028-10 -100000", "expired 2028-11 -400000",
		}
		if got := l.credit("acme"); !slices.Equal(got, wantCredit) {
			t.Errorf("credit %q, want %q", got, wantCredit)
		}
		if got, want := l.credit("count"), []string{"correction 2027-11 70", "expired 2028-11 -70"}; !slices.Equal(got, want) {
			t.Errorf("credit %q, want %q", got, want)
		}
		verifyBooks(t, l.r.store)
		l.stop()
		if n := strings.Count(l.log.String(), `msg="invoice issued"`); n != 4 {
			t.Errorf("%d invoices logged, want 4\n%s", n, l.log)
		}
		if n := strings.Count(l.log.String(), `msg="account suspended, unpaid`); n != 1 {
			t.Errorf("%d accounts logged as suspended, want 1\n%s", n, l.log)
		}
	})
}

// check compares the ledgers with what the test counted, and with their sums.
func (l *ledgerRun) check() {
	l.t.Helper()
	charged := map[string]int64{}
	for _, name := range []string{"acme", "still", "count", "short"} {
		a, err := l.r.store.Books.Account(name)
		if err != nil {
			l.t.Fatal(err)
		}
		st, err := l.r.store.Overview.Statement(name, l.clock.Now())
		if err != nil {
			l.t.Fatal(err)
		}
		var sum int64
		for _, e := range l.ledger(name) {
			sum += e.Money
			if e.Kind == ledger.KindCharge {
				charged[name+" "+e.Period] += e.Bytes
			}
		}
		if sum != a.Balance || st.Balance != a.Balance || sum != 0 {
			l.t.Errorf("%s: the entries sum to %d, the statement to %d, the balance is %d; all is paid", name, sum, st.Balance, a.Balance)
		}
	}
	for key, want := range l.used {
		if charged[key] != want {
			l.t.Errorf("%s: %d octets charged, want %d", key, charged[key], want)
		}
	}
	if len(charged) != len(l.used) {
		l.t.Errorf("charged %v, used %v", charged, l.used)
	}
}

// closedPeriods of an account, in the order of their entries, which hold from the
// periods' ends on. The invoices tell when they were closed: within two minutes, but
// for those that ended while the relay was down.
func (l *ledgerRun) closedPeriods(name string) (list []string) {
	l.t.Helper()
	a, err := l.r.store.Books.Account(name)
	if err != nil {
		l.t.Fatal(err)
	}
	up := l.moment("2028-02-02 09:00")
	for _, e := range l.ledger(name) {
		if e.Kind != ledger.KindClosed {
			continue
		}
		list = append(list, e.Period)
		if _, p, ok := a.Contracts.Find(e.Period, l.r.cfg.Zone()); !ok || !e.Time.Equal(p.End) {
			l.t.Errorf("%s: %s was closed as of %v, it ended at %v", name, e.Period, e.Time, p.End)
		}
	}
	invoices, err := l.r.store.Books.InvoicesOf(name, false)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, i := range invoices {
		_, p, ok := a.Contracts.Find(i.Period, l.r.cfg.Zone())
		due := p.End
		if i.Period == "2028-01" {
			due = up
		}
		if late := i.Issued.Sub(due); ok && (late < 0 || late > 2*time.Minute) {
			l.t.Errorf("%s: %s was closed at %v, %v late", name, i.Period, i.Issued, late)
		}
	}
	return list
}

// invoices by number, from the first one.
func (l *ledgerRun) invoices() (list []string) {
	l.t.Helper()
	err := l.r.store.Books.Invoices(0, func(i *ledger.Invoice) error {
		if i.Number != uint64(len(list)+1) || i.State != ledger.InvoicePaid {
			l.t.Errorf("invoice %d after %d, %s", i.Number, len(list), i.State)
		}
		list = append(list, fmt.Sprintf("%s %s %d.%02d", i.Account, cmp.Or(i.Period, string(i.Kind)), i.Total/100, i.Total%100))
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return list
}

// credit is what the ledger says of it.
func (l *ledgerRun) credit(name string) (list []string) {
	for _, e := range l.ledger(name) {
		if e.Lot != "" {
			list = append(list, fmt.Sprintf("%s %s %d", e.Kind, e.Period, e.Units))
		}
	}
	return list
}

// cannotClose is what the log says each hour.
const cannotClose = "an account's month cannot be closed; it is tried again each hour"

// An account that cannot be closed is logged, and holds up no other.
func TestBooks_failingAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedgerRun(t, "2026-11-30 10:00", 1)
		l.start()
		l.order("over", small, quota.Continue)
		for i := range 60 {
			l.order(fmt.Sprintf("a%d", i), quota.Plan{Name: "free", Term: quota.Year, Emails: 100}, quota.Suspend)
		}
		l.mustSend("over", "2026-11", 1_500_000)
		wrong := l.r.store.Books.Billing()
		due := wrong.DueDays
		wrong.DueDays = 4_000_000 // beyond the year 9999, which no invoice can say
		l.r.store.Books.SetBilling(wrong)
		l.until("2026-12-01 03:30")
		closed := 0
		for i := range 60 {
			closed += len(l.closedPeriods(fmt.Sprintf("a%d", i)))
		}
		if n := len(l.closedPeriods("over")); closed != 60 || n != 0 {
			t.Errorf("%d of 60 accounts are closed, and %d of the failing one", closed, n)
		}
		if n := strings.Count(l.log.String(), cannotClose); n != 4 {
			t.Errorf("%d lines of the failing account, want one an hour\n%s", n, l.log)
		}
		v, err := l.r.jobs().Close(t.Context(), l.clock.Now())
		if err != nil || len(v.Failed) != 1 || v.Failed[0].Account != "over" {
			t.Errorf("%+v, %v", v, err)
		}
		wrong.DueDays = due
		l.r.store.Books.SetBilling(wrong)
		l.until("2026-12-01 04:02")
		mustMatch(t, "log", l.log.String(), `msg="over: `+cannotClose)
		mustMatch(t, "log", l.log.String(), `msg="invoice issued" account=over invoice=2 period=2026-11 total="EUR 12.00" due=2026-12-15`)
		verifyBooks(t, l.r.store)
		l.stop()
	})
}
