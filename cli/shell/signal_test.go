package shell

import (
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The second signal ends a command that the first one cannot.
func TestUntilSignal_onlyTheFirst(t *testing.T) {
	signals, stopped := make(chan os.Signal, 1), make(chan struct{})
	signals <- syscall.SIGINT
	ctx, stop := UntilSignal(t.Context(), func() (<-chan os.Signal, func()) { return signals, sync.OnceFunc(func() { close(stopped) }) })
	defer stop()
	<-ctx.Done()
	select {
	case <-stopped:
	case <-time.After(5 * time.Minute):
		t.Error("further signals are still caught, and nothing reads them")
	}
}
