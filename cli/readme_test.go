package cli

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"relay/cli/exit"
)

// Every command of the help page stands in the README's table of groups, once, and no
// other.
func TestReadme_commands(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var help bytes.Buffer
	app := &App{Stdout: &help, Stderr: &help, Getenv: func(string) string { return "" }}
	if code := app.Run(t.Context(), []string{"--help"}); code != exit.Done {
		t.Fatalf("relay --help: exit code %d", code)
	}
	inHelp := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z]+)[ a-zA-Z|.\[\]]*?  `).FindAllStringSubmatch(help.String(), -1) {
		inHelp[m[1]] = true
	}
	if len(inHelp) < 20 {
		t.Errorf("only %d commands found in relay --help", len(inHelp))
	}
	_, table, _ := strings.Cut(string(text), "### Commands\n")
	table, _, _ = strings.Cut(table, "\nExit codes")
	for _, m := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(table[strings.Index(table, "|---|"):], -1) {
		if !inHelp[m[1]] {
			t.Errorf("%q is in the README twice, or not in relay --help", m[1])
		}
		delete(inHelp, m[1])
	}
	for c := range inHelp {
		t.Errorf("%q is in relay --help, not in the README", c)
	}
}
