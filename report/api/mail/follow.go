package mail

import (
	"cmp"
	"context"
	"errors"

	"relay/report/api/act"
	"relay/store"
	"relay/store/spooled"
	"relay/store/trace"
)

// Follow is the request for events of mail from now on; for one message also for its
// earlier events.
type Follow struct{ Traced }

// Live is an event as it happens, or a number of events that came faster than they were
// read.
type Live struct {
	*Event
	Missed int `json:"missed,omitempty"`
}

// FollowTrace follows all that is asked for, or one message to its end.
var FollowTrace = act.NewStream(act.Spec{Name: "trace follow", Route: "GET /v1/trace/follow", Summary: "What happens to mail, as it happens", May: act.Operator}, followTrace)

func followTrace(ctx context.Context, s *act.Service, in *Follow, give func(*Live) error) error {
	q, err := in.Traced.ask(ctx, s)
	if err != nil {
		return err
	}
	f := &follower{s: s, give: give, id: q.id}
	if q.id != nil {
		return f.message(ctx, q)
	}
	if s.Running == nil {
		return notRunning("nothing happens")
	}
	w := s.Store.Trace.Watch(q.chooses)
	defer w.Close()
	if err := give(nil); err != nil {
		return err
	}
	return f.follow(ctx, w)
}

func notRunning(what string) error {
	return act.Fail(act.Unreachable, "start it with {serve}, or leave out --follow", "no relay is running: %s", what)
}

type follower struct {
	s    *act.Service
	give func(*Live) error
	id   *spooled.ID // of the message that is followed to its end; nil: there is none
}

// message gives the life of a message so far, and then on to its end.
func (f *follower) message(ctx context.Context, q *tracing) error {
	past, queued, w, err := f.s.Store.Trace.Follow(*q.id)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := q.found(past); err != nil {
		return err
	}
	for i := range past {
		v := eventOf(&past[i])
		if err := f.give(&Live{Event: &v}); err != nil {
			return err
		}
	}
	switch {
	case !queued:
		return nil
	case f.s.Running == nil:
		return notRunning("nothing more happens to message " + q.id.String())
	}
	return f.follow(ctx, w)
}

// follow gives the events of a watch as they come, those of one message to its end. It
// ends with the client, and with the relay.
func (f *follower) follow(ctx context.Context, w *trace.Watch) error {
	ctx, cancel := f.s.Running.While(ctx)
	defer cancel()
	for {
		list, missed, err := w.Take(ctx)
		if err != nil {
			return cmp.Or(act.Stopped(ctx, "follow it again when the relay is back"), err)
		}
		for _, l := range list {
			if err := f.live(l); err != nil {
				return err
			}
			if f.id != nil && l.Done {
				return nil
			}
		}
		if missed == 0 {
			continue
		}
		if err := f.give(&Live{Missed: missed}); err != nil {
			return err
		}
		if f.id != nil { // its end among them, perhaps
			if _, err := f.s.Store.Spool.QueueMessage(*f.id); errors.Is(err, store.ErrNotFound) {
				return nil
			}
		}
	}
}

func (f *follower) live(l *trace.Live) error {
	v := eventOf(&l.Event)
	v.Done = l.Done
	return f.give(&Live{Event: &v})
}
