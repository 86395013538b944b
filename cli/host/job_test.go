package host

import (
	"bytes"
	"testing"

	"relay/cli/exit"
	"relay/report/jobs"
)

// A job that could not deal with all accounts has the command fail, with the first of
// them.
func TestJobFailures(t *testing.T) {
	did := &jobs.Closing{Accounts: 60}
	if err := jobFailures(did); err != nil {
		t.Error(err)
	}
	did.Failed = []jobs.Failure{{Account: "over", Error: "too late"}, {Account: "next", Error: "too early"}}
	var b bytes.Buffer
	const want = "relay: error: 2 accounts failed, among them over: too late\nrelay: hint: the others are done; relay check --store proves the file\n"
	if code := exit.Report(&b, jobFailures(did)); code != exit.Failed || b.String() != want {
		t.Errorf("exit code %d, %q, want 1, %q", code, b.String(), want)
	}
}

// An account that is told two things is one account.
func TestWatchingText(t *testing.T) {
	is := watchingText(&jobs.Watching{Found: []jobs.Watched{{Account: "acme", Kind: "usage", Tenth: 3, Also: "access-daily"}, {Account: "blue", Kind: "near"}}})
	if want := "2 accounts will be told:\nacme: usage, 30% and access-daily\nblue: near"; is != want {
		t.Errorf("%q, want %q", is, want)
	}
}
