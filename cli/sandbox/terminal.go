package sandbox

import (
	"os"
	"os/signal"
	"syscall"
)

// watchTerminal ends the sandbox when its terminal or pipe goes away, as a signal does,
// so that it cleans up. stop ends the watch.
func (s *sandbox) watchTerminal() (stop func()) {
	signal.Ignore(syscall.SIGPIPE) // the write fails instead
	if signal.Ignored(syscall.SIGHUP) {
		return func() { signal.Reset(syscall.SIGPIPE) } // nohup
	}
	gone := make(chan os.Signal, 1)
	signal.Notify(gone, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		select {
		case <-gone:
			s.out.broken()
		case <-done:
		}
	}()
	return func() {
		signal.Stop(gone)
		close(done)
		signal.Reset(syscall.SIGPIPE)
	}
}
