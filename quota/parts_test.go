package quota

import (
	"math"
	"testing"
)

func TestPlan_Parts(t *testing.T) {
	for _, x := range []struct {
		plan  Plan
		used  Charge
		parts int64
		want  int64
	}{
		{Plan{Emails: 10}, Charge{0, 500}, 10, 0},
		{Plan{Emails: 10}, Charge{9, 500}, 10, 9},
		{Plan{Emails: 9000}, Charge{899, 0}, 10, 0},
		{Plan{Emails: 9000}, Charge{900, 0}, 10, 1},
		{Plan{Emails: 9000}, Charge{8099, 0}, 100, 89},
		{Plan{Bandwidth: 1000, Emails: 100}, Charge{50, 100}, 10, 5},
		{Plan{Bandwidth: 1000, Emails: 100}, Charge{10, 700}, 10, 7},
		{Plan{Bandwidth: 1000}, Charge{1e9, 700}, 10, 7},
		{Plan{Bandwidth: 1000}, Charge{1, 2700}, 10, 27},
		{Plan{}, Charge{1e9, 1e9}, 10, 0},
		{Plan{Emails: Nothing}, Charge{5, 5}, 10, 0},
		{Plan{Emails: 1}, Charge{math.MaxInt64, 5}, 10, math.MaxInt64},
		{Plan{Bandwidth: math.MaxInt64}, Charge{1, math.MaxInt64}, 100, 100},
	} {
		if got := x.plan.Parts(x.used, x.parts); got != x.want {
			t.Errorf("%+v: Parts(%+v, %d) = %d, want %d", x.plan, x.used, x.parts, got, x.want)
		}
	}
}

func TestPlan_Whole(t *testing.T) {
	credit := []Lot{{Ref: "a", Amount: 7}}
	for _, x := range []struct {
		plan Plan
		live []Lot
		want int64
	}{
		{Plan{}, credit, 0},
		{Plan{Emails: 10}, nil, 10},
		{Plan{Emails: 10}, credit, 17},
		{Plan{Emails: Nothing}, credit, 7},
		{Plan{Bandwidth: 1000}, credit, 1007},
	} {
		if got := x.plan.Whole(x.live); got != x.want {
			t.Errorf("%+v: Whole(%v) = %d, want %d", x.plan, x.live, got, x.want)
		}
	}
}
