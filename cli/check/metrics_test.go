package check

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"relay/report/api/act"
	"relay/report/metrics"
)

func TestEntrance_metrics(t *testing.T) {
	e := entrance{look: newLook(t, nil), relay: &process{health: &act.Health{}}}
	e.metrics()
	e.match(t, `^$`) // not configured
	answer := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
	defer server.Close()
	addr := strings.TrimPrefix(server.URL, "http://")
	for _, c := range []struct{ name, answer, addr, want string }{
		{"it answers", metrics.UpName + " 1\n", addr, `^ok metrics: the relay answers on http://127.0.0.1:\d+/metrics → \n$`},
		{"something else does", "hello", addr, `^failed metrics: no answer: .*it answers 200 OK, and no metrics of relay → start the relay again`},
		{"nobody there", "", "127.0.0.1:1", `^failed metrics: no answer: .*connection refused → start the relay again`},
		{"a port that the kernel chose", "", "10.0.0.1:0", `^ok metrics: on a port that the system chose → \n$`},
		{"for everybody", metrics.UpName, ":0", `(?s)^ok .*\nwarning metrics: :0 asks for no login, and may be reached from outside → listen on 127.0.0.1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer = c.answer
			e.results, e.cfg.Metrics.Listen = nil, c.addr
			e.metrics()
			e.match(t, c.want)
		})
	}
	e.results, e.relay, e.cfg.Metrics.Listen = nil, &process{}, "127.0.0.1:0"
	e.metrics()
	e.match(t, `^ok metrics: http, 127.0.0.1:0 can be bound`)
}
