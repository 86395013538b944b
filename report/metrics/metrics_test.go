package metrics

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/report/jobs"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/meter"
	"relay/store/orders"
	"relay/store/returns"
	"relay/store/testdisk"
)

var update = flag.Bool("update", false, "write docs/metrics.md")

func TestMain(m *testing.M) { testdisk.Run(m) }

const docs = "../../docs/"

// sample is a relay with a figure for each metric.
func sample(t testing.TB) *Relay {
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	if _, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "secret-customer"}, Plan: quota.Builtin()[0]}); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Returns.Record([]returns.Return{{Kind: returns.Bounce, MessageID: "<nobody@example.test>"}}); err != nil {
		t.Fatal(err)
	}
	done := time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC)
	latency := meter.Durations(time.Second, time.Minute)
	latency.Observe(int64(2 * time.Second))
	return &Relay{Version: "1.0", Store: st,
		Jobs: func() ([]jobs.State, error) {
			return []jobs.State{{Job: "prune-trace", Done: &done, Next: done.Add(time.Hour)}, {Job: "backup", Next: done, Error: "no space"}}, nil
		},
		Intake: func() Intake {
			return Intake{Messages: 5, Recipients: 7, Octets: 900, Refusals: map[string]int64{"550 5.7.1": 3, "500": 1}, Connections: 2, Limit: 1000}
		},
		Back: func() *Back {
			return &Back{Messages: map[string]int64{"b": 4, "fbl": 2}, Refusals: map[string]int64{"550 5.1.1": 8}, Connections: 1}
		},
		Delivery: func(context.Context) Delivery {
			return Delivery{Outcomes: []Outcome{{"Google", "delivered", 9}, {"", "expired", 1}, {"other", "deferred", 2}},
				Latency: latency.Shape(), Load: &Load{Connections: 3, Limit: 100, Open: 5, Down: 1}}
		},
		Disk:        func() (int64, int64) { return 1 << 30, 1 << 40 },
		Certificate: func() time.Time { return done },
	}
}

