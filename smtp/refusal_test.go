package smtp

import (
	"strings"
	"testing"
	"time"

	"relay/store/books"
	"relay/store/ledger"
	"relay/store/standing"
)

// Who buys from a reseller reads its name, and no price or invoice of the operator's.
func TestRefusal_belowAReseller(t *testing.T) {
	cfg := &Config{Zone: time.UTC, Invoice: func(*ledger.Invoice) string { return "invoice 17, EUR 12.50" }}
	unpaid := &ledger.Invoice{Number: 17, Name: "17"}
	for _, tt := range []struct {
		r    standing.Refusal
		want string
	}{
		{standing.Refusal{State: ledger.Pending, Reseller: "webco"}, "account shop: not active yet, ask webco"},
		{standing.Refusal{State: ledger.Suspended, Hold: books.HoldUnpaid, Reseller: "webco"}, "account shop: suspended, ask webco"},
		{standing.Refusal{State: ledger.Suspended, Reseller: "webco"}, "account shop: suspended, ask webco"},
		{standing.Refusal{State: ledger.Suspended, Reason: "spam", Reseller: "webco"}, "account shop: suspended: spam"},
		{standing.Refusal{State: ledger.Pending, Unpaid: unpaid}, "account shop: not active yet, pay invoice 17, EUR 12.50 to begin"},
	} {
		tt.r.Account = "shop"
		if got := refusal(&tt.r, cfg); !strings.Contains(got.Text, tt.want) {
			t.Errorf("%+v: %q, want %q", tt.r, got.Text, tt.want)
		}
	}
}
