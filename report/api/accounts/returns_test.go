package accounts

import (
	"fmt"
	"testing"

	"relay/store/signs"
)

// What is shown of a sum says how near it is to its limits.
func TestReturn_state(t *testing.T) {
	for n, want := range map[int64]string{1: "fine", 2: "near", 3: "warned", 5: "over"} {
		r, m := signs.Record{}, signs.Mail{Delivered: map[int]int64{7: 1_000}}
		r.Add(signs.Complaint, n, 7, 7, "")
		rules := signs.Default
		for _, f := range r.Sums(&rules, 7, &m) {
			if is := fmt.Sprint(f.State()); is != want {
				t.Errorf("%d complaints of 1000 in a %s: %s, want %s", n, f.Window, is, want)
			}
		}
	}
}
