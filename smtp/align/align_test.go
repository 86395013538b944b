package align

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	"relay/store/orders"
	"relay/store/remark"
	"relay/store/signing"
)

func TestMessage_from(t *testing.T) {
	for from, want := range map[string]string{
		"a@Shop.Example": "shop.example", "Shop <a@shop.example>": "shop.example", "<a@shop.example> ": "shop.example",
		`"a@b, c" <d@shop.example>`: "shop.example", "d@shop.example (a@b)": "shop.example", "d@shop.example, e@other.example": "shop.example",
		"Bücher <a@bücher.example>": "xn--bcher-kva.example", "broken <<a@shop.example>": "shop.example",
		"nobody": "", "a@[192.0.2.1]": "", "": "", "undisclosed:;": "",
	} {
		m := Message{From: []byte(from), Sender: "x@sender.example"}
		if got := m.from(); got != want {
			t.Errorf("%q: %q, want %q", from, got, want)
		}
	}
	m := Message{Sender: "x@sender.example"}
	if got := m.from(); got != "sender.example" {
		t.Errorf("made of the sender: %q", got)
	}
}

func TestMessage_AddSignature(t *testing.T) {
	m := Message{}
	for _, value := range []string{" v=1; a=rsa-sha256; d=Shop.Example; s=x; bh=d=; b=AA", " v=1;\td = esp.example ;s=y", " v=1; s=z", " d=;", " d=not a name;"} {
		m.AddSignature([]byte(value))
	}
	if got := strings.Join(m.Signers, " "); got != "shop.example esp.example" {
		t.Errorf("signed by %q", got)
	}
	for range 10 {
		m.AddSignature([]byte("d=shop.example"))
	}
	if len(m.Signers) != mostSigners {
		t.Errorf("%d signatures are looked at", len(m.Signers))
	}
}

func TestJudge_verdict(t *testing.T) {
	const from = "news.shop.example"
	reject := Standing{Policy: "reject", Organization: "shop.example", SPF: SPFOther}
	strict := Standing{Policy: "reject", Organization: "shop.example", SPF: SPFPass, StrictDKIM: true, StrictSPF: true}
	plain := Standing{Organization: from, SPF: SPFOther} // without DMARC
	for _, c := range []struct {
		name   string
		s      Standing
		by     signed
		sender string
		of     SPF // the sender's
		want   string
	}{
		{"its own signature", reject, signed{own: []string{from}}, "", 0, ""},
		{"a signature of the organization", reject, signed{own: []string{"shop.example"}}, "", 0, ""},
		{"of a sister", reject, signed{own: []string{"mail.shop.example"}}, "", 0, ""},
		{"of another", reject, signed{own: []string{"esp.example", "myshop.example"}}, "", 0, remark.Unsigned},
		{"one of two", reject, signed{own: []string{"esp.example", from}}, "", 0, ""},
		{"relay signs", reject, signed{relay: "shop.example"}, "", 0, ""},
		{"relay signs for the organization, strict", strict, signed{relay: "shop.example"}, "", 0, remark.Unsigned},
		{"relay signs for it, strict", strict, signed{relay: from}, "", 0, ""},
		{"SPF of itself", reject, signed{}, from, SPFPass, remark.SPFOnly},
		{"SPF of the organization", reject, signed{}, "shop.example", SPFPass, remark.SPFOnly},
		{"SPF of the organization, strict", strict, signed{}, "shop.example", SPFPass, remark.Unsigned},
		{"SPF of another", reject, signed{}, "bounces.example", SPFPass, remark.Unsigned},
		{"SPF without us", reject, signed{}, from, SPFOther, remark.Unsigned},
		{"SPF by a smarthost", reject, signed{}, from, SPFUnknown, ""},
		{"the null sender", reject, signed{}, "", SPFPass, remark.Unsigned},
		{"no DMARC, signed above", plain, signed{own: []string{"shop.example"}}, "", 0, ""},
		{"no DMARC, signed below", plain, signed{own: []string{"a.news.shop.example"}}, "", 0, ""},
		{"no DMARC, signed by the registry", plain, signed{own: []string{"example"}}, "", 0, remark.Unsigned},
	} {
		if v := judge(from, c.s, c.by, c.sender, Standing{SPF: c.of}); v.kind != c.want || v.policy != c.s.Policy {
			t.Errorf("%s: %+v, want %q", c.name, v, c.want)
		}
	}
}

