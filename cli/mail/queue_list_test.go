package mail

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"relay/cli/exit"
	"relay/cli/term"
	"relay/report/api/act"
	api "relay/report/api/mail"
	"relay/store/spooled"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// listed is a message as the list shows it.
func listed(m *api.Message) string {
	l := queueLister{now: noon, zone: time.UTC}
	var b strings.Builder
	m.ID, _ = spooled.ParseID("01KASM2V3Q8X9YJ5T7Z1B4C6D8")
	m.Account, m.Accepted = "acme", noon.Add(-2*time.Hour)
	for i := range m.Recipients {
		if r := &m.Recipients[i]; r.State == "" {
			r.State = spooled.Deferred
			r.Next = in5m
		}
	}
	l.entry(&b, m)
	return b.String()
}

var in5m = new(noon.Add(5 * time.Minute))

// checkWidth wants no line to be wider than a terminal.
func checkWidth(t *testing.T, what, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > term.Columns {
			t.Errorf("%s: %d characters: %s", what, n, line)
		}
	}
}

func mustMatch(t *testing.T, what, text, pattern string) {
	t.Helper()
	if !regexp.MustCompile(pattern).MatchString(text) {
		t.Errorf("%s does not match %q:\n%s", what, pattern, text)
	}
}

func TestQueueLister(t *testing.T) {
	for name, c := range map[string]struct {
		m    api.Message
		want string
	}{
		"a reply for all": {api.Message{Sender: "a@acme.example", Size: 12_345, Recipients: []api.Recipient{
			{Address: "x@one.example", Tries: 3, Reply: "451 4.7.1 later"}, {Address: "y@one.example", Tries: 3, Reply: "451 4.7.1 later"},
			{Address: "done@one.example", State: spooled.Delivered}}}, `
01KASM2V3Q8X9YJ5T7Z1B4C6D8   12 KB  Nov 23 10:00:00  a@acme.example
  (451 4.7.1 later)
  acme, 3 attempts, next in 5m                       x@one.example
                                                     y@one.example
`},
		"a reply each, and held": {api.Message{Size: 90_000_000, Recipients: []api.Recipient{
			{Address: "x@one.example", Tries: 1, Reply: "451 one", Held: true}, {Address: "y@two.example", Tries: 2, Reply: "452 two", Held: true}}}, `
01KASM2V3Q8X9YJ5T7Z1B4C6D8!  90 MB  Nov 23 10:00:00  <>
  (451 one)
  acme, 1 attempt, held                              x@one.example
  (452 two)
  2 attempts, held                                   y@two.example
`},
		"in hand": {api.Message{Sender: "a@acme.example", Size: 1, Recipients: []api.Recipient{
			{Address: "x@one.example", State: spooled.Queued, Tries: 1, Next: in5m, InHand: true},
			{Address: "y@two.example", State: spooled.Queued}}}, `
01KASM2V3Q8X9YJ5T7Z1B4C6D8*    1 B  Nov 23 10:00:00  a@acme.example
  acme, in hand                                      x@one.example
  due now                                            y@two.example
`},
		"behind a dead host": {api.Message{Sender: "a@acme.example", Size: 1, Recipients: []api.Recipient{
			{Address: "x@one.example", State: spooled.Queued, Wait: &act.Wait{Reason: "down", Until: in5m, Failures: 3, Why: "connection refused"}},
			{Address: "y@two.example", State: spooled.Queued, Wait: &act.Wait{Reason: "site", Limit: 5}}}}, `
01KASM2V3Q8X9YJ5T7Z1B4C6D8     1 B  Nov 23 10:00:00  a@acme.example
  (connection refused)
  acme, next hop down, next try in 5m                x@one.example
  waits for one of 5 connections to the next hop     y@two.example
`},
		"held by us": {api.Message{Sender: "a@acme.example", Size: 1, Recipients: []api.Recipient{
			{Address: "x@one.example", State: spooled.Queued, Wait: &act.Wait{Reason: "first", Until: in5m}, Next: in5m},
			{Address: "y@two.example", State: spooled.Queued, Wait: &act.Wait{Reason: "override", Until: in5m, Why: "moves its servers"}}}}, `
01KASM2V3Q8X9YJ5T7Z1B4C6D8     1 B  Nov 23 10:00:00  a@acme.example
  acme, first sending, out on 2026-11-23             x@one.example
  (moves its servers)
  stopped by the operator, next try in 5m            y@two.example
`},
		"long addresses stay whole": {api.Message{Sender: "newsletter+" + strings.Repeat("a", 20) + "@acme.example", Size: 999, Recipients: []api.Recipient{
			{Address: strings.Repeat("b", 40) + "@one.example"}, {Address: strings.Repeat("c", 78)}, {Address: strings.Repeat("d", 100)}}}, `
01KASM2V3Q8X9YJ5T7Z1B4C6D8   999 B  Nov 23 10:00:00
                                    newsletter+aaaaaaaaaaaaaaaaaaaa@acme.example
  acme, next in 5m          bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb@one.example
  cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
  dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
  dddddddddddddddddddddd
`},
	} {
		t.Run(name, func(t *testing.T) {
			got := listed(&c.m)
			if want := strings.TrimPrefix(c.want, "\n"); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			checkWidth(t, name, got)
		})
	}
}

func TestQueueLister_longReplyAndManyRecipients(t *testing.T) {
	m := &api.Message{Sender: "a@acme.example"}
	for range 12 {
		m.Recipients = append(m.Recipients, api.Recipient{Address: "x@one.example", Tries: 1, Reply: "451 " + strings.Repeat("word ", 90) + strings.Repeat("x", 200)})
	}
	text := listed(m)
	checkWidth(t, "list", text)
	mustMatch(t, "list", text, `(?m)^  \(451 word .*\n  word .*\n  word .*…\)\n`)
	mustMatch(t, "list", text, ` \+7 more\n$`)
	if n := strings.Count(text, "x@one.example"); n != listMost {
		t.Errorf("%d recipients shown, want %d", n, listMost)
	}
}

// The list as standard input names its messages, and none that a stranger's words
// below them name.
func TestChanging_byLines_list(t *testing.T) {
	const other = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
	text := listed(&api.Message{Sender: "a@acme.example", Recipients: []api.Recipient{
		{Address: strings.Repeat("x", term.Columns-listIndent) + other, Reply: "451 " + strings.Repeat("x", 70) + " " + other + " later"}}})
	mustMatch(t, "list", text, `(?m)^ +`+other+` later`)
	mustMatch(t, "list", text, `(?m)^ +`+other+`$`)
	g := &changing{}
	if err := g.byLines(strings.NewReader(text)); err != nil || g.badAll > 0 {
		t.Errorf("%d bad lines, %v", g.badAll, err)
	}
	if len(g.batch) != 1 || g.batch[0].String() == other {
		t.Errorf("it names %v", g.batch)
	}
	err := g.byLines(strings.NewReader("\n" + strings.Repeat("x", 70_000)))
	if f, ok := errors.AsType[*exit.Error](err); !ok || f.Code != exit.WrongUsage || !strings.Contains(err.Error(), "line 2 of") {
		t.Errorf("a line without end: %v", err)
	}
}
