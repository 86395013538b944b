package store

import (
	"fmt"
	"testing"
)

// A day tells some kinds of failures apart, under all policies together, and counts the rest.
func TestTLSDay_bounds(t *testing.T) {
	var d TLSDay
	const n = 5000
	for i := range n {
		d.count(&TLSCount{Type: fmt.Sprint(i % 10), TLSFailure: TLSFailure{Result: "validation-failure", Why: fmt.Sprint(i)}})
	}
	bad := int64(0)
	for i := range d.Sums {
		bad += d.Sums[i].Bad
	}
	if len(d.Sums) != 10 || bad != n || d.kinds() != mostFailures {
		t.Errorf("%d sums of %d, %d kinds", len(d.Sums), bad, d.kinds())
	}
}
