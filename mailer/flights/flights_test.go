package flights

import (
	"testing"

	"relay/store/spool"
	"relay/store/spooled"
)

func TestFlights_TakeOff(t *testing.T) {
	f := Of(&spool.Claimed{Message: &spooled.Message{ID: spooled.ID{1}}, Domain: "a.test"})
	for _, tt := range []struct {
		what        string
		before      func(*Flights)
		taken, back bool
	}{
		{"nobody has it", func(*Flights) {}, true, false},
		{"a worker has it", func(a *Flights) { a.TakeOff(f) }, false, false},
		{"it is in hand for a moment", func(a *Flights) { a.TakeUp(f) }, false, true},
		{"it goes back to the store", func(a *Flights) { a.TakeOff(f); a.Return(f) }, false, true},
		{"it went back", func(a *Flights) { a.TakeOff(f); a.Return(f); a.Returned(f) }, true, false},
		{"it landed before the claim", func(a *Flights) { a.TakeOff(f); a.Land(f); a.Claim() }, true, false},
		{"it landed during the claim", func(a *Flights) { a.TakeOff(f); a.Claim(); a.Land(f) }, false, true},
		{"it landed during the last claim", func(a *Flights) { a.TakeOff(f); a.Claim(); a.Land(f); a.Claimed() }, true, false},
	} {
		t.Run(tt.what, func(t *testing.T) {
			a := New()
			tt.before(a)
			if taken, back := a.TakeOff(f); taken != tt.taken || back != tt.back {
				t.Errorf("TakeOff = %v, %v, want %v, %v", taken, back, tt.taken, tt.back)
			}
			if tt.taken && (a.TakeUp(f) || !a.WithWorker(f)) {
				t.Error("no worker has it")
			}
		})
	}
}
