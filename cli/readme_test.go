package cli

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"relay/cli/exit"
)

// Every command of the help page stands in the README's table, and no other.
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
	words := func(s string) string { // lower case ones: the command without its arguments
		return strings.TrimSpace(regexp.MustCompile(`^((?:[a-z]+ ?)+).*`).ReplaceAllString(s, "$1"))
	}
	inHelp, inReadme := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z]+.*?)  `).FindAllStringSubmatch(help.String(), -1) {
		inHelp[words(m[1])] = true
	}
	_, table, _ := strings.Cut(string(text), "### Commands\n")
	table, _, _ = strings.Cut(table, "\n### ")
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z]+[^`]*)` \\| [^|]+ \\|$").FindAllStringSubmatch(table, -1) {
		if inReadme[words(m[1])] {
			t.Errorf("%q is in the README twice", words(m[1]))
		}
		inReadme[words(m[1])] = true
	}
	for c := range inHelp {
		if !inReadme[c] {
			t.Errorf("%q is in relay --help, not in the README", c)
		}
		delete(inReadme, c)
	}
	if len(inHelp) < 25 {
		t.Errorf("only %d commands found in relay --help", len(inHelp))
	}
	for c := range inReadme {
		t.Errorf("%q is in the README, not in relay --help", c)
	}
}
