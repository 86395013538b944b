package e2e

import (
	"errors"
	"fmt"
	"io"
	"syscall"
	"testing"
)

// told wants the server to say 421 and to close.
func told(t *testing.T, c *submitter) {
	t.Helper()
	if err := c.expect(421, ""); err != nil {
		t.Errorf("a client at SIGTERM: %v, want 421", err)
		return
	}
	if _, err := c.reply(); !errors.Is(err, io.EOF) {
		t.Errorf("after 421: %v, want the end of the connection", err)
	}
}

// begin sends a message up to the middle of its content.
func (c *submitter) begin(t *testing.T, m *mail) (rest []byte) {
	t.Helper()
	if err := c.envelope(m, false); err != nil {
		t.Fatal(err)
	}
	content := stuffed(m.content)
	if err := c.write(content[:len(content)/2]); err != nil {
		t.Fatal(err)
	}
	return append(content[len(content)/2:], ".\r\n"...)
}

// TestDrain stops the relay with SIGTERM while a client is idle, one is in the
// middle of a message, one between two commands of a transaction, and a message
// is being delivered.
func TestDrain(t *testing.T) {
	t.Parallel()
	arrived, answer := make(chan string, 10), make(chan bool)
	s := newSink(t, behaviour{wait: func(d *delivery) {
		arrived <- d.id
		<-answer
	}})
	defer func() { // the sink's goroutines end, whatever happens
		s.behave(behaviour{})
		close(answer)
	}()
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1s"})
	password := r.account("acme")
	p := r.start()
	idle, busy, open := r.open("acme", password), r.open("acme", password), r.open("acme", password)

	idle.must(t, compose("delivering", "a@acme.test", []string{"one@there.test"}, 2000))
	next(t, "the delivery begins", arrived)
	rest := busy.begin(t, compose("receiving", "a@acme.test", []string{"one@there.test"}, 1_500_000))
	if err := open.expect(250, "MAIL FROM:<a@acme.test>"); err != nil {
		t.Fatal(err)
	}
	old := r.addr("starttls")
	p.signal(t, syscall.SIGTERM)
	told(t, idle)
	told(t, open)
	if c, err := dial(old); err == nil {
		c.close()
		t.Error("a new client was let in while the relay drains")
	}
	if err := busy.write(rest); err != nil {
		t.Fatal(err)
	}
	if err := busy.expect(250, ""); err != nil {
		t.Errorf("a message that was being received at SIGTERM: %v, want 250", err)
	}
	told(t, busy)
	answer <- true // the sink takes what is being delivered
	if code := p.wait(t); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0\n%s", code, p.log)
	}
	r.gone()
	if got := len(s.find("delivering")); got != 1 {
		t.Errorf("the message being delivered came %d times", got)
	}
	r.proven()
	if q := r.queue(); len(q) > 1 {
		t.Errorf("%d messages in the queue, want at most the one that came last: %+v", len(q), q)
	}

	s.behave(behaviour{})
	r.start()
	s.arrived("receiving")
	r.drained()
	if got := s.total(); got != 2 {
		t.Errorf("%d deliveries, want 2", got)
	}
	if u := r.usage("acme"); u.Messages != 2 || u.Delivered != 2 {
		t.Errorf("usage %+v, want 2 delivered", u)
	}
	r.stop()
}

// TestDrain_twice ends the relay with a second signal, although a client is in
// the middle of a message.
func TestDrain_twice(t *testing.T) {
	t.Parallel()
	for _, second := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(fmt.Sprint(second), func(t *testing.T) {
			s := newSink(t, behaviour{})
			r := newRelay(t, setup{smarthost: s.addr(), retry: "1s"})
			password := r.account("acme")
			p := r.start()
			idle, busy := r.open("acme", password), r.open("acme", password)
			idle.must(t, compose("before", "a@acme.test", []string{"one@there.test"}, 2000))
			rest := busy.begin(t, compose("receiving", "a@acme.test", []string{"one@there.test"}, 1_500_000))
			p.signal(t, syscall.SIGTERM)
			told(t, idle)
			if p.ended() {
				t.Fatal("the relay did not wait for a message that was being received")
			}
			p.signal(t, second)
			if code := p.wait(t); code <= 0 {
				t.Errorf("exit code %d, want the relay to end by itself and to tell that it was cut short\n%s", code, p.log)
			}
			r.gone()
			_ = busy.write(rest) // nobody is there
			if got, err := busy.reply(); err == nil {
				t.Errorf("a message to a relay that has ended: %s", got)
			}
			r.proven()
			r.start()
			s.arrived("before")
			r.drained()
			if u := r.usage("acme"); u.Messages != 1 || u.Delivered != 1 {
				t.Errorf("usage %+v, want 1 delivered", u)
			}
			r.stop()
		})
	}
}
