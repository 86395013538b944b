package cli_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

const rulesPage = "docs/rules.md"

// Every rule that code, tests and pages cite stands in docs/rules.md.
func TestDocs_rules(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, rulesPage))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^- \*\*(M\d+)\*\* \S`).FindAllStringSubmatch(string(text), -1) {
		if known[m[1]] {
			t.Errorf("%s has %s twice", rulesPage, m[1])
		}
		known[m[1]] = true
	}
	cited := map[string]bool{}
	for rule, name := range citations(t) {
		cited[rule] = true
		if !known[rule] {
			t.Errorf("%s cites %s, which %s does not have", name, rule, rulesPage)
		}
	}
	if len(known) < 36 || len(cited) < 15 {
		t.Errorf("%d rules, %d cited", len(known), len(cited))
	}
}

// citations are the rules that files other than the page cite, each with one of the files.
func citations(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	kinds := []string{".go", ".md", ".txtar"}
	rule := regexp.MustCompile(`\bM[1-9]\d?\b`)
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err == nil && d.IsDir() && name != "." && d.Name()[0] == '.':
			return fs.SkipDir
		case err != nil || d.IsDir() || name == rulesPage || !slices.Contains(kinds, path.Ext(name)):
			return err
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		for _, m := range rule.FindAllString(string(text), -1) {
			found[m] = name
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// pages calls look with each page that people write and read.
func pages(t *testing.T, look func(name, text string)) {
	t.Helper()
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(names) < 4 {
			t.Fatalf("%s: %d pages, %v", pattern, len(names), err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			look(name, string(text))
		}
	}
}

// What a page links to is there, and so are the files of ours that it names.
func TestDocs_links(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	file := regexp.MustCompile("`((?:cli|smtp|mailer|report|store|quota|testdata|docs)/[A-Za-z0-9_./-]*)`")
	pages(t, func(name, text string) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, m := range file.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s names %s, which is not there", name, m[1])
			}
		}
	})
}
