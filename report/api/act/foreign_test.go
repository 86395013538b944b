package act

import (
	"testing"
	"time"
)

type ownPart struct {
	Name string
	Own  string `who:"operator"`
}

type embedded struct {
	Deep *ownPart
}

// A member is the operator's wherever it lies.
func TestForeign(t *testing.T) {
	type request struct {
		embedded
		Body struct {
			Text   string
			At     time.Time
			Part   ownPart
			List   []ownPart
			Points []*ownPart
			ByName map[string]ownPart
			Any    any
			Flag   *bool `who:"operator"`
		}
	}
	own, plain := ownPart{Own: "x"}, ownPart{Name: "x"}
	for name, one := range map[string]struct {
		set  func(*request)
		want bool
	}{
		"nothing":             {func(*request) {}, false},
		"what is for all":     {func(r *request) { r.Body.Text, r.Body.At, r.Deep = "x", time.Unix(1, 0), &plain }, false},
		"a list for all":      {func(r *request) { r.Body.List, r.Body.Points = []ownPart{plain}, []*ownPart{nil, &plain} }, false},
		"embedded":            {func(r *request) { r.Deep = &own }, true},
		"a member's member":   {func(r *request) { r.Body.Part = own }, true},
		"in a list":           {func(r *request) { r.Body.List = []ownPart{plain, own} }, true},
		"in a list, by place": {func(r *request) { r.Body.Points = []*ownPart{&own} }, true},
		"in a map":            {func(r *request) { r.Body.ByName = map[string]ownPart{"x": own} }, true},
		"behind an interface": {func(r *request) { r.Body.Any = &own }, true},
		"false, but given":    {func(r *request) { r.Body.Flag = new(bool) }, true},
	} {
		var in request
		one.set(&in)
		if got := foreign(Actor{Kind: Reseller}, &in) != nil; got != one.want {
			t.Errorf("%s: refused %v, want %v", name, got, one.want)
		}
		if err := foreign(Actor{Kind: Operator}, &in); err != nil {
			t.Errorf("%s: the operator is refused: %v", name, err)
		}
	}
}
