package quota

import (
	"math/rand/v2"
	"testing"
)

func TestCrossed(t *testing.T) {
	mails := Plan{Term: Year, Emails: 10}
	octets := Plan{Term: Year, Bandwidth: 1000, Emails: 100}
	lots := []Lot{{Ref: "a", Amount: 5}}
	for name, x := range map[string]struct {
		plan         Plan
		used, charge Charge
		live         []Lot
		most         int64
		want         Crossing
	}{
		"some of it":             {mails, Charge{}, Charge{9, 900}, nil, 0, 0},
		"the last e-mail":        {mails, Charge{8, 800}, Charge{2, 200}, nil, 0, UsedUp},
		"into credit":            {mails, Charge{8, 800}, Charge{4, 200}, lots, 0, 0},
		"all credit":             {mails, Charge{8, 800}, Charge{7, 200}, lots, 0, UsedUp},
		"no limit":               {Plan{Term: Year}, Charge{1e9, 1e18}, Charge{1, 1}, nil, 0, 0},
		"nothing in this period": {Plan{Term: Year, Emails: Nothing}, Charge{}, Charge{1, 1}, lots, 0, 0},
		"octets to the last":     {octets, Charge{1, 900}, Charge{1, 100}, nil, 0, UsedUp},
		"e-mails of octets":      {octets, Charge{99, 10}, Charge{1, 1}, nil, 0, UsedUp},
		"used up, it goes on":    {octets, Charge{1, 900}, Charge{1, 100}, nil, Endless, UsedUp},
		"into overage":           {octets, Charge{1, 900}, Charge{1, 101}, nil, Endless, IntoOverage},
		"used up, then overage":  {octets, Charge{1, 1000}, Charge{1, 1}, nil, 500, IntoOverage},
		"more overage":           {octets, Charge{1, 1001}, Charge{1, 100}, nil, 500, 0},
		"to the ceiling":         {octets, Charge{1, 1001}, Charge{1, 499}, nil, 500, AtCeiling},
		"all at once":            {octets, Charge{1, 1}, Charge{1, 1499}, nil, 500, AtCeiling},
		"without a ceiling":      {octets, Charge{1, 1001}, Charge{1, 1e15}, nil, Endless, 0},
	} {
		if got := Crossed(x.plan, x.used, x.charge, x.live, x.most); got != x.want {
			t.Errorf("%s: Crossed = %d, want %d", name, got, x.want)
		}
	}
}

// However an account fills its allowance, each limit is crossed at most once and in order,
// and at the end it has crossed the one at which nothing more fits.
func TestCrossed_once(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		p := Plan{Term: Year, Emails: rnd.Int64N(40), Bandwidth: rnd.Int64N(3) * 500}
		live := []Lot{{Ref: "a", Amount: rnd.Int64N(2) * 100}}
		most := []int64{0, 300, Endless}[rnd.IntN(3)]
		var used Charge
		var crossed []Crossing
		for range 60 {
			c := Charge{Messages: 1 + rnd.Int64N(3), Bytes: 1 + rnd.Int64N(100)}
			if Fits(p, used, c, live, most) != nil {
				continue
			}
			if k := Crossed(p, used, c, live, most); k != 0 {
				if n := len(crossed); n > 0 && crossed[n-1] >= k {
					t.Fatalf("%+v, credit %d, most %d: crossed %v and then %d", p, Sum(live), most, crossed, k)
				}
				crossed = append(crossed, k)
			}
			used = used.Add(c)
		}
		full := Fits(p, used, Charge{1, 1}, live, most) != nil
		if at := len(crossed) > 0 && (crossed[len(crossed)-1] == AtCeiling || most == 0); full != at {
			t.Fatalf("%+v, credit %d, most %d, used %+v: nothing more fits: %v, crossed %v", p, Sum(live), most, used, full, crossed)
		}
		if over := Split(p, used, live).Overage > 0; most == Endless && over != (len(crossed) > 0 && crossed[len(crossed)-1] == IntoOverage) {
			t.Fatalf("%+v, used %+v: overage %v, crossed %v", p, used, over, crossed)
		}
	}
}
