package cli

import (
	"bytes"
	"context"
	"net"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"relay/cli/exit"
)

// atRE is the instant a statement is of.
var atRE = regexp.MustCompile(`(?m)^at .*\n`)

// unchanged NAME FILE: the account's statement is still what is in the file.
func cmdUnchanged(ts *testscript.TestScript, _ bool, args []string) {
	var out bytes.Buffer
	app := &App{Stdin: strings.NewReader(""), Stdout: &out, Stderr: ts.Stderr(), Getenv: ts.Getenv, Listen: net.Listen}
	if code := app.Run(context.Background(), []string{"account", "statement", args[0]}); code != exit.Done {
		ts.Fatalf("exit code %d", code)
	}
	was, is := atRE.ReplaceAllString(ts.ReadFile(args[1]), ""), atRE.ReplaceAllString(out.String(), "")
	if is != was {
		ts.Fatalf("the statement was\n%s\nand is\n%s", was, is)
	}
}

// timeOfDayRE is a time of day. A term that ends at once is shown with it, and the next
// command runs in another second.
var timeOfDayRE = regexp.MustCompile(`\b\d\d:\d\d(:\d\d)?\b`)

// same FILE: the last command said what is in the file, but for its last line:
// that nothing was changed. Times of day do not count.
func cmdSame(ts *testscript.TestScript, _ bool, args []string) {
	dry, ok := strings.CutSuffix(ts.ReadFile(args[0]), "\nnothing was changed\n")
	is := ts.ReadFile("stdout")
	if !ok || timeOfDayRE.ReplaceAllString(is, "*") != timeOfDayRE.ReplaceAllString(dry, "*") {
		ts.Fatalf("the dry run said\n%s\nand the order\n%s", dry, is)
	}
}
