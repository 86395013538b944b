// Package plans has the commands on plans: what can be bought. plan simulate runs in the
// process of the command, on figures of the service.
package plans
