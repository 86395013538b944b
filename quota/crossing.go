package quota

// Crossing is a limit that a charge has reached or passed.
type Crossing int

// The crossings; the zero value is none.
const (
	UsedUp      Crossing = iota + 1 // allowance and credit hold nothing more
	IntoOverage                     // the first use that neither covers
	AtCeiling                       // no more overage is allowed
)

// least is the smallest e-mail there is.
var least = Charge{Messages: 1, Bytes: 1}

// Crossed says which limit a charge, which fits, crosses for an account that has used so much
// and has these live lots; most is as in Fits. Of several it is the last. While the allowance
// holds more it is a few comparisons.
func Crossed(p Plan, used, charge Charge, live []Lot, most int64) Crossing {
	after := used.Add(charge)
	if Over(p, after.Add(least)) == 0 {
		return 0
	}
	credit := Sum(live)
	full := func(used Charge, most int64) bool { return Over(p, used.Add(least)) > add(credit, most) }
	switch {
	case most > 0 && most < Endless && full(after, most):
		return once(AtCeiling, full(used, most))
	case most > 0 && Over(p, after) > credit:
		return once(IntoOverage, Over(p, used) > credit)
	case full(after, 0):
		return once(UsedUp, full(used, 0))
	}
	return 0
}

// once is c, unless it was crossed before.
func once(c Crossing, before bool) Crossing {
	if before {
		return 0
	}
	return c
}
