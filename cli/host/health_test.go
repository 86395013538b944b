package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/shell"
	"relay/report/api/act"
)

// answers is a service that gives one answer after the other, the last one again and
// again: an error, a *act.Health, or nil for none at all.
type answers struct {
	list  []any
	asked int
}

func (a *answers) Do(req *http.Request) (*http.Response, error) {
	one := a.list[min(a.asked, len(a.list)-1)]
	a.asked++
	switch one := one.(type) {
	case error:
		return nil, one
	case *act.Health:
		text, err := json.Marshal(one)
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(text)), Request: req}, err
	}
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func (*answers) Zone() *time.Location { return time.UTC }
func (*answers) Currency() string     { return "EUR" }
func (*answers) Operator() bool       { return true }
func (*answers) Now() time.Time       { return time.Now() }
func (*answers) Close() error         { return nil }

func TestHealth_notWell(t *testing.T) {
	for _, c := range []struct {
		h    act.Health
		want string
	}{
		{act.Health{Problem: "the disk is gone"}, "not OK: the disk is gone\n"},
		{act.Health{Probes: []act.Probe{{Name: "store"}, {Name: "queue", Error: "no answer"}}}, "not OK: no answer\n"},
		{act.Health{Problem: "gone", Probes: []act.Probe{{Name: "store", Error: "gone"}}}, "not OK: gone\n"},
		{act.Health{Problem: "gone", Certificate: &act.Certificate{From: act.SelfSigned, Problem: "no such name."}},
			"not OK: gone\nThe certificate is self-signed: the authority has issued none yet; the last try\nfailed: no such name.\n"},
		{act.Health{Problem: "gone", Certificate: &act.Certificate{From: act.FromAuthority, Ends: time.Now().Add(30 * 24 * time.Hour), Problem: "not now"}}, "not OK: gone\n"},
	} {
		var out strings.Builder
		e := &shell.Env{Stdout: &out}
		if err := showHealth(e, &c.h); err != exit.Code(exit.Failed) || out.String() != c.want {
			t.Errorf("%+v: %v, %q, want exit code 1, %q", c.h, err, out.String(), c.want)
		}
		out.Reset()
		e.JSON = true
		if err := showHealth(e, &c.h); err != exit.Code(exit.Failed) || !strings.Contains(out.String(), `"healthy": false`) {
			t.Errorf("%+v: %v, %s", c.h, err, out.String())
		}
	}
}

// health --wait asks until the relay is well, and what cannot become well ends it.
func TestHealth_wait(t *testing.T) {
	absent := exit.Fail(exit.Unreachable, "start it: relay serve", "%w", control.ErrAbsent)
	well, unwell := &act.Health{Healthy: true}, &act.Health{Problem: "it starts"}
	for _, c := range []struct {
		name  string
		list  []any
		wait  time.Duration
		asked int
		took  time.Duration
		want  error // nil: the last answer
	}{
		{"it is well", []any{well}, time.Minute, 1, 0, nil},
		{"it starts meanwhile", []any{absent, absent, unwell, well}, time.Minute, 4, 3 * askAgain, nil},
		{"it never starts", []any{absent}, time.Second, 6, time.Second, control.ErrAbsent},
		{"it stays unwell", []any{unwell}, time.Second, 6, time.Second, nil},
		{"without --wait", []any{absent, well}, 0, 1, 0, control.ErrAbsent},
		{"it is somebody else's", []any{control.ErrDenied, well}, time.Minute, 1, 0, control.ErrDenied},
		{"the configuration is broken", []any{exit.Fail(exit.Config, "", "broken"), well}, time.Minute, 1, 0, errors.New("broken")},
		{"it does not answer at first", []any{nil, well}, time.Minute, 2, HealthLimit + askAgain, nil},
		{"it never answers", []any{nil}, time.Second, 1, HealthLimit, errors.New("the relay does not answer within 10s")},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, start := &answers{list: c.list}, time.Now()
				h, err := healthWithin(context.Background(), &shell.Env{Running: a}, c.wait)
				if a.asked != c.asked || time.Since(start) != c.took {
					t.Errorf("asked %d times in %s, want %d in %s", a.asked, time.Since(start), c.asked, c.took)
				}
				last := c.list[len(c.list)-1]
				switch {
				case c.want == nil && (err != nil || h.Healthy != (last == any(well))):
					t.Errorf("%+v, %v, want %+v", h, err, last)
				case c.want != nil && (err == nil || !errors.Is(err, c.want) && err.Error() != c.want.Error()):
					t.Errorf("%v, want %v", err, c.want)
				}
			})
		})
	}
}
