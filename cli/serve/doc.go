// Package serve is a running relay: it puts the parts together, keeps them running, and
// stops them in order.
//
// Run starts the store, the mailer, the scheduled jobs, the listeners, the control socket
// and the API, in this order. It stops them in reverse when a signal comes, a part ends
// or the store fails. Each part is one goroutine that type parts owns. A second signal,
// or a part that does not end in time, ends the process as a kill would: acknowledged
// messages are on disk, and deliveries in flight are tried again.
//
// SIGHUP and relay reload read the configuration again, see Relay.reload. The service
// manager hears when the relay is ready, reloads and stops, and gets a sign of life for
// its watchdog after a round trip through store and queue. It may hand over listening
// sockets and files by name.
//
// The acts of report/api reach the running parts through the interfaces of act.Running,
// which this package implements. Acts is the same service without a running relay.
package serve
