package mail

import (
	"context"
	"slices"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/store/mailsyntax"
	"relay/store/spooled"
	"relay/store/trace"
)

// Traced says whose life is asked for.
type Traced struct {
	What    string `query:"what" doc:"The ID of a message, an address that mail came from or went to, @domain, or a Message-ID in <>."`
	Account string `query:"account" doc:"Only mail of this account."`
}

// Trace is the request for what happened to messages.
type Trace struct {
	act.Paging
	Traced
	Since string `query:"since" doc:"How far to look back, such as 7d. Not for an ID. Default 7d."`
}

// Life is what happened to one message, oldest event first.
type Life struct {
	ID     spooled.ID `json:"id"`
	Events []Event    `json:"events"`
}

// ListTrace lists lives, the newest message first.
var ListTrace = act.NewList(act.Spec{Name: "trace", Route: "GET /v1/trace", Summary: "What happened to mail, the newest message first", May: act.Operator}, listTrace)

func listTrace(ctx context.Context, s *act.Service, in *Trace, page *act.Page[Life]) error {
	q, err := in.Traced.ask(ctx, s)
	if err != nil {
		return err
	}
	if q.id != nil {
		return traceID(s, q, page)
	}
	if q.what == "" && q.account == "" {
		return act.Fail(act.Wrong, "", "trace needs an ID, an address or an account")
	}
	since := 7 * 24 * time.Hour
	if in.Since != "" {
		if since, err = duration("since", in.Since); err != nil {
			return err
		}
	}
	before, err := afterID(page.From)
	if err != nil {
		return err
	}
	return q.lookBack(ctx, s, before, s.Store.Now().Add(-since), page)
}

func traceID(s *act.Service, q *tracing, page *act.Page[Life]) error {
	events, err := s.Store.Trace.Of(*q.id)
	if err == nil {
		err = q.found(events)
	}
	if err != nil || page.From != "" {
		return err
	}
	return page.Add(lifeOf(events), q.id.String())
}

func lifeOf(events []trace.Event) Life {
	l := Life{ID: events[0].ID, Events: make([]Event, len(events))}
	for i := range events {
		l.Events[i] = eventOf(&events[i])
	}
	return l
}

// tracing is whose life is asked for: what both choose.
type tracing struct {
	id      *spooled.ID // of one message; nil: see what
	what    string      // an address, @domain or Message-ID; "": any
	account string      // "": any
}

// ask reads what is asked for.
func (t *Traced) ask(ctx context.Context, s *act.Service) (*tracing, error) {
	q := &tracing{what: t.What, account: t.Account}
	if q.account != "" {
		if _, err := s.Account(ctx, q.account); err != nil {
			return nil, err
		}
	}
	if q.what == "" {
		return q, nil
	}
	if id, err := spooled.ParseID(strings.ToUpper(q.what)); err == nil {
		q.id = &id
		return q, nil
	}
	inBrackets := len(q.what) > 2 && strings.HasPrefix(q.what, "<") && strings.HasSuffix(q.what, ">")
	if at := strings.Contains(q.what, "@") && len(q.what) > 1; !at && !inBrackets {
		hint := ""
		if _, err := s.Store.Books.Account(q.what); err == nil {
			hint = "mail of an account: {trace --account " + q.what + "}"
		}
		return nil, act.Fail(act.Wrong, hint, "%q is neither the ID of a message nor an address, @domain or Message-ID", q.what)
	}
	return q, nil
}

// chooses reports whether an event is one of those asked for. m is its message, where it
// is known: an attempt does not name the sender.
func (q *tracing) chooses(e *trace.Event, m *spooled.Message) bool {
	if q.account != "" && e.Account != q.account && (m == nil || m.Whose() != q.account) {
		return false
	}
	return q.what == "" || q.concerns(e) || m != nil && (q.names(m.Sender, m.MessageID) ||
		slices.ContainsFunc(m.Recipients, func(r spooled.Recipient) bool { return q.names(r.Address, "") }))
}

// concerns reports whether an event itself names what is asked for.
func (q *tracing) concerns(e *trace.Event) bool {
	return q.names(e.Sender, e.MessageID) ||
		slices.ContainsFunc(e.Recipients, func(o trace.EventOutcome) bool { return q.names(o.Address, "") })
}

func (q *tracing) names(address, messageID string) bool {
	if messageID != "" && messageID == q.what {
		return true
	}
	what := q.what
	if strings.HasPrefix(what, "<") { // as logs write addresses, too
		what = strings.Trim(what, "<>")
	}
	return mailsyntax.Matches(address, what)
}

// choosesAny is for the events of one message together.
func (q *tracing) choosesAny(events []trace.Event) bool {
	of := q.account == "" || slices.ContainsFunc(events, func(e trace.Event) bool { return e.Account == q.account })
	return of && (q.what == "" || slices.ContainsFunc(events, func(e trace.Event) bool { return q.concerns(&e) }))
}

// found fails where there is no trace of a message, or where it is another account's.
func (q *tracing) found(events []trace.Event) error {
	if len(events) == 0 {
		return act.Fail(act.NoSuch, "traces are kept as long as trace_keep says", "no trace of message %s", *q.id)
	}
	if q.account != "" && !slices.ContainsFunc(events, func(e trace.Event) bool { return e.Account == q.account }) {
		return act.Fail(act.NoSuch, "leave out --account", "message %s is not of account %s", *q.id, q.account)
	}
	return nil
}

// lookBack adds the whole life of each message that is asked for.
func (q *tracing) lookBack(ctx context.Context, s *act.Service, before spooled.ID, since time.Time, page *act.Page[Life]) error {
	var events []trace.Event // of the message being read
	next := func() error {
		if len(events) == 0 {
			return nil
		}
		key := events[0].ID.String()
		if !q.choosesAny(events) {
			return page.Pass(key)
		}
		for i := range events {
			page.Weigh(1 + len(events[i].Recipients))
		}
		return page.Add(lifeOf(events), key)
	}
	err := s.Store.Trace.Scan(before, since, func(e *trace.Event) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(events) > 0 && events[0].ID != e.ID {
			if err := next(); err != nil {
				return err
			}
			events = events[:0]
		}
		events = append(events, *e)
		return nil
	})
	if err == nil {
		err = next()
	}
	return err
}