func TestProviders(t *testing.T) {
	for text, want := range map[string]string{
		"a none": "line 1", "a maybe b.example": "no policy", "a none B.example": "lower case", "\n\na none b.example\nc none b.example": "line 4", "# nothing\n": "",
	} {
		_, err := parseProviders(text)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if p := providers["gmail.com"]; p.name != "google" || p.policy != "quarantine" || providers["gmx.net"].policy != "" {
		t.Errorf("%+v", p)
	}
}

// domains is a DNS that counts questions and takes its time.
type domains struct {
	mu    sync.Mutex
	known map[string]Standing
	slow  time.Duration
	asked map[string]int
}

var errDown = errors.New("no answer")

func (d *domains) Standing(ctx context.Context, name string) (Standing, error) {
	d.mu.Lock()
	if d.asked == nil {
		d.asked = map[string]int{}
	}
	d.asked[name]++
	slow := d.slow
	d.mu.Unlock()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return Standing{}, ctx.Err()
	}
	if strings.HasPrefix(name, "down.") {
		return Standing{}, errDown
	}
	if s, ok := d.known[name]; ok {
		return s, nil
	}
	return Standing{Organization: name, SPF: SPFOther}, nil
}

// times that a domain was asked about.
func (d *domains) times(name string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[name]
}

// takes sets how long answers take from now on.
func (d *domains) takes(slow time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.slow = slow
}

type fixture struct {
	*Judge
	t   *testing.T
	dns *domains
	log *bytes.Buffer
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, dns: &domains{known: map[string]Standing{}}, log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(f.log, nil))
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	n := orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: quota.Plan{Name: "p", Term: quota.Year}}
	if _, err := st.Orders.AddAccount(behalf.Order{}, n); err != nil {
		t.Fatal(err)
	}
	f.Judge = New(st, "relay.example", f.dns, log)
	return f
}

// noted notes messages and returns the remarks of all time, a line each.
func (f *fixture) noted(list ...*Message) string {
	f.t.Helper()
	for _, m := range list {
		m.Account = "acme"
		f.Note(m)
	}
	f.Save(f.t.Context())
	kept, err := f.st.Remarks.Of("acme", "")
	if err != nil {
		f.t.Fatal(err)
	}
	var text strings.Builder
	for _, r := range kept {
		fmt.Fprintf(&text, "%s %s %d\n", r.Kind, r.Domain, r.Count)
	}
	return text.String()
}

func to(domain string, n int) (list []string) {
	for range n {
		list = append(list, domain)
	}
	return list
}

func TestJudge_Note(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.dns.known["good.example"] = Standing{Policy: "reject", Organization: "good.example", SPF: SPFPass}
		got := f.noted(
			&Message{From: []byte("a@shop.example"), Sender: "a@shop.example"},
			&Message{From: []byte("a@shop.example"), Sender: "b@esp.example", Signers: []string{"esp.example"}},
			&Message{From: []byte("a@shop.example"), Signers: []string{"shop.example"}},
			&Message{From: []byte("a@good.example"), Sender: "a@good.example"},
			&Message{From: []byte("a@yahoo.com"), Signers: []string{"esp.example"}},
			&Message{From: []byte("a@down.example")},
			&Message{From: []byte("nobody")},
		)
		if want := "freemail yahoo.com 1\nspf-only good.example 1\nunsigned shop.example 2\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if f.dns.times("yahoo.com") > 0 || f.dns.times("shop.example") != 1 {
			t.Errorf("yahoo.com was asked about %d times, shop.example %d", f.dns.times("yahoo.com"), f.dns.times("shop.example"))
		}
		if again := f.noted(); again != got {
			t.Errorf("saved without news: %q", again)
		}
	})
}

func TestJudge_sent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		one := func(n int) *Message {
			return &Message{From: []byte("a@shop.example"), Signers: []string{"shop.example"}, Recipients: append(to("gmail.com", n), "web.de", "own.example", "googlemail.com")}
		}
		f.noted(one(3_000))
		if strings.Contains(f.log.String(), "bulk sender") {
			t.Error("told too early")
		}
		if got, want := f.noted(one(1_000)), "sent gmx shop.example 2\nsent google shop.example 4002\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		f.noted(one(10))
		if n := strings.Count(f.log.String(), "bulk sender"); n != 1 {
			t.Errorf("told %d times:\n%s", n, f.log)
		}
	})
}

