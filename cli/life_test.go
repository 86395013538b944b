package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/proof"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/words"
	"relay/store"
	"relay/store/spooled"
	"relay/store/standing"
)

// deskConfig is the configuration of TestLife. Its clock jumps by months.
const deskConfig = `
hostname = "relay.test"
timezone = "Europe/Rome"
trust_clock = true
[billing]
currency = "EUR"
tax_rate = "22%"
seller = ["Posta Sicura S.r.l."]
due_days = 14
grace_days = 10
invoice_prefix = "R-"
payment_link = "https://pay.example.org/{invoice}"
payment_text = "By bank transfer, with the text {invoice}."
`

// desk is where an operator gives commands, by a clock that a test turns.
type desk struct {
	t    *testing.T
	e    env
	zone *time.Location
	now  time.Time
	docs []any // what --json wrote
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	return &desk{t: t, e: newEnv(t, deskConfig), zone: zone, now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
}

// open has fn work on the store between two commands.
func (d *desk) open(fn func(*store.Store)) {
	d.t.Helper()
	st, err := proof.OpenStore(place.Dir(d.e["RELAY_DATA"]).Store(), store.Options{Now: d.wall, Zone: d.zone, TrustClock: true})
	if err != nil {
		d.t.Fatal(err)
	}
	fn(st)
	if err := st.Close(); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) wall() time.Time { return d.now }

// at turns the clock to an instant in the operator's zone.
func (d *desk) at(text string) {
	d.t.Helper()
	at, err := words.ParseMoment(text, d.zone)
	if err != nil {
		d.t.Fatal(err)
	}
	d.now = at
}

// give a command line with this exit code; no line that it writes is wider than
// a screen.
func (d *desk) give(code int, words ...string) string {
	d.t.Helper()
	var out, notes bytes.Buffer
	app := &App{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &notes, Getenv: d.e.get, Wall: d.wall}
	is := app.Run(d.t.Context(), words)
	d.t.Logf("$ relay %s\n%s%s", strings.Join(words, " "), out.String(), notes.String())
	if is != code {
		d.t.Errorf("relay %s: exit code %d, want %d\n%s", strings.Join(words, " "), is, code, notes.String())
	}
	if slices.Contains(words, "--json") {
		var doc any
		dec := json.NewDecoder(&out)
		dec.UseNumber()
		if err := dec.Decode(&doc); err != nil {
			d.t.Errorf("relay %s: %v", strings.Join(words, " "), err)
		}
		d.docs = append(d.docs, doc)
		return ""
	}
	for line := range strings.Lines(out.String()) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > term.Columns {
			d.t.Errorf("relay %s: %d characters: %s", strings.Join(words, " "), n, line)
		}
	}
	return out.String() + notes.String()
}

// run is give for what has to work, once for people and once for programs. What
// changes something is tried first.
func (d *desk) run(line string) string {
	d.t.Helper()
	words := strings.Fields(line)
	if order := d.takesDryRun(words); order {
		d.give(exit.Done, append(slices.Clone(words), "--dry-run", "--json")...)
		d.give(exit.Done, append(slices.Clone(words), "--dry-run")...)
	}
	return d.give(exit.Done, words...)
}

func (d *desk) takesDryRun(words []string) bool {
	l, err := shell.Parse(&cli.Command{Name: "relay", Subcommands: (&program{}).commands()}, (&program{}).globals(), words)
	if err != nil {
		d.t.Fatal(err)
	}
	return slices.ContainsFunc(l.Cmd().Flags, func(f cli.Flag) bool { return f.Names()[0] == "dry-run" })
}

// show gives a command that changes nothing, for people and for programs.
func (d *desk) show(line string) string {
	d.t.Helper()
	words := strings.Fields(line)
	d.give(exit.Done, append(slices.Clone(words), "--json")...)
	return d.give(exit.Done, words...)
}

