package jobs

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/store"
	"relay/store/sites"
	"relay/store/spool"
	"relay/store/spooled"
)

// waiting are the messages of relay's own that wait, oldest first.
func waiting(t *testing.T, st *store.Store) []*spooled.Message {
	t.Helper()
	list, err := st.Spool.Sweep(spooled.ID{}, st.Now().Add(time.Hour), 1000)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// attempt settles an attempt at a message that is gone, with connections to count.
func attempt(t *testing.T, st *store.Store, counts ...sites.TLSCount) {
	t.Helper()
	if err := st.Spool.Settle(spool.Result{TLS: counts}); err != nil {
		t.Fatal(err)
	}
}

// A day is reported once it is over, and once: by mail, to a web server, or not where the
// domain does not want it any more. What could not be is tried again, for a week.
func TestRunner_TLSReports(t *testing.T) {
	now := time.Date(2026, 11, 20, 23, 0, 0, 0, time.UTC)
	st := openAt(t, func() time.Time { return now })
	wants := map[string][]string{
		"mail.test": {"mailto:tls@mail.test", "mailto:odd"}, "web.test": {"https://web.test/report"}, "both.test": {"https://web.test/report", "mailto:tls@both.test"},
		"no.test": nil, "down.test": {"https://down.test/"},
	}
	var posted []string
	cfg := Config{Reports: Reports{Host: "relay.test", Contact: "postmaster@relay.test", Expire: 24 * time.Hour,
		To: func(_ context.Context, domain string) ([]string, error) {
			if domain == "mute.test" {
				return nil, errors.New("no answer")
			}
			return wants[domain], nil
		},
		Post: func(_ context.Context, url string, report []byte) error {
			if strings.Contains(url, "down.test") {
				return errors.New("no answer")
			}
			posted = append(posted, url)
			return nil
		}}}
	r := New(st, slog.New(slog.DiscardHandler), func() Config { return cfg })
	for _, domain := range []string{"mail.test", "web.test", "both.test", "no.test", "down.test", "mute.test"} {
		attempt(t, st, sites.TLSCount{Domain: domain, Type: "no-policy-found"}, sites.TLSCount{Domain: domain, Type: "no-policy-found", TLSFailure: sites.TLSFailure{Result: "starttls-not-supported"}})
	}
	run := func(reports, failed int) {
		t.Helper()
		v, err := r.TLSReports(t.Context())
		if err != nil || v.Reports != reports || len(v.Failed) != failed {
			t.Errorf("%s: %+v, %v, want %d reports, %d not", now.Format(time.DateTime), v, err, reports, failed)
		}
	}
	run(0, 0) // the day is not over
	now = now.Add(2 * time.Hour)
	run(3, 2)
	run(0, 2)
	list := waiting(t, st)
	var to []string
	for _, m := range list {
		to = append(to, m.Recipients[0].Address)
		if m.Own != spooled.NoteTLSReport || !m.NoTLSTerms || len(m.Recipients) != 1 {
			t.Errorf("%+v", m)
		}
	}
	if slices.Sort(to); !slices.Equal(to, []string{"tls@both.test", "tls@mail.test"}) {
		t.Errorf("mail to %q", to)
	}
	if len(posted) != 2 {
		t.Errorf("posted to %q", posted)
	}
	wants["down.test"] = []string{"mailto:tls@down.test"}
	run(1, 1)
	for range 4 {
		now = now.Add(24 * time.Hour)
		run(0, 1)
	}
	run(0, 0) // given up
	if days, err := st.Sites.TLSDays(now, nil, 10); err != nil || len(days) != 0 {
		t.Errorf("left: %+v, %v", days, err)
	}
}

// However many addresses a stranger's record has, a few get the report, each once.
func TestRunner_TLSReports_many(t *testing.T) {
	now := time.Date(2026, 11, 20, 23, 0, 0, 0, time.UTC)
	st := openAt(t, func() time.Time { return now })
	posts := 0
	where := []string{"mailto:a@many.test", "mailto:a@many.test"}
	for range 1000 {
		where = append(where, "https://victim.test/")
	}
	cfg := Config{Reports: Reports{Host: "relay.test", Expire: 24 * time.Hour,
		To:   func(context.Context, string) ([]string, error) { return where, nil },
		Post: func(context.Context, string, []byte) error { posts++; return nil },
	}}
	r := New(st, slog.New(slog.DiscardHandler), func() Config { return cfg })
	attempt(t, st, sites.TLSCount{Domain: "many.test", Type: "no-policy-found"})
	now = now.Add(2 * time.Hour)
	if v, err := r.TLSReports(t.Context()); err != nil || v.Reports != 1 || posts > 10 {
		t.Errorf("%+v, %v, %d posts", v, err, posts)
	}
	if list := waiting(t, st); len(list) != 1 || len(list[0].Recipients) != 1 {
		t.Errorf("queued %+v", list)
	}
}
