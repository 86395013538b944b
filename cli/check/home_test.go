package check

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"relay/cli/control"
	"relay/cli/shell"
	"relay/report/api/act"
)

// answering is the service of a relay that answers with its health, or fails.
type answering struct {
	shell.Service // nothing else is asked
	health        *act.Health
	err           error
}

func (a answering) Do(*http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a.health)
	return w.Result(), a.err
}

func TestHome_process(t *testing.T) {
	sick := func(h act.Health) *act.Health {
		h.Version, h.Started = "1.0", time.Now()
		return &h
	}
	for _, c := range []struct {
		name           string
		answer         answering
		running, quiet bool
		want           string
	}{
		{"well", answering{health: sick(act.Health{Healthy: true, PID: 42})}, true, false, `^ok process: 1.0 runs, pid 42, for 0s → \n$`},
		{"the disk is full", answering{health: sick(act.Health{Probes: []act.Probe{{Name: act.IntakeProbe, Error: "no room"}}})}, true, false,
			`^failed process: runs, but: no room → make space; relay compact`},
		{"a probe did not come back", answering{health: sick(act.Health{Probes: []act.Probe{{Name: "queue", Error: "not within 5s"}}})}, true, false,
			`^failed process: runs, but: not within 5s → see its log; mend the disk`},
		{"none runs", answering{err: control.ErrAbsent}, false, false, `^ok process: no relay runs → \n$`},
		{"it does not talk to this user", answering{err: control.ErrDenied}, false, true, `^failed process: .* → .+`},
		{"its answer is broken", answering{err: errors.New("reset")}, false, true, `^failed process: reset → \n$`},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := home{newLook(t, nil), &process{}}
			h.Running = c.answer
			h.process()
			h.match(t, c.want)
			if (h.relay.health != nil) != c.running || h.relay.silent != c.quiet {
				t.Errorf("running %v, silent %v", h.relay.health != nil, h.relay.silent)
			}
		})
	}
}

// The operator's own words of mail are checked by file and line.
func TestHome_templates(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"en/usage.txt": "subject: x\n\n{{.Account.Nmae}}\n", "de/resumed.txt": "subject: {{if .Seller}}\n", "en/usgae.txt": "x"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h := home{newLook(t, nil), &process{}}
	h.cfg.Report.Words = dir
	h.templates()
	h.match(t, `(?s)en/usgae.txt: there is no kind of mail "usgae"; relay report list has them.*`+
		`failed templates: \S+/en/usage.txt:3:10: there is no Nmae in .Account.Nmae; there are Name, Reference, State → relay report preview KIND .*de/resumed.txt:\d: unexpected EOF`)
	good := home{newLook(t, nil), &process{}}
	good.cfg.Report.Words = t.TempDir()
	good.templates()
	good.match(t, `^ok templates: \S+ is in order → \n$`)
}
