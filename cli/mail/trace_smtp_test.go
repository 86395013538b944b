package mail

import (
	"strings"
	"testing"
	"time"

	"relay/cli/shell"
	api "relay/report/api/mail"
)

func TestShowDialogue(t *testing.T) {
	d := &api.Dialogue{Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Domain: "one.example",
		Lines: []string{"-- mx.one.example[192.0.2.25]:25", "S: 220 mx.one.example ESMTP", "C: RCPT TO:<" + strings.Repeat("long", 12) + "@one.example> NOTIFY=FAILURE", "S: 550 5.1.1 no\x1b[2J"}}
	var b strings.Builder
	if err := showDialogue(&shell.Env{Stdout: &b, Service: utc{}}, d, true); err != nil {
		t.Fatal(err)
	}
	want := "\n2026-11-23 12:00:00  to one.example\n  -- mx.one.example[192.0.2.25]:25\n  S: 220 mx.one.example ESMTP\n  C: RCPT TO:<" +
		strings.Repeat("long", 12) + "@one.example>\n     NOTIFY=FAILURE\n  S: 550 5.1.1 no\uFFFD[2J\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	checkWidth(t, "trace --smtp", b.String())
}