// A customer's whole life, at the desk of an operator. What is written is judged
// by the tests of each command; here it is that all of them go together.
func TestLife(t *testing.T) {
	d := newDesk(t)
	d.run("plan add small --term year --bandwidth 1MB --emails 1000 --price 120.00 --block 1MB=12.00,2MB=20.00 --credit-step 500KB --recipients 100")
	d.run("plan add large --term year --bandwidth 2MB --emails 5000 --price 240.00 --block 1MB=12.00 --recipients 100")
	d.run("plan add pack --term month --emails 9000 --price 10.00")
	d.run("plan add many --term year --emails 500 --price 100.00")
	d.run("customer add anna --address Anna")
	d.run("account add acme --plan small --owner anna --contact boss@acme.example --at-limit continue --over-max 5MB")
	d.show("account list")
	d.show("account show acme")
	d.show("invoice show R-1")
	d.run("payment record R-1 --method bank --reference T-1 --amount 46.40")
	d.send("acme", 1000, false)
	d.run("payment record R-1 --method card --reference T-2")
	d.show("account show acme")
	d.send("acme", 600_000, true)
	d.show("usage acme")
	d.run("account topup acme --block 1MB")
	d.run("payment record R-2 --method paypal --reference T-3")
	d.run("account add shop --plan many --activate")
	d.run("account topup shop --plan pack")
	d.at("2026-11-29 12:00")
	d.run("account upgrade acme --plan large")
	d.show("account show acme")
	d.send("acme", 3_700_000, true)
	d.show("usage acme")
	d.give(exit.Failed, "account", "refund", "acme", "--json")
	d.give(exit.Failed, "account", "refund", "acme")
	mustMatch(d.t, "statement", d.show("account statement acme"), `of it used in 2026-11, which is open: 1 MB`)
	d.at("2026-12-01 00:05")
	mustMatch(d.t, "close", d.give(exit.Done, "job", "run", "close"), `(?m)^closed 2 periods of 2 accounts, 1 invoice: R-6$`)
	d.show("job run close")
	d.show("job run close --at 2026-12-01")
	d.show("account show acme")
	d.show("invoice list --overdue")
	d.show("invoice list")
	d.at("2027-01-20 09:00")
	d.show("invoice list --overdue")
	mustMatch(d.t, "dun", d.give(exit.Done, "job", "run", "dun"), `(?m)^2 accounts held back, unpaid: acme, shop$`)
	d.show("job run dun")
	d.send("acme", 1000, false)
	d.show("account show acme")
	d.show("account list --state suspended")
	for _, i := range d.unpaid("acme") {
		d.run("payment record " + i + " --method bank --reference last-" + i)
	}
	d.show("account show acme")
	d.send("acme", 1000, true)
	d.run("account renew acme --plan small")
	d.give(exit.Failed, "account", "renew", "acme")
	d.run("account correct acme --amount 5.00 --reason sorry")
	d.run("account correct acme --credit 500KB --reason sorry")
	d.run("account set acme --abuse spam --at-limit suspend")
	d.give(exit.Failed, "account", "refund", "acme")
	d.run("account suspend acme --reason spam")
	d.show("account resume acme")
	mustMatch(d.t, "close", d.run("account close acme --reason left"), `note: relay account correct acme --amount -5\.00 --reason TEXT`)
	d.run("account correct acme --amount -5.00 --reason paid-back")
	d.run("account add brief --plan small")
	d.run("payment record R-" + strings.TrimPrefix(d.unpaid("brief")[0], "R-") + " --method other --reference cash --amount 200")
	mustMatch(d.t, "refund", d.run("account refund brief"), `(?m)^state +active -> closed$
^plan +small.*
^allowance +1,000 e-mails and 1 MB -> none$
(.*\n)+^to send +EUR 200\.00 to the customer: relay only enters it$`)
	d.run("account add gone --plan many")
	d.give(exit.Failed, "invoice", "cancel", d.unpaid("gone")[0], "--reason", "mistake")
	d.run("account close gone --reason mistake")
	for _, at := range []string{"2026-11-22", "2026-11-23", "2026-11-30", "2026-12-01T00:00:00+01:00", "2027-01-20"} {
		d.show("account statement acme --at " + at)
	}
	for _, line := range []string{"account list", "account statement shop", "invoice list", "payment list", "payment list --account brief", "usage", "usage acme --period 2026-11",
		"plan list", "plan show large", "job list", "job run prune-trace", "account statement brief", "invoice show R-5"} {
		d.show(line)
	}
	d.consistent()
	d.open(func(st *store.Store) { verifyBooks(t, st) })
}