// scrapeOf is what a scraper reads.
func scrapeOf(t testing.TB, h http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, Path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func quietLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

// Each metric is exported with its help, and none beside them; no label tells of an account.
func TestHandler(t *testing.T) {
	text := scrapeOf(t, Handler(sample(t), quietLog()))
	var got, want []string
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (relay_\S+) (\S+)$`).FindAllStringSubmatch(text, -1) {
		got = append(got, m[1]+" "+m[2])
	}
	for _, f := range families {
		want = append(want, f.name+" "+f.kind)
		if !strings.Contains(text, "# HELP "+f.name+" "+f.help+"\n") {
			t.Errorf("%s has no help", f.name)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("exported\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, line := range []string{
		`relay_smtp_refusals_total{reply="550 5.7.1"} 3`,
		`relay_delivery_attempts_total{outcome="expired",provider="none"} 1`,
		`relay_delivery_latency_seconds_bucket{le="60"} 1`,
		`relay_queue_messages{age="more"} 0`,
		`relay_returns_total{effect="unknown",kind="bounce"} 1`,
		`relay_job_failed{job="backup"} 1`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	if strings.Contains(text, "secret-customer") {
		t.Error("an account is named")
	}
}

// Without an answer of the schedule its gauges are missing, and only those.
func TestHandler_noSchedule(t *testing.T) {
	r := sample(t)
	r.Delivery = func(context.Context) Delivery { return Delivery{Latency: meter.Durations(time.Second).Shape()} }
	r.Jobs = func() ([]jobs.State, error) { return nil, fmt.Errorf("a schedule is wrong") }
	text := scrapeOf(t, Handler(r, quietLog()))
	if !strings.Contains(text, "\n"+UpName+" 0\n") || strings.Contains(text, "relay_delivery_sites{") || !strings.Contains(text, "\nrelay_intake_messages_total 5\n") {
		t.Error(text)
	}
}

// Nothing but a scrape is answered.
func TestHandler_else(t *testing.T) {
	h := Handler(sample(t), quietLog())
	for _, c := range []struct {
		method, path string
		want         int
	}{{http.MethodPost, Path, http.StatusMethodNotAllowed}, {http.MethodGet, "/", http.StatusNotFound}, {http.MethodGet, "/debug/pprof/", http.StatusNotFound}} {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil)); w.Code != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, w.Code, c.want)
		}
	}
}

// page is docs/metrics.md.
func page() string {
	var b strings.Builder
	b.WriteString("# Metrics\n\nWhat `[metrics]` exports, made from the code. The [guide](guide.md#metrics) says how to read it. Beside these there\nare the `go_` and `process_` metrics of every Go program.\n\n| metric | kind | labels | |\n|---|---|---|---|\n")
	for _, f := range families {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.name, f.kind, strings.Join(f.labels, ", "), f.help)
	}
	return b.String()
}

func TestPage(t *testing.T) {
	if *update {
		if err := os.WriteFile(docs+"metrics.md", []byte(page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if is, err := os.ReadFile(docs + "metrics.md"); err != nil || string(is) != page() {
		t.Errorf("docs/metrics.md is out of date (%v): go test ./report/metrics -update", err)
	}
}

// The dashboard and the rules name only metrics that are exported; so does the guide.
func TestNames(t *testing.T) {
	known := map[string]bool{}
	for _, f := range families {
		known[f.name] = true
		if f.kind == histogram {
			known[f.name+"_bucket"], known[f.name+"_sum"], known[f.name+"_count"] = true, true, true
		}
	}
	for _, file := range []string{"grafana.json", "alerts.yml", "guide.md"} {
		text, err := os.ReadFile(docs + file)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, name := range regexp.MustCompile(`\brelay_(build|intake|smtp|backmail|queue|delivery|returns|store|clock|job|certificate)_[a-z_]*[a-z]`).FindAllString(string(text), -1) {
			if found++; !known[name] {
				t.Errorf("%s names %s, which is not exported", file, name)
			}
		}
		if found < 3 {
			t.Errorf("%s names %d metrics", file, found)
		}
	}
	dashboard(t)
}

// promtool finds nothing wrong with names, help and rules.
func TestPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian: prometheus)")
	}
	run := func(in string, args ...string) {
		t.Helper()
		cmd := exec.Command(promtool, args...)
		cmd.Stdin = strings.NewReader(in)
		if out, err := cmd.CombinedOutput(); err != nil || bytes.Contains(out, []byte("relay_")) && args[1] == "metrics" {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	run(scrapeOf(t, Handler(sample(t), quietLog())), "check", "metrics")
	run("", "check", "rules", docs+"alerts.yml")
	rules := filepath.Join(t.TempDir(), "dashboard.yml")
	text := "groups:\n- name: dashboard\n  rules:\n"
	for i, expr := range dashboard(t) {
		text += fmt.Sprintf("  - record: panel:%d\n    expr: %q\n", i, expr)
	}
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run("", "check", "rules", rules)
}

// dashboard has the expressions of docs/grafana.json.
func dashboard(t *testing.T) (list []string) {
	var is struct {
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	text, err := os.ReadFile(docs + "grafana.json")
	if err == nil {
		err = json.Unmarshal(text, &is)
	}
	if err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	for _, p := range is.Panels {
		if p.Title == "" || ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d %q: %+v", p.ID, p.Title, p.GridPos)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			list = append(list, target.Expr)
		}
	}
	if len(list) < 40 {
		t.Errorf("%d expressions", len(list))
	}
	return list
}

// BenchmarkScrape has as many labels as there can be.
func BenchmarkScrape(b *testing.B) {
	r := sample(b)
	d := r.Delivery(b.Context())
	for i := range 60 {
		for _, state := range []string{"delivered", "deferred", "failed", "expired"} {
			d.Outcomes = append(d.Outcomes, Outcome{fmt.Sprintf("provider %d", i), state, int64(i)})
		}
	}
	r.Delivery = func(context.Context) Delivery { return d }
	h := Handler(r, quietLog())
	b.ReportAllocs()
	for b.Loop() {
		scrapeOf(b, h)
	}
}
