package cli

import (
	"fmt"
	"os"

	"relay/cli/control"
	"relay/store"
)

// order on behalf of whoever gave the command.
func (c *call) order(dryRun bool) store.Order {
	o := store.Order{By: c.by(), DryRun: dryRun}
	if c.scope != nil {
		o.Reseller, o.MostAccounts = c.scope.reseller, c.cfg.Limits.AccountsPerReseller
	}
	return o
}

// by is who gave the command, for the ledger.
func (c *call) by() string {
	if c.scope != nil {
		return c.scope.by()
	}
	uid := os.Getuid()
	if c.inner != nil {
		uid = control.CallerUID(c.ctx)
	}
	if uid < 0 {
		return "operator"
	}
	return fmt.Sprintf("uid %d", uid)
}
