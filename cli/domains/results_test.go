package domains

import (
	"strings"
	"testing"
	"time"

	"relay/cli/shell"
	api "relay/report/api/domains"
)

// utc is a service that asks nobody.
type utc struct{ shell.Service }

func (utc) Zone() *time.Location { return time.UTC }

func TestShowResults(t *testing.T) {
	var b strings.Builder
	e := &shell.Env{Stdout: &b, Service: utc{}}
	if err := showResults(e, nil); err != nil || b.Len() > 0 {
		t.Errorf("%v %q", err, b.String())
	}
	list := []api.DomainResult{
		{Provider: "Google", Delivered: 12345, Deferred: 3, Failed: 20, Refusal: &api.CommonRefusal{Reply: "550 5.7.26 " + strings.Repeat("unauthenticated ", 9), Category: "AuthenticationFailed", Count: 17}},
		{Provider: "any other", Delivered: 1},
	}
	if err := showResults(e, list); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"signed mail of the last 30 days\n", "PROVIDER", "\nGoogle        12,345         3      20  17: 550 5.7.26 unauth", "\nany other          1         0       0"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	for line := range strings.Lines(b.String()) {
		if len([]rune(strings.TrimSuffix(line, "\n"))) > 80 {
			t.Errorf("%q is wider than 80", line)
		}
	}
}
