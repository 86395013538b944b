package verdict

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the rules that decide into testdata/replies.tsv")

const repliesFile = "replies.tsv"

// sample is a line of the file: a reply with its verdict.
type sample struct {
	line  int
	reply Reply
	want  []string // class, category, blame, rule
}

func samples(t testing.TB) (list []sample, text []string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", repliesFile))
	if err != nil {
		t.Fatal(err)
	}
	text = strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	for i, line := range text {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 7 {
			t.Fatalf("line %d has %d fields", i+1, len(f))
		}
		stage, ok := ParseStage(f[1])
		if !ok {
			t.Fatalf("line %d: stage %q", i+1, f[1])
		}
		list = append(list, sample{i + 1, Parse(f[0], stage, f[2]), f[3:]})
	}
	return list, text
}

// Each reply of published formats has its class, category and blame, and the rule that
// says so.
func TestReplies(t *testing.T) {
	list, text := samples(t)
	for _, s := range list {
		v := Default().Judge(s.reply)
		got := []string{string(v.Class), string(v.Category), string(v.Blame), v.Rule}
		if *update {
			got = append(s.want[:3:3], v.Rule)
			f := strings.Split(text[s.line-1], "\t")
			text[s.line-1] = strings.Join(append(f[:3], got...), "\t")
		}
		if strings.Join(got, "\t") != strings.Join(s.want, "\t") && !*update {
			t.Errorf("line %d: %q at %s of %s\n got %q\nwant %q", s.line, Normalise(s.reply.Text), s.reply.Stage, s.reply.MX, got, s.want)
		}
	}
	if len(list) < 300 {
		t.Errorf("%d replies", len(list))
	}
	if *update {
		if err := os.WriteFile(filepath.Join("testdata", repliesFile), []byte(strings.Join(text, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
