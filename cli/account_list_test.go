package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/proof"
	"relay/cli/term"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/people"
)

var accountsFlag = flag.Int("accounts", 3000, "accounts in the test of long lists; from 100,000 on their first rows are timed")

// manyAccounts makes a store with n accounts, every other one of a customer, one
// in ten suspended, and an odd one at the end that needs more room.
func (e env) manyAccounts(t *testing.T, n int) {
	t.Helper()
	dir := place.Dir(e["RELAY_DATA"])
	if err := dir.Make(); err != nil {
		t.Fatal(err)
	}
	st, err := proof.OpenStore(dir.Store(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	if err := st.People.AddCustomer(people.Customer{Name: "anna"}); err != nil {
		t.Fatal(err)
	}
	plan, err := st.Books.Plan("standard")
	if err != nil {
		t.Fatal(err)
	}
	plan.Price = 0
	next := make(chan int)
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			for i := range next {
				a := books.Account{Name: fmt.Sprintf("account-%06d", i), Contact: "office@acme.example"}
				if i%2 == 0 {
					a.Owner = "anna"
				}
				if i == n-1 {
					a.Name, a.Contact = "z"+strings.Repeat("z", 60), strings.Repeat("c", 60)+"@acme.example"
				}
				_, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: a, Plan: plan})
				if err == nil && i%10 == 0 {
					_, err = st.Orders.Suspend(behalf.Order{}, a.Name, "test")
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// rows of what a command writes, and when the first of them came.
func (e env) rows(t *testing.T, args ...string) (lines []string, first, all time.Duration) {
	t.Helper()
	out, w := io.Pipe()
	began := time.Now()
	app := &App{Stdin: strings.NewReader(""), Stdout: w, Stderr: io.Discard, Getenv: e.get, Listen: net.Listen}
	go func() {
		code := app.Run(context.Background(), args)
		if code != exit.Done {
			w.CloseWithError(fmt.Errorf("relay %s: exit code %d", strings.Join(args, " "), code))
		}
		w.Close()
	}()
	s := bufio.NewScanner(out)
	for s.Scan() {
		if lines = append(lines, s.Text()); len(lines) == 2 {
			first = time.Since(began)
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return lines, first, time.Since(began)
}

// Lists of any length stream: the first rows come at once, and all of them come,
// in a relay and without one.
func TestLists_long(t *testing.T) {
	e := newEnv(t, testConfig)
	n := *accountsFlag
	e.manyAccounts(t, n)
	check := func(where string) {
		for _, c := range []struct {
			args []string
			want int
		}{
			{[]string{"account", "list"}, n},
			{[]string{"account", "list", "--owner", "anna"}, (n + 1) / 2},
			{[]string{"account", "list", "--state", "suspended"}, (n + 9) / 10},
			{[]string{"account", "list", "--limit", "20"}, 20},
			{[]string{"usage"}, n},
			{[]string{"usage", "--owner", "anna", "--state", "suspended"}, (n + 9) / 10},
		} {
			for _, json := range []bool{false, true} {
				args := c.args
				if json {
					args = append([]string{"--json"}, args...)
				}
				lines, first, all := e.rows(t, args...)
				t.Logf("%s: %s: first rows %v, all %v", where, strings.Join(args, " "), first.Round(time.Millisecond), all.Round(time.Millisecond))
				if json {
					wantArray(t, lines, c.want)
				} else {
					wantTable(t, lines, c.want)
				}
				if n >= 100_000 && first > 100*time.Millisecond {
					t.Errorf("%s: %s: the first rows came after %v", where, strings.Join(args, " "), first)
				}
			}
		}
	}
	check("alone")
	s := serveTest(t, e)
	check("relay runs")
	if code := s.stop(); code != exit.Done {
		t.Errorf("relay serve ended with %d:\n%s", code, s.log)
	}
}

func wantArray(t *testing.T, lines []string, n int) {
	t.Helper()
	var list []map[string]any
	if err := json.Unmarshal([]byte(strings.Join(lines, "\n")), &list); err != nil || len(list) != n {
		t.Errorf("%d elements, want %d, %v", len(list), n, err)
	}
}

// wantTable wants n rows below the head, in order, on a screen, in columns.
func wantTable(t *testing.T, lines []string, n int) {
	t.Helper()
	if len(lines) != n+1 || !strings.HasPrefix(lines[0], "ACCOUNT ") {
		t.Fatalf("%d lines, want %d", len(lines), n+1)
	}
	for i, l := range lines {
		if len([]rune(l)) > term.Columns {
			t.Fatalf("%d columns: %s", len([]rune(l)), l)
		}
		if i > 1 && l <= lines[i-1] {
			t.Fatalf("%q\nafter\n%q", l, lines[i-1])
		}
	}
}

func TestLists_empty(t *testing.T) {
	e := newEnv(t, testConfig)
	for _, c := range [][2]string{{"account list", "ACCOUNT"}, {"usage", "ACCOUNT"}, {"--json account list", "[]"}, {"--json usage", "[]"}} {
		if out := e.must(t, strings.Fields(c[0])...); !strings.HasPrefix(out, c[1]) || strings.Count(out, "\n") != 1 {
			t.Errorf("relay %s: %q", c[0], out)
		}
	}
}
