package serve

import (
	"context"
	"os"
	"testing"

	"relay/cli/exit"
	"relay/cli/proof"
	"relay/store/testdisk"
)

// TestMain lets the test's own binary prove files, as the relay's does.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == proof.Verb {
		os.Exit(exit.Report(os.Stderr, proof.Here(context.Background(), os.Stdout, os.Stderr, os.Args[2], os.Args[3:])))
	}
	testdisk.Run(m)
}
