package words

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
)

func options(o store.Options) store.Options {
	o.Print = English.Print
	return o
}

func refusedText(no *quota.Refusal) string { return English.Refusal(no) }
func lineText(l *ledger.Line) string       { return English.Line(l) }
func entryText(e *ledger.Entry) string     { return English.Entry(e) }

// schema8 is a file that the release before entries had facts wrote, with the story of
// this test in it; testdata/story.txt is what that release said of it.
func schema8(t *testing.T) (path string) {
	t.Helper()
	f, err := os.Open("testdata/schema8.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "relay.db")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantStory(t *testing.T, got, want string) {
	t.Helper()
	is, should := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range should {
		if i >= len(is) || is[i] != should[i] {
			t.Fatalf("line %d says\n %q, want\n %q", i+1, strings.Join(is[min(i, len(is)):min(i+1, len(is))], ""), should[i])
		}
	}
	if len(is) != len(should) {
		t.Errorf("it says %d lines, want %d", len(is), len(should))
	}
}

// blockAhead is the line of a block as the release that stored sentences said it.
var blockAhead = regexp.MustCompile(`(\d+ GB) ahead`)

// reworded are other lines that it said in other words.
var reworded = strings.NewReplacer("goes on by itself", "renewed automatically", "buy a block ahead", "buy a block instead",
	"is no plan for a number of e-mails", "is not a count plan")

// The same orders are told in the same words as by the release that stored sentences,
// but for what was reworded since.
func TestLanguage_sameWords(t *testing.T) {
	raw, err := os.ReadFile("testdata/story.txt")
	if err != nil {
		t.Fatal(err)
	}
	y := newStory(t)
	y.tell()
	y.books()
	wantStory(t, y.said.String(), reworded.Replace(blockAhead.ReplaceAllString(string(raw), "prepaid bandwidth, $1")))
}

// Entries and papers of before say what they have always said, and their sums hold.
func TestLanguage_wordsOfBefore(t *testing.T) {
	raw, err := os.ReadFile("testdata/story.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, want, _ := strings.Cut(string(raw), "== ")
	y := &story{t: t, refs: 100, now: time.Date(2028, 1, 10, 12, 0, 0, 0, time.UTC)}
	y.open(schema8(t))
	defer y.s.Close()
	y.books()
	wantStory(t, y.said.String(), "== "+want)
	// Orders on the old books go on with the facts of old entries.
	y.did("reversal")(y.s.Orders.ReversePayment(behalf.Order{By: "op"}, orders.Reversal{Invoice: 14, Reference: "TRN 12", Text: "bounced", Suspend: true}))
	y.payAll("acme")
	y.change("acme", orders.Change{}, func(a *books.Account) { a.OverMax = 2_000_000 })
	y.books()
}