// unpaid invoices of an account, as they are printed.
func (d *desk) unpaid(account string) (list []string) {
	d.t.Helper()
	d.open(func(st *store.Store) {
		all, err := st.Books.InvoicesOf(account, true)
		if err != nil {
			d.t.Fatal(err)
		}
		for i := range all {
			list = append(list, all[i].Name)
		}
	})
	return list
}

// send has so many octets handed over, which are taken or not.
func (d *desk) send(account string, octets int64, taken bool) {
	d.t.Helper()
	d.open(func(st *store.Store) {
		for left := octets; left > 0; left -= 500_000 {
			if no := sendOne(d.t, st, account, min(left, 500_000)/100, 100); (no == nil) != taken {
				d.t.Errorf("%d octets of %s at %s: %+v", octets, account, d.now, no)
				return
			}
		}
	})
}

var (
	moneyKeys = []string{"amount", "balance", "price", "net", "tax", "total", "paid", "open"}
	timeKeys  = []string{"time", "at", "created", "activated", "issued", "due", "suspends", "term_start", "term_end", "period_start", "period_end", "start", "end", "granted", "expires", "done", "next", "since"}
)

var timeRE = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`)

// consistent: what the documents for programs have in common. Money is an integer
// with its currency on it or around it, an instant is RFC 3339 in UTC or null, and
// a name stands for one type of value in all of them.
func (d *desk) consistent() {
	d.t.Helper()
	types := map[string]map[string]bool{}
	for _, doc := range d.docs {
		d.judge("", doc, false, types)
	}
	for _, key := range slices.Sorted(maps.Keys(types)) {
		if kinds := types[key]; len(kinds) > 1 {
			d.t.Errorf("%q is %s", key, strings.Join(slices.Sorted(maps.Keys(kinds)), " and "))
		}
	}
	if len(d.docs) < 50 || len(types) < 80 {
		d.t.Errorf("only %d documents with %d names were judged", len(d.docs), len(types))
	}
}

func (d *desk) judge(key string, v any, currency bool, types map[string]map[string]bool) {
	kind := ""
	switch v := v.(type) {
	case nil:
		return
	case map[string]any:
		kind = "an object"
		code, _ := v["currency"].(string)
		currency = currency || code != ""
		for k, x := range v {
			d.judge(k, x, currency, types)
		}
	case []any:
		kind = "a list"
		for _, x := range v {
			d.judge("", x, currency, types)
		}
	case json.Number:
		kind = "a number"
		if _, err := v.Int64(); err != nil {
			d.t.Errorf("%q: %s is no integer", key, v)
		}
		if slices.Contains(moneyKeys, key) && !currency {
			d.t.Errorf("%q: %s has no currency", key, v)
		}
	case string:
		kind = "a text"
		if timeRE.MatchString(v) != slices.Contains(timeKeys, key) {
			d.t.Errorf("%q: %q is it an instant in RFC 3339, in UTC?", key, v)
		}
	case bool:
		kind = "true or false"
	}
	if slices.Contains(moneyKeys, key) && kind != "a number" {
		d.t.Errorf("%q is %s, want an amount of money", key, kind)
	}
	if types[key] == nil {
		types[key] = map[string]bool{}
	}
	if key != "" {
		types[key][kind] = true
	}
}

// sendOne has one message accepted, unless it is refused.
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

func verifyBooks(t *testing.T, st *store.Store) {
	t.Helper()
	if _, err := st.Verify(t.Context(), func(p string) { t.Error("verify:", p) }); err != nil {
		t.Error(err)
	}
}
