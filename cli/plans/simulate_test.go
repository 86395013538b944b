package plans

import (
	"bytes"
	"encoding/json"
	"testing"

	"relay/report/forecast"
	"relay/store/ledger"
)

func TestEventsText(t *testing.T) {
	for _, c := range []struct {
		events []forecast.Event
		want   string
	}{
		{nil, ""},
		{[]forecast.Event{{Date: "2026-11-18", What: forecast.Limit}, {Date: "2026-11-18", What: forecast.Refused}}, "limit on the 18th, refused from the 18th"},
		{[]forecast.Event{{Date: "2026-11-01", What: forecast.Credit}, {Date: "2026-11-02", What: forecast.Overage}, {Date: "2026-11-03", What: forecast.TopUp}},
			"credit in use from the 1st, overage from the 2nd, top-up on the 3rd"},
	} {
		if got := eventsText(c.events); got != c.want {
			t.Errorf("events %q, want %q", got, c.want)
		}
	}
}

// Programs read empty arrays, not null.
func TestViewSimulated_noNull(t *testing.T) {
	for _, m := range []forecast.Month{{}, {Invoices: []ledger.Invoice{{}}}} {
		text, err := json.Marshal(viewSimulated(&m))
		if err != nil || bytes.Contains(text, []byte("null")) {
			t.Errorf("%s, %v", text, err)
		}
	}
}

func TestOrdinal(t *testing.T) {
	for date, want := range map[string]string{"2026-11-01": "1st", "2026-11-02": "2nd", "2026-11-03": "3rd", "2026-11-11": "11th",
		"2026-11-12": "12th", "2026-11-13": "13th", "2026-11-21": "21st", "2026-11-30": "30th", "2026-12-31": "31st"} {
		if got := ordinal(date); got != want {
			t.Errorf("%s: %s", date, got)
		}
	}
}
