// Package delivery has the acts on how mail goes out: what replies of next hops mean,
// how fast mail goes to each site, and what holds it up.
package delivery

import "relay/report/api/act"

// Acts of this package.
func Acts() []act.Any {
	return []act.Any{Classify, ListUnclassified, TryRules, ListSites, Explain, Probe, AddOverride, ListOverrides, CancelOverride}
}
