// Package host has the commands about the relay itself: ban, health, job and reload. They ask the
// service and show its answers.
package host