func TestJudge_bulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		one := func(subject uint64, unsubscribe bool, n int) *Message {
			return &Message{From: []byte("a@shop.example"), Signers: []string{"shop.example"}, Subject: subject, Unsubscribe: unsubscribe, Recipients: to("own.example", n)}
		}
		if got := f.noted(one(1, true, 5_000), one(2, false, 150), one(3, false, 150), one(0, false, 5_000)); got != "" {
			t.Errorf("remarked: %q", got)
		}
		if got := f.noted(one(2, false, 50), one(2, false, 1)); got != "bulk shop.example 2\n" {
			t.Errorf("two hundred of one subject: %q", got)
		}
		time.Sleep(24 * time.Hour) // another day, other counts
		if got := f.noted(one(2, false, 150)); got != "bulk shop.example 2\n" {
			t.Errorf("the next day: %q", got)
		}
	})
}

// The counts in memory are bounded, whatever comes in.
func TestJudge_bounds(t *testing.T) {
	b := newBook()
	for i := range mostClaims + 100 {
		m := Message{Account: fmt.Sprint("a", i), From: []byte(fmt.Sprintf("a@d%d.example", i)), Subject: uint64(i + 1), Recipients: to("gmail.com", 1)}
		b.add(m.claim(), &m, "2026-11-29", time.Now())
	}
	for i := range mostSubjects + 100 {
		m := Message{Account: "a1", Subject: uint64(i + 1), Recipients: to("own.example", 1)}
		b.add(m.claim(), &m, "2026-11-29", time.Now())
	}
	if len(b.claims) != mostClaims || len(b.sent) != mostClaims || len(b.subjects) != mostAccounts || len(b.subjects["a1"]) != mostSubjects {
		t.Errorf("%d claims, %d counts, subjects of %d accounts, %d of one", len(b.claims), len(b.sent), len(b.subjects), len(b.subjects["a1"]))
	}
}

func TestJudge_Refuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.dns.known["good.example"] = Standing{Policy: "reject", Organization: "good.example", SPF: SPFPass}
		for _, c := range []struct {
			from, sender, signer string
			slow                 time.Duration
			want                 string // in the reason; "": it is taken
			took                 time.Duration
		}{
			{"a@shop.example", "a@shop.example", "", 0, "bears no signature", 0},
			{"a@shop.example", "", "shop.example", 0, "", 0},
			{"a@good.example", "a@good.example", "", 0, "", 0},
			{"a@yahoo.com", "a@good.example", "", time.Hour, "yahoo.com itself sends it", 0},
			{"a@down.example", "", "", 0, "", 0},
			{"a@slow.example", "", "", time.Minute, "", Patience},
			{"a@slow.example", "", "", time.Minute, "", Patience}, // the question is still under way
			{"nobody", "", "", 0, "", 0},
			{"ceo@good.example, x", "a@good.example", "", 0, "cannot be read", 0},
			{"a@[192.0.2.1]", "a@good.example", "", 0, "cannot be read", 0},
		} {
			f.dns.takes(c.slow)
			m := &Message{Account: "acme", From: []byte(c.from), Sender: c.sender}
			if c.signer != "" {
				m.Signers = []string{c.signer}
			}
			begin := time.Now()
			got := f.Refuse(t.Context(), m)
			if (got == "") != (c.want == "") || !strings.Contains(got, c.want) || time.Since(begin) != c.took || len(got) > 400 {
				t.Errorf("%+v: %q after %v", c, got, time.Since(begin))
			}
		}
		if n := f.dns.times("slow.example"); n != 1 {
			t.Errorf("a slow domain was asked for %d times", n)
		}
		time.Sleep(lookTime)
		synctest.Wait()
	})
}

// A domain that is delegated needs no signature of the customer's.
func TestJudge_delegated(t *testing.T) {
	f := newFixture(t)
	if _, err := f.st.Signing.AddDomain(behalf.Order{}, "acme", "shop.example"); err != nil {
		t.Fatal(err)
	}
	m := &Message{Account: "acme", From: []byte("a@news.shop.example")}
	f.dns.known["news.shop.example"] = Standing{Policy: "reject", Organization: "shop.example", SPF: SPFOther}
	if f.Refuse(t.Context(), m) == "" {
		t.Error("a domain whose DNS shows nothing counts as delegated")
	}
	delegate(t, f.st)
	if why := f.Refuse(t.Context(), m); why != "" {
		t.Error(why)
	}
}

