package host_test

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"relay/report/api"
	"relay/report/api/act"
	"relay/report/api/host"
	"relay/report/jobs"
	"relay/store"
)

// A copy from the future would put off the scheduled ones until then.
func TestRecordCopy_future(t *testing.T) {
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	c := &act.Local{Handler: api.New(&act.Service{Store: st, Log: slog.New(slog.DiscardHandler)}), Actor: act.Actor{Kind: act.Operator}}
	now := st.Now().UTC().Truncate(time.Second)
	for at, taken := range map[time.Time]bool{now: true, now.AddDate(0, 0, 2): false, now.AddDate(7973, 0, 0): false} {
		in := &host.Kept{}
		in.Body.Created = at
		_, err := host.RecordCopy.Call(t.Context(), c, in)
		p, refused := errors.AsType[*act.Problem](err)
		if taken == refused || refused && p.Type != act.Wrong {
			t.Errorf("%s: %v", at, err)
		}
	}
	if last, _, err := jobs.LastBackup(st); !last.Equal(now) || err != nil {
		t.Errorf("the last copy is of %s, %v", last, err)
	}
}
