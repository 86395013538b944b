package smtp

import (
	"testing"
	"time"

	"relay/quota"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/standing"
)

// What a customer is told says which account, why, and what to do next.
func TestRefusal(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Skip("no time zones here:", err)
	}
	invoice := &ledger.Invoice{Number: 7, Name: "7"}
	end := time.Date(2029, 2, 1, 0, 0, 0, 0, rome).UTC()
	for _, c := range []struct {
		r    standing.Refusal
		want string
	}{
		{standing.Refusal{State: ledger.Pending}, "not active yet, it waits for its payment"},
		{standing.Refusal{State: ledger.Pending, Unpaid: invoice}, "not active yet, pay invoice 7 to begin"},
		{standing.Refusal{State: ledger.Active, Expired: true, TermEnd: end}, "its term has ended, its last day was 2029-01-31, renew it to go on"},
		{standing.Refusal{State: ledger.Suspended, Hold: books.HoldUnpaid, Expired: true, TermEnd: end}, "its term has ended, its last day was 2029-01-31, renew it to go on"},
		{standing.Refusal{State: ledger.Active, Expired: true}, "its term has ended, renew it to go on"},
		{standing.Refusal{State: ledger.Suspended, Reason: "spam"}, "suspended: spam"},
		{standing.Refusal{State: ledger.Suspended, Hold: books.HoldUnpaid, Unpaid: invoice}, "suspended, unpaid: pay invoice 7 to go on"},
		{standing.Refusal{State: ledger.Suspended}, "suspended, ask the operator"},
		{standing.Refusal{State: ledger.Closed}, "closed"},
	} {
		c.r.Account = "acme"
		got := refusal(&c.r, &Config{Zone: rome})
		if want := "account acme: " + c.want; got.Code != 550 || got.Text != want {
			t.Errorf("%+v: %d %q, want %q", c.r, got.Code, got.Text, want)
		}
	}
	over := &quota.Exceeded{Allowance: quota.Allowance{Messages: 10}, Used: quota.Charge{Messages: 9}, Asked: quota.Charge{Messages: 2}, Renewed: end}
	got := refusal(&standing.Refusal{Account: "acme", State: ledger.Active, Exceeded: over}, &Config{Zone: rome})
	if want := "plan limit: 9 of 10 e-mails used, this message needs 2; upgrade, or wait: renews on 2029-02-01"; got.Code != 552 || got.Text != want {
		t.Errorf("over the limit: %d %q, want %q", got.Code, got.Text, want)
	}
}
