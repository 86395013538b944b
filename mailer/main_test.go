package mailer

import (
	"flag"
	"testing"

	"relay/store/testdisk"
)

// seeds is how many random stories the tests have that make them.
var seeds = flag.Uint64("seeds", 1, "how many random stories to test")

func TestMain(m *testing.M) { testdisk.Run(m) }
