package cli

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"relay/cli/exit"
	"relay/report/words"
	"relay/store"
)

// errStopping ends what would go on for as long as the relay does.
var errStopping = errors.New("the relay is stopping")

// followAll shows what is asked for from now on.
func (c *call) followAll(q *tracing) error {
	if c.inner == nil {
		return notRunning("nothing happens")
	}
	w := c.st.Watch(q.chooses)
	defer w.Close()
	c.note("following; Ctrl-C ends it")
	if err := c.flush(nil); err != nil {
		return err
	}
	return c.follow(w, func(l *store.Live) error { return c.writeEvent(&l.Event, l.ID.String()) }, nil)
}

// followID shows the life of a message so far, and then on to its end.
func (c *call) followID(q *tracing) error {
	past, queued, w, err := c.st.Follow(*q.id)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := q.found(past); err != nil {
		return err
	}
	if c.json {
		for i := range past {
			if err := c.line(viewEvent(&past[i])); err != nil {
				return err
			}
		}
	} else if err := c.writeTrace(past); err != nil {
		return err
	}
	switch {
	case !queued:
		return nil
	case c.inner == nil:
		return notRunning("nothing more happens to message " + q.id.String())
	}
	if err := c.flush(nil); err != nil {
		return err
	}
	return c.follow(w, func(l *store.Live) error { return c.writeEvent(&l.Event, "") }, q.id)
}

func notRunning(what string) error {
	return exit.Fail(exit.Unreachable, "start it with relay serve, or leave out --follow", "no relay is running: %s", what)
}

// follow writes the events of a watch as they come, those of the message with
// that ID to its end. It ends with whoever asked, and with the relay.
func (c *call) follow(w *store.Watch, write func(*store.Live) error, id *store.ID) error {
	ctx, cancel := c.whileRunning()
	defer cancel()
	for {
		list, missed, err := w.Take(ctx)
		if err != nil {
			if cause := context.Cause(ctx); errors.Is(cause, errStopping) {
				return exit.Fail(exit.Unreachable, "follow it again when the relay is back", "%w", cause)
			}
			return err
		}
		for _, l := range list {
			if err := c.writeLive(l, write); err != nil {
				return err
			}
			if id != nil && l.Done {
				return nil
			}
		}
		if err := c.writeMissed(missed); err != nil {
			return err
		}
		if id != nil && missed > 0 { // its end among them, perhaps
			if _, err := c.st.QueueMessage(*id); errors.Is(err, store.ErrNotFound) {
				return nil
			}
		}
		if err := c.flush(nil); err != nil {
			return err
		}
	}
}

func (c *call) writeLive(l *store.Live, write func(*store.Live) error) error {
	if !c.json {
		return write(l)
	}
	v := viewEvent(&l.Event)
	v.Done = l.Done
	return c.line(v)
}

// writeMissed says how many events came too fast for whoever reads.
func (c *call) writeMissed(n int) error {
	switch {
	case n == 0:
		return nil
	case c.json:
		return c.line(struct {
			Missed int `json:"missed"`
		}{n})
	}
	return c.say("… %s missed: they came faster than they were read", words.Plural(int64(n), "event"))
}

// line writes an object on a line of its own.
func (c *call) line(v any) error {
	e := json.NewEncoder(c.Stdout)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// whileRunning is the call's context, which also ends when the relay begins to.
// Then one who has stopped reading is not waited for.
func (c *call) whileRunning() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(c.ctx)
	go func() {
		select {
		case <-c.inner.stopping:
			cancel(errStopping)
			if out, ok := c.Stdout.(interface{ Limit(time.Time) }); ok {
				out.Limit(time.Now().Add(time.Second))
			}
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// flush sends what was written to whoever asked, unless err says that it could
// not be written.
func (c *call) flush(err error) error {
	if o := c.output(); err == nil {
		o.Flush()
	}
	return err
}
