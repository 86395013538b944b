package smtp

import (
	"strings"
	"testing"
	"time"

	"relay/store"
)

// Who buys from a reseller reads its name, and no price or invoice of the operator's.
func TestRefusal_belowAReseller(t *testing.T) {
	cfg := &Config{Zone: time.UTC, Invoice: func(*store.Invoice) string { return "invoice 17, EUR 12.50" }}
	unpaid := &store.Invoice{Number: 17, Name: "17"}
	for _, tt := range []struct {
		r    store.Refusal
		want string
	}{
		{store.Refusal{State: store.Pending, Reseller: "webco"}, "account shop: not active yet, ask webco"},
		{store.Refusal{State: store.Suspended, Hold: store.HoldUnpaid, Reseller: "webco"}, "account shop: suspended, ask webco"},
		{store.Refusal{State: store.Suspended, Reseller: "webco"}, "account shop: suspended, ask webco"},
		{store.Refusal{State: store.Suspended, Reason: "spam", Reseller: "webco"}, "account shop: suspended: spam"},
		{store.Refusal{State: store.Pending, Unpaid: unpaid}, "account shop: not active yet, pay invoice 17, EUR 12.50 to begin"},
	} {
		tt.r.Account = "shop"
		if got := refusal(&tt.r, cfg); !strings.Contains(got.Text, tt.want) {
			t.Errorf("%+v: %q, want %q", tt.r, got.Text, tt.want)
		}
	}
}
