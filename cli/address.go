package cli

import (
	"relay/cli/exit"
	"relay/store/maildomain"
)

// checkAddress refuses what is no plain mail address.
func checkAddress(s string) error {
	if !maildomain.IsAddress(s) {
		return exit.Usage("", "%q is not a mail address", s)
	}
	return nil
}
