// Package mail has the commands about mail: queue, trace, usage. They ask the service, and
// make tables of its answers.
package mail
