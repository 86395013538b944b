package trial

import "testing"

func TestQueuedID(t *testing.T) {
	const id = "01KBA2V3W4X5Y6Z7A8B9CADBEC"
	if got, err := queuedID("queued as " + id); err != nil || got.String() != id {
		t.Errorf("queuedID(queued as %s) = %v, %v", id, got, err)
	}
	for _, text := range []string{"", " ", "queued"} {
		if got, err := queuedID(text); err == nil {
			t.Errorf("queuedID(%q) = %v, want an error", text, got)
		}
	}
}
