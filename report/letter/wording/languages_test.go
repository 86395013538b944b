package wording

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"
	"text/template/parse"

	"github.com/google/go-cmp/cmp"

	"relay/report/words"
)

// Every mail there is in English is there in each language. It says the same: it has the
// same blocks, names the same values, and asks the same questions of them.
func TestLanguages(t *testing.T) {
	files, err := fs.ReadDir(builtIn, "en")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range words.Languages[1:] {
		own, err := fs.ReadDir(builtIn, string(l))
		if err != nil || len(own) != len(files) {
			t.Errorf("%s has %d files, and English %d; %v", l, len(own), len(files), err)
		}
		for _, f := range files {
			name := strings.TrimSuffix(f.Name(), ".txt")
			text, ok := Source(string(l), name)
			if !ok {
				t.Errorf("%s is not there in %s", name, l)
				continue
			}
			english, _ := Source("en", name)
			if diff := cmp.Diff(outline(t, english), outline(t, text)); diff != "" {
				t.Errorf("%s/%s.txt is not as in English (-en +%s):\n%s", l, name, l, diff)
			}
			if text == english {
				t.Errorf("%s/%s.txt is in English", l, name)
			}
		}
	}
}

// blockStart is how a line begins that is no paragraph.
var blockStart = regexp.MustCompile(`(?m)^(subject:|title:|== |\|=|\| |% |- |> |@ |-- |\[\[)`)

// outline of a template file: by part, the values and questions in it; of the file, its
// blocks in order.
func outline(t *testing.T, text string) map[string][]string {
	t.Helper()
	set, err := template.New("").Funcs(functions("en")).Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{"blocks": blockStart.FindAllString(text, -1)}
	for _, one := range set.Templates() {
		if one.Tree == nil {
			continue
		}
		seen := map[string]bool{}
		eachNode(one.Root, func(n parse.Node) {
			switch n := n.(type) {
			case *parse.IfNode:
				seen["if "+strings.TrimPrefix(n.Pipe.String(), "not ")] = true // which branch comes first is a matter of words
			case *parse.WithNode:
				seen["with "+n.Pipe.String()] = true
			case *parse.RangeNode:
				seen["range "+n.Pipe.String()] = true
			case *parse.TemplateNode:
				seen["template "+n.Name] = true
			case *parse.ActionNode:
				seen[quotes.ReplaceAllString(n.Pipe.String(), `"…"`)] = true
			}
		})
		all[one.Name()] = slices.Sorted(maps.Keys(seen))
	}
	return all
}

// quotes are words in an action, such as the forms of a plural.
var quotes = regexp.MustCompile(`"[^"]*"`)
