package quota

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlan_ValidateMoney(t *testing.T) {
	p := Plan{Name: "p", Term: Month, Emails: 5, Price: -1, CreditStep: -1, AtLimit: []AtLimit{Suspend, Suspend, "stop", Continue},
		Blocks: []Block{{1500, 1}, {kb, 0}, {kb, 1}, {20_000 * kb, 1}, {40_000 * kb, 4_000_001}}}
	const want = `plan: price: 0 to 1,000,000,000,000 minor units; credit step: has to be above zero; ` +
		`at limit "suspend": named twice; at limit "stop": suspend or continue; at limit "continue": only yearly plans with a bandwidth leave it; ` +
		`blocks: only yearly plans with a bandwidth have them; block of 1500 bytes: whole KB, up to 1,000,000 GB; ` +
		`block of 1000 bytes: price above zero, up to 1,000,000,000,000 minor units; block of 1000 bytes: named twice; ` +
		`block of 40000000 bytes: price up to 100,000,000 minor units a GB, so that any overage can be billed; ` +
		`blocks: too finely graded, the largest is more than 10000 times the 1000 bytes that divide all: choose rounder sizes`
	if err := p.Validate(); err == nil || err.Error() != want {
		t.Errorf("Validate = %v, want %s", err, want)
	}
	if err := blockPlan().Validate(); err != nil {
		t.Errorf("Validate = %v", err)
	}
}

func TestPlan_Choices(t *testing.T) {
	both := []AtLimit{Suspend, Continue}
	for _, tc := range []struct {
		plan Plan
		want []AtLimit
	}{
		{Plan{Term: Year, Bandwidth: 1}, both},
		{Plan{Term: Year, Bandwidth: 1, AtLimit: []AtLimit{Suspend}}, both[:1]},
		{Plan{Term: Month, Bandwidth: 1}, both[:1]},
		{Plan{Term: Year, Emails: 1, AtLimit: both}, both[:1]},
	} {
		if got := tc.plan.Choices(); !slices.Equal(got, tc.want) || tc.plan.Allows(Continue) != (len(tc.want) == 2) {
			t.Errorf("Choices of %+v = %v, want %v", tc.plan, got, tc.want)
		}
	}
}

// What was stored before plans had prices reads as it was, and is written so.
func TestPlan_JSON(t *testing.T) {
	const old = `{"name":"entry","emails":9000,"bandwidth":90000000,"term":"year","recipients":50}`
	var p Plan
	if err := json.Unmarshal([]byte(old), &p); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Builtin()[0], p); diff != "" {
		t.Error(diff)
	}
	if b, err := json.Marshal(p); err != nil || string(b) != old {
		t.Errorf("Marshal = %s, %v", b, err)
	}
}

func TestPlan_Step(t *testing.T) {
	for _, tc := range []struct {
		plan Plan
		want int64
	}{
		{Plan{Bandwidth: 1}, 500 * mb}, {Plan{Bandwidth: 1, CreditStep: 1}, 1}, {Plan{Emails: 1}, 1}, {Plan{Emails: 1, CreditStep: 100}, 100},
	} {
		if got := tc.plan.Step(); got != tc.want {
			t.Errorf("Step of %+v = %d, want %d", tc.plan, got, tc.want)
		}
	}
}
