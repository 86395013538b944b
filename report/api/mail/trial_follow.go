package mail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"relay/report/api/act"
	"relay/report/words"
	"relay/store/spooled"
	"relay/store/trace"
)

// follow shows the message's events until it has left the queue.
func (t *trial) follow(ctx context.Context) error {
	past, queued, w, err := t.s.Store.Trace.Follow(t.id)
	if err != nil {
		return err
	}
	defer w.Close()
	for i := range past {
		if err := t.event(&past[i]); err != nil {
			return err
		}
	}
	limit, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	for queued {
		list, _, err := w.Take(limit) // one message has too few events to overflow the watcher
		switch {
		case err != nil && ctx.Err() != nil:
			return over(ctx)
		case errors.Is(err, context.DeadlineExceeded):
			return t.waits()
		case err != nil:
			return err
		}
		for _, l := range list {
			if err := t.event(&l.Event); err != nil {
				return err
			}
			queued = queued && !l.Done
		}
	}
	if t.last != spooled.Delivered {
		return cmp.Or(t.failure, act.Fail(act.Refused, "{trace "+t.id.String()+"} shows what happened to it", "message %s was not delivered", t.id))
	}
	return t.failure
}

// waits is the problem of a test that ends while its message is still in the queue.
func (t *trial) waits() error {
	return act.Fail(act.Busy, fmt.Sprintf("relay keeps trying; to follow it: {trace %s --follow}", t.id),
		"message %s is still in the queue after %s", t.id, words.Span(t.timeout))
}

// event shows one event, and notes the recipient's state after it.
func (t *trial) event(e *trace.Event) error {
	if e.Kind == trace.EventAccepted {
		return nil // a step has shown it
	}
	if len(e.Recipients) == 0 {
		return t.steps.Tell(string(e.Kind), act.StepOK, "", "%s", words.English.Event(e))
	}
	o := &e.Recipients[0]
	t.last = cmp.Or(o.State, t.last)
	name, s, advice := t.judge(e, o)
	return t.goesOn(t.steps.Tell(name, s, advice, "%s", eventDetail(e, o)))
}

// eventDetail says to which host, with which TLS, in what time, and with which reply.
func eventDetail(e *trace.Event, o *trace.EventOutcome) string {
	var parts []string
	for _, s := range []string{e.NextHop, e.TLS} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if e.NextHop != "" && e.TLS == "" {
		parts = append(parts, "without TLS")
	}
	if e.Millis > 0 {
		parts = append(parts, fmt.Sprintf("%d ms", e.Millis))
	}
	said := cmp.Or(o.Reply, words.English.Event(e))
	if len(parts) == 0 {
		return said
	}
	return strings.Join(parts, ", ") + ": " + said
}

// judge says what an event means for the test.
func (t *trial) judge(e *trace.Event, o *trace.EventOutcome) (name string, s act.StepStatus, advice string) {
	switch o.State {
	case spooled.Delivered:
		return "delivered", act.StepOK, ""
	case spooled.Failed:
		return "bounced", act.StepFailed, bounceAdvice(o.Reply, t.s.Rules().Smarthost)
	case spooled.Expired:
		return "expired", act.StepFailed, "to see the earlier attempts: relay trace " + t.id.String()
	case spooled.Suppressed:
		return "suppressed", act.StepFailed, "an earlier refusal suppresses it: relay suppression lift " + e.Account + " " + o.Address
	case spooled.Dropped:
		return "dropped", act.StepFailed, "it was removed from the queue"
	case spooled.Deferred:
		advice := "relay will try again"
		if !o.Next.IsZero() {
			advice += " at " + words.Stamp(o.Next, t.s.Store.Zone())
		}
		return "deferred", act.StepWarning, advice
	}
	return string(e.Kind), act.StepOK, ""
}

// enhancedRE matches the enhanced code of a refusal (RFC 3463 §2).
var enhancedRE = regexp.MustCompile(`\b5\.\d{1,3}\.\d{1,3}\b`)

// bounceAdvice says what the operator can do about a permanent refusal of a next hop, by
// its enhanced code (RFC 3463).
func bounceAdvice(reply string, smarthost bool) string {
	code := enhancedRE.FindString(reply)
	switch {
	case strings.HasPrefix(code, "5.1."):
		return "the address is wrong or accepts no mail; test with another one"
	case strings.HasPrefix(code, "5.7.") && smarthost:
		return "the smarthost or the recipient's host refuses it by policy: check smarthost_user in [delivery], and read the reply"
	case strings.HasPrefix(code, "5.7."):
		return "the recipient's host refuses mail from here: relay check looks at PTR, SPF and address, and the reply may name a blocklist"
	case strings.HasPrefix(code, "5.4."):
		return "that domain cannot be reached; relay check tests DNS and outgoing connections"
	}
	return "the reply says why; relay trace has it too"
}
