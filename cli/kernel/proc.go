package kernel

import "time"

// Process is a running program.
type Process struct {
	Name string
	PID  int
}

// ClockState is what the kernel knows about its clock.
type ClockState struct {
	Synced bool
	Off    time.Duration // at most, by its own estimate
}
