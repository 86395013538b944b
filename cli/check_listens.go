package cli

import (
	"slices"

	"relay/cli/config"
)

// listens are the addresses that relay check looks at: the configured ones, or
// without any those that the service manager passed to the running relay.
func (c *checker) listens() []config.Listen {
	var list []config.Listen
	if c.health != nil && len(c.cfg.Listen) == 0 {
		for _, l := range c.health.Listeners {
			if l.Socket != "" {
				list = append(list, config.Listen{Addr: config.SystemdPrefix + l.Socket, TLS: l.TLS})
			}
		}
	}
	if list == nil {
		return c.cfg.Listeners()
	}
	return slices.Compact(list)
}
