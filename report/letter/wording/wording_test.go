package wording

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

type view struct {
	Name  string
	Count int64
	List  []item
	Cost  Amount
	At    struct{ Place string }
}

type item struct{ Text string }

// own writes templates of an operator over all of relay's, so that they need no more than
// the view of this test.
func own(t *testing.T, files map[string]string) string {
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// problems are the lines about the operator's files.
func problems(dir string, err error) (list []string) {
	if err == nil {
		return nil
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if rest, ok := strings.CutPrefix(line, dir+"/"); ok {
			list = append(list, rest)
		}
	}
	return list
}

// A template of the operator's makes the page. Its values are text, whatever they are.
func TestSet_Page(t *testing.T) {
	dir := own(t, map[string]string{"en/usage.txt": `subject: {{.Name}}
title: t

{{if .Count}}
{{plural .Count "mail" "mails"}}
{{/* said only here */}}
for {{money .Cost}}.
{{end}}

{{range $i, $x := .List}}
- {{$i}} {{$x.Text}}
{{end}}
{{template "tail" .At}}
{{define "tail"}}
-- {{.Place}}
{{end}}
`})
	s, err := Load(dir, view{})
	if bad := problems(dir, err); bad != nil {
		t.Fatal(bad)
	}
	v := view{Name: "x\nBcc: y", Count: 2, List: []item{{"**a** [[https://x.example|b]]"}, {"| c |"}}, Cost: Amount{1234, "EUR"}}
	v.At.Place = "<b>"
	p, err := s.Page("en", "usage", v)
	if err != nil {
		t.Fatal(err)
	}
	if want := "x Bcc: y"; p.Subject != want {
		t.Errorf("subject %q, want %q", p.Subject, want)
	}
	want := "\nt\n\n2 mails for EUR\u00a012.34.\n\n- 0 **a** [[https://x.example|b]]\n- 1 | c |\n\n-- \n<b>\n"
	if got := p.Text(); got != want {
		t.Errorf("text %q, want %q", got, want)
	}
}

func TestLoad_mistakes(t *testing.T) {
	for text, want := range map[string]string{
		"a\n{{.Nmae}}\n": "en/usage.txt:2:2: there is no Nmae in .Nmae; there are At, Cost, Count, List, Name",
		"{{if .Count}}{{else}}\n{{range .List}}{{.Nmae}}{{end}}{{end}}": "en/usage.txt:2:17: there is no Nmae in .Nmae; there are Text",
		"{{range .Name}}{{end}}":                                   "en/usage.txt:1:8: .Name is no list",
		"{{range .Count}}{{end}}":                                  "en/usage.txt:1:8: .Count is no list",
		"{{range 1000000000}}{{end}}":                              "en/usage.txt:1:8: 1000000000 is no list",
		"{{with .At}}{{$.Plaice}}{{end}}":                          "en/usage.txt:1:15: there is no Plaice in $.Plaice; there are At, Cost, Count, List, Name",
		"{{define \"x\"}}\n{{.Name}}{{end}}{{template \"x\" .At}}": "en/usage.txt:2:4: there is no Name in .Name; there are Place",
		"{{template \"y\" .}}":                                     `en/usage.txt:1:11: there is no part "y"`,
		"x\n{{if .Name}}\ny":                                       "en/usage.txt:3: unexpected EOF",
		"\n{{colour .Name}}":                                       `en/usage.txt:2: function "colour" not defined`,
	} {
		dir := own(t, map[string]string{"en/usage.txt": text})
		s, err := Load(dir, view{})
		got := problems(dir, err)
		if len(got) != 1 || got[0] != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if s.langs["en"].mails["usage"] != s.langs["en"].own["usage"] {
			t.Errorf("%q: it is used", text)
		}
	}
}

func TestLoad_files(t *testing.T) {
	dir := own(t, map[string]string{"en/usgae.txt": "x", "de/parts.txt": "{{define \"foot\"}}", "en/read.me": ""})
	_, err := Load(dir, view{})
	got := strings.Join(problems(dir, err), "\n")
	for _, want := range []string{`en/usgae.txt: there is no kind of mail "usgae"; relay report list has them`, "de/parts.txt:1: unexpected EOF"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks %q", got, want)
		}
	}
	if _, err := Load(filepath.Join(dir, "nothing"), view{}); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a directory that is not there: %v", err)
	}
}

// What is no file of words, or makes no mail, holds relay up neither at its start nor later:
// relay's own words stand in its place.
func TestLoad_endless(t *testing.T) {
	dir := own(t, map[string]string{
		"en/usage.txt": strings.Repeat("x", mostTemplate+1),
		"en/month.txt": `{{define "x"}}` + strings.Repeat("x", 10_000) + `{{template "x" .}}{{end}}{{template "x" .}}`,
		"en/near.txt":  "subject: x\n",
		"en/order.txt": "x",
	})
	for name, is := range map[string]func(string) error{
		"daily":   func(path string) error { return syscall.Mkfifo(path, 0o644) },
		"reached": func(path string) error { return os.Mkdir(path, 0o755) },
		"overage": func(path string) error { return os.Symlink("/dev/zero", path) },
		"ceiling": func(path string) error { return os.Symlink(path, path) },
	} {
		if err := is(filepath.Join(dir, "en", name+".txt")); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Load(dir, view{})
	for _, want := range []string{"en/usage.txt has more than ", "en/daily.txt is not a file", "en/reached.txt is not a file", "en/overage.txt is not a file", "en/ceiling.txt: too many levels"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
	if s.langs["en"].mails["daily"] != s.langs["en"].own["daily"] {
		t.Error("a pipe has words")
	}
	if _, err := execute(s.langs["en"].mails["month"], view{}); err == nil || !strings.Contains(err.Error(), "it makes more than ") {
		t.Errorf("a mail without an end: %v", err)
	}
}
