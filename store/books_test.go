package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/standing"
)

const (
	mb = 1_000_000
	gb = 1000 * mb
)

// Plans of the tests: prices in cents.
var (
	blocks = []quota.Block{{Bytes: gb, Price: 1000}, {Bytes: 2 * gb, Price: 1800}, {Bytes: 5 * gb, Price: 2700}}
	silver = quota.Plan{Name: "silver", Term: quota.Year, Bandwidth: gb, Price: 12_000, Blocks: blocks}
	gold   = quota.Plan{Name: "gold", Term: quota.Year, Bandwidth: 5 * gb, Price: 36_000, Blocks: blocks}
	free   = quota.Plan{Name: "free", Term: quota.Year, Bandwidth: gb, Emails: 100_000, Blocks: blocks}
	count  = quota.Plan{Name: "count", Term: quota.Year, Emails: 50_000, Price: 9000}
	more   = quota.Plan{Name: "more", Term: quota.Month, Emails: 9000, Price: 700}
	old    = quota.Plan{Name: "old", Term: quota.Year, Bandwidth: 9 * gb, Price: 99_000, Retired: true}
)

// newBooks is newStore with billing, in Rome, at noon of 23 November 2026.
func newBooks(t testing.TB) (*Store, *clock) {
	t.Helper()
	c := &clock{t: epoch}
	s := openBooks(t, filepath.Join(t.TempDir(), "relay.db"), c)
	for _, p := range []quota.Plan{silver, gold, free, count, more, old} {
		if err := s.Books.AddPlan(p); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		verify(t, s)
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s, c
}

func openBooks(t fataler, path string, c *clock) *Store {
	t.Helper()
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	s, err := openTest(path, Options{Now: c.now, Zone: rome, Billing: ledger.Billing{Currency: "EUR", TaxRate: 22 * quota.Percent,
		Seller: []string{"Relay Ltd"}, DueDays: 14, GraceDays: 7, OrderDays: 30}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// order adds an account that is active.
func order(t testing.TB, s *Store, name string, p quota.Plan, limit quota.AtLimit) orders.Receipt {
	t.Helper()
	r, err := s.Orders.AddAccount(behalf.Order{By: "op"}, orders.NewAccount{Account: books.Account{Name: name, AtLimit: limit}, Plan: p, Activate: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// send hands over one message of that size and says how it was refused.
func send(t testing.TB, s *Store, account string, size int64, recipients int) *standing.Refusal {
	t.Helper()
	to := make([]string, recipients)
	for i := range to {
		to[i] = fmt.Sprintf("r%d@d.test", i)
	}
	in := intake(s, account, 10, to...)
	in.Message.Size, in.Login = size, ""
	r, err := s.Accept(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustSend(t testing.TB, s *Store, account string, size int64, recipients int) {
	t.Helper()
	if r := send(t, s, account, size, recipients); r != nil {
		t.Fatalf("refused: %+v", r)
	}
}

// closeNow closes what is due: of so many accounts, and what went wrong with others.
func closeNow(ctx context.Context, s *Store) (done int, failed error) {
	err := s.Orders.CloseBy(ctx, s.Now(), func(_ string, _ orders.Receipt, err error) {
		if err == nil {
			done++
		}
		failed = errors.Join(failed, err)
	})
	return done, errors.Join(err, failed)
}

// dunNow is the same of invoices that are due for it.
func dunNow(ctx context.Context, s *Store) (done int, failed error) {
	err := s.Orders.DunBy(ctx, s.Now(), func(_ ledger.Invoice, _ orders.Receipt, err error) {
		if err == nil {
			done++
		}
		failed = errors.Join(failed, err)
	})
	return done, errors.Join(err, failed)
}

func closeDue(t testing.TB, s *Store, want int) {
	t.Helper()
	if n, err := closeNow(t.Context(), s); err != nil || n != want {
		t.Fatalf("CloseBy = %d, %v, want %d", n, err, want)
	}
}

func account(t testing.TB, s *Store, name string) books.Account {
	t.Helper()
	a, err := s.Books.Account(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func pay(t testing.TB, s *Store, invoice uint64, amount int64, ref string) orders.Receipt {
	t.Helper()
	r, err := s.Orders.RecordPayment(behalf.Order{By: "op"}, ledger.Payment{Invoice: invoice, Method: "bank", Reference: ref, Amount: amount})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// book is the ledger of an account, without what only charges and opens periods.
func book(t testing.TB, s *Store, name string) (list []string) {
	t.Helper()
	err := s.Books.Ledger(name, func(e *ledger.Entry) error {
		if e.Kind == ledger.KindCharge || e.Kind == ledger.KindGrant {
			return nil
		}
		line := string(e.Kind)
		for _, n := range []int64{e.Units, e.Money} {
			if n != 0 {
				line += fmt.Sprintf(" %d", n)
			}
		}
		list = append(list, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func wantBook(t testing.TB, s *Store, name string, want ...string) {
	t.Helper()
	if got := book(t, s, name); !slices.Equal(got, want) {
		t.Errorf("ledger of %s:\n%s\nwant:\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// december is the first instant of it in Rome.
var december = time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC)

func (c *clock) set(t time.Time) { c.add(t.Sub(c.now())) }

// fataler is a test, or a step of a model.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// dump is every record of the file but news and the mark of a first refusal: a refusal
// leaves no other trace.
func dump(t fataler, s *Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := s.view(func(t *tx) error {
		for b, name := range bucket.Names {
			if b := engine.Bucket(b); b == bucket.NewsOf || b == bucket.NewsDue || b == bucket.ToldOf {
				continue
			}
			c := t.Cursor(engine.Bucket(b))
			for k, v := c.First(); k != nil; k, v = c.Next() {
				if engine.Bucket(b) == bucket.ToldOf && strings.HasSuffix(string(k), "-refused") {
					continue
				}
				all[name+"/"+string(k)] = string(v)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// change of an account, and nothing else of it.
func change(c orders.Change) func(*books.Account) (orders.Change, error) {
	return func(*books.Account) (orders.Change, error) { return c, nil }
}
