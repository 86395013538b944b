package mailer

import (
	"context"
	"fmt"
)

// Probe goes once through the goroutine of the schedule. It fails with the
// context's cause when that does not answer before ctx ends: the schedule hangs,
// or does not run.
func (m *Mailer) Probe(ctx context.Context) error {
	select {
	case m.probes <- struct{}{}: // taken by the schedule itself
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the schedule of deliveries does not answer: %w", context.Cause(ctx))
	}
}
