package mail

import (
	"time"

	"relay/report/words"
	"relay/store/spooled"
	"relay/store/trace"
)

// Event is an event in the life of a message.
type Event struct {
	ID         spooled.ID      `json:"id"`
	Time       time.Time       `json:"time"`
	Kind       trace.EventKind `json:"event"`
	Account    string          `json:"account,omitempty"`
	Sender     string          `json:"sender,omitempty"`
	Size       int64           `json:"size,omitempty"`
	MessageID  string          `json:"message_id,omitempty"`
	Client     string          `json:"client,omitempty" doc:"Address of the mail program."`
	NextHop    string          `json:"next_hop,omitempty" doc:"host[address]:port"`
	TLS        string          `json:"tls,omitempty" doc:"Version and cipher."`
	Millis     int64           `json:"ms,omitempty" doc:"How long the attempt took."`
	Reporter   string          `json:"reporter,omitempty" doc:"Domain that says that the mail bounced, or complains of it."`
	Text       string          `json:"text,omitempty"`
	Recipients []Outcome       `json:"recipients,omitempty"`
	Done       bool            `json:"done,omitempty" doc:"The message has left the queue with it; only of events as they happen."`
}

// Outcome is one recipient's part in an event.
type Outcome struct {
	trace.EventOutcome
	RemoteID string `json:"remote_id,omitempty" doc:"The message's name at the next hop that took it."`
}

func eventOf(e *trace.Event) Event {
	v := Event{ID: e.ID, Time: e.Time, Kind: e.Kind, Account: e.Account, Sender: e.Sender, Size: e.Size, MessageID: e.MessageID,
		Client: e.Client, NextHop: e.NextHop, TLS: e.TLS, Millis: e.Millis, Reporter: e.Reporter, Text: words.English.Event(e)}
	for _, o := range e.Recipients {
		out := Outcome{EventOutcome: o}
		if o.State == spooled.Delivered {
			out.RemoteID = remoteID(o.Reply)
		}
		v.Recipients = append(v.Recipients, out)
	}
	return v
}
