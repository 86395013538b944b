package e2e

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"
)

// TestServe_logReaderGoesAway ends whatever reads the relay's output, as a restart of the
// journal does. The relay goes on: it takes and delivers mail, reloads, and stops in order.
func TestServe_logReaderGoesAway(t *testing.T) {
	t.Parallel()
	down := newSink(t, behaviour{})
	r := newRelay(t, setup{smarthost: down.addr()})
	r.local("acme")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(binary, r.args("serve")...)
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, log: newLogBook(), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = cmd.Wait()
	}()
	r.mu.Lock()
	r.proc = p
	r.mu.Unlock()
	go func() { _, _ = io.Copy(p.log, reader) }()
	p.ready(t)
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}

	for i := range 5 {
		c, err := known(r.addr("none"))
		if err != nil {
			t.Fatalf("connection %d after the log's reader has gone: %v", i+1, err)
		}
		id := fmt.Sprintf("m%d", i)
		if _, err := c.send(compose(id, "a@acme.test", []string{"to@d.test"}, 500), true); err != nil {
			t.Fatal(err)
		}
		c.quit()
		until(t, id+" is delivered", func() bool { return down.came(id, "to@d.test") == 1 })
	}
	p.signal(t, syscall.SIGHUP)
	r.cli("health")
	r.stop()
}
