package accounts

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"relay/mailer/settings"
	"relay/store/spool"
	"relay/store/strangers"
)

// Package strangers keeps an account's record, in the transactions of Accept, Claim and Settle. The mailer
// says which mail the record is about, which is only what goes by MX, and what each reply means for it.

// LimitStrangers has the store limit first sendings as the configuration says.
func LimitStrangers(sp *spool.Spool, cfg *settings.Config) error {
	routes, hosts := maps.Clone(cfg.Routes), cfg.Smarthost.Host
	return sp.Strangers.SetRules(strangers.Rules{
		Cap: max(0, cfg.FirstCap),
		Direct: func(domain string) bool {
			r, ok := routes[domain]
			if ok {
				return r.Host == ""
			}
			return hosts == ""
		},
		Way: fmt.Sprintf("%s %s", hosts, strings.Join(slices.Sorted(maps.Keys(routes)), " ")),
	})
}
