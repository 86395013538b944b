package suppress

import (
	"strings"
	"testing"
	"time"

	"relay/mailer/verdict"
)

// Our own rows: what is suppressed, after how much, and for how long.
func TestDefault(t *testing.T) {
	const day = 24 * time.Hour
	for _, want := range []Row{
		{verdict.InvalidRecipient, "5.1.1", 1, 0, 180 * day},
		{verdict.InactiveMailbox, "5.2.1", 1, 0, 90 * day},
		{verdict.BadDomain, "5.1.2", 1, 0, 30 * day},
		{verdict.QuotaIssues, "5.2.2", 3, 7 * day, 30 * day},
		{verdict.Complaint, "5.7.1", 1, 0, 0},
	} {
		if got := Default().Of(want.Category); got == nil || *got != want {
			t.Errorf("%s: %+v, want %+v", want.Category, got, want)
		}
	}
	for _, c := range verdict.Categories() {
		if row := Default().Of(c); row != nil && !mayBe(c) {
			t.Errorf("%s suppresses: %+v", c, row)
		}
	}
}

func mayBe(c verdict.Category) bool {
	for _, one := range May {
		if c == one {
			return true
		}
	}
	return false
}

// The operator's rows change ours member by member; what could never hold is refused with
// its line.
func TestRead(t *testing.T) {
	rows, err := Read("own.toml", []byte("[[suppress]]\ncategory = \"QuotaIssues\"\nmessages = 0\n\n[[suppress]]\ncategory = \"InvalidRecipient\"\nkeep = \"2w\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if rows.Of(verdict.QuotaIssues) != nil {
		t.Error("0 messages suppress")
	}
	if got := rows.Of(verdict.InvalidRecipient); got.Keep != 14*24*time.Hour || got.Status != "5.1.1" || got.Messages != 1 {
		t.Errorf("%+v", got)
	}
	if Default().Of(verdict.QuotaIssues) == nil || rows.Same(Default()) || !Default().Same(Default()) {
		t.Error("our own rows have changed")
	}
	for text, want := range map[string]string{
		"category = \"SpamBlock\"":                                       "line 1: category \"SpamBlock\" never suppresses a recipient",
		"category = \"Nonsense\"":                                        "never suppresses",
		"category = \"QuotaIssues\"\nmessages = -1":                      "from 0",
		"category = \"InvalidRecipient\"\nover = \"7d\"":                 "messages = 2 or more",
		"category = \"InvalidRecipient\"\nstatus = \"4.1.1\"":            "5.1.1",
		"category = \"InvalidRecipient\"\nkeep = \"soon\"":               "length of time",
		"category = \"InvalidRecipient\"\nlasts = \"1d\"":                "unknown key",
		"category = \"BadDomain\"\n[[suppress]]\ncategory=\"BadDomain\"": "line 3: category BadDomain has a row already",
	} {
		if _, err := Read("own.toml", []byte("[[suppress]]\n"+text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
