package store

import (
	"flag"
	"testing"

	"pgregory.net/rapid"
)

// modelRuns is how often a model runs, where -rapid.checks does not say otherwise. CI
// has them run more often.
const modelRuns = "25"

// checkModel is rapid.Check for a model: each run has a store of its own and dozens of
// transactions.
func checkModel(t *testing.T, run func(*rapid.T)) {
	t.Helper()
	checks := flag.Lookup("rapid.checks")
	if was := checks.Value.String(); was == checks.DefValue {
		defer func() { _ = checks.Value.Set(was) }() // it was valid
		if err := checks.Value.Set(modelRuns); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, run)
}
