package cli

import (
	"strings"
	"testing"
)

// A status is coloured where the command that was sent asks for it, and never in a pipe.
func TestColours(t *testing.T) {
	finding := finding{Check: "disk", Status: warning, Detail: "nearly full", Advice: "make space"}
	const plain = "  warning  disk  nearly full\n                 → make space\n"
	coloured := strings.Replace(plain, "warning", "\x1b[33mwarning\x1b[0m", 1)
	for _, c := range []struct {
		name  string
		inner *relay
		asked bool
		want  string
	}{
		{"in a pipe", nil, false, plain},
		{"sent from a terminal", &relay{}, true, coloured},
		{"sent from a pipe", &relay{}, false, plain},
	} {
		var out strings.Builder
		p := &program{App: App{Stdout: &out, Getenv: env{}.get}, inner: c.inner, coloured: c.asked}
		if err := p.writeFinding(finding, len("disk")); err != nil || out.String() != c.want {
			t.Errorf("%s: %q, %v, want %q", c.name, out.String(), err, c.want)
		}
	}
}
