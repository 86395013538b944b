package billing

import (
	"testing"
	"time"

	"relay/store/ledger"
)

func TestInPeriod(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	overage := &ledger.Invoice{Period: "2026-10", Issued: time.Date(2026, 11, 1, 0, 0, 5, 0, time.UTC)}
	order := &ledger.Invoice{Issued: time.Date(2026, 10, 31, 23, 30, 0, 0, time.UTC)} // November in Rome
	for _, c := range []struct {
		i      *ledger.Invoice
		period string
		want   bool
	}{
		{overage, "2026-10", true}, {overage, "2026-11", false}, {overage, "2026", true},
		{order, "2026-11", true}, {order, "2026-10", false}, {order, "2026-11-01", true}, {order, "2026-1", false},
	} {
		if got := inPeriod(c.i, c.period, rome); got != c.want {
			t.Errorf("inPeriod(%+v, %s) = %t", c.i, c.period, got)
		}
	}
}
