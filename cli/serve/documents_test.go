package serve

import (
	"log/slog"
	"path/filepath"
	"testing"

	"relay/cli/config"
	"relay/report/api/answer"
	"relay/store"
)

// Days on paper are those of the books, wherever the configuration says they are.
func TestServiceOn_documents(t *testing.T) {
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	cfg := &config.Config{Timezone: "Asia/Tokyo", Billing: config.Billing{PaymentText: "{invoice}"}}
	if o := answer.Documents(serviceOn(st, func() *config.Config { return cfg }, slog.New(slog.DiscardHandler))); o.Zone != st.Zone() || o.Text != "{invoice}" {
		t.Errorf("%+v, want the zone %v", o, st.Zone())
	}
}
