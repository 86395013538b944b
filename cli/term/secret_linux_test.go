package term

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// A password that is typed does not show, and nothing but a terminal is asked.
func TestAskSecret(t *testing.T) {
	screen, in := terminal(t, 80)
	if _, err := io.WriteString(screen.(*os.File), "secret word\n"); err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	if got, err := AskSecret(in, &shown, "Password of acme: "); got != "secret word" || err != nil || shown.String() != "Password of acme: \n" {
		t.Errorf("%q, %v; shown %q", got, err, shown.String())
	}
	for _, in := range []io.Reader{strings.NewReader("secret\n"), pipe(t)} {
		if got, err := AskSecret(in, &shown, "?"); !errors.Is(err, ErrNoTerminal) {
			t.Errorf("%T: %q, %v", in, got, err)
		}
	}
}
