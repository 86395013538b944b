package cli

import (
	"strings"
	"testing"

	"relay/cli/serve"
)

// A command that was sent is coloured where it asks for that, and no output is in a pipe.
func TestColours(t *testing.T) {
	for _, c := range []struct {
		name  string
		inner *serve.Relay
		asked bool
		want  bool
	}{
		{"in a pipe", nil, false, false},
		{"sent from a terminal", &serve.Relay{}, true, true},
		{"sent from a pipe", &serve.Relay{}, false, false},
	} {
		p := &program{App: App{Stdout: &strings.Builder{}, Getenv: env{}.get}, inner: c.inner, coloured: c.asked}
		if got := p.colours(); got != c.want {
			t.Errorf("%s: coloured %v, want %v", c.name, got, c.want)
		}
	}
}
