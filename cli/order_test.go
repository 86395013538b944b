package cli

import (
	"bytes"
	"context"
	"net"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// atRE is the instant a statement is of.
var atRE = regexp.MustCompile(`(?m)^at .*\n`)

// unchanged NAME FILE: the account's statement is still what is in the file.
func cmdUnchanged(ts *testscript.TestScript, _ bool, args []string) {
	var out bytes.Buffer
	app := &App{Stdin: strings.NewReader(""), Stdout: &out, Stderr: ts.Stderr(), Getenv: ts.Getenv, Listen: net.Listen}
	if code := app.Run(context.Background(), []string{"account", "statement", args[0]}); code != exitDone {
		ts.Fatalf("exit code %d", code)
	}
	was, is := atRE.ReplaceAllString(ts.ReadFile(args[1]), ""), atRE.ReplaceAllString(out.String(), "")
	if is != was {
		ts.Fatalf("the statement was\n%s\nand is\n%s", was, is)
	}
}

// same FILE: the last command said what is in the file, but for its last line:
// that nothing was changed.
func cmdSame(ts *testscript.TestScript, _ bool, args []string) {
	dry, ok := strings.CutSuffix(ts.ReadFile(args[0]), "\nnothing was changed\n")
	if is := ts.ReadFile("stdout"); !ok || is != dry {
		ts.Fatalf("the dry run said\n%s\nand the order\n%s", dry, is)
	}
}
