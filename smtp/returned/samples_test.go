package returned

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// samples are the mails of testdata and what table.txt says of each. They have the form of
// what the programs in their names write; the words are ours.
func samples(t testing.TB) (names []string, want map[string][]string) {
	t.Helper()
	b, err := os.ReadFile("testdata/table.txt")
	if err != nil {
		t.Fatal(err)
	}
	want = map[string][]string{}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, " "):
			last := names[len(names)-1]
			want[last] = append(want[last], strings.TrimSpace(line))
		default:
			name, rest, _ := strings.Cut(line, " | ")
			names = append(names, name)
			want[name] = []string{rest}
		}
	}
	return names, want
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSamples(t *testing.T) {
	names, want := samples(t)
	if len(names) < 120 {
		t.Errorf("%d samples", len(names))
	}
	files, _ := filepath.Glob("testdata/*.eml")
	if len(files) != len(names) {
		t.Errorf("%d files, %d in the table", len(files), len(names))
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			m, err := Read(bytes.NewReader(sample(t, name)))
			if err != nil {
				t.Fatal(err)
			}
			got := rows(m, want[name])
			if !slices.Equal(got, want[name]) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want[name], "\n"))
			}
		})
	}
}

// rows are a mail as the table has it. A reason is cut to what the table has of it.
func rows(m *Mail, want []string) []string {
	list := []string{trim(fmt.Sprintf("%s | %s | %s", m.Kind, m.Shape, m.MessageID))}
	for i, r := range m.Reports {
		hard := "soft"
		if r.Hard {
			hard = "hard"
		}
		reason := ""
		if i+1 < len(want) {
			if cells := strings.Split(want[i+1], " | "); len(cells) == 7 {
				reason = r.Diagnostic[:min(len(cells[6]), len(r.Diagnostic))]
			}
		}
		list = append(list, trim(strings.Join([]string{cmp.Or(r.Recipient, "-"), r.Original, r.Action, r.Status, hard, r.RemoteMTA, reason}, " | ")))
	}
	return list
}

func trim(s string) string { return strings.TrimSpace(s) }
