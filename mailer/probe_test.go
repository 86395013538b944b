package mailer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"relay/mailer/settings"
)

func TestMailer_Probe(t *testing.T) {
	probe := func(w *world) error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		return w.mail.Probe(ctx)
	}
	inWorld(t, settings.Config{}, func(w *world) {
		if err := probe(w); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Probe before Run = %v, want %v", err, context.DeadlineExceeded)
		}
		w.run(time.Second)
		if err := probe(w); err != nil {
			t.Errorf("Probe while it runs: %v", err)
		}
		w.halt()
		if err := probe(w); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Probe after the end = %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

func TestMailer_Probe_theScheduleHangs(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		ctx, stop := context.WithCancel(context.Background())
		s := newSchedule(w.mail)
		ended := make(chan error, 1)
		go func() { ended <- s.run(ctx) }()
		release := make(chan struct{})
		s.beside.Tell(func() { <-release })
		synctest.Wait()
		limit, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := w.mail.Probe(limit); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Probe = %v, want %v", err, context.DeadlineExceeded)
		}
		close(release)
		if err := w.mail.Probe(context.Background()); err != nil {
			t.Errorf("Probe when it goes on: %v", err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
