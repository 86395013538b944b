package policy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"relay/mailer/route"
	"relay/store"
	"relay/store/sites"
)

// internet is the DNS and the web as a Book sees them.
type internet struct {
	mu     sync.Mutex
	txt    map[string][]string
	policy map[string]string // by domain; none: the server does not answer
	asked  int
}

func (n *internet) set(domain, id, policy string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.txt["_mta-sts."+domain] = []string{"v=STSv1; id=" + id}
	n.policy[domain] = policy
}

func (n *internet) fetches() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked
}

func (n *internet) LookupTXT(_ context.Context, name string) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if list := n.txt[name]; list != nil {
		return list, nil
	}
	return nil, route.ErrNotFound
}

func (n *internet) SecureMX(context.Context, string) (bool, error)        { return false, nil }
func (n *internet) SecureNames(context.Context, string) ([]string, error) { return nil, nil }
func (n *internet) LookupTLSA(context.Context, string) ([]route.TLSA, bool, error) {
	return nil, false, nil
}

func (n *internet) Fetch(_ context.Context, domain string) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	if text := n.policy[domain]; text != "" {
		return []byte(text), nil
	}
	return nil, errors.New("no answer")
}

func text(mode string, age time.Duration, mx string) string {
	return fmt.Sprintf("version: STSv1\nmode: %s\nmax_age: %d\nmx: %s\n", mode, int(age.Seconds()), mx)
}

// inYears runs fn in a bubble with a store that can be opened again.
func inYears(t *testing.T, fn func(n *internet, terms func(domain string) *Terms, again func())) {
	synctest.Test(t, func(t *testing.T) {
		n := &internet{txt: map[string][]string{}, policy: map[string]string{}}
		path := filepath.Join(t.TempDir(), "relay.db")
		log := slog.New(slog.NewTextHandler(io.Discard, nil))
		var st *store.Store
		var b *Book
		var stop func()
		start := func() {
			var err error
			if st, err = store.Open(path, store.Options{Log: log}); err != nil {
				t.Fatal(err)
			}
			b = NewBook(st.Spool, Config{Names: n, Fetcher: n, MTASTS: true, Port: 25}, log)
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan struct{})
			go func() { defer close(done); b.Run(ctx) }()
			stop = func() {
				cancel()
				<-done
				if err := st.Close(); err != nil {
					t.Error(err)
				}
			}
		}
		start()
		fn(n, func(domain string) *Terms {
			terms, fetch := b.Terms(context.Background(), domain, &route.Path{Hosts: []route.Host{{Name: "mx." + domain}}})
			if fetch != nil {
				terms = fetch()
			}
			return terms
		}, func() { stop(); start() })
		stop()
	})
}

// A year of mail to domains with policies, with a restart a month: a policy is fetched once
// a day and with each new id; it holds over a server that is down for less than its age,
// and not for longer; one that nobody uses any more is forgotten.
func TestBook_Year(t *testing.T) {
	inYears(t, func(n *internet, terms func(string) *Terms, again func()) {
		n.set("a.test", "1", text("enforce", 7*24*time.Hour, "mx.a.test"))
		n.set("once.test", "1", text("enforce", 24*time.Hour, "mx.once.test"))
		terms("once.test")
		held := func(day int, want Level) {
			t.Helper()
			if got := terms("a.test").Level("mx.a.test"); got != want {
				t.Errorf("day %d: level %d, want %d", day, got, want)
			}
		}
		begun := n.fetches()
		for day := range 365 {
			switch {
			case day == 100: // the server goes, and comes back
				n.set("a.test", "1", "")
			case day == 105:
				n.set("a.test", "1", text("enforce", 7*24*time.Hour, "mx.a.test"))
			case day == 200: // for longer
				n.set("a.test", "1", "")
			case day == 220:
				n.set("a.test", "1", text("enforce", 7*24*time.Hour, "mx.a.test"))
			case day == 300:
				n.set("a.test", "2", text("testing", 7*24*time.Hour, "mx.a.test"))
			}
			switch {
			case day >= 208 && day < 220, day >= 300:
				held(day, Any)
			case day < 200 || day > 221:
				held(day, Verified)
			}
			if day%30 == 29 {
				again()
			}
			time.Sleep(24 * time.Hour)
		}
		if got := n.fetches() - begun; got < 365 || got > 365+31+26*12+20*2 {
			t.Errorf("%d fetches in a year", got)
		}
	})
}