// Answers are remembered for an hour, failures for less; there is a bound.
func TestStandings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := &domains{}
		s := newStandings(dns)
		ask := func(name string, want int) {
			t.Helper()
			_, _ = s.of(t.Context(), "acme", name)
			if dns.times(name) != want {
				t.Errorf("%s was asked for %d times, want %d", name, dns.times(name), want)
			}
		}
		ask("a.example", 1)
		ask("down.example", 1)
		time.Sleep(failureFor + time.Second)
		ask("a.example", 1)
		ask("down.example", 2)
		time.Sleep(standingFor)
		ask("a.example", 2)
		over, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.of(over, "acme", "late.example"); err == nil || dns.times("late.example") > 0 {
			t.Errorf("nobody waits, and it was asked for: %v", err)
		}
		for i := range mostStandings + 10 {
			_, _ = s.of(t.Context(), "acme", fmt.Sprintf("d%d.example", i))
		}
		if n := len(s.known); n > mostStandings {
			t.Errorf("%d answers are kept", n)
		}
	})
}

// An account with any number of domains whose DNS is slow keeps no other from an answer, and
// leaves no more behind than the questions that may be under way.
func TestStandings_slow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := &domains{slow: time.Minute}
		s := newStandings(dns)
		var asking sync.WaitGroup
		for i := range 1000 {
			asking.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), Patience)
				defer cancel()
				if _, err := s.of(ctx, "loud", fmt.Sprintf("d%d.example", i)); err == nil {
					t.Error("an answer at once")
				}
			})
		}
		time.Sleep(Patience / 2)
		dns.takes(0)
		before := time.Now()
		if _, err := s.of(t.Context(), "acme", "quiet.example"); err != nil || time.Since(before) > 0 {
			t.Errorf("another account has its answer after %v: %v", time.Since(before), err)
		}
		asking.Wait()
		if n := len(s.known); n != mostLooksOf+1 {
			t.Errorf("%d questions were begun", n)
		}
		time.Sleep(lookTime)
		synctest.Wait()
		if len(s.turns) != 0 || len(s.slots) != 0 {
			t.Errorf("%d accounts have turns, %d turns are taken", len(s.turns), len(s.slots))
		}
	})
}

// Run saves once a minute, and what is left at the end.
func TestJudge_Run(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		stop, ended := make(chan struct{}), make(chan bool)
		go func() { f.Run(stop); close(ended) }()
		kept := func() int {
			list, err := f.st.Remarks.Of("acme", "")
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		f.Note(&Message{Account: "acme", From: []byte("a@a.example")})
		time.Sleep(saveEvery + time.Second)
		if kept() != 1 {
			t.Error("not saved after a minute")
		}
		f.Note(&Message{Account: "acme", From: []byte("a@b.example")})
		close(stop)
		<-ended
		if kept() != 2 {
			t.Error("not saved at the end")
		}
	})
}

// delegate makes keys, and notes that the DNS shows the domain as delegated.
func delegate(t *testing.T, st *store.Store) {
	t.Helper()
	shown := func(*signing.Key) (bool, error) { return true, nil }
	if err := st.Signing.MakeKeys("s1", "s2"); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Signing.RotateKeys([][2]string{{"s1", "s2"}}, shown); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Signing.LookedAt("acme", "shop.example", signing.Look{Selectors: []string{"s1", "s2"}}); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkJudge_Note(b *testing.B) {
	book := newBook()
	m := &Message{Account: "acme", From: []byte("Shop <news@shop.example>"), Sender: "news@shop.example", Signers: []string{"shop.example"}, Recipients: []string{"gmail.com"}}
	b.ReportAllocs()
	for b.Loop() {
		book.add(m.claim(), m, "2026-11-29", time.Time{})
	}
}

// SPF looks at the reverse-path that receivers see, which may be relay's own.
func TestMessage_return(t *testing.T) {
	m := Message{Account: "acme", Sender: "a@good.example", From: []byte("a@good.example"), Return: "back.relay.example"}
	if c := m.claim(); c.sender != "back.relay.example" || c.from != "good.example" {
		t.Errorf("%+v", c)
	}
}
