package mail

import (
	"context"
	"testing"
	"time"

	"relay/report/api/act"
)

// waiting is a mailer that keeps an account's mail until a time, and knows of no other.
type waiting struct {
	act.Deliveries
	account string
	until   *time.Time
}

func (w waiting) Outlooks(_ context.Context, places []act.Place) ([]act.Outlook, error) {
	list := make([]act.Outlook, len(places))
	for i, p := range places {
		if p.Lane.Account == w.account {
			list[i].Wait = &act.Wait{Until: w.until}
		}
	}
	return list, nil
}

// Mail that is due but waits is said to be tried when its wait is over, not now; what is due
// later, or held, stays so.
func TestTopper_addWaits(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	soon, later := now.Add(time.Hour), now.Add(2*time.Hour)
	for name, c := range map[string]struct {
		by, account     string
		next, until, is *time.Time
	}{
		"due, and waits":           {"both", "acme", &now, &soon, &soon},
		"due after the wait":       {"both", "acme", &later, &soon, &later},
		"held":                     {"both", "acme", nil, &soon, nil},
		"waits, nobody knows when": {"both", "acme", &now, nil, &now},
		"of another account":       {"both", "other", &now, &soon, &now},
		"accounts together":        {"domain", "acme", &now, &soon, &now},
	} {
		top := topper{by: c.by, Tops: Tops{Rows: []TopRow{{Domain: "example.net", Account: c.account, Next: c.next}}}}
		top.addWaits(t.Context(), waiting{account: "acme", until: c.until})
		if got := top.Rows[0].Next; got != c.is && (got == nil || c.is == nil || !got.Equal(*c.is)) {
			t.Errorf("%s: %v, want %v", name, got, c.is)
		}
	}
}
