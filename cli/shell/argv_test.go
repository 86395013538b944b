package shell

import "testing"

func TestArity(t *testing.T) {
	for in, want := range map[string][2]int{
		"": {0, 0}, "NAME": {1, 1}, "NAME CIDR": {2, 2}, "[NAME]": {0, 1}, "[ID...]": {0, -1}, "ID...": {1, -1}, "ID|ADDRESS": {1, 1},
	} {
		if need, most := Arity(in); need != want[0] || most != want[1] {
			t.Errorf("Arity(%q) = %d, %d, want %v", in, need, most, want)
		}
	}
}