// Whatever is wrong with a new policy, the one that was fetched before holds.
func TestBook_KeepsWhatItHas(t *testing.T) {
	inYears(t, func(n *internet, terms func(string) *Terms, again func()) {
		n.set("a.test", "1", text("enforce", 7*24*time.Hour, "mx.a.test"))
		terms("a.test")
		for i, wrong := range []string{"", "mode: none", "version: STSv1\nmode: none", text("enforce", time.Hour, "")} {
			n.set("a.test", fmt.Sprint(i+2), wrong)
			if got := terms("a.test").Level("mx.a.test"); got != Verified {
				t.Errorf("after %q: level %d", wrong, got)
			}
			again()
		}
		n.mu.Lock()
		clear(n.txt)
		n.mu.Unlock()
		if got := terms("a.test").Level("mx.a.test"); got != Verified {
			t.Errorf("without a record: level %d", got)
		}
	})
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text, mode string // "": refused
		mx         []string
	}{
		{"version: STSv1\nmode: enforce\nmx: MX.a.test\nmx: *.b.test\nmax_age: 604800\n", "enforce", []string{"mx.a.test", "*.b.test"}},
		{"version:STSv1\r\nmode:testing\r\nmx:a.test\r\nmax_age:1\r\nnew: field\r\n\r\n", "testing", []string{"a.test"}},
		{"version: STSv1\nmode: none\nmax_age: 86400\n", "none", nil},
		{"version: STSv1\nmode: enforce\nmode: none\nmx: a.test\nmax_age: 99999999999\n", "enforce", []string{"a.test"}},
		{"version: STSv2\nmode: none\nmax_age: 1\n", "", nil},
		{"version: STSv1\nmode: enforce\nmax_age: 1\n", "", nil},
		{"version: STSv1\nmode: maybe\nmx: a.test\nmax_age: 1\n", "", nil},
		{"version: STSv1\nmode: enforce\nmx: a.test\nmax_age: -1\n", "", nil},
		{"version: STSv1\nmode: enforce\nmx: a.test\n", "", nil},
		{"version: STSv1\nmode: enforce\nmx: a.*.test\nmax_age: 1\n", "", nil},
		{"<html>", "", nil},
	} {
		p, err := Parse([]byte(c.text))
		if (err == nil) != (c.mode != "") {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if err == nil && (p.Mode != c.mode || !slices.Equal(p.MX, c.mx) || p.MaxAge > maxAge) {
			t.Errorf("%q: %+v", c.text, p)
		}
	}
}

func TestNames(t *testing.T) {
	p := &sites.TLSPolicy{MX: []string{"mx.a.test", "*.b.test"}}
	for host, want := range map[string]bool{"mx.a.test": true, "mx.b.test": true, "b.test": false, "x.mx.b.test": false,
		"a.test": false, ".b.test": false, "mx.c.test": false} {
		if got := names(p, host); got != want {
			t.Errorf("names(%s) = %v", host, got)
		}
	}
}

func TestRecordID(t *testing.T) {
	for _, c := range []struct {
		texts []string
		want  string
	}{
		{[]string{"v=STSv1; id=20260101T000000;"}, "20260101T000000"},
		{[]string{"v=STSv1;id=a"}, "a"},
		{[]string{"v=spf1 -all", "v=STSv1; id=a"}, "a"},
		{[]string{"v=STSv1; id=a", "v=STSv1; id=b"}, ""},
		{[]string{"v=STSv12; id=a"}, ""},
		{[]string{"v=STSv1; id=a-b"}, ""},
		{[]string{"v=STSv1;"}, ""},
		{nil, ""},
	} {
		if got := recordID(c.texts); got != c.want {
			t.Errorf("%q: %q", c.texts, got)
		}
	}
}

func TestReportTo(t *testing.T) {
	for _, c := range []struct {
		texts []string
		want  []string
	}{
		{[]string{"v=TLSRPTv1; rua=mailto:a@b.test"}, []string{"mailto:a@b.test"}},
		{[]string{"v=TLSRPTv1;rua=mailto:a@b.test, https://b.test/r;"}, []string{"mailto:a@b.test", "https://b.test/r"}},
		{[]string{"v=TLSRPTv1; rua=ftp://b.test"}, nil},
		{[]string{"v=TLSRPTv1; rua=mailto:a@b.test", "v=TLSRPTv1; rua=mailto:c@b.test"}, nil},
		{[]string{"v=spf1 -all"}, nil},
	} {
		if got := ReportTo(c.texts); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q", c.texts, got)
		}
	}
}
