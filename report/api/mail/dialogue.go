package mail

import (
	"context"
	"strings"
	"time"

	"relay/report/api/act"
)

// Dialogue is what was said in an attempt that did not reach all its recipients.
type Dialogue struct {
	Time   time.Time `json:"time" doc:"When the attempt spoke to its first host."`
	Domain string    `json:"domain" doc:"One of those that the attempt was for."`
	Lines  []string  `json:"lines" doc:"C: what relay said. S: what the next hop said, its lines joined. --: which host, or what happened. The content is only counted, and what logs in is struck out; a command stands before its reply, also where several left at once."`
}

// TraceName is a request on the trace of one message.
type TraceName struct {
	ID string `path:"id"`
}

// Dialogues is the act that shows what was said in the last attempts of a message.
var Dialogues = act.New(act.Spec{Name: "trace smtp", Route: "GET /v1/trace/{id}/smtp", Summary: "What was said in the last attempts at a message that failed or were put off", May: act.Operator}, dialogues)

func dialogues(_ context.Context, s *act.Service, in *TraceName) (*[]Dialogue, error) {
	id, err := parseID(in.ID)
	if err != nil {
		return nil, err
	}
	events, err := s.Store.Trace.Of(id)
	if err == nil {
		err = (&tracing{id: &id}).found(events)
	}
	if err != nil {
		return nil, err
	}
	list, err := s.Store.Trace.Dialogues(id)
	if err != nil {
		return nil, err
	}
	out := make([]Dialogue, len(list))
	for i := range list {
		out[i] = Dialogue{list[i].Time, list[i].Domain, strings.Split(strings.TrimSuffix(string(list[i].Lines), "\n"), "\n")}
	}
	return &out, nil
}
