//go:build race

package store

import "flag"

// With the race detector the models take several times as long: a quarter of
// their runs, where -rapid.checks does not say otherwise.
func init() {
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
}
