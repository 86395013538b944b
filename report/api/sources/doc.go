// Package sources has the acts on the sources of outgoing mail: the addresses that it leaves
// from, and the servers that stand in for them.
package sources

import "relay/report/api/act"

// Acts of this package.
func Acts() []act.Any { return []act.Any{List, Drain, Resume, Check} }
