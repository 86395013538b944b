package trace

import "testing"

// Events to many recipients take the room of as many.
func TestWatch_countsRecipients(t *testing.T) {
	w := &Watch{ready: make(chan struct{}, 1)}
	huge := &Live{Event: Event{Recipients: make([]EventOutcome, 2*watchRecipients)}}
	w.push(huge)
	w.push(&Live{})
	if list, missed, err := w.Take(t.Context()); len(list) != 1 || missed != 1 || err != nil {
		t.Errorf("%d events, %d missed, %v; want the first, however large", len(list), missed, err)
	}
	many := &Live{Event: Event{Recipients: make([]EventOutcome, watchRecipients/4)}}
	for range 6 {
		w.push(many)
	}
	if list, missed, err := w.Take(t.Context()); len(list) != 4 || missed != 2 || err != nil {
		t.Errorf("%d events, %d missed, %v; want 4 and 2", len(list), missed, err)
	}
}
