// Package host has the acts on the relay itself: bans, scheduled jobs, health, the
// configuration and copies of the store. All are for the operator only. Health, reload and
// bans need a running relay; without one they answer that none runs.
package host

import "relay/report/api/act"

// Acts of this package.
func Acts() []act.Any {
	return []act.Any{Health, Reload, ShowCompaction, ReadCopy, RecordCopy, ListBans, LiftBans, ListJobs, RunJob}
}
